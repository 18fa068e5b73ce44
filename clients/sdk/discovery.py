"""The provider's metadata: fetched, checked, kept.

What lives here: OIDC Discovery 1.0 §4 with the issuer check that everything else rests on.
Metadata that fails a check is never used in part.
"""

from __future__ import annotations

import ipaddress
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from clients.sdk.cache import CachedDocument, Fetched, stated_lifetime
from clients.sdk.errors import MetadataInvalid, ProviderUnavailable
from clients.sdk.model import Metadata
from clients.sdk.transport import HttpRequest, Transport

_COOLDOWN = timedelta(seconds=30)


class Discovery:
    """The metadata of one issuer."""

    def __init__(self, issuer: str, *, transport: Transport) -> None:
        """Fetch nothing yet.

        Takes   issuer: as the provider spells it, https, or http on the loopback interface.
        Raises  MetadataInvalid when the issuer itself may not be used.
        """
        check_address(issuer, name="issuer")
        self._issuer = issuer
        self._transport = transport
        self._document = CachedDocument(self._fetch, cooldown=_COOLDOWN)

    def metadata(self, *, now: datetime) -> Metadata:
        """Return the checked metadata.

        Raises  ProviderUnavailable; MetadataInvalid.
        """
        return self._document.get(now=now)

    def _fetch(self) -> Fetched[Metadata]:
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        answer = self._transport.send(
            HttpRequest(
                where="metadata", method="GET", url=url, headers={"Accept": "application/json"}
            )
        )
        if answer.status != 200:
            raise ProviderUnavailable("metadata", reason=f"status_{answer.status}")
        metadata = verify_metadata(answer.body, expected_issuer=self._issuer)
        return Fetched(metadata, lifetime=stated_lifetime(answer))


def verify_metadata(raw: bytes, *, expected_issuer: str) -> Metadata:
    """Check a metadata document and return what the portal uses of it.

    Takes   raw: JSON, UTF-8.
    Raises  MetadataInvalid.
    Source  OIDC Discovery 1.0 §3, §4.3; RFC 9207 §3.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MetadataInvalid("not_json") from error
    if not isinstance(document, dict):
        raise MetadataInvalid("not_an_object")
    # §4.3: the issuer MUST be identical to the one that was asked, or another provider could
    # pass itself off as this one.
    if document.get("issuer") != expected_issuer:
        raise MetadataInvalid("issuer_differs")
    if "code" not in _texts(document, "response_types_supported"):
        raise MetadataInvalid("code_flow_not_offered")
    methods = document.get("code_challenge_methods_supported")
    if methods is not None and "S256" not in _texts(document, "code_challenge_methods_supported"):
        raise MetadataInvalid("pkce_s256_not_offered")
    return Metadata(
        issuer=expected_issuer,
        authorization_endpoint=_address(document, "authorization_endpoint"),
        token_endpoint=_address(document, "token_endpoint"),
        jwks_uri=_address(document, "jwks_uri"),
        userinfo_endpoint=_optional_address(document, "userinfo_endpoint"),
        end_session_endpoint=_optional_address(document, "end_session_endpoint"),
        has_iss_in_response=(
            document.get("authorization_response_iss_parameter_supported") is True
        ),
    )


def check_address(url: str, *, name: str) -> None:
    """Let https pass, and http only where it cannot leave this machine.

    Raises  MetadataInvalid.
    Source  OIDC Core §3.1.2.1, §16.17: TLS is a MUST.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise MetadataInvalid(f"{name}_unreadable") from error
    if not host or parts.username is not None or parts.fragment:
        raise MetadataInvalid(f"{name}_unreadable")
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return
    raise MetadataInvalid(f"{name}_not_https")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(document: dict[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise MetadataInvalid(f"{name}_missing")
    check_address(value, name=name)
    return value


def _optional_address(document: dict[str, object], name: str) -> str | None:
    return None if document.get(name) is None else _address(document, name)


def _texts(document: dict[str, object], name: str) -> list[str]:
    value = document.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
