"""Values that `openssl` made, by every algorithm that files from elsewhere bear."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from signing.validation.found import SignatureAlgorithm, SignedValue
from signing.validation.verify_value import is_computable, is_value_of, key_family_and_bits

_OCTETS = "Quyết định số 12/QĐ-UBND".encode()
_KEYS = {
    "rsa": ("RSA", "rsa_keygen_bits:1024"),
    "dsa": ("DSA", ""),
    "p256": ("EC", "ec_paramgen_curve:P-256"),
    "p521": ("EC", "ec_paramgen_curve:P-521"),
    "brainpool": ("EC", "ec_paramgen_curve:brainpoolP256r1"),
    "ed25519": ("ED25519", ""),
    "ed448": ("ED448", ""),
}


def _openssl(*words: str, folder: Path) -> bytes:
    done = subprocess.run(
        ["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60
    )
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of each kind, as `<name>.pem` and `<name>.der`."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "octets").write_bytes(_OCTETS)
    _openssl(
        *("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024"),
        *("-pkeyopt", "dsa_paramgen_q_bits:160", "-out", "dsa.params"),
        folder=folder,
    )
    for name, (algorithm, option) in _KEYS.items():
        given = ("-paramfile", "dsa.params") if name == "dsa" else ("-algorithm", algorithm)
        options = ("-pkeyopt", option) if option else ()
        _openssl("genpkey", *given, *options, "-out", f"{name}.pem", folder=folder)
        _openssl(
            *("pkey", "-in", f"{name}.pem", "-pubout", "-outform", "DER", "-out", f"{name}.der"),
            folder=folder,
        )
    return folder


def _signed(folder: Path, key: str, algorithm: SignatureAlgorithm, *options: str) -> SignedValue:
    digest = algorithm.hash_name.replace("_", "-")
    hashed = ("-digest", digest) if digest else ()
    words = (
        "pkeyutl",
        "-sign",
        "-inkey",
        f"{key}.pem",
        "-rawin",
        *hashed,
        *options,
        "-in",
        "octets",
    )
    return SignedValue(_OCTETS, _openssl(*words, folder=folder), algorithm)


_PSS = ("-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:20")
_CASES = [
    *(
        ("rsa", SignatureAlgorithm("rsa", "pkcs1", name, "1"), ())
        for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256")
    ),
    ("rsa", SignatureAlgorithm("rsa", "pss", "sha256", "1", salt_bytes=20), _PSS),
    ("rsa", SignatureAlgorithm("rsa", "pss", "sha1", "1"), _PSS),
    (
        "rsa",
        SignatureAlgorithm("rsa", "pss", "sha256", "1", salt_bytes=20, mgf_hash_name="sha1"),
        (*_PSS, "-pkeyopt", "rsa_mgf1_md:sha1"),
    ),
    *(
        (key, SignatureAlgorithm("ec", "", name, "1"), ())
        for key in ("p256", "p521", "brainpool")
        for name in ("sha1", "sha256", "sha512", "sha3_384")
    ),
    *(("dsa", SignatureAlgorithm("dsa", "", name, "1"), ()) for name in ("sha1", "sha256")),
    ("ed25519", SignatureAlgorithm("ed25519", "", "", "1"), ()),
    ("ed448", SignatureAlgorithm("ed448", "", "", "1"), ()),
]


@pytest.mark.parametrize(("key", "algorithm", "options"), _CASES)
def test_a_value_is_of_its_key_over_its_octets_alone(
    folder: Path, key: str, algorithm: SignatureAlgorithm, options: tuple[str, ...]
) -> None:
    """ETSI EN 319 102-1 §5.2.7.4."""
    signed = _signed(folder, key, algorithm, *options)
    der = (folder / f"{key}.der").read_bytes()
    assert is_computable(algorithm)
    assert is_value_of(der, signed=signed)
    assert not is_value_of(der, signed=replace(signed, octets=_OCTETS + b"!"))
    changed = bytes((signed.value[0], *signed.value[1:-1], signed.value[-1] ^ 1))
    assert not is_value_of(der, signed=replace(signed, value=changed))
    for other in _KEYS:
        if other != key:
            other_der = (folder / f"{other}.der").read_bytes()
            assert not is_value_of(other_der, signed=signed), other


def test_ripemd_is_compared_whole(folder: Path) -> None:
    """RFC 8017 §8.2.2: the encoded message is compared, not searched."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = SignatureAlgorithm("rsa", "pkcs1", "ripemd160", "1")
    sha = key.sign(_OCTETS, padding.PKCS1v15(), hashes.SHA256())
    assert is_computable(algorithm)
    assert not is_value_of(der, signed=SignedValue(_OCTETS, sha, algorithm))
    (folder / "small.pem").write_bytes(_private_pem(key))
    providers = ("-provider", "legacy", "-provider", "default")
    made = _openssl(*("dgst", *providers, "-rmd160", "-sign", "small.pem", "octets"), folder=folder)
    assert is_value_of(der, signed=SignedValue(_OCTETS, made, algorithm))
    assert not is_value_of(der, signed=SignedValue(b"other", made, algorithm))


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_the_wrong_padding_or_hash_is_not_taken_for_another(folder: Path) -> None:
    algorithm = SignatureAlgorithm("rsa", "pkcs1", "sha256", "1")
    signed = _signed(folder, "rsa", algorithm)
    der = (folder / "rsa.der").read_bytes()
    for other in (
        SignatureAlgorithm("rsa", "pss", "sha256", "1"),
        SignatureAlgorithm("rsa", "pkcs1", "sha512", "1"),
        SignatureAlgorithm("rsa", "", "sha256", "1"),
        SignatureAlgorithm("ec", "", "sha256", "1"),
        SignatureAlgorithm("", "", "", "1"),
    ):
        assert not is_value_of(der, signed=replace(signed, algorithm=other))


@pytest.mark.parametrize(
    "algorithm",
    [
        SignatureAlgorithm("rsa", "pkcs1", "gost", "1"),
        SignatureAlgorithm("rsa", "oaep", "sha256", "1"),
        SignatureAlgorithm("gost", "", "sha256", "1"),
        SignatureAlgorithm("", "", "", "1"),
    ],
)
def test_an_algorithm_that_nobody_knows_is_said_to_be_one(algorithm: SignatureAlgorithm) -> None:
    assert not is_computable(algorithm)
    key = ed448.Ed448PrivateKey.generate().public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert not is_value_of(der, signed=SignedValue(_OCTETS, b"value", algorithm))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rsa", ("rsa", 1024)),
        ("dsa", ("dsa", 1024)),
        ("p256", ("ec", 256)),
        ("p521", ("ec", 521)),
        ("brainpool", ("ec", 256)),
        ("ed25519", ("ed25519", 256)),
        ("ed448", ("ed448", 456)),
    ],
)
def test_kind_and_size_of_a_key(folder: Path, name: str, expected: tuple[str, int]) -> None:
    assert key_family_and_bits((folder / f"{name}.der").read_bytes()) == expected


def test_what_is_no_key_fits_nothing() -> None:
    assert key_family_and_bits(b"nothing") == ("", 0)
    algorithm = SignatureAlgorithm("rsa", "pkcs1", "sha256", "1")
    assert not is_value_of(b"nothing", signed=SignedValue(_OCTETS, b"value", algorithm))
