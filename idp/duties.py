"""What is done again and again, whether or not anybody asked, and what is done when it was put off.

What lives here: the table of periodic duties with their pace, and the handler of each kind of
outbox row. When they run is `idp/work`; that they run at all is `antin work`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.channels import Channel
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.accounts.refusals import RefusedSignIns
from idp.accounts.reset_asked import SEND_RESET
from idp.accounts.wrapping import wrap_some
from idp.delivery.gateway import CountSent, Gateway
from idp.delivery_services import delivery_handlers, open_gateways
from idp.mandate_register import CHECK_MANDATE, MandateCheck
from idp.oauth.backchannel_logout import BackchannelLogout, LogoutTokens
from idp.own_key_jobs import END_OWN_KEY, HOLD_OWN_KEY, OwnKeyEnd, OwnKeyHold
from idp.services import Services
from idp.sessions import BACKCHANNEL_LOGOUT
from idp.signer_client import open_signer_client
from idp.signing_means import (
    DESTROY_PERSONAL_KEYS,
    SUSPEND_PERSONAL_KEYS,
    PersonalKeysEnd,
    PersonalKeysHold,
)
from idp.signing_work import signing_duties, signing_handlers
from idp.storage.credentials import recount_schemes
from idp.storage.database import Database
from idp.storage.purge import find_rules, purge_batch
from idp.storage.schema import all_metadata
from idp.work.model import Duty, Handler, Job, RecordGivenUp
from keystore.keyring import Keyring
from keystore.log.events import Event, EventType, Fact
from keystore.purposes import KEY_PURPOSES, LOG, TOKENS
from signing.sign import FINISH_SIGNING, FINISH_SIGNING_OF_BEFORE
from signing.telling import SEND_WEBHOOK

_PURGE_EVERY: Final = timedelta(seconds=30)
_PURGED_AT_ONCE: Final = 2000
_END_EVERY: Final = timedelta(seconds=10)
_LOG_EVERY: Final = timedelta(seconds=1)
_STATUS_EVERY: Final = timedelta(minutes=1)
_WRAPPED_AT_ONCE: Final = 100
"""About two seconds of one core, in every period of five."""


def make_handlers(
    services: Services,
    *,
    gateways: Mapping[Channel, Sequence[Gateway]] | None = None,
    count_sent: CountSent | None = None,
) -> Mapping[str, Handler]:
    """Who fulfils which kind of outbox row.

    Takes   gateways: in place of those that the settings name; count_sent: see `Gateways`.
    Raises  SettingsInvalid: a gateway's password cannot be read.
    """
    if gateways is None:
        gateways = open_gateways(services.settings, egress=services.egress)
    issuer = services.settings.issuer
    tokens = LogoutTokens(services.keyring, issuer=issuer)
    signing: Mapping[str, Handler] = {}
    if services.signing is not None:
        signing = signing_handlers(
            services.signing, keyring=services.keyring, issuer=issuer, egress=services.egress
        )
    return {
        **signing,
        **delivery_handlers(
            services.delivery,
            gateways,
            settings=services.settings,
            database=services.database,
            ephemeral=services.ephemeral,
            sealer=services.sealer,
            people=services.people,
            time=services.time,
            count=count_sent,
        ),
        BACKCHANNEL_LOGOUT: BackchannelLogout(
            tokens, clients=services.registry, egress=services.egress
        ),
        SEND_RESET: services.recovering.sending,
        CHECK_MANDATE: MandateCheck(services.mandates.registered),
        SUSPEND_PERSONAL_KEYS: PersonalKeysHold(lambda: open_signer_client(services.settings)),
        DESTROY_PERSONAL_KEYS: PersonalKeysEnd(lambda: open_signer_client(services.settings)),
        HOLD_OWN_KEY: OwnKeyHold(services.database, lambda: open_signer_client(services.settings)),
        END_OWN_KEY: OwnKeyEnd(services.database, lambda: open_signer_client(services.settings)),
    }


_OF_SIGNING: Final = frozenset({FINISH_SIGNING, FINISH_SIGNING_OF_BEFORE})
_OF_PERSONAL_KEYS: Final = frozenset(
    {SUSPEND_PERSONAL_KEYS, DESTROY_PERSONAL_KEYS, HOLD_OWN_KEY, END_OWN_KEY}
)


def make_duties(services: Services) -> tuple[Duty, ...]:
    """The periodic duties; each bears being cut off and repeated."""
    rules = find_rules(*all_metadata())
    passwords = Passwords(Hashing(Argon2Costs()))
    refused = RefusedSignIns(services.ephemeral, sealer=services.sealer)
    database = services.database
    return (
        Duty(
            "purge",
            _PURGE_EVERY,
            lambda now: _while_full(
                lambda: max(
                    purge_batch(database, rules=rules, now=now, limit=_PURGED_AT_ONCE).values(),
                    default=0,
                )
            ),
        ),
        Duty(
            "purge_ephemeral",
            _PURGE_EVERY,
            lambda now: _while_full(
                lambda: services.ephemeral.purge(now=now, limit=_PURGED_AT_ONCE)
            ),
        ),
        Duty(
            "end_expired_sessions",
            _END_EVERY,
            lambda now: services.sessions.end_expired(now=now, goes_on=_until_late(_END_EVERY)),
        ),
        Duty(
            "end_mandates_out_of_time",
            timedelta(minutes=1),
            lambda now: services.mandates.ending.end_out_of_time(
                now=now, goes_on=_until_late(timedelta(minutes=1))
            ),
        ),
        Duty(
            "record_refused_sign_ins",
            timedelta(minutes=1),
            lambda now: refused.flush(database, log=services.log, now=now),
        ),
        Duty(
            "wrap_imported_passwords",
            timedelta(seconds=5),
            lambda now: wrap_some(
                database,
                sealer=services.sealer,
                passwords=passwords,
                limit=_WRAPPED_AT_ONCE,
                now=now,
                cores=1,
            ),
        ),
        Duty("recount_password_schemes", timedelta(days=1), lambda _now: _recount(database)),
        *_key_duties(services),
        *_log_duties(services),
        *_authority_duties(services),
        *services.foreign_trust.duties(),
        *(() if services.signing is None else signing_duties(services.signing)),
    )


def _key_duties(services: Services) -> tuple[Duty, ...]:
    """The next keys in time, and the end of those that sign nothing any more.

    Keys under certificates are followed by others together with those (`_authority_duties`), keys
    of the log by command.
    """
    keyrings = [services.keyrings.of(purpose) for purpose in KEY_PURPOSES.values()]
    return (
        Duty("rotate_keys", timedelta(hours=1), services.keyrings.of(TOKENS).rotate_due),
        Duty(
            "destroy_keys",
            timedelta(hours=1),
            lambda now: _for_each(keyrings, lambda one: one.destroy_retired(now)),
        ),
    )


def _log_duties(services: Services) -> tuple[Duty, ...]:
    """What makes rows entries of the log, and what makes its checkpoints count."""
    log = services.trust.log
    services.keyrings.of(LOG).ensure(services.time())
    duties = [
        Duty("integrate_log", _LOG_EVERY, log.sequencer.run),
        Duty("tidy_log", timedelta(hours=1), log.sequencer.tidy),
    ]
    if log.witnessing is not None:
        duties.append(Duty("witness_log", _LOG_EVERY, log.witnessing.run))
    return tuple(duties)


def _authority_duties(services: Services) -> tuple[Duty, ...]:
    """What keeps certificates of services, status answers and lists ahead of their end."""
    pki, status = services.trust.pki, services.trust.status
    if pki is None or status is None:
        return ()
    return (
        Duty("renew_timestamp_certificates", _STATUS_EVERY, pki.timestamp_certificates.renew_due),
        Duty("renew_ocsp_certificates", _STATUS_EVERY, pki.ocsp_certificates.renew_due),
        Duty("renew_document_certificates", _STATUS_EVERY, pki.document_certificates.renew_due),
        Duty("sign_status_ahead", _STATUS_EVERY, status.signer.sign_ahead),
        Duty("publish_crl", _STATUS_EVERY, status.publisher.publish_due),
    )


def _for_each(keyrings: Sequence[Keyring], act: Callable[[Keyring], object]) -> None:
    """Do it with each; one that fails does not keep the others from it, and is told at the end.

    Raises  the first failure.
    """
    failures = []
    for one in keyrings:
        try:
            act(one)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the others come first
            failures.append(failure)
    if failures:
        raise failures[0]


def _recount(database: Database) -> None:
    """How many accounts have which old password scheme: what an unknown identifier has to cost."""
    with database.transaction() as tx:
        recount_schemes(tx)


def _while_full(purge: Callable[[], int]) -> None:
    """Batch after batch while they are full: one alone in each period would fall behind a busy day.

    Stops in time for the next period, so that no two of them meet.
    """
    goes_on = _until_late(_PURGE_EVERY)
    while purge() >= _PURGED_AT_ONCE and goes_on():
        pass


def _until_late(period: timedelta) -> Callable[[], bool]:
    """Says whether there is time for more: for two thirds of the period from now on."""
    end_s = time.monotonic() + period.total_seconds() * 2 / 3
    return lambda: time.monotonic() < end_s


def make_record_given_up(services: Services) -> RecordGivenUp:
    """What is written into the log when a portal or the signer could not be told."""

    def record(job: Job, *, error: str, now: datetime) -> None:
        facts: dict[str, Fact] = {
            "error": error,
            "attempts": job.attempts,
            "job": job.outbox_id,
        }
        data_key = None
        if job.kind == BACKCHANNEL_LOGOUT:
            client_id = job.payload["client_id"]
            event = Event(EventType.LOGOUT_UNDELIVERED, client_id=client_id, facts=facts)
        elif job.kind in _OF_PERSONAL_KEYS:
            facts["wanted"] = job.kind
            account_id = job.payload["account_id"]
            event = Event(EventType.PERSONAL_KEYS_LEFT, account_id=account_id, facts=facts)
            data_key = services.people.data_key_of(account_id)  # None when it was erased
        elif job.kind in _OF_SIGNING and services.signing is not None:
            request_id, slot = job.payload["request_id"], job.payload["slot"]
            services.signing.signing.give_up(request_id, slot, reason=error, now=now)
            return
        elif job.kind == SEND_WEBHOOK:
            facts["request_id"] = job.payload["request_id"]
            event = Event(EventType.REQUEST_UNTOLD, facts=facts)
        else:
            return
        with services.database.transaction() as tx:
            services.log.record(tx, event, data_key=data_key, now=now)

    return record
