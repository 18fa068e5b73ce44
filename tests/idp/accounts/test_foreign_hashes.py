"""Hashes from older systems: every form is read and computed, within bounds.

The encodings come from the libraries that write them (bcrypt, argon2-cffi) and, for PBKDF2,
from hashlib and the published vectors of RFC 6070.
"""

from __future__ import annotations

import base64
import hashlib

import argon2
import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.errors import ForeignHashRefused
from idp.accounts.foreign_hashes import (
    MAX_BCRYPT_COST,
    MAX_PBKDF2_ROUNDS,
    ForeignHash,
    compute_foreign,
    decoy_salt,
    parse_foreign_hash,
)

PASSWORD = "mật khẩu cũ".encode()


def b64(raw: bytes, *, padding: bool = True) -> str:
    text = base64.b64encode(raw).decode()
    return text if padding else text.rstrip("=")


def ab64(raw: bytes) -> str:
    return b64(raw, padding=False).replace("+", ".")


def holds(encoded: str, password: bytes) -> bool:
    """Whether computing the hash again gives what is encoded."""
    found = parse_foreign_hash(encoded)
    return compute_foreign(found.scheme, salt=found.salt, password=password) == found.digest


def bcrypted(prefix: str = "2b") -> str:
    return bcrypt.hashpw(PASSWORD, b"$2b$04$abcdefghijklmnopqrstuu").decode().replace("2b", prefix)


def argon2ed(kind: argon2.Type) -> str:
    return argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=2, type=kind).hash(
        PASSWORD
    )


def pbkdf2ed(name: str) -> bytes:
    return hashlib.pbkdf2_hmac(name, PASSWORD, b"salt-of-it", 1000)


FORMS = {
    "bcrypt 2a": bcrypted("2a"),
    "bcrypt 2b": bcrypted(),
    "bcrypt 2y": bcrypted("2y"),
    "Django bcrypt": f"bcrypt${bcrypted()}",
    "Django bcrypt_sha256": "bcrypt_sha256$"
    + bcrypt.hashpw(
        hashlib.sha256(PASSWORD).hexdigest().encode(), b"$2b$04$abcdefghijklmnopqrstuu"
    ).decode(),
    "argon2id": argon2ed(argon2.Type.ID),
    "argon2i": argon2ed(argon2.Type.I),
    "argon2d": argon2ed(argon2.Type.D),
    "Django argon2": f"argon2{argon2ed(argon2.Type.ID)}",
    "PHC pbkdf2-sha256": (
        f"$pbkdf2-sha256$i=1000,l=32${b64(b'salt-of-it', padding=False)}"
        f"${b64(pbkdf2ed('sha256'), padding=False)}"
    ),
    "passlib pbkdf2": f"$pbkdf2$1000${ab64(b'salt-of-it')}${ab64(pbkdf2ed('sha1'))}",
    "passlib pbkdf2-sha256": (
        f"$pbkdf2-sha256$1000${ab64(b'salt-of-it')}${ab64(pbkdf2ed('sha256'))}"
    ),
    "passlib pbkdf2-sha512": (
        f"$pbkdf2-sha512$1000${ab64(b'salt-of-it')}${ab64(pbkdf2ed('sha512'))}"
    ),
    "Django pbkdf2_sha1": f"pbkdf2_sha1$1000$salt-of-it${b64(pbkdf2ed('sha1'))}",
    "Django pbkdf2_sha256": f"pbkdf2_sha256$1000$salt-of-it${b64(pbkdf2ed('sha256'))}",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_computed_again(form) -> None:
    assert holds(FORMS[form], PASSWORD)
    assert not holds(FORMS[form], PASSWORD + b"x")


@pytest.mark.parametrize("form", FORMS)
def test_a_decoy_costs_the_same_scheme(form) -> None:
    found = parse_foreign_hash(FORMS[form])
    assert len(found.scheme) <= 64
    digest = compute_foreign(found.scheme, salt=decoy_salt(found.scheme), password=PASSWORD)
    assert len(digest) == len(found.digest)


def test_published_vectors_of_pbkdf2_hold() -> None:
    """RFC 6070 (SHA-1, 4096 iterations), and its well-known counterpart for SHA-256."""
    sha1 = b64(bytes.fromhex("4b007901b765489abead49d926f721d065a429c1"))
    assert holds(f"pbkdf2_sha1$4096$salt${sha1}", b"password")
    sha256 = bytes.fromhex("c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a")
    assert holds(f"$pbkdf2-sha256$4096${b64(b'salt')}${b64(sha256)}", b"password")


def test_bcrypt_reads_72_bytes_as_the_old_systems_did() -> None:
    long = b"x" * 72
    encoded = bcrypt.hashpw(long, bcrypt.gensalt(4)).decode()
    assert holds(encoded, long + b"and more")


def test_stray_bits_in_the_salt_of_bcrypt_are_cleared() -> None:
    """Some libraries leave bits in the 22nd character that carry nothing."""
    clean = bcrypt.hashpw(PASSWORD, b"$2b$04$abcdefghijklmnopqrstuu").decode()
    salt = parse_foreign_hash(clean).salt
    stray = clean.replace(f"{salt}", f"{salt[:21]}v")
    assert stray != clean
    assert holds(stray, PASSWORD)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "plain",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "$6$rounds=5000$salt$hash",
        "scrypt$salt$16384$8$1$hash",
        "!unusable",
    ],
)
def test_other_algorithms_are_refused(encoded) -> None:
    with pytest.raises(ForeignHashRefused) as refused:
        parse_foreign_hash(encoded)
    assert refused.value.reason == "password_hash_unsupported"


@pytest.mark.parametrize(
    "encoded",
    [
        "$2b$04$short",
        "$2b$03$" + "a" * 53,
        "$2x$04$" + "a" * 53,
        "bcrypt$plain",
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA",
        "$argon2id$v=18$m=64,t=1,p=1$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
        "$argon2id$v=19$m=8,t=1,p=2$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
        "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
        "$argon2id$v=19$m=64,t=1,p=0$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
        "pbkdf2_sha256$0$salt$" + b64(bytes(32)),
        "pbkdf2_sha256$1000$sal$" + b64(bytes(32)),
        "pbkdf2_sha256$1000$salt$" + b64(bytes(8)),
        "pbkdf2_sha256$1000$salt$" + b64(bytes(65)),
        "pbkdf2_sha256$1000$salt$a",
        "$pbkdf2-sha256$i=1000,l=20$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
        "pbkdf2_md5$1000$salt$" + b64(bytes(32)),
        "pbkdf2_sha256$-1$salt$" + b64(bytes(32)),
        "$pbkdf2-sha256$x",
        "$2b$" + "x" * 600,
    ],
)
def test_malformed_hashes_are_refused(encoded) -> None:
    with pytest.raises(ForeignHashRefused) as refused:
        parse_foreign_hash(encoded)
    assert refused.value.reason == "password_hash_malformed"


@pytest.mark.parametrize(
    "encoded",
    [
        f"$2b${MAX_BCRYPT_COST + 1}$" + "a" * 53,
        "$2b$31$" + "a" * 53,
        f"pbkdf2_sha256${MAX_PBKDF2_ROUNDS + 1}$salt$" + b64(bytes(32)),
        f"pbkdf2_sha256${MAX_PBKDF2_ROUNDS // 2 + 1}$salt$" + b64(bytes(64)),
        "$argon2id$v=19$m=200000,t=1,p=1$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
        "$argon2id$v=19$m=65536,t=100,p=1$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
        "$argon2id$v=19$m=65536,t=1,p=64$c2FsdHNhbHQ$" + b64(bytes(32), padding=False),
    ],
)
def test_hashes_that_would_hold_every_worker_are_refused(encoded) -> None:
    with pytest.raises(ForeignHashRefused) as refused:
        parse_foreign_hash(encoded)
    assert refused.value.reason == "password_hash_too_costly"


_PREFIXES = ("$2b$", "bcrypt$", "$argon2id$v=19$m=", "argon2$", "$pbkdf2-", "pbkdf2_sha256$", "")


@given(st.sampled_from(_PREFIXES), st.text(alphabet="$=,.+/09azAZ", max_size=120))
def test_any_text_is_a_hash_or_refused(prefix, rest) -> None:
    try:
        found = parse_foreign_hash(prefix + rest)
    except ForeignHashRefused:
        return
    assert isinstance(found, ForeignHash)
