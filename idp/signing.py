"""Signing documents, put together: from settings to the use cases of the signing journey.

What lives here: `SigningServices` and the one function that builds it.  Cheap to make: processes
that read documents start with the first document, the signer is reached when somebody confirms.
Not here: what any of it does (`signing`), its pages and endpoints (`signing/web`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clients.registry.registry import Registry
from idp.accounts.passkeys import Passkeys
from idp.accounts.people import People
from idp.egress import Egress
from idp.errors import SettingsInvalid
from idp.ids import AccountId
from idp.passkey_removal import PasskeyRemoval
from idp.passkey_use import NotesUse
from idp.pki import Pki
from idp.second_factors import VerifierFactors
from idp.settings import Settings
from idp.signature_images import SignatureImages
from idp.signer_client import open_signer_client
from idp.signing_certificates import SigningCertificates
from idp.signing_credentials import HeldCredentials
from idp.signing_eligibility import PASSKEY_WAITS, Eligibility
from idp.signing_enrolment import SigningEnrolment
from idp.signing_people import PortalSigners
from idp.signing_transport import SigningTransport
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.trust import Trust
from idp.verifier_client import open_verifier_client
from idp.walls import make_walls
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter
from keystore.pki.model import CaKind
from keystore.sealing import Sealer
from keystore.signer.client import SignerClient
from signing.authorize import Windows
from signing.blobs import DocumentStore
from signing.confirm import Confirming
from signing.draw import DrawnSignatures
from signing.formats.table import Parties
from signing.formats.timestamp_client import TimestampClient
from signing.intake import Intake, IntakeLimits
from signing.isolation.pool import IsolationPool
from signing.outcomes import Outcomes
from signing.requests import SigningRequests
from signing.room import Room
from signing.sign import Signing
from signing.sources import AskedStatus, asked_by

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class SigningServices:
    """What signs documents in one process; all of it is safe to share between threads."""

    isolation: IsolationPool
    door: SignerClient
    intake: Intake
    parties: Parties
    documents: DocumentStore
    signers: PortalSigners
    credentials: HeldCredentials
    eligibility: Eligibility
    enrolment: SigningEnrolment
    passkey_removal: PasskeyRemoval
    images: SignatureImages
    second_factors: VerifierFactors
    requests: SigningRequests
    windows: Windows
    signing: Signing
    confirming: Confirming

    def close(self) -> None:
        """End the processes that read documents, and the connections to signer and verifier."""
        self.door.close()
        self.second_factors.close()
        self.isolation.close()


def build_signing(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    people: People,
    passkeys: Passkeys,
    registry: Registry,
    outbox: Outbox,
    egress: Egress,
    trust: Trust,
    time: Callable[[], datetime],
    is_sandbox: bool,
) -> SigningServices | None:
    """Put it together; None where this deployment runs no authority.

    Raises  SettingsInvalid with the name of the setting.
    """
    if trust.pki is None:
        return None
    isolation = IsolationPool(make_walls(settings))
    documents = DocumentStore(database, folder=settings.effective_documents_folder, sealer=sealer)
    signers = PortalSigners(database, people=people, clients=registry)
    factors = VerifierFactors(database, sealer=sealer, client=open_verifier_client(settings))
    transport = SigningTransport(
        origins=frozenset({settings.issuer, trust.pki.deployment.addresses.base_url}),
        endpoints=trust.endpoints,
        egress=egress,
        time=time,
    )
    roots = find_roots(settings, pki=trust.pki)
    status = AskedStatus(transport)
    timestamps = TimestampClient(
        asked_by(transport, url=settings.effective_timestamps_url), roots=roots, clock=time
    )
    parties = Parties.of(isolation, timestamps=timestamps, status=status, roots=roots)
    most_bytes = settings.document_mib * _MIB
    intake = Intake(isolation, IntakeLimits(most_bytes=most_bytes))
    requests = SigningRequests(
        database,
        sealer=sealer,
        log=log,
        documents=documents,
        signers=signers,
        deferred=outbox,
        look=intake,
        largest_bytes=most_bytes,
        room=Room(
            most_open=settings.signing_open_requests,
            most_open_bytes=settings.signing_open_mib * _MIB,
            most_waiting_each=settings.signing_waiting_each,
        ),
    )
    images = SignatureImages(
        database, sealer=sealer, log=log, isolation=isolation.for_tenant("images")
    )
    windows = Windows(
        database,
        sealer=sealer,
        documents=documents,
        signers=signers,
        parties=parties,
        audience=settings.issuer,
        draws=DrawnSignatures(
            isolation,
            intake=intake,
            images=images,
            name_of=_names(people),
            verify_url=f"{settings.issuer}/verify",
        ),
        is_page_compared=settings.signing_pages_compared,
    )
    outcomes = Outcomes(database, log=log, documents=documents, requests=requests, signers=signers)
    signing = Signing(
        database,
        sealer=sealer,
        documents=documents,
        requests=requests,
        outcomes=outcomes,
        parties=parties,
        status=status,
        evidence_years=settings.signing_evidence_years,
    )
    door = open_signer_client(settings)
    eligibility = Eligibility(
        database,
        sealer=sealer,
        people=people,
        signers=signers,
        factors=factors,
        certificates=trust.pki.certificates,
        # the exception that the verifier has for codes
        passkey_waits=timedelta(0)
        if is_sandbox and settings.verifier_confirms_at_once
        else PASSKEY_WAITS,
    )
    return SigningServices(
        isolation=isolation,
        door=door,
        intake=intake,
        parties=parties,
        documents=documents,
        signers=signers,
        credentials=HeldCredentials(
            database,
            people=people,
            certificates=trust.pki.certificates,
            authorities=trust.pki.authorities,
        ),
        eligibility=eligibility,
        enrolment=SigningEnrolment(
            store=ephemeral,
            sealer=sealer,
            eligibility=eligibility,
            factors=factors,
            certificates=SigningCertificates(
                database, certificates=trust.pki.certificates, eligibility=eligibility
            ),
            door=door,
            audience=settings.issuer,
            rp_id=settings.effective_signer_rp_id,
            needs_statement=settings.signer_needs_statement,
        ),
        images=images,
        passkey_removal=PasskeyRemoval(
            database,
            passkeys=passkeys,
            people=people,
            certificates=trust.pki.certificates,
            states=trust.pki.states,
        ),
        second_factors=factors,
        requests=requests,
        windows=windows,
        signing=signing,
        confirming=Confirming(
            database,
            sealer=sealer,
            requests=requests,
            windows=windows,
            outcomes=outcomes,
            signing=signing,
            second_factors=factors,
            door=NotesUse(door, passkeys=passkeys, time=time),
            deferred=outbox,
        ),
    )


def find_roots(settings: Settings, *, pki: Pki) -> tuple[bytes, ...]:
    """Where chains may end: our own roots, and those that the settings name; DER.

    Raises  SettingsInvalid.
    """
    own = tuple(one.certificate for one in pki.authorities.records() if one.kind is CaKind.ROOT)
    if settings.signing_roots is None:
        return own
    try:
        others = x509.load_pem_x509_certificates(settings.signing_roots.read_bytes())
    except (OSError, ValueError) as problem:
        raise SettingsInvalid(
            "ANTIN_SIGNING_ROOTS", reason="must be a readable file of certificates, PEM"
        ) from problem
    return own + tuple(one.public_bytes(Encoding.DER) for one in others)


def _names(people: People) -> Callable[[str], str]:
    """The names of organisations that people sign for."""

    def name_of(account_id: str) -> str:
        found = people.find_account(AccountId(account_id))
        return "" if found is None else found.profile.name

    return name_of
