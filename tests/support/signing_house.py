"""The signing journey inside of one process, with a real signer, real keys and real certificates.

What lives here: `SigningHouse`: everything from a portal's request to a signed document but web and
processes; people with passkeys or one-time codes whose keys have certificates.
Not here: the provider's side of the ports, which has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from idp.storage.database import Database
from keystore.kek import Kek, KekRing
from keystore.log.record import LogWriter
from keystore.pki.names import OrganisationSubject, PersonSubject
from keystore.pki.profiles import Profile
from keystore.sealing import Sealer
from keystore.signer.activation import SignatureActivation
from keystore.signer.evidence import Evidence, StatementEvidence
from keystore.signer.model import MadeKey
from signing.authorize import Window, Windows
from signing.blobs import DocumentStore
from signing.confirm import Confirming
from signing.errors import ConfirmationRefused
from signing.formats.material import Signatory, StatusSource, Timestamps
from signing.formats.table import Parties
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.model import Role, SigningRequest
from signing.new_request import NewDocument, NewRequest, NewSigner
from signing.outcomes import Finished, Outcomes
from signing.ports import LooksAt, Signer, SigningCredential
from signing.requests import SigningRequests
from signing.sign import Signing
from tests.support.authenticator import Authenticator
from tests.support.signatory import SigningPki
from tests.support.signer import SIGNER, Bench
from tests.support.signing_people import FewPeople, WorkForLater, look_at_first_bytes

PORTAL = "portal.citizen"


@dataclass
class Codes:
    """A second-factor verifier that takes each code once, for the account that it belongs to."""

    bench: Bench
    right: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def confirm(
        self, activation: SignatureActivation, *, code: str, signer: Signer, now: datetime
    ) -> StatementEvidence:
        """See `SecondFactors`."""
        if code in self.used:
            raise ConfirmationRefused("code_used")
        if self.right.get(signer.account_id) != code:
            raise ConfirmationRefused("wrong_code")
        self.used.add(code)
        return self.bench.verifier.states(
            activation.challenge(), now=now, account_id=activation.account_id
        )


OFFICES = {"acc_9": "CÔNG TY LẤP LÁNH TƯỞNG TƯỢNG"}
"""Organisations in whose name people sign."""


@dataclass
class Door:
    """The way to the signer; a test may close it, or see what goes through."""

    bench: Bench
    now: datetime
    failure: BaseException | None = None
    afterwards: Callable[[], object] | None = None
    seen: list[SignatureActivation] = field(default_factory=list)

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        """See `SignerDoor`."""
        if self.failure is not None:
            raise self.failure
        self.seen.append(activation)
        signatures = self.bench.service.activate(activation, evidence, now=self.now)
        if self.afterwards is not None:
            self.afterwards()
        return signatures


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person who can sign."""

    signer: Signer
    credential: SigningCredential
    passkey: Authenticator | None = None


class SigningHouse:
    """Everything but web and processes; its clock stands at `now` until a test moves `door.now`."""

    def __init__(
        self,
        database: Database,
        *,
        sealer: Sealer,
        log: LogWriter,
        documents: DocumentStore,
        isolation: Isolation,
        pki: SigningPki,
        folder: Path,
        now: datetime,
    ) -> None:
        self.database = database
        self.sealer = sealer
        self.log = log
        self.documents = documents
        self.isolation = isolation
        self.pki = pki
        self.now = now
        ring = KekRing([Kek(b"root key of personal keys, 32 b!")])
        self.bench = Bench(database, ring, folder / "signer")
        self.codes = Codes(self.bench)
        self.door = Door(self.bench, now)
        self.people = FewPeople()
        self.later = WorkForLater()
        self.look: LooksAt = look_at_first_bytes
        self.build(timestamps=pki.timestamps(now=now), status=pki.status())

    def build(
        self,
        *,
        timestamps: Timestamps | None,
        status: StatusSource,
        at_opening: StatusSource | None = None,
    ) -> None:
        """Put it together, again when a test wants another authority.

        Takes   at_opening: who is asked before a window opens; None for somebody who is there.
        """
        parties = Parties.of(
            self.isolation, timestamps=timestamps, status=status, roots=(self.pki.root.der,)
        )
        common: dict[str, Any] = {"sealer": self.sealer, "documents": self.documents}
        self.requests = SigningRequests(
            self.database,
            log=self.log,
            signers=self.people,
            deferred=self.later,
            look=self.look,
            largest_bytes=10_000_000,
            **common,
        )
        opening = replace(parties, status=at_opening or self.pki.status())
        self.windows = Windows(
            self.database,
            signers=self.people,
            parties=opening,
            audience=SIGNER,
            name_of=OFFICES.__getitem__,
            **common,
        )
        self.outcomes = Outcomes(
            self.database,
            log=self.log,
            documents=self.documents,
            requests=self.requests,
            signers=self.people,
        )
        self.signing = Signing(
            self.database,
            requests=self.requests,
            outcomes=self.outcomes,
            parties=parties,
            status=status,
            deferred=self.later,
            **common,
        )
        self.confirming = Confirming(
            self.database,
            sealer=self.sealer,
            requests=self.requests,
            windows=self.windows,
            outcomes=self.outcomes,
            signing=self.signing,
            second_factors=self.codes,
            door=self.door,
        )

    def with_passkey(self, account_id: str = "acc_1", **known: Any) -> Somebody:
        """A person whose key takes a passkey (SCAL2)."""
        person = self.bench.enrol(now=self.now, account_id=account_id)
        return self._somebody(person.key, account_id, passkey=person.passkey, **known)

    def with_code(self, account_id: str = "acc_1", *, code: str = "123456") -> Somebody:
        """A person whose key takes a one-time code (SCAL1)."""
        self.codes.right[account_id] = code
        key = self.bench.enrol_for_statements(now=self.now, account_id=account_id)
        return self._somebody(key, account_id)

    def with_seal(self, account_id: str = "acc_1", *, organisation_id: str = "acc_9") -> Somebody:
        """A clerk who may use the seal of an organisation, with a passkey."""
        person = self.bench.enrol(
            now=self.now, account_id=organisation_id, subject_kind="organisation"
        )
        return self._somebody(
            person.key,
            account_id,
            passkey=person.passkey,
            role=Role.SEAL,
            organisation_id=organisation_id,
            enterprise_code="9900000016",
        )

    def ask(
        self, *documents: NewDocument, signers: Sequence[NewSigner] = (), **more: Any
    ) -> SigningRequest:
        """A request of the portal; the first person signs where nobody is named."""
        new = NewRequest(
            title="Đơn đề nghị",
            documents=documents,
            signers=signers or [NewSigner(sub="sub-acc_1")],
            **more,
        )
        return self.requests.create(new, client_id=PORTAL, now=self.now).request

    def open(self, request: SigningRequest, somebody: Somebody) -> Window:
        """Open the window for that person."""
        passkey = b"" if somebody.passkey is None else somebody.passkey.credential_id
        return self.windows.open(
            self.requests.get(request.request_id),
            signer=somebody.signer,
            credential=somebody.credential,
            passkey=passkey,
            now=self.now,
        )

    def confirm(self, request: SigningRequest, somebody: Somebody) -> Finished:
        """Open the window and confirm with a passkey, everything right."""
        window = self.open(request, somebody)
        assert somebody.passkey is not None
        return self.confirming.confirm(
            self.requests.get(request.request_id),
            signer=somebody.signer,
            confirmation=somebody.passkey.confirm(window.challenge),
            challenge=window.challenge,
            now=self.now,
        )

    def result(self, request: SigningRequest, position: int = 0) -> bytes:
        """The signed document."""
        found = self.requests.get(request.request_id).documents[position].result
        assert found is not None
        with self.documents.open(found.blob_id) as blob:
            return blob.read()[found.offset : found.offset + found.size_bytes]

    def _somebody(
        self,
        key: MadeKey,
        account_id: str,
        *,
        passkey: Authenticator | None = None,
        role: Role = Role.PERSON,
        organisation_id: str | None = None,
        enterprise_code: str | None = None,
    ) -> Somebody:
        public_key = load_der_public_key(key.public_spki)
        assert isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
        is_seal = role is Role.SEAL
        certificate = self.pki.certify(
            public_key,
            profile=Profile.SEAL if is_seal else Profile.CITIZEN,
            subject=OrganisationSubject("Công ty Mây Suối", "NTRVN-9900000016")
            if is_seal
            else PersonSubject("Người Mây Suối"),
        )
        signer = self.people.add(
            PORTAL,
            f"sub-{account_id}",
            account_id,
            role=role,
            organisation_id=organisation_id,
            enterprise_code=enterprise_code,
        )
        credential = SigningCredential(
            key_id=key.key_id,
            owner_id=signer.key_owner,
            scal=2 if passkey is not None else 1,
            signatory=Signatory(
                certificate.public_bytes(Encoding.DER), self.pki.chain, key.algorithm
            ),
            passkeys=() if passkey is None else (passkey.credential_id,),
            holder="Người Mây Suối",
            not_after=certificate.not_valid_after_utc,
        )
        return Somebody(signer, credential, passkey)


def pdf(content: bytes, *, name: str = "Đơn.pdf", **more: Any) -> NewDocument:
    """A PDF of the portal."""
    return NewDocument(name=name, media_type="application/pdf", content=Blob.of(content), **more)
