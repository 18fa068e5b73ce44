"""Password hashes that come from older systems: reading them, bounding them, computing them again.

What lives here: bcrypt (`$2a$ $2b$ $2y$`, Django's `bcrypt$` and `bcrypt_sha256$`), PBKDF2 with
SHA-1, SHA-256 and SHA-512 (`$pbkdf2…$` in PHC and passlib form, Django's `pbkdf2_…$`) and argon2
(PHC, Django's `argon2$…`).  Anything else is refused: an MD5 of 2009 protects nobody.

What it costs to check an imported hash is chosen by whoever wrote the file, so it is bounded: at
the bounds below one check takes about a second, more would let a few sign-ins hold every worker.
A hash that is too cheap is taken: it is wrapped (see `passwords`), which makes it as dear as ours.
Not here: deciding whether a password is right.
Source: RFC 8018 §5.2; RFC 9106; the PHC string format; Django's password hashers (names only).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import bcrypt
from argon2.low_level import Type, hash_secret_raw

from idp.accounts.errors import ForeignHashRefused

MAX_ENCODED_CHARS: Final = 512
MAX_BCRYPT_COST: Final = 14
MIN_BCRYPT_COST: Final = 4
MAX_PBKDF2_ROUNDS: Final = 3_000_000
"""Iterations times output blocks.  Django 6 writes 1,200,000."""
MAX_ARGON2_MEMORY_KIB: Final = 131_072
MAX_ARGON2_WORK_KIB: Final = 1_048_576
"""Memory times passes.  Django writes 102,400 KiB and two passes."""
MAX_ARGON2_LANES: Final = 16

_SALT_BYTES: Final = range(4, 129)
_DIGEST_BYTES: Final = range(16, 65)
_BCRYPT_BYTES: Final = 72
_BCRYPT: Final = re.compile(r"\$(2[aby])\$([0-9]{2})\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")
_ARGON2: Final = re.compile(
    r"\$argon2(id|i|d)\$(?:v=([0-9]{1,3})\$)?m=([0-9]{1,8}),t=([0-9]{1,8}),p=([0-9]{1,4})"
    r"\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)"
)
_PHC_PBKDF2: Final = re.compile(
    r"\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?([0-9]{1,9})(?:,l=([0-9]{1,4}))?"
    r"\$([A-Za-z0-9+/.]+=*)\$([A-Za-z0-9+/.]+=*)"
)
_DJANGO_PBKDF2: Final = re.compile(
    r"pbkdf2_(sha1|sha256|sha512)\$([0-9]{1,9})\$([^$]{1,128})\$([A-Za-z0-9+/=]+)"
)
_HASH_BYTES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}
_ARGON2_TYPES: Final = {"id": Type.ID, "i": Type.I, "d": Type.D}
_ARGON2_VERSIONS: Final = frozenset({16, 19})


@dataclass(frozen=True, slots=True)
class ForeignHash:
    """An imported hash, taken apart.

    `scheme` is the algorithm with all that decides its cost, fields separated by colons; `salt` as
    the algorithm wants it, base64url except for bcrypt; `digest` what it gave, as text.
    """

    scheme: str
    salt: str = field(repr=False)
    digest: str = field(repr=False)


def parse_foreign_hash(encoded: str) -> ForeignHash:
    """Take an encoded hash apart.

    Raises  ForeignHashRefused: malformed, of an unsupported kind, or too costly to check.
    """
    if len(encoded) > MAX_ENCODED_CHARS:
        raise ForeignHashRefused("password_hash_malformed")
    for prefix, parse in _PARSERS:
        if encoded.startswith(prefix):
            return parse(encoded)
    raise ForeignHashRefused("password_hash_unsupported")


def compute_foreign(scheme: str, *, salt: str, password: bytes) -> str:
    """Compute the digest again; the caller compares.

    Takes   scheme, salt: as `parse_foreign_hash` returned them; password: bytes without NUL.
    """
    algorithm, *fields = scheme.split(":")
    return _COMPUTE[algorithm](fields, salt, password)


def decoy_salt(scheme: str) -> str:
    """A salt with which `scheme` costs what it costs for a real account."""
    return "." * 22 if scheme.startswith("bcrypt") else "AAAAAAAAAAAAAAAAAAAAAA=="


def _parse_bcrypt(encoded: str, *, algorithm: str = "bcrypt") -> ForeignHash:
    match = _BCRYPT.fullmatch(encoded)
    if match is None or int(match[2]) < MIN_BCRYPT_COST:
        raise ForeignHashRefused("password_hash_malformed")
    if int(match[2]) > MAX_BCRYPT_COST:
        raise ForeignHashRefused("password_hash_too_costly")
    # 2a, 2b and 2y differ only in bugs of old implementations; this library computes 2b
    return ForeignHash(f"{algorithm}:{int(match[2])}", _canonical_salt(match[3]), match[4])


def _canonical_salt(salt: str) -> str:
    """The 22nd character carries two bits: others that some libraries leave in are cleared."""
    alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return salt[:21] + alphabet[alphabet.index(salt[21]) & 0b110000]


def _parse_django_bcrypt(encoded: str) -> ForeignHash:
    algorithm, _, rest = encoded.partition("$")
    return _parse_bcrypt(rest, algorithm=algorithm)


def _parse_argon2(encoded: str) -> ForeignHash:
    match = _ARGON2.fullmatch(encoded.removeprefix("argon2"))
    if match is None:
        raise ForeignHashRefused("password_hash_malformed")
    version = int(match[2] or 16)
    memory_kib, passes, lanes = int(match[3]), int(match[4]), int(match[5])
    salt, digest = _standard(match[6]), _standard(match[7])
    is_sound = version in _ARGON2_VERSIONS and passes >= 1 and 8 * lanes <= memory_kib and lanes
    if not is_sound or len(salt) < 8:
        raise ForeignHashRefused("password_hash_malformed")
    if (
        memory_kib > MAX_ARGON2_MEMORY_KIB
        or memory_kib * passes > MAX_ARGON2_WORK_KIB
        or lanes > MAX_ARGON2_LANES
    ):
        raise ForeignHashRefused("password_hash_too_costly")
    _check_sizes(salt, digest)
    scheme = f"argon2{match[1]}:{version}:{memory_kib}:{passes}:{lanes}:{len(digest)}"
    return ForeignHash(scheme, _text(salt), _text(digest))


def _parse_phc_pbkdf2(encoded: str) -> ForeignHash:
    match = _PHC_PBKDF2.fullmatch(encoded)
    if match is None:
        raise ForeignHashRefused("password_hash_malformed")
    digest = _standard(match[5])
    if match[3] is not None and int(match[3]) != len(digest):
        raise ForeignHashRefused("password_hash_malformed")
    return _pbkdf2(match[1] or "sha1", int(match[2]), salt=_standard(match[4]), digest=digest)


def _parse_django_pbkdf2(encoded: str) -> ForeignHash:
    match = _DJANGO_PBKDF2.fullmatch(encoded)
    if match is None:
        raise ForeignHashRefused("password_hash_malformed")
    return _pbkdf2(match[1], int(match[2]), salt=match[3].encode(), digest=_standard(match[4]))


def _pbkdf2(name: str, iterations: int, *, salt: bytes, digest: bytes) -> ForeignHash:
    if iterations < 1:
        raise ForeignHashRefused("password_hash_malformed")
    blocks = -(-len(digest) // _HASH_BYTES[name])
    if iterations * blocks > MAX_PBKDF2_ROUNDS:
        raise ForeignHashRefused("password_hash_too_costly")
    _check_sizes(salt, digest)
    return ForeignHash(f"pbkdf2:{name}:{iterations}:{len(digest)}", _text(salt), _text(digest))


def _check_sizes(salt: bytes, digest: bytes) -> None:
    if len(salt) not in _SALT_BYTES or len(digest) not in _DIGEST_BYTES:
        raise ForeignHashRefused("password_hash_malformed")


def _standard(text: str) -> bytes:
    """Base64 with or without padding; passlib writes a dot where others write a plus."""
    plain = text.rstrip("=").replace(".", "+")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as malformed:
        raise ForeignHashRefused("password_hash_malformed") from malformed


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def _compute_bcrypt(fields: list[str], salt: str, password: bytes) -> str:
    # what the old systems did: bcrypt reads 72 bytes and silently leaves the rest
    settings = f"$2b${int(fields[0]):02d}${salt}".encode()
    return bcrypt.hashpw(password[:_BCRYPT_BYTES], settings)[-31:].decode()


def _compute_bcrypt_sha256(fields: list[str], salt: str, password: bytes) -> str:
    return _compute_bcrypt(fields, salt, hashlib.sha256(password).hexdigest().encode())


def _compute_pbkdf2(fields: list[str], salt: str, password: bytes) -> str:
    name, iterations, length = fields[0], int(fields[1]), int(fields[2])
    raw_salt = base64.urlsafe_b64decode(salt)
    return _text(hashlib.pbkdf2_hmac(name, password, raw_salt, iterations, dklen=length))


def _compute_argon2(kind: Type) -> Callable[[list[str], str, bytes], str]:
    def compute(fields: list[str], salt: str, password: bytes) -> str:
        version, memory_kib, passes, lanes, length = map(int, fields)
        digest = hash_secret_raw(
            password,
            base64.urlsafe_b64decode(salt),
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=lanes,
            hash_len=length,
            type=kind,
            version=version,
        )
        return _text(digest)

    return compute


_PARSERS: Final[tuple[tuple[str, Callable[[str], ForeignHash]], ...]] = (
    ("$2", _parse_bcrypt),
    ("bcrypt$", _parse_django_bcrypt),
    ("bcrypt_sha256$", _parse_django_bcrypt),
    ("$argon2", _parse_argon2),
    ("argon2$", _parse_argon2),
    ("$pbkdf2", _parse_phc_pbkdf2),
    ("pbkdf2_", _parse_django_pbkdf2),
)
_COMPUTE: Final[dict[str, Callable[[list[str], str, bytes], str]]] = {
    "bcrypt": _compute_bcrypt,
    "bcrypt_sha256": _compute_bcrypt_sha256,
    "pbkdf2": _compute_pbkdf2,
    **{f"argon2{name}": _compute_argon2(kind) for name, kind in _ARGON2_TYPES.items()},
}
