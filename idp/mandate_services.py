"""What a process holds for mandates, built once.

What lives here: `MandateServices` and what builds it.  Not here: what any of it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from clients.registry.registry import Registry
from idp.accounts.charters import Charters
from idp.accounts.delegation import Delegations
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.notices import Notices
from idp.accounts.people import People
from idp.clerk_keys import ClerkKeys
from idp.mandate_ending import MandateEnding
from idp.mandate_register import RegisterMandates
from idp.oauth.revocation import Revocations
from idp.own_mandates import OwnMandates
from idp.registers import BusinessRegister
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter
from keystore.pki.certificate_states import CertificateStates
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class MandateServices:
    """All of it is safe to share between threads."""

    ending: MandateEnding
    delegations: Delegations
    own: OwnMandates
    charters: Charters
    registered: RegisterMandates


def build_mandates(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    registry: Registry,
    business: BusinessRegister,
    people: People,
    outbox: Outbox,
    revocations: Revocations,
    states: CertificateStates | None,
) -> MandateServices:
    """Build it from what the process holds already."""
    notices = Notices(outbox, sealer)
    seals = None if states is None else ClerkKeys(states)
    ending = MandateEnding(database, registry, outbox, revocations, notices, log, seals)
    delegations = Delegations(
        database=database,
        store=ephemeral,
        sealer=sealer,
        clients=registry,
        ending=ending,
        notices=notices,
        log=log,
        longest=timedelta(days=settings.mandate_longest_days),
        decided_within=timedelta(days=settings.mandate_decided_days),
    )
    registered = RegisterMandates(
        database=database,
        store=ephemeral,
        people=people,
        lifecycle=AccountLifecycle(database, sealer=sealer, log=log),
        register=business,
        ending=ending,
        notices=notices,
        log=log,
        recheck=timedelta(seconds=settings.mandate_recheck_s),
        holds=timedelta(seconds=settings.mandate_holds_s),
    )
    return MandateServices(
        ending, delegations, OwnMandates(database, sealer), Charters(database), registered
    )
