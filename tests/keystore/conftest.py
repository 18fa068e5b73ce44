"""A root key, a sealer, a log and token keys for the tests of the keystore."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from idp.storage.database import Database
from keystore.jose import ALGORITHMS, KeySet, VerifiedClaims, parse_jwks, verify_jwt
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.sealing import Kek, Sealer, load_kek
from tests.support.softhsm import SoftHsm

ISSUER = "https://portal.example"
AUDIENCE = "https://provider.example"


def b64(value: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def kek_value() -> str:
    """A root key as the environment gives it."""
    return b64(b"a root key for tests, 32 bytes!!")


@pytest.fixture(scope="session")
def kek(kek_value: str) -> Kek:
    """The same root key, read."""
    return load_kek(file=None, value=kek_value)


@pytest.fixture
def sealer(database: Database, kek: Kek, now: datetime) -> Sealer:
    """Purpose keys in an empty database, on SQLite and on PostgreSQL."""
    return Sealer.open(database, kek=kek, now=now)


@pytest.fixture
def log(sealer: Sealer) -> LogWriter:
    """The log writer of one process."""
    return LogWriter(sealer, writer_id="test")


@pytest.fixture
def make_keyring(database: Database, sealer: Sealer, log: LogWriter) -> Callable[[], Keyring]:
    """Keyrings over one database, as several processes have them."""

    def make() -> Keyring:
        return Keyring(
            database,
            sealer,
            log=log,
            jwks_cache=timedelta(minutes=10),
            retire_after=timedelta(hours=1),
        )

    return make


@pytest.fixture(scope="session")
def soft_hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """A folder of tokens for this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        hsm = SoftHsm(tmp_path_factory.mktemp("softhsm"))
        for name, value in hsm.environment.items():
            patch.setenv(name, value)
        yield hsm


class Issuer:
    """Foreign keys of every kind, and tokens however wrong one wants them."""

    def __init__(self) -> None:
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.p384 = ec.generate_private_key(ec.SECP384R1())
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ed = ed25519.Ed25519PrivateKey.generate()

    def jwk(self, which: str = "ec", /, **changes: Any) -> dict[str, Any]:
        """The public JWK of one key; `changes` replace or, as None, remove members."""
        members: dict[str, Any] = {
            "ec": lambda: _ec_jwk(self.ec, "P-256", 32),
            "p384": lambda: _ec_jwk(self.p384, "P-384", 48),
            "rsa": lambda: _rsa_jwk(self.rsa.public_key().public_numbers()),
            "ed": lambda: {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": b64(self.ed.public_key().public_bytes_raw()),
            },
        }[which]()
        members |= {"kid": which, **changes}
        return {name: value for name, value in members.items() if value is not None}

    def key_set(self) -> KeySet:
        """All keys."""
        return parse_jwks({"keys": [self.jwk(kid) for kid in ("ec", "p384", "rsa", "ed")]})

    def signature(self, algorithm: str, message: bytes) -> bytes:
        """The signature of `message` as JOSE writes it."""
        if algorithm == "ES256":
            return _raw(self.ec.sign(message, ec.ECDSA(hashes.SHA256())), 32)
        if algorithm == "ES384":
            return _raw(self.p384.sign(message, ec.ECDSA(hashes.SHA384())), 48)
        if algorithm == "RS256":
            return self.rsa.sign(message, padding.PKCS1v15(), hashes.SHA256())
        if algorithm == "PS256":
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
            return self.rsa.sign(message, pss, hashes.SHA256())
        return self.ed.sign(message)

    def token(
        self,
        claims: Mapping[str, Any] | bytes,
        *,
        algorithm: str = "ES256",
        kid: str | None = "ec",
        header: Mapping[str, Any] | bytes | None = None,
        **parameters: Any,
    ) -> str:
        """A token with a right signature over whatever is asked for."""
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        if header is None:
            header = {"alg": algorithm, "typ": "JWT", "kid": kid, **parameters}
            header = {name: value for name, value in header.items() if value is not None}
        head = header if isinstance(header, bytes) else json.dumps(header).encode()
        message = f"{b64(head)}.{b64(payload)}"
        return f"{message}.{b64(self.signature(algorithm, message.encode()))}"


def _raw(der: bytes, size: int) -> bytes:
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _ec_jwk(key: ec.EllipticCurvePrivateKey, crv: str, size: int) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": crv,
        "x": b64(numbers.x.to_bytes(size, "big")),
        "y": b64(numbers.y.to_bytes(size, "big")),
    }


def _rsa_jwk(numbers: rsa.RSAPublicNumbers) -> dict[str, str]:
    size = (numbers.n.bit_length() + 7) // 8
    return {
        "kty": "RSA",
        "n": b64(numbers.n.to_bytes(size, "big")),
        "e": b64(numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")),
    }


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """One set of foreign keys for the run."""
    return Issuer()


@pytest.fixture
def claims(now: datetime) -> dict[str, Any]:
    """What a right token of the portal says."""
    issued = int(now.timestamp())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "s", "iat": issued, "exp": issued + 60}


@pytest.fixture
def verify(issuer: Issuer, now: datetime) -> Callable[..., VerifiedClaims]:
    """`verify_jwt` with everything right; a test changes one thing."""

    def call(raw: str, **changes: Any) -> VerifiedClaims:
        arguments: dict[str, Any] = {
            "keys": issuer.key_set(),
            "allowed_algorithms": ALGORITHMS,
            "expected_typ": frozenset({"jwt"}),
            "expected_issuer": ISSUER,
            "expected_audience": AUDIENCE,
            "now": now,
        }
        return verify_jwt(raw, **(arguments | changes))

    return call
