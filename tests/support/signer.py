"""A signer for tests: people with passkeys, a second-factor verifier, what they confirm.

What lives here: `Person`, `Verifier` and `Bench`, a signer inside of the test's own process over
any database.  The real process is started by `tests/support/signer_process.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import select, update

from idp.storage.database import Database
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.base64url import to_base64url
from keystore.clock import to_ms
from keystore.kek import KekRing
from keystore.log.record import LogWriter, log_event
from keystore.recipient import recipient_of
from keystore.signer.activation import KeyEnrolment, SignatureActivation, new_nonce
from keystore.signer.desk import KeyDesk
from keystore.signer.evidence import EnrolmentEvidence, Evidence, StatementEvidence
from keystore.signer.log_sealing import RecipientSealer, make_log_key, open_log_key
from keystore.signer.model import MadeKey
from keystore.signer.service import Deployment, SigningService
from keystore.signer.spent import SpentLedger
from keystore.signer.statement_evidence import VerifierKeys, issue_statement
from keystore.signer.storage import personal_key
from tests.support.authenticator import Authenticator

SIGNER = "https://sign.example"
RP_ID = "sign.example"
RECIPIENT = recipient_of(b"a data key for tests, 32 bytes!!")


class Verifier:
    """The second-factor verifier: one key, its public half in a file that the signer reads."""

    def __init__(self, file: Path | None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.kid = hashlib.sha256(repr(self._key).encode()).hexdigest()[:22]
        self.algorithm = "ES256"
        if file is not None:
            file.write_text(json.dumps({"keys": [self.jwk]}))

    @property
    def jwk(self) -> dict[str, str]:
        """The public half."""
        numbers = self._key.public_key().public_numbers()
        x, y = (to_base64url(one.to_bytes(32, "big")).decode() for one in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": "ES256"}

    def sign(self, message: bytes, *, content: str) -> bytes:
        """The signature as JOSE writes it."""
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def states(self, challenge: bytes, *, now: datetime, **changes: Any) -> StatementEvidence:
        """A statement for `challenge`; `changes` replace arguments of `issue_statement`."""
        given: dict[str, Any] = {
            "key": self,
            "issuer": "https://idp.example",
            "signer": SIGNER,
            "account_id": "acc_1",
            "totp_id": "otp_1",
            "challenge": challenge,
            "now": now,
        }
        return StatementEvidence(issue_statement(**(given | changes)))


def events(database: Database, kind: str) -> list[Any]:
    """Rows of the log of one type, as mappings."""
    with database.read() as connection:
        rows = connection.execute(
            select(log_event)
            .where(log_event.c.type == kind)
            .order_by(log_event.c.at_ms, log_event.c.writer, log_event.c.seq)
        )
        return [row._mapping for row in rows]


def stored(database: Database, key_id: str) -> Any:
    """The row of a key, as the owner of the database sees it."""
    with database.read() as connection:
        return connection.execute(select(personal_key).where(personal_key.c.key_id == key_id)).one()


def store(database: Database, key_id: str, **values: Any) -> None:
    """Change the row of a key, as the owner of the database can."""
    with database.transaction() as transaction:
        transaction.connection.execute(
            update(personal_key).where(personal_key.c.key_id == key_id).values(values)
        )


def digests_of(count: int = 1, *, hash_name: str = "sha256") -> tuple[bytes, ...]:
    """Digests of so many documents, all different."""
    return tuple(hashlib.new(hash_name, f"document {n}".encode()).digest() for n in range(count))


def enrolment_of(*passkeys: Authenticator, now: datetime, **changes: Any) -> KeyEnrolment:
    """What enrols a key with these passkeys, or, without any, a key for statements."""
    given = KeyEnrolment(
        signer=SIGNER,
        account_id="acc_1",
        subject_kind="person",
        algorithm="ES256",
        scal=2 if passkeys else 1,
        rp_id=passkeys[0].rp_id if passkeys else "",
        credentials=tuple(one.pinned for one in passkeys),
        recipient=RECIPIENT,
        expires_ms=to_ms(now + timedelta(seconds=300)),
        nonce=new_nonce(),
    )
    return replace(given, **changes)


def activation_of(
    key: MadeKey, passkey: Authenticator | None, *, now: datetime, **changes: Any
) -> SignatureActivation:
    """What activates a key for one document."""
    given = SignatureActivation(
        signer=SIGNER,
        purpose="document",
        request_id="req_1",
        account_id="acc_1",
        key_id=key.key_id,
        credential_id=passkey.credential_id if passkey else b"",
        client_id="portal",
        hash_name="sha256",
        digests=digests_of(),
        expires_ms=to_ms(now + timedelta(seconds=120)),
        nonce=new_nonce(),
    )
    return replace(given, **changes)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a passkey and a signing key."""

    key: MadeKey
    passkey: Authenticator
    account_id: str = "acc_1"

    def activation(self, *, now: datetime, **changes: Any) -> SignatureActivation:
        """What they are about to confirm."""
        return activation_of(
            self.key, self.passkey, now=now, **{"account_id": self.account_id, **changes}
        )

    def confirm(self, activation: SignatureActivation, **wrong: Any) -> Evidence:
        """Their finger on the sensor."""
        return self.passkey.confirm(activation.challenge(), **wrong)


@dataclass(slots=True)
class Bench:
    """One signer in this process: what it is made of lies open."""

    database: Database
    ring: KekRing
    folder: Path
    verifier: Verifier = field(init=False)
    ledger: SpentLedger = field(init=False)
    backend: SoftwarePersonalKeys = field(init=False)
    service: SigningService = field(init=False)
    desk: KeyDesk = field(init=False)
    _common: dict[str, Any] = field(init=False)
    needs_statement: bool = False
    audience: str = SIGNER

    def __post_init__(self) -> None:
        """Put it together."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.verifier = Verifier(self.folder / "verifier.json")
        self.start()

    def start(self) -> None:
        """As a signer that is started again: the same files, the same database."""
        self.ledger = SpentLedger(self.folder / "ledger.db")
        self.backend = SoftwarePersonalKeys(self.ring)
        make_log_key(self.folder)
        log = LogWriter(RecipientSealer(open_log_key(self.folder)), writer_id="signer-test")
        deployment = Deployment(self.audience, {RP_ID: frozenset({SIGNER})})
        keys = VerifierKeys(self.folder / "verifier.json")
        common: dict[str, Any] = {
            "backend": self.backend,
            "log": log,
            "ledger": self.ledger,
            "deployment": deployment,
            "verifier": keys,
        }
        self.service = SigningService(self.database, **common)
        self._common = common
        self.desk = self.make_desk()

    def make_desk(self, **changes: Any) -> KeyDesk:
        """A desk of this signer."""
        common = {**self._common, **changes}
        return KeyDesk(
            self.database, ring=self.ring, needs_statement=self.needs_statement, **common
        )

    def enrol(
        self,
        *,
        now: datetime,
        make: Callable[[], Authenticator] = Authenticator,
        desk: KeyDesk | None = None,
        **changes: Any,
    ) -> Person:
        """A person with a new passkey and a new key."""
        passkey = make()
        enrolment = enrolment_of(passkey, now=now, **changes)
        evidence = EnrolmentEvidence((passkey.confirm(enrolment.challenge()),))
        key = (desk or self.desk).make(enrolment, evidence, now=now)
        return Person(key, passkey, enrolment.account_id)

    def enrol_for_statements(self, *, now: datetime, **changes: Any) -> MadeKey:
        """A key that statements of the verifier open."""
        enrolment = enrolment_of(now=now, **changes)
        statement = self.verifier.states(
            enrolment.challenge(), now=now, account_id=enrolment.account_id
        )
        return self.desk.make(enrolment, EnrolmentEvidence(statement=statement), now=now)

    def sign(self, person: Person, *, now: datetime, **changes: Any) -> tuple[bytes, ...]:
        """Everything right."""
        activation = person.activation(now=now, **changes)
        return self.service.activate(activation, person.confirm(activation), now=now)
