"""What an account signs with ends together with the account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import insert, select

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, IdentifierKind, Profile
from idp.duties import make_record_given_up
from idp.pki import subject_of
from idp.sandbox.trust import make_authority
from idp.services import Services, build_services
from idp.settings import Settings
from idp.signing_means import (
    DESTROY_PERSONAL_KEYS,
    SUSPEND_PERSONAL_KEYS,
    PersonalKeysEnd,
    PersonalKeysHold,
    SigningMeans,
)
from idp.storage import outbox
from idp.storage.database import Database
from idp.work.model import Done, Retry
from keystore.destruction import DestructionList
from keystore.log.events import EventType
from keystore.log.record import log_event
from keystore.pki.certificates import IssueRequest
from keystore.pki.model import CertificateRecord, CertificateState, RevocationReason
from keystore.pki.profiles import Profile as CertificateProfile
from keystore.signer import errors
from keystore.signer.client import SignerClient
from keystore.signer.model import KeyPolicy
from keystore.signer.storage import insert_personal_key
from signing.storage.request_tables import signing_request, signing_slot
from signing.telling import SEND_WEBHOOK
from tests.support.provider import KEK
from tests.support.signer_process import running_signer, sign_with

NUMBER = "003190001118"


@pytest.fixture
def services(database: Database, tmp_path: Path, now: datetime) -> Iterator[Services]:
    """A deployment with an authority."""
    settings = Settings(var=tmp_path, kek=KEK)
    made = build_services(settings, time=lambda: now, database=database, is_sandbox=True)
    make_authority(made, now=now)
    yield made
    made.clock.close()
    made.ephemeral.close()


@pytest.fixture
def lifecycle(services: Services, tmp_path: Path) -> AccountLifecycle:
    """As the command line makes it."""
    return AccountLifecycle(
        services.database,
        sealer=services.sealer,
        log=services.log,
        destructions=DestructionList(tmp_path / "destroyed", sealer=services.sealer),
        signing_means=services.signing_means(log=services.log),
    )


@pytest.fixture
def account(services: Services, lifecycle: AccountLifecycle, now: datetime) -> Account:
    """Somebody with a certificate and a signing key."""
    made = make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.TWO,
        profile=Profile(name="Nguyễn Thị Lấp Lánh Ánh"),
        identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, NUMBER)],
        now=now,
    )
    lifecycle.open(made)
    found = services.people.find_account(made.account_id)
    assert found is not None
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert services.trust.pki is not None
    services.trust.pki.certificates.issue(
        IssueRequest(
            profile=CertificateProfile.CITIZEN,
            subject=subject_of(found),
            public_spki=spki,
            account_id=found.account_id,
            data_key=found.data_key,
            proofing_level=2,
            scal=2,
        ),
        now=now,
    )
    return found


def certificate_of(services: Services, account: Account) -> CertificateRecord:
    """The one that was issued."""
    assert services.trust.pki is not None
    (found,) = services.trust.pki.certificates.of_account(account.account_id)
    return found


def give_key(services: Services, account: Account, *, key_id: str = "key_1") -> None:
    """A row of a signing key, as the signer stores it."""
    policy = KeyPolicy(
        key_id=key_id, account_id=account.account_id, subject_kind="person", algorithm="ES256",
        scal=1, rp_id="", credentials=(), recipient=b"", created_ms=0,
    )  # fmt: skip
    with services.database.transaction() as tx:
        insert_personal_key(tx, policy, public_spki=b"spki", wrapped=b"wrapped", kek_id="kek")


def jobs(services: Services, *, now: datetime) -> list[outbox.Job]:
    """What waits for the worker."""
    return list(outbox.lease(services.database, now=now, duration=timedelta(seconds=60), limit=10))


def test_a_locked_account_has_its_certificates_on_hold(services, lifecycle, account, now) -> None:
    lifecycle.lock(account.account_id, reason="lost_phone", now=now)
    assert certificate_of(services, account).state is CertificateState.SUSPENDED
    lifecycle.unlock(account.account_id, reason="found", now=now)
    assert certificate_of(services, account).state is CertificateState.SUSPENDED


def test_keys_of_a_locked_account_are_the_signers_to_suspend(
    services, lifecycle, account, now
) -> None:
    give_key(services, account)
    lifecycle.lock(account.account_id, reason="lost_phone", now=now)
    (job,) = jobs(services, now=now)
    assert job.kind == SUSPEND_PERSONAL_KEYS
    assert job.payload == {"account_id": account.account_id, "keys": ["key_1"]}
    lifecycle.unlock(account.account_id, reason="found", now=now)
    assert not jobs(services, now=now), "unlocking asks for nothing"


def test_keys_are_suspended_where_no_authority_is_run(services, account, now) -> None:
    give_key(services, account)
    means = SigningMeans(None, services.outbox, services.sealer)
    with services.database.transaction() as tx:
        means.hold(tx, account.account_id, data_key=account.data_key, now=now)
    assert [job.kind for job in jobs(services, now=now)] == [SUSPEND_PERSONAL_KEYS]


def test_the_worker_has_the_signer_suspend_and_destroy(
    services, lifecycle, account, now, tmp_path
) -> None:
    """With the signer itself: a locked account signs nothing, an erased one never again."""
    folder = tmp_path / "signer"
    with running_signer(folder, f"sqlite:///{tmp_path / 'signer.db'}") as signer:
        client = signer.client()
        person = signer.enrol(client, account_id=account.account_id)
        give_key(services, account, key_id=person.key.key_id)
        lifecycle.lock(account.account_id, reason="lost_phone", now=now)
        (job,) = jobs(services, now=now)
        hold = PersonalKeysHold(signer.client)
        assert hold(job, now=now) == Done()
        with pytest.raises(errors.PersonalKeySuspended):
            sign_with(client, person)
        assert hold(job, now=now) == Done(), "again is no error"
        lifecycle.erase(account.account_id, reason="asked", now=now)
        (job,) = jobs(services, now=now)
        assert PersonalKeysEnd(signer.client)(job, now=now) == Done()
        with pytest.raises(errors.PersonalKeyDestroyed):
            sign_with(client, person)
        client.close()


class Obliging:
    """A signer with keys of one account that does what it is asked."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)
        self.suspended: set[str] = set()
        self.destroyed: set[str] = set()

    def suspend_key(self, key_id: str, *, reason: str) -> bool:
        return self._end(key_id, self.suspended, reason)

    def destroy_key(self, key_id: str, *, reason: str) -> bool:
        return self._end(key_id, self.destroyed, reason)

    def suspend_keys_of(self, account_id: str, *, reason: str) -> int:
        assert account_id.startswith("acc_")
        return sum(self.suspend_key(one, reason=reason) for one in self.keys)

    def _end(self, key_id: str, ended: set[str], reason: str) -> bool:
        assert reason
        if key_id not in self.keys:
            raise errors.PersonalKeyUnknown
        was_alive = key_id not in ended
        ended.add(key_id)
        return was_alive

    def close(self) -> None:
        """Nothing was opened."""


def test_a_job_that_comes_late_leaves_a_key_that_was_made_since(services, account, now) -> None:
    """The signer was away while an account was capped and proofed anew, and its owner was quick."""
    give_key(services, account, key_id="key_before")
    give_key(services, account, key_id="key_restored_away")
    means = services.signing_means(log=services.log)
    with services.database.transaction() as tx:
        means.hold(tx, account.account_id, data_key=account.data_key, now=now)
        means.supersede(tx, account.account_id, data_key=account.data_key, now=now)
    ordered = {job.kind: job for job in jobs(services, now=now)}
    signer = Obliging("key_before", "key_after")
    hold = PersonalKeysHold(lambda: cast("SignerClient", signer))
    assert hold(ordered[SUSPEND_PERSONAL_KEYS], now=now) == Done()
    end = PersonalKeysEnd(lambda: cast("SignerClient", signer))
    assert end(ordered[DESTROY_PERSONAL_KEYS], now=now) == Done()
    assert signer.suspended == signer.destroyed == {"key_before"}


def test_a_job_of_the_version_before_means_every_key(services, account, now) -> None:
    give_key(services, account)
    means = services.signing_means(log=services.log)
    with services.database.transaction() as tx:
        means.hold(tx, account.account_id, data_key=account.data_key, now=now)
    (job,) = jobs(services, now=now)
    older = replace(job, payload={"account_id": account.account_id})
    signer = Obliging("key_1", "key_2")
    assert PersonalKeysHold(lambda: cast("SignerClient", signer))(older, now=now) == Done()
    assert signer.suspended == {"key_1", "key_2"}


@pytest.mark.parametrize("act", ["close", "erase"])
def test_an_account_that_ends_takes_its_certificates_with_it(
    services, lifecycle, account, now, act
) -> None:
    """RFC 5280 §5.3.1: cessationOfOperation."""
    serial = certificate_of(services, account).serial
    getattr(lifecycle, act)(account.account_id, reason="asked", now=now)
    ended = services.trust.pki.certificates.get(serial)
    assert ended.account_id == (account.account_id if act == "close" else None)
    assert ended.state is CertificateState.REVOKED
    assert ended.reason is RevocationReason.CESSATION_OF_OPERATION
    assert not jobs(services, now=now)  # it had no key


def test_keys_of_an_erased_account_are_the_signers_to_destroy(
    services, lifecycle, account, now
) -> None:
    give_key(services, account)
    lifecycle.erase(account.account_id, reason="asked", now=now)
    (job,) = jobs(services, now=now)
    assert job.kind == DESTROY_PERSONAL_KEYS
    assert job.payload == {"account_id": account.account_id}


def test_a_signer_that_is_away_is_asked_again(services, lifecycle, account, now, tmp_path) -> None:
    give_key(services, account)
    lifecycle.erase(account.account_id, reason="asked", now=now)
    (job,) = jobs(services, now=now)
    nobody = f"unix:{tmp_path / 'nobody.sock'}"
    outcome = PersonalKeysEnd(lambda: SignerClient(nobody))(job, now=now)
    assert outcome == Retry("signer_unavailable", is_lane_down=True, is_attempt=False)


class Refusing:
    """A signer that says no."""

    def __init__(self, refusal: errors.SignerError) -> None:
        self.refusal = refusal

    def destroy_keys_of(self, account_id: str, *, reason: str) -> int:
        raise self.refusal

    def suspend_key(self, key_id: str, *, reason: str) -> bool:
        raise self.refusal

    def close(self) -> None:
        """Nothing was opened."""


@pytest.mark.parametrize(
    "refusal",
    [
        errors.CallerRefused("not_a_keeper"),
        errors.DestructionBudgetSpent(),
        errors.SigningFailed("internal"),
    ],
)
def test_a_signer_that_refuses_for_now_ends_no_duty(
    services, lifecycle, account, now, refusal
) -> None:
    """Nobody named the keeper, the hour's budget is spent: the duty is none the less for it."""
    give_key(services, account)
    signer = cast("SignerClient", Refusing(refusal))
    for act, handler in (("lock", PersonalKeysHold), ("erase", PersonalKeysEnd)):
        getattr(lifecycle, act)(account.account_id, reason="asked", now=now)
        (job,) = jobs(services, now=now)
        assert handler(lambda: signer)(job, now=now) == Retry(refusal.code, is_attempt=False)


@pytest.mark.parametrize("act", ["lock", "erase"])
def test_giving_up_on_the_keys_of_an_account_is_on_record(
    services, lifecycle, account, now, act
) -> None:
    """They may be there still, and sign: an operator has to see it."""
    give_key(services, account)
    getattr(lifecycle, act)(account.account_id, reason="asked", now=now)
    (job,) = jobs(services, now=now)
    make_record_given_up(services)(job, error="expired", now=now)
    with services.database.read() as connection:
        (row,) = connection.execute(
            select(log_event).where(log_event.c.type == EventType.PERSONAL_KEYS_LEFT)
        ).all()
    assert row.account_id == account.account_id
    assert f'"wanted":"{job.kind}"' in row.facts
    assert '"error":"expired"' in row.facts


def test_a_portal_that_could_not_be_told_is_on_record(services, now) -> None:
    with services.database.transaction() as tx:
        services.outbox.add(
            tx,
            SEND_WEBHOOK,
            {"request_id": "sig_1"},
            now=now,
            expires=now + timedelta(days=3),
        )
    (job,) = jobs(services, now=now)
    make_record_given_up(services)(job, error="address_refused", now=now)
    with services.database.read() as connection:
        (row,) = connection.execute(
            select(log_event).where(log_event.c.type == EventType.REQUEST_UNTOLD)
        ).all()
    assert '"request_id":"sig_1"' in row.facts
    assert '"error":"address_refused"' in row.facts


@pytest.mark.parametrize("act", ["close", "erase"])
def test_what_waits_for_the_signature_of_an_account_ends_with_it(
    services, lifecycle, account, now, act
) -> None:
    with services.database.transaction() as tx:
        tx.connection.execute(
            insert(signing_request),
            {
                "request_id": "sig_1",
                "client_id": "portal",
                "state": "waiting",
                "reason": "",
                "level": "B-B",
                "window_s": 300,
                "return_uri": "",
                "webhook_uri": "",
                "text_sealed": b"",
                "created_ms": 0,
                "expires_ms": 1,
                "purge_ms": 2,
            },
        )
        tx.connection.execute(
            insert(signing_slot),
            {
                "request_id": "sig_1",
                "position": 0,
                "account_id": account.account_id,
                "role": "person",
                "state": "waiting",
            },
        )
    getattr(lifecycle, act)(account.account_id, reason="asked", now=now)
    with services.database.read() as connection:
        row = connection.execute(select(signing_request)).one()
    assert (row.state, row.reason) == ("failed", "account_ended")
