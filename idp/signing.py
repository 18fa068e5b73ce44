"""Signing documents, put together: from settings to the use cases of the signing journey.

What lives here: `SigningServices` and the function that builds it, of which two parts have files of
their own: documents (`signing_format_services.py`), whoever signs (`signing_holder_services.py`).
Cheap to make: processes that read documents start with the first document, the signer is reached
when somebody confirms.
Not here: what any of it does (`signing`), its pages and endpoints (`signing/web`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.accounts.passkeys import Passkeys
from idp.accounts.people import People
from idp.ground_services import Ground
from idp.ids import AccountId
from idp.passkey_removal import PasskeyRemoval
from idp.passkey_use import NotesUse
from idp.second_factors import VerifierFactors
from idp.settings import Settings
from idp.signature_images import SignatureImages
from idp.signing_credentials import HeldCredentials
from idp.signing_eligibility import Eligibility
from idp.signing_enrolment import SigningEnrolment
from idp.signing_format_services import build_formats
from idp.signing_holder_services import build_holders
from idp.signing_people import PortalSigners
from idp.trust import Trust
from keystore.signer.client import SignerClient
from signing.authorize import Windows
from signing.blobs import DocumentStore
from signing.confirm import Confirming
from signing.draw import DrawnSignatures
from signing.formats.table import Parties
from signing.intake import Intake
from signing.isolation.pool import IsolationPool
from signing.model import Room
from signing.outcomes import Outcomes
from signing.requests import SigningRequests
from signing.sign import Signing

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
    ground: Ground,
    *,
    people: People,
    passkeys: Passkeys,
    trust: Trust,
    time: Callable[[], datetime],
    is_sandbox: bool,
) -> SigningServices | None:
    """Put it together; None where this deployment runs no authority.

    Raises  SettingsInvalid with the name of the setting.
    """
    if (pki := trust.pki) is None:
        return None
    formats = build_formats(settings, egress=ground.egress, trust=trust, pki=pki, time=time)
    holders = build_holders(
        settings, ground, people=people, passkeys=passkeys, pki=pki, is_sandbox=is_sandbox
    )
    database, sealer, log, outbox = ground.database, ground.sealer, ground.log, ground.outbox
    documents = DocumentStore(database, folder=settings.effective_documents_folder, sealer=sealer)
    requests = SigningRequests(
        database,
        sealer=sealer,
        log=log,
        documents=documents,
        signers=holders.signers,
        deferred=outbox,
        look=formats.intake,
        largest_bytes=formats.most_bytes,
        room=Room(
            most_open=settings.signing_open_requests,
            most_open_bytes=settings.signing_open_mib * _MIB,
            most_waiting_each=settings.signing_waiting_each,
        ),
    )
    images = SignatureImages(
        database, sealer=sealer, log=log, isolation=formats.isolation.for_tenant("images")
    )
    windows = Windows(
        database,
        sealer=sealer,
        documents=documents,
        signers=holders.signers,
        parties=formats.parties,
        audience=settings.issuer,
        draws=DrawnSignatures(
            formats.isolation,
            intake=formats.intake,
            images=images,
            name_of=_names(people),
            verify_url=f"{settings.issuer}/verify",
        ),
        name_of=_names(people),
        is_page_compared=settings.signing_pages_compared,
    )
    outcomes = Outcomes(
        database, log=log, documents=documents, requests=requests, signers=holders.signers
    )
    signing = Signing(
        database,
        sealer=sealer,
        documents=documents,
        requests=requests,
        outcomes=outcomes,
        parties=formats.parties,
        status=formats.status,
        deferred=outbox,
        evidence_years=settings.signing_evidence_years,
    )
    return SigningServices(
        isolation=formats.isolation,
        door=holders.door,
        intake=formats.intake,
        parties=formats.parties,
        documents=documents,
        signers=holders.signers,
        credentials=holders.credentials,
        eligibility=holders.eligibility,
        enrolment=holders.enrolment,
        images=images,
        passkey_removal=holders.passkey_removal,
        second_factors=holders.second_factors,
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
            second_factors=holders.second_factors,
            door=NotesUse(holders.door, passkeys=passkeys, time=time),
        ),
    )


def _names(people: People) -> Callable[[str], str]:
    """The names of organisations that people sign for."""

    def name_of(account_id: str) -> str:
        found = people.find_account(AccountId(account_id))
        return "" if found is None else found.profile.name

    return name_of
