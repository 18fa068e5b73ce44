"""The status of certificates in this deployment: what answers, and what prepares the answers.

What lives here: the way from settings to the objects of `keystore`.  Web processes hold the two
endpoints; the process that does duties holds the other two.  Nothing is asked when these are made.
Not here: what they do (`keystore/pki`, `keystore/web`), the authorities themselves (`idp/pki.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from idp.pki import Pki
from idp.settings import Settings
from keystore.log.record import LogWriter
from keystore.pki.budget import SigningBudget
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.ocsp import OcspResponder
from keystore.pki.ocsp_ahead import StatusSigner
from keystore.pki.ocsp_cache import AnswerCache
from keystore.pki.ocsp_signers import OcspSigners
from keystore.storage import DatabaseLike
from keystore.web.crl import CrlEndpoint
from keystore.web.ocsp import OcspEndpoint


@dataclass(frozen=True, slots=True)
class StatusServices:
    """Safe to share between threads, one of each per process."""

    ocsp: OcspEndpoint
    crl: CrlEndpoint
    signer: StatusSigner
    publisher: CrlPublisher


def build_status(
    pki: Pki, *, settings: Settings, database: DatabaseLike, log: LogWriter
) -> StatusServices:
    """Endpoints and duties over one database."""
    signers = OcspSigners(pki.ocsp_certificates)
    lifetime = timedelta(seconds=settings.ocsp_lifetime_s)
    budget = SigningBudget(
        per_second=settings.ocsp_live_per_second, at_once=2 * settings.ocsp_live_per_second
    )
    responder = OcspResponder(database, responders=signers, budget=budget, lifetime=lifetime)
    return StatusServices(
        ocsp=OcspEndpoint(responder, cache=AnswerCache(database)),
        crl=CrlEndpoint(database),
        signer=StatusSigner(database, responders=signers, lifetime=lifetime),
        publisher=CrlPublisher(
            database,
            keys=pki.ca_keyring,
            log=log,
            addresses=pki.deployment.addresses,
            lifetime=timedelta(seconds=settings.crl_lifetime_s),
        ),
    )
