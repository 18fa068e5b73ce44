"""What people do with their signing certificates, put together from what a process holds.

What lives here: one builder.  Not here: what any of it does.
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.accounts.notices import Notices
from idp.key_uses import KeyUses
from idp.own_certificates import OwnCertificates
from idp.own_history import OwnHistory
from idp.own_key_resuming import OwnKeyResuming
from idp.pki import Pki
from idp.services import Services
from idp.signing import SigningServices


@dataclass(frozen=True, slots=True)
class CertificateServices:
    """All of it is safe to share between threads."""

    own: OwnCertificates
    resuming: OwnKeyResuming
    uses: KeyUses


def build_certificates(
    services: Services, signing: SigningServices, *, pki: Pki
) -> CertificateServices:
    """Put it together; cheap, nothing is asked for yet."""
    own = OwnCertificates(
        services.database,
        people=services.people,
        signers=signing.signers,
        certificates=pki.certificates,
        states=pki.states,
        authorities=pki.authorities,
        deferred=services.outbox,
        notices=Notices(services.outbox, services.sealer),
    )
    resuming = OwnKeyResuming(
        own,
        store=services.ephemeral,
        sealer=services.sealer,
        eligibility=signing.eligibility,
        factors=signing.second_factors,
        door=signing.door,
        audience=services.settings.issuer,
    )
    uses = KeyUses(
        services.database,
        services.sealer,
        OwnHistory(services.database, services.sealer, services.trust.log.proofs),
    )
    return CertificateServices(own, resuming, uses)
