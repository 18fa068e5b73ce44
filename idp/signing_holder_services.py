"""Whoever signs, and what they sign with, built once.

What lives here: `HolderServices` and the function that builds it.  Cheap to make: signer and
verifier are reached when somebody confirms.
Not here: what any of it does (`idp/signing_eligibility.py` and its neighbours).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from idp.accounts.passkeys import Passkeys
from idp.accounts.people import People
from idp.ground_services import Ground
from idp.passkey_removal import PasskeyRemoval
from idp.pki import Pki
from idp.second_factors import VerifierFactors
from idp.settings import Settings
from idp.signer_client import open_signer_client
from idp.signing_certificates import SigningCertificates
from idp.signing_credentials import HeldCredentials
from idp.signing_eligibility import PASSKEY_WAITS, Eligibility
from idp.signing_enrolment import SigningEnrolment
from idp.signing_people import PortalSigners
from idp.verifier_client import open_verifier_client
from keystore.signer.client import SignerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderServices:
    """All of it is safe to share between threads."""

    door: SignerClient
    signers: PortalSigners
    credentials: HeldCredentials
    eligibility: Eligibility
    enrolment: SigningEnrolment
    passkey_removal: PasskeyRemoval
    second_factors: VerifierFactors


def build_holders(
    settings: Settings,
    ground: Ground,
    *,
    people: People,
    passkeys: Passkeys,
    pki: Pki,
    is_sandbox: bool,
) -> HolderServices:
    """Build everything; nothing is connected to."""
    database, sealer = ground.database, ground.sealer
    signers = PortalSigners(database, people=people, clients=ground.registry)
    factors = VerifierFactors(database, sealer=sealer, client=open_verifier_client(settings))
    door = open_signer_client(settings)
    eligibility = Eligibility(
        database,
        sealer=sealer,
        people=people,
        signers=signers,
        factors=factors,
        certificates=pki.certificates,
        # the exception that the verifier has for codes
        passkey_waits=timedelta(0)
        if is_sandbox and settings.verifier_confirms_at_once
        else PASSKEY_WAITS,
    )
    return HolderServices(
        door=door,
        signers=signers,
        credentials=HeldCredentials(
            database,
            certificates=pki.certificates,
            authorities=pki.authorities,
        ),
        eligibility=eligibility,
        enrolment=SigningEnrolment(
            store=ground.ephemeral,
            sealer=sealer,
            eligibility=eligibility,
            factors=factors,
            certificates=SigningCertificates(
                database, certificates=pki.certificates, eligibility=eligibility
            ),
            door=door,
            audience=settings.issuer,
            rp_id=settings.effective_signer_rp_id,
            needs_statement=settings.signer_needs_statement,
        ),
        passkey_removal=PasskeyRemoval(
            database,
            passkeys=passkeys,
            people=people,
            certificates=pki.certificates,
            states=pki.states,
        ),
        second_factors=factors,
    )
