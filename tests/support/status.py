"""A responder and lists over the small authority of `tests/support/pki.py`.

What lives here: keys of the shape that the builders of status want, over plain private keys, and
requests as clients make them.  Not here: anything that the product imports.
"""

from __future__ import annotations

import importlib
import io
import shutil
import subprocess
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from keystore.errors import KeyUnavailable
from keystore.pki.budget import SigningBudget
from keystore.pki.ocsp import OcspResponder
from keystore.pki.ocsp_cache import AnswerCache
from keystore.pki.ocsp_responses import Responder
from keystore.pki.status_key import StatusKey
from keystore.storage import DatabaseLike
from keystore.web.ocsp import OcspEndpoint
from tests.support.pki import Certified, SmallPki

SHA1: Final = hashes.SHA1()  # noqa: S303  # what nearly every client names authorities by


@dataclass(slots=True)
class PlainKey:
    """A key in the test's own memory; counts what it signs."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    kid: str = "test-status-key"
    signatures: int = 0
    contents: set[str] = field(default_factory=set)

    @property
    def algorithm(self) -> str:
        """By the curve."""
        return "ES384" if self.key.curve.name == "secp384r1" else "ES256"

    def sign_x509(self, message: bytes, *, content: str) -> bytes:
        """An ECDSA-Sig-Value."""
        self.signatures += 1
        self.contents.add(content)
        digest = hashes.SHA384() if self.algorithm == "ES384" else hashes.SHA256()
        return self.key.sign(message, ec.ECDSA(digest))


@dataclass(slots=True)
class OneResponder:
    """Answers for every authority with one certificate, which a test may replace."""

    current: Responder

    @classmethod
    def of(cls, pki: SmallPki) -> OneResponder:
        """The responder of the small authority."""
        return cls(make_responder(pki.ocsp))

    @property
    def key(self) -> PlainKey:
        """Its key, to count signatures."""
        assert isinstance(self.current.key, PlainKey)
        return self.current.key

    def responder(self, ca_id: str, *, now: datetime) -> Responder:
        """Always the same."""
        return self.current


@dataclass(slots=True)
class OneIssuingKey:
    """The key of the small authority, under whatever name it is asked for."""

    key_now: PlainKey

    @classmethod
    def of(cls, pki: SmallPki) -> OneIssuingKey:
        """The key of the issuing CA."""
        return cls(PlainKey(pki.issuing.key, "test-issuing-key"))

    def key(self, kid: str, *, now: datetime) -> StatusKey:
        """Always the same; unknown names have none."""
        if kid != self.key_now.kid:
            raise KeyUnavailable(kid)
        return self.key_now


def make_responder(certified: Certified, *, kid: str = "test-ocsp-key") -> Responder:
    """A responder with a plain key."""
    return Responder.of(PlainKey(certified.key, kid), certificate=certified.der)


def make_endpoint(
    database: DatabaseLike,
    responders: OneResponder,
    *,
    budget: SigningBudget | None = None,
) -> OcspEndpoint:
    """What one process has."""
    responder = OcspResponder(
        database,
        responders=responders,
        budget=budget or SigningBudget(per_second=1_000, at_once=1_000),
    )
    return OcspEndpoint(responder, cache=AnswerCache(database))


def make_request(
    pki: SmallPki,
    serial: int,
    *,
    issuer: x509.Certificate | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
    nonce: bytes | None = None,
) -> bytes:
    """DER of a request as `cryptography` makes it."""
    issuer = issuer or pki.issuing.certificate
    # only the hashes of the issuer and the number go into the request
    name, key = issuer_hashes(issuer, algorithm=algorithm or SHA1)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        name, key, serial, algorithm or SHA1
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def issuer_hashes(
    issuer: x509.Certificate, *, algorithm: hashes.HashAlgorithm
) -> tuple[bytes, bytes]:
    """Name and key of an authority, hashed, independently of the product."""
    name = hashes.Hash(algorithm)
    name.update(issuer.subject.public_bytes())
    key = hashes.Hash(algorithm)
    public = issuer.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    numbers = public.public_numbers()
    size = (public.curve.key_size + 7) // 8
    key.update(b"\x04" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big"))
    return name.finalize(), key.finalize()


def run_openssl(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The real command, in a folder; whoever calls judges its answer."""
    found = shutil.which("openssl")
    assert found is not None
    return subprocess.run(
        [found, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )


def lint(command: str, *arguments: str, file: Path) -> list[str]:
    """Findings of pkilint of at least a warning, one a line.

    In this process: the program takes ten times as long to start as to judge.

    Takes   command: by the name of the program.
    """
    program = importlib.import_module(f"pkilint.bin.{command}")
    said, complained = io.StringIO(), io.StringIO()
    words = ["lint", *arguments, "-s", "WARNING", "-f", "CSV", str(file)]
    # it leaves closing the file to the interpreter
    with redirect_stdout(said), redirect_stderr(complained), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program.main(words)
    assert not complained.getvalue(), complained.getvalue()
    return [line for line in said.getvalue().splitlines()[1:] if line]
