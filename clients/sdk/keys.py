"""The provider's public keys: fetched, kept, fetched again when a new `kid` turns up.

What lives here: the JWK set and the choice of one key in it.  A key is only ever chosen for the
one algorithm that the portal expects; private and symmetric keys in a set are not used.

Source  OIDC Core §10.1 (rotation), §10.1.1; RFC 7517 §5.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from clients.sdk.cache import CachedDocument, Fetched, stated_lifetime
from clients.sdk.errors import KeyUnknown, ProviderUnavailable
from clients.sdk.jose import KEY_TYPE_OF, PublicKey
from clients.sdk.transport import HttpRequest, Transport

_KEYS_AT_MOST = 100
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SMALLEST_RSA_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """One key of the set that may verify something."""

    kid: str | None
    kind: str
    curve: str | None
    algorithm: str | None
    key: PublicKey = field(repr=False)

    def fits(self, algorithm: str) -> bool:
        """Say whether this key may verify that algorithm."""
        kind, curve = KEY_TYPE_OF[algorithm]
        return (
            self.kind == kind
            and (curve is None or self.curve == curve)
            and self.algorithm in {None, algorithm}
        )


class ProviderKeys:
    """The JWK set of the provider; safe to share between threads."""

    def __init__(
        self,
        *,
        transport: Transport,
        jwks_uri: Callable[[datetime], str],
        now: Callable[[], datetime],
        cooldown: timedelta = timedelta(seconds=30),
    ) -> None:
        """Fetch nothing yet.

        Takes   jwks_uri: asked at each fetch; cooldown: least time between two forced fetches.
        """
        self._transport = transport
        self._jwks_uri = jwks_uri
        self._now = now
        self._document = CachedDocument(self._fetch, cooldown=cooldown)

    def get_key(self, *, kid: str | None, algorithm: str, now: datetime) -> PublicKey:
        """Return the one key that may verify a token with this header.

        A `kid` that is not in the set makes it be fetched again, once per cooldown at most: the
        provider may have rotated its keys since.

        Raises  KeyUnknown; ProviderUnavailable.
        Source  OIDC Core §10.1: without `kid` there must be exactly one key that fits.
        """
        known = self._document.get(now=now)
        found = _choose(known, kid=kid, algorithm=algorithm)
        if found is None:
            newer = self._document.get_newer(known, now=now)
            found = _choose(newer, kid=kid, algorithm=algorithm)
        if found is None:
            raise KeyUnknown
        return found.key

    def _fetch(self) -> Fetched[tuple[PublishedKey, ...]]:
        answer = self._transport.send(
            HttpRequest(
                where="jwks",
                method="GET",
                url=self._jwks_uri(self._now()),
                headers={"Accept": "application/jwk-set+json, application/json"},
            )
        )
        if answer.status != 200:
            raise ProviderUnavailable("jwks", reason=f"status_{answer.status}")
        return Fetched(parse_jwk_set(answer.body), lifetime=stated_lifetime(answer))


def parse_jwk_set(raw: bytes) -> tuple[PublishedKey, ...]:
    """Read a JWK set, leaving out every key that cannot verify a token of ours.

    Takes   raw: JSON, UTF-8.
    Raises  ProviderUnavailable when it is no JWK set at all.
    Source  RFC 7517 §5: keys that are not understood are ignored, not refused.
    """
    try:
        document = json.loads(raw)
        entries = document["keys"]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise ProviderUnavailable("jwks", reason="not_a_jwk_set") from error
    if not isinstance(entries, list) or len(entries) > _KEYS_AT_MOST:
        raise ProviderUnavailable("jwks", reason="not_a_jwk_set")
    read = (_read_key(entry) for entry in entries if isinstance(entry, dict))
    return tuple(key for key in read if key is not None)


def _choose(
    keys: tuple[PublishedKey, ...], *, kid: str | None, algorithm: str
) -> PublishedKey | None:
    fitting = [key for key in keys if key.fits(algorithm) and (kid is None or key.kid == kid)]
    return fitting[0] if len(fitting) == 1 else None


def _read_key(entry: dict[str, object]) -> PublishedKey | None:
    if entry.get("use") not in {None, "sig"} or _PRIVATE_MEMBERS & entry.keys():
        return None
    key = _import(entry)
    if key is None:
        return None
    return PublishedKey(
        kid=_text(entry, "kid"),
        kind=key.key_type,
        curve=_text(entry, "crv"),
        algorithm=_text(entry, "alg"),
        key=key,
    )


def _import(entry: dict[str, object]) -> PublicKey | None:
    # Only what is needed goes in: `key_ops`, `x5c` and whatever else a set may carry decide
    # nothing here, and must not be able to make a good key unreadable.
    plain = {
        name: value
        for name, value in entry.items()
        if name in {"kty", "crv", "x", "y", "n", "e"} and isinstance(value, str)
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            match plain.get("kty"):
                case "EC":
                    return ECKey.import_key(dict(plain))
                case "RSA":
                    rsa = RSAKey.import_key(dict(plain))
                    return rsa if rsa.raw_value.key_size >= _SMALLEST_RSA_BITS else None
                case _:
                    return None
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def _text(entry: dict[str, object], name: str) -> str | None:
    value = entry.get(name)
    return value if isinstance(value, str) else None
