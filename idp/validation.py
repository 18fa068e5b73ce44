"""Checking documents, put together: from settings to what the page, the API and the command need.

What lives here: `ValidationServices` and the one function that builds it.  Cheap to make: processes
that read documents start with the first document.
Not here: what any of it does (`signing/validation`), its pages and endpoints (`idp/web/verify`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from idp.foreign_trust import ForeignTrust
from idp.pki import own_policy_arcs
from idp.report_seal import ReportSeal
from idp.settings import Settings
from idp.shown_reports import ShownReports
from idp.signing import SigningServices
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.trust import Trust
from idp.validation_limits import ValidationLimits
from keystore.log.record import LogWriter
from keystore.pki.deployment import PkiDeployment
from keystore.sealing import Sealer
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool
from signing.isolation.task import READERS_OF_CHECKS, Isolation
from signing.validation.detached import Detached
from signing.validation.kept import KeptReports
from signing.validation.model import DocumentReport
from signing.validation.online_status import AskedOnline
from signing.validation.policy import POLICY, ValidationPolicy
from signing.validation.report.writable import writable
from signing.validation.trust_sources import OWN
from signing.validation.validate import Validation

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ValidationServices:
    """What checks documents in one process; all of it is safe to share between threads.

    `online` asks about certificates of others, None: nobody is asked; `seal` is None where this
    deployment runs no authority: its reports are sealed by nobody.
    """

    validation: Validation
    online: AskedOnline | None
    isolation: Isolation
    shown: ShownReports
    kept: KeptReports
    limits: ValidationLimits
    seal: ReportSeal | None

    def check(
        self, document: Blob, *, name: str, now: datetime, detached: Sequence[Detached] = ()
    ) -> DocumentReport:
        """The report about one file, with the questions over the network that one is worth.

        Takes   see `Validation.validate`.
        """
        judge = self.validation
        if self.online is not None:
            judge = replace(judge, online=self.online.for_one_validation())
        return writable(judge.validate(document, name=name, now=now, detached=detached))


def policy_of(settings: Settings, *, deployment: PkiDeployment | None) -> ValidationPolicy:
    """What is demanded of signatures here, and what policies of our own certificates are known by.

    Who alone has a key is believed of our own authority; a sandbox is one whoever vouches for it.
    """
    arcs = own_policy_arcs(settings, deployment=deployment)
    own_sources = POLICY.own_sources if deployment is None else frozenset({OWN})
    return replace(POLICY, own_arcs=arcs, own_sources=own_sources)


def build_validation(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    trust: Trust,
    foreign: ForeignTrust,
    signing: SigningServices | None,
) -> ValidationServices:
    """Put it together; nothing is started."""
    pool = foreign.own_isolation if signing is None else signing.isolation
    isolation = (pool or IsolationPool()).for_tenant(READERS_OF_CHECKS)
    seal = None
    if signing is not None and trust.pki is not None:
        seal = ReportSeal(settings, pki=trust.pki, signing=signing)
    return ValidationServices(
        validation=Validation(
            isolation,
            foreign.anchors,
            policy=policy_of(
                settings, deployment=None if trust.pki is None else trust.pki.deployment
            ),
            most_bytes=settings.document_mib * _MIB,
        ),
        online=foreign.online,
        isolation=isolation,
        shown=ShownReports(ephemeral, sealer),
        kept=KeptReports(database, sealer=sealer, log=log),
        limits=ValidationLimits(ephemeral, sealer, settings.verify_files_per_minute),
        seal=seal,
    )
