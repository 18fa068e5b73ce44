"""`antin signer` as an operator starts it, and people whose keys it holds.

What lives here: the real processes over a real socket and a database of the test's own; killing
them; the files that mutual TLS needs.  Not here: the signer inside of a test (`signer.py`).
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keystore.kek import create_kek_file
from keystore.signer.client import SignerClient
from keystore.signer.errors import SignerUnavailable
from keystore.signer.evidence import EnrolmentEvidence
from keystore.signer.model import MadeKey
from keystore.strongroom.gate import client_context
from tests.support.authenticator import Authenticator
from tests.support.ports import free_port
from tests.support.prepared import prepare_database
from tests.support.sandbox import process_environ
from tests.support.servers import wait_until
from tests.support.signer import SIGNER, Person, Verifier, enrolment_of
from tests.support.stores import create_all_tables

_START_TIMEOUT_S: Final = 60


def utc_now() -> datetime:
    """The time as the processes see it."""
    return datetime.now(UTC)


@dataclass(slots=True)
class SignerProcess:
    """One `antin signer` with its folder, database and clients."""

    folder: Path
    database_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    verifier: Verifier = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what an operator prepares."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.verifier = Verifier(self.folder / "verifier.json")
        prepare_database(self.database_url, is_sandbox=False)
        create_all_tables(self.database_url)
        create_kek_file(self.folder / "service-kek")

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.settings.get("ANTIN_SIGNER_ADDRESS", f"unix:{self.folder / 'signer.sock'}")

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "signer.log").read_text(errors="replace")

    def environ(self) -> dict[str, str]:
        """The settings of the process; the service's root key is not among them."""
        return {
            **process_environ(self.folder),
            **self.environment,
            "ANTIN_ISSUER": SIGNER,
            "ANTIN_VAR": str(self.folder),
            "ANTIN_DATABASE_URL": self.database_url,
            "ANTIN_SIGNER_ADDRESS": self.address,
            "ANTIN_SIGNER_VERIFIER_KEYS": str(self.folder / "verifier.json"),
            **self.settings,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command, to its end; for starts that are refused."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("antin")), "signer", *arguments],
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT_S,
            check=False,
        )

    def start(self, *arguments: str) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "signer.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("antin")), "signer", *arguments],
                env=self.environ(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.is_up, what="antin signer", timeout_s=_START_TIMEOUT_S)

    def is_up(self) -> bool:
        """Whether it answers; fails the test when it has ended."""
        if self.process is not None and self.process.poll() is not None:
            pytest.fail(f"antin signer ended: {self.log}")
        client = self.client(patience_s=0.1)
        try:
            return bool(client.kek_ids())
        except SignerUnavailable:
            return False
        finally:
            client.close()

    def client(self, **options: Any) -> SignerClient:
        """A client as a web worker has it, with patience for a child that has to start."""
        return SignerClient(self.address, tls=self._tls(), **{"answer_s": 120, **options})

    def children(self) -> list[int]:
        """The processes that hold keys."""
        assert self.process is not None
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        held = []
        for one in found:
            with suppress(OSError):  # it went while we looked
                if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes():
                    held.append(int(one))
        return held

    def kill_children(self) -> list[int]:
        """`kill -9` for the processes that hold keys, not for their parent."""
        killed = self.children()
        for child in killed:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return killed

    def kill(self) -> None:
        """`kill -9` for all of it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """As an operator stops it; the exit status."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1

    def enrol(self, client: SignerClient, **changes: Any) -> Person:
        """Somebody with a passkey and a key in this signer."""
        passkey = Authenticator()
        enrolment = enrolment_of(passkey, now=utc_now(), **changes)
        proof = EnrolmentEvidence((passkey.confirm(enrolment.challenge()),))
        return Person(client.make_key(enrolment, proof), passkey, enrolment.account_id)

    def enrol_for_statements(self, client: SignerClient) -> MadeKey:
        """A key that statements open."""
        now = utc_now()
        enrolment = enrolment_of(now=now)
        statement = self.verifier.states(enrolment.challenge(), now=now)
        return client.make_key(enrolment, EnrolmentEvidence(statement=statement))

    def _tls(self) -> ssl.SSLContext | None:
        if not self.address.startswith("tls:"):
            return None
        return self.tls_of("caller")

    def tls_of(self, name: str) -> ssl.SSLContext:
        """The side of a caller, with the certificate of that name."""
        return client_context(
            certificate=self.folder / f"{name}.pem",
            key=self.folder / f"{name}.key",
            server_ca=self.folder / "ca.pem",
        )


def sign_with(client: SignerClient, person: Person, **changes: Any) -> tuple[bytes, ...]:
    """Everything right, now; `changes` replace parts of the activation."""
    activation = person.activation(now=utc_now(), **changes)
    return client.activate(activation, person.confirm(activation))


@contextmanager
def running_signer(
    folder: Path,
    database_url: str,
    *,
    environment: Mapping[str, str] | None = None,
    **settings: str,
) -> Iterator[SignerProcess]:
    """A running signer, stopped afterwards.

    Takes   environment: variables that are no settings of ours.
    """
    signer = SignerProcess(folder, database_url, settings, environment or {})
    signer.start()
    try:
        yield signer
    finally:
        signer.stop()


def tls_settings(folder: Path) -> dict[str, str]:
    """Settings and files of a signer on a port: an authority, and certificates of its callers."""
    folder.mkdir(mode=0o700, exist_ok=True)
    authority = _Authority("ca")
    authority.write(folder)
    authority.issue("signer", folder, hosts=("127.0.0.1",))
    authority.issue("caller", folder, names=("web.example",))
    authority.issue("keeper", folder, names=("keeper.example",))
    authority.issue("other", folder, names=("other.example",))
    _Authority("foreign").issue("stranger", folder, names=("web.example",))
    return {
        "ANTIN_SIGNER_ADDRESS": f"tls://127.0.0.1:{free_port()}",
        "ANTIN_SIGNER_TLS_CERTIFICATE": str(folder / "signer.pem"),
        "ANTIN_SIGNER_TLS_KEY": str(folder / "signer.key"),
        "ANTIN_SIGNER_TLS_CA": str(folder / "ca.pem"),
        "ANTIN_SIGNER_CALLERS": "web.example",
        "ANTIN_SIGNER_KEEPERS": "keeper.example",
        "ANTIN_SIGNER_DESTRUCTIONS_PER_HOUR": "1",
    }


class _Authority:
    """An authority that issues for the signer and its callers alone."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self._certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(key_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def write(self, folder: Path) -> None:
        """The certificate alone."""
        (folder / "ca.pem").write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(
        self, name: str, folder: Path, *, names: tuple[str, ...] = (), hosts: tuple[str, ...] = ()
    ) -> None:
        """A certificate and its key, in files of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        shown = [
            *(x509.DNSName(one) for one in names),
            *(x509.IPAddress(ip_address(one)) for one in hosts),
        ]
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            self._builder(subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName(shown), critical=False)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    def _builder(self, subject: x509.Name, public_key: Any) -> x509.CertificateBuilder:
        now = utc_now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=2))
        )
