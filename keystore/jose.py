"""The one JOSE door of the service: sign a JWT, verify a JWS or JWT, take a JWK Set.

What lives here: everything of ours that touches joserfc.  `verify_jwt` does signature **and**
claims; there is no half of it to forget, and nobody else makes `VerifiedClaims`.  A key is chosen
from the caller's set only: keys and addresses of keys in a header are refused.  Symmetric
algorithms and `none` do not exist here: whoever can verify with HS256 can also forge, and a public
key taken for its secret is the oldest attack on JWT.  Source: RFC 7515, 7517, 7518, 7519, 8037,
8725, 9864.  Not here: JWE, which nothing uses; private keys, which are handles of the keyring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NewType, Protocol

import msgspec
from joserfc.errors import JoseError as ForeignJoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from keystore.base64url import from_base64url, to_base64url
from keystore.claims import Expected, check_claims
from keystore.errors import (
    AlgorithmRefused,
    ClaimInvalid,
    HeaderRefused,
    JoseError,
    JwsMalformed,
    KeySetInvalid,
    KeyUnknown,
    SignatureInvalid,
)
from keystore.strict_json import read_json_object
from keystore.token_hashes import half_hash, s256
from keystore.weak_keys import find_rsa_weakness

__all__ = [
    "ALGORITHMS",
    "EMPTY_KEY_SET",
    "JoseError",
    "KeySet",
    "TokenKey",
    "VerifiedClaims",
    "half_hash",
    "import_own_keys",
    "parse_jwks",
    "s256",
    "sign_jwt",
    "unverified_issuer",
    "unverified_kid",
    "verify_jws",
    "verify_jwt",
]

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, Any])
"""Claims whose signature and registered claims were checked; only `verify_jwt` makes them."""

_ALGORITHMS_OF: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
}
ALGORITHMS: Final = frozenset().union(*_ALGORITHMS_OF.values())
"""All that can be verified here; each caller names the few that it allows."""

MAX_TOKEN_CHARS: Final = 16 * 1024
MAX_KEY_SET_BYTES: Final = 64 * 1024
MAX_KEYS: Final = 32
_MAX_KID_CHARS: Final = 256
_KNOWN_HEADERS: Final = 64

_REFUSED_PARAMETERS: Final = ("crit", "b64", "jwk", "jku", "x5u")
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")
_COORDINATE_BYTES: Final = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}
_SAME_ALGORITHM: Final = {"EdDSA": "Ed25519", "Ed25519": "EdDSA"}  # RFC 9864 §2.2

_models: Final = {name: JWSRegistry.algorithms[name] for name in ALGORITHMS}
_encode: Final = msgspec.json.Encoder().encode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode


class TokenKey(Protocol):
    """What signs: a handle of the keyring."""

    @property
    def kid(self) -> str:
        """Names the key in the published JWK Set."""

    @property
    def algorithm(self) -> str:
        """The JOSE name of its one algorithm."""

    def sign(self, message: bytes, *, content: str) -> bytes:
        """The signature as JOSE writes it; refuses a content that the key is not for."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One imported public key and the algorithms that it may verify."""

    kid: str | None
    algorithms: frozenset[str]
    imported: ECKey | RSAKey | OKPKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Header:
    algorithm: str
    kid: str | None
    typ: str | None


@dataclass(frozen=True, slots=True)
class KeySet:
    """Public keys to verify with; immutable, shared by threads.

    It remembers the headers of tokens that verified: all tokens of one key and kind share one.
    """

    keys: tuple[PublicKey, ...]
    known: dict[bytes, tuple[_Header, PublicKey]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def find(self, *, kid: str | None, algorithm: str) -> PublicKey | None:
        """The one key that fits, or None when none or several do."""
        fitting = [key for key in self.keys if algorithm in key.algorithms]
        if kid is not None:
            named = [key for key in fitting if key.kid == kid]
            fitting = named or [key for key in fitting if key.kid is None]
        return fitting[0] if len(fitting) == 1 else None


EMPTY_KEY_SET: Final = KeySet(keys=())


def sign_jwt(claims: Mapping[str, Any], *, key: TokenKey, typ: str) -> str:
    """Issue a JWT in compact serialization.

    Takes   claims: JSON values; typ: the media type without `application/`, for example `at+jwt`.
    Raises  KeyPurposeRefused when the key is not for this kind of token.
    Source  RFC 7515 §7.1; RFC 8725 §3.11 (explicit typing).
    """
    header, content = _signing_header(key.kid, key.algorithm, typ)
    message = header + to_base64url(_encode(claims))
    signature = key.sign(message, content=content)
    return (message + b"." + to_base64url(signature)).decode("ascii")


def verify_jws(raw: str, *, keys: KeySet, allowed_algorithms: frozenset[str]) -> bytes:
    """Verify the signature of a compact JWS and return its payload; no claim is looked at.

    1. At most 16 KiB of ASCII in three segments of canonical base64url.
    2. The header is a JSON object; `crit`, `b64`, `jwk`, `jku` and `x5u` are refused.
    3. `alg` is allowed by the caller.
    4. Exactly one key of the set has the `kid`, or none is named, and is for this `alg`.
    5. The signature verifies.

    Raises  JwsMalformed, HeaderRefused, AlgorithmRefused, KeyUnknown, SignatureInvalid.
    Source  RFC 7515 §5.2; RFC 8725 §3.1, §3.2, §3.10.
    """
    return _verify(raw, keys=keys, allowed_algorithms=allowed_algorithms)[1]


def verify_jwt(
    raw: str,
    *,
    keys: KeySet,
    allowed_algorithms: frozenset[str],
    expected_typ: frozenset[str] | None,
    expected_issuer: str | None,
    expected_audience: str | frozenset[str] | None,
    now: datetime,
    leeway_s: int = 0,
    required: frozenset[str] = frozenset({"exp"}),
    allow_expired: bool = False,
) -> VerifiedClaims:
    """Verify signature and registered claims of a JWT.

    Takes   expected_typ: accepted `typ` values, lower case, without `application/`; the empty
            string among them accepts a token without `typ`; None accepts any.
            expected_audience: the one value, or several of which one must be in `aud`.
            leeway_s: seconds that clocks may differ; for tokens of our own hosts 0 is too strict.
            required: claims that must be there; allow_expired: for `id_token_hint` alone.
    Returns the payload; what a kind of token demands beyond RFC 7519 the caller checks.
    Raises  as `verify_jws`, and ClaimInvalid, TokenExpired, TokenNotYetValid.
    Source  RFC 7519 §7.2; RFC 8725 §3.
    """
    header, payload = _verify(raw, keys=keys, allowed_algorithms=allowed_algorithms)
    if expected_typ is not None and (header.typ or "") not in expected_typ:
        raise ClaimInvalid("typ", reason="unexpected" if header.typ else "missing")
    try:
        claims = read_json_object(payload)
    except ValueError as failure:
        raise ClaimInvalid("payload", reason=str(failure)) from failure
    expected = Expected(
        issuer=expected_issuer,
        audience=expected_audience,
        now=now,
        leeway_s=leeway_s,
        required=required,
        allow_expired=allow_expired,
    )
    check_claims(claims, expected=expected)
    return VerifiedClaims(claims)


def parse_jwks(raw: Mapping[str, Any] | bytes) -> KeySet:
    """Take a JWK Set from outside: public keys for signatures.

    Keys for encryption, of other types, curves or algorithms are left out (RFC 7517 §5).  The
    whole set is refused when it shows private or symmetric keys, names two keys alike, or holds a
    weak or broken key: RFC 7517 would let us pass over the last, but its owner should know.

    Takes   raw: the object `{"keys": […]}` or its JSON, at most 64 KiB and 32 keys.
    Raises  KeySetInvalid (carries a reason word).
    Does not compute the same set twice: results are remembered by content.
    """
    encoded = raw if isinstance(raw, bytes) else _encode_sorted(raw)
    if len(encoded) > MAX_KEY_SET_BYTES:
        raise KeySetInvalid("too_large")
    return _parse_key_set(encoded)


def import_own_keys(jwks: Sequence[Mapping[str, str]]) -> KeySet:
    """Public keys that we made ourselves, as many as there are."""
    keys = (_import(dict(jwk)) for jwk in jwks)
    return KeySet(keys=tuple(key for key in keys if key is not None))


def unverified_kid(raw: str) -> str | None:
    """The `kid` that a token names; **not verified**.  None when it cannot be read."""
    header = _unverified_object(raw, segment=0)
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def unverified_issuer(raw: str) -> str | None:
    """The `iss` that a token claims, to find its keys; **not verified**."""
    issuer = _unverified_object(raw, segment=1).get("iss")
    return issuer if isinstance(issuer, str) else None


def _verify(raw: str, *, keys: KeySet, allowed_algorithms: frozenset[str]) -> tuple[_Header, bytes]:
    # 1
    if len(raw) > MAX_TOKEN_CHARS:
        raise JwsMalformed("too_large")
    try:
        token = raw.encode("ascii")
    except UnicodeEncodeError as failure:
        raise JwsMalformed("not_ascii") from failure
    segments = token.split(b".", 3)
    if len(segments) != 3:
        raise JwsMalformed("not_three_segments")
    header_segment, payload_segment, signature_segment = segments
    known = keys.known.get(header_segment)
    # 2
    header = known[0] if known else _read_header(header_segment)
    # 3
    algorithm = header.algorithm
    if algorithm not in allowed_algorithms or algorithm not in ALGORITHMS:
        raise AlgorithmRefused
    # 4
    key = known[1] if known else keys.find(kid=header.kid, algorithm=algorithm)
    if key is None:
        raise KeyUnknown(header.kid)
    # 5
    signature, payload = _decode(signature_segment), _decode(payload_segment)
    message = token[: -len(signature_segment) - 1]
    if not signature or not _models[algorithm].verify(message, signature, key.imported):
        raise SignatureInvalid
    if known is None and len(keys.known) < _KNOWN_HEADERS:
        keys.known[header_segment] = (header, key)
    return header, payload


def _decode(segment: bytes) -> bytes:
    try:
        return from_base64url(segment)
    except ValueError as failure:
        raise JwsMalformed("base64url") from failure


def _read_header(segment: bytes) -> _Header:
    try:
        header = read_json_object(from_base64url(segment))
    except ValueError as failure:
        raise JwsMalformed("header") from failure
    for parameter in _REFUSED_PARAMETERS:
        # We understand no extension, so a critical one MUST make us refuse (RFC 7515 §4.1.11);
        # `jku`, `x5u` and `jwk` are ways to bring one's own key (RFC 8725 §3.10).
        if parameter in header:
            raise HeaderRefused(parameter)
    algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str):
        raise AlgorithmRefused
    if kid is not None and not isinstance(kid, str):
        raise HeaderRefused("kid")
    if typ is not None and not isinstance(typ, str):
        raise HeaderRefused("typ")
    return _Header(algorithm=algorithm, kid=kid, typ=None if typ is None else _media_type(typ))


def _media_type(typ: str) -> str:
    # RFC 7515 §4.1.9: compared without case; `application/` is implied when no other slash is there
    lowered = typ.lower()
    shorter = lowered.removeprefix("application/")
    return lowered if "/" in shorter else shorter


@lru_cache(maxsize=256)
def _parse_key_set(encoded: bytes) -> KeySet:
    try:
        members = read_json_object(encoded).get("keys")
    except ValueError as failure:
        raise KeySetInvalid(str(failure)) from failure
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise KeySetInvalid("keys_member")
    if not all(isinstance(member, dict) for member in members):
        raise KeySetInvalid("keys_member")
    if any(_PRIVATE_MEMBERS & member.keys() or member.get("kty") == "oct" for member in members):
        raise KeySetInvalid("private_key")
    keys = tuple(key for member in members if (key := _import(member)) is not None)
    named = [key.kid for key in keys if key.kid is not None]
    if len(set(named)) != len(named):
        raise KeySetInvalid("duplicate_kid")
    if not keys:
        raise KeySetInvalid("no_usable_key")
    return KeySet(keys=keys)


def _import(member: dict[str, Any]) -> PublicKey | None:
    kty, crv = member.get("kty"), member.get("crv")
    if not isinstance(kty, str) or not isinstance(crv, str | None):
        raise KeySetInvalid("malformed_key")
    algorithms = _ALGORITHMS_OF.get((kty, None if kty == "RSA" else crv))
    if algorithms is None or member.get("use", "sig") != "sig":
        return None
    operations, declared = member.get("key_ops", ["verify"]), member.get("alg")
    if not isinstance(operations, list) or not isinstance(declared, str | None):
        raise KeySetInvalid("malformed_key")
    if "verify" not in operations:
        return None
    if declared is not None:
        algorithms &= {declared, _SAME_ALGORITHM.get(declared, declared)}
        if not algorithms:
            return None
    kid = member.get("kid")
    if kid is not None and (not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID_CHARS):
        raise KeySetInvalid("malformed_key")
    _check_numbers(member, kty=kty)
    try:
        # only what makes the key: use, alg and key_ops were judged above, once
        bare: dict[str, str | list[str]] = {
            name: member[name] for name in _PUBLIC_MEMBERS if name in member
        }
        imported = import_key(bare)
    except (ForeignJoseError, ValueError, TypeError) as failure:
        raise KeySetInvalid("malformed_key") from failure
    if not isinstance(imported, ECKey | RSAKey | OKPKey):
        raise KeySetInvalid("malformed_key")
    return PublicKey(kid=kid, algorithms=algorithms, imported=imported)


def _check_numbers(member: dict[str, Any], *, kty: str) -> None:
    names = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}[kty]
    try:
        values = [from_base64url(member[name].encode("ascii")) for name in names]
    except (KeyError, AttributeError, ValueError) as failure:
        raise KeySetInvalid("malformed_key") from failure
    if kty == "RSA":
        modulus, exponent = (int.from_bytes(value, "big") for value in values)
        if weakness := find_rsa_weakness(modulus=modulus, exponent=exponent):
            raise KeySetInvalid(weakness)
    elif any(len(value) != _COORDINATE_BYTES[member["crv"]] for value in values):
        raise KeySetInvalid("malformed_key")  # RFC 7518 §6.2.1.2: the full size of the curve


@lru_cache(maxsize=256)
def _signing_header(kid: str, algorithm: str, typ: str) -> tuple[bytes, str]:
    header = _encode({"alg": algorithm, "typ": typ, "kid": kid})
    return to_base64url(header) + b".", f"jwt:{typ}"


def _unverified_object(raw: str, *, segment: int) -> dict[str, Any]:
    segments = raw.split(".", 3)
    if len(raw) > MAX_TOKEN_CHARS or len(segments) != 3:
        return {}
    try:
        return read_json_object(from_base64url(segments[segment].encode("ascii")))
    except ValueError:
        return {}
