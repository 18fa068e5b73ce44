"""One request to the token endpoint.

What lives here: sending a grant with the portal's proof of identity, and reading the answer.
Not here: which grant (`login.py`, `refresh.py`) and whether the ID token holds (`id_token.py`).

Source  RFC 6749 §4.1.3, §5.1, §5.2; RFC 6750 §4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from clients.sdk.client_auth import ClientCredentials
from clients.sdk.errors import ProviderUnavailable, TokenAnswerMalformed, TokenRequestRefused
from clients.sdk.model import Metadata, Secret, text_claim
from clients.sdk.transport import HttpAnswer, HttpRequest, Transport

_ERROR_CODE = re.compile(r"[a-z_]{1,64}\Z")
_LIFETIME_AT_MOST_S = 366 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """What a 200 of the token endpoint said; the ID token is **not** verified."""

    access_token: Secret
    unverified_id_token: Secret | None
    refresh_token: Secret | None
    expires_at: datetime | None
    scope: tuple[str, ...] | None


def request_tokens(
    form: Mapping[str, str],
    *,
    transport: Transport,
    metadata: Metadata,
    credentials: ClientCredentials,
    now: datetime,
) -> TokenAnswer:
    """Send one grant.

    Raises  TokenRequestRefused (carries the error code); TokenAnswerMalformed;
            ProviderUnavailable, after which nobody knows whether the grant was spent.
    """
    headers, members = credentials.prove(issuer=metadata.issuer, now=now)
    answer = transport.send(
        HttpRequest(
            where="token",
            method="POST",
            url=metadata.token_endpoint,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
                **headers,
            },
            body=urlencode({**form, **members}).encode("ascii"),
        )
    )
    if answer.status >= 500 or answer.status == 429:
        raise ProviderUnavailable("token", reason=f"status_{answer.status}")
    document = _read(answer)
    if answer.status != 200:
        error = text_claim(document, "error") or ""
        known = error if _ERROR_CODE.match(error) else "unknown_error"
        raise TokenRequestRefused(known, status=answer.status)
    return _parse(document, now=now)


def _read(answer: HttpAnswer) -> Mapping[str, object]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        if answer.status != 200:
            return {}
        raise TokenAnswerMalformed("not_json") from error
    if isinstance(document, dict):
        return document
    if answer.status != 200:
        return {}
    raise TokenAnswerMalformed("not_an_object")


def _parse(document: Mapping[str, object], *, now: datetime) -> TokenAnswer:
    access_token = text_claim(document, "access_token")
    if access_token is None or not access_token.isascii():
        raise TokenAnswerMalformed("access_token")
    # RFC 6749 §7.1: a token of a type that is not understood MUST NOT be used.
    if (text_claim(document, "token_type") or "").lower() != "bearer":
        raise TokenAnswerMalformed("token_type")
    scope = text_claim(document, "scope")
    return TokenAnswer(
        access_token=Secret(access_token),
        unverified_id_token=_secret(document, "id_token"),
        refresh_token=_secret(document, "refresh_token"),
        expires_at=_expiry(document, now=now),
        scope=None if scope is None else tuple(scope.split()),
    )


def _secret(document: Mapping[str, object], name: str) -> Secret | None:
    value = text_claim(document, name)
    return None if value is None else Secret(value)


def _expiry(document: Mapping[str, object], *, now: datetime) -> datetime | None:
    value = document.get("expires_in")
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return now + timedelta(seconds=min(value, _LIFETIME_AT_MOST_S))
