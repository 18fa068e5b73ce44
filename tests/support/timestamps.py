"""A timestamp authority with a throw-away key, and other people's tools to ask and check it.

What lives here: `SmallTsa` over a `SmallPki`; a clock that can be stopped; requests made by
`openssl ts` and answers checked by it.  Not here: anything that the product imports.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from keystore.key_handle import SigningKey
from keystore.pki.timestamping import TimestampAuthority
from keystore.purposes import TIMESTAMP, KeyPurpose
from keystore.time.errors import TimeNotAvailable
from tests.support.pki import SmallPki

POLICY = "2.999.1.1"
OTHER_POLICY = "2.999.1.2"
REFUSED_POLICY = "2.999.1.3"


class OpenEcKey:
    """A P-256 key held open, as a backend hands it out."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._scheme = ec.ECDSA(hashes.SHA256())

    def sign(self, message: bytes) -> bytes:
        """ECDSA-Sig-Value in DER."""
        return self._key.sign(message, self._scheme)

    def sign_digest(self, digest: bytes, *, hash_name: str) -> bytes:
        """Nothing here signs digests."""
        raise NotImplementedError


class SettableClock:
    """A clock that shows what it is told, or says why it does not."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.stopped: str | None = None

    def read(self) -> datetime:
        """The time it shows."""
        if self.stopped is not None:
            raise TimeNotAvailable(self.stopped)
        return self.now


@dataclass(slots=True)
class SmallTsa:
    """An authority of two policies under the certificate of a `SmallPki`."""

    pki: SmallPki
    clock: SettableClock
    folder: Path
    purpose: KeyPurpose = TIMESTAMP
    reported: list[Exception] = field(default_factory=list)

    def signer(self, _now: datetime) -> tuple[SigningKey, tuple[bytes, ...]]:
        """The key and its chain, without the root."""
        key = SigningKey(
            "tsa-key", "ES256", self.purpose, self.pki.tsa.spki, OpenEcKey(self.pki.tsa.key)
        )
        return key, (self.pki.tsa.der, self.pki.issuing.der)

    def authority(self, **changes: Any) -> TimestampAuthority:
        """The authority; a test changes one thing."""
        given: dict[str, Any] = {
            "clock": self.clock,
            "signer": self.signer,
            "policies": (POLICY, OTHER_POLICY),
            "report": self.reported.append,
        }
        return TimestampAuthority(**(given | changes))

    def verify_with_openssl(
        self, response: bytes, *, request: bytes, untrusted: Sequence[x509.Certificate] = ()
    ) -> str:
        """What `openssl ts -verify` says: ends in `Verification: OK` when all is right."""
        names = {"response": response, "request": request, "root": self.pki.root.pem}
        for name, content in names.items():
            (self.folder / name).write_bytes(content)
        command = ["openssl", "ts", "-verify", "-in", str(self.folder / "response")]
        command += [
            "-queryfile",
            str(self.folder / "request"),
            "-CAfile",
            str(self.folder / "root"),
        ]
        command += ["-attime", str(int(self.clock.now.timestamp()))]
        if untrusted:
            chain = b"".join(one.public_bytes(Encoding.PEM) for one in untrusted)
            (self.folder / "untrusted").write_bytes(chain)
            command += ["-untrusted", str(self.folder / "untrusted")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        return done.stdout + done.stderr


def openssl_query(data: bytes, *options: str, folder: Path) -> bytes:
    """A TimeStampReq as `openssl ts -query` writes it."""
    (folder / "data").write_bytes(data)
    command = ["openssl", "ts", "-query", "-data", str(folder / "data"), *options]
    return subprocess.run(command, capture_output=True, check=True, timeout=600).stdout
