"""A key that its holder suspended signs again when she confirms that, and for nobody else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest

from idp.storage.database import Database
from keystore.signer import errors
from keystore.signer.activation import SignatureActivation
from keystore.signer.model import HOLDER
from keystore.signer.resumption import RESUME_KEY, make_resumption
from tests.support.authenticator import Authenticator
from tests.support.racing import race
from tests.support.signer import SIGNER, Bench, Person, activation_of, events


def _wanted(person: Person, *, now: datetime) -> SignatureActivation:
    return make_resumption(
        signer=SIGNER,
        account_id=person.account_id,
        key_id=person.key.key_id,
        credential_id=person.passkey.credential_id,
        now=now,
    )


def _hold(bench: Bench, person: Person, *, now: datetime, reason: str = HOLDER) -> None:
    assert bench.desk.suspend(person.key.key_id, reason=reason, now=now)


def test_the_holder_lets_her_key_sign_again(
    bench: Bench, person: Person, database: Database, now: datetime
) -> None:
    _hold(bench, person, now=now)
    with pytest.raises(errors.PersonalKeySuspended):
        bench.sign(person, now=now)
    wanted = _wanted(person, now=now)
    assert bench.service.resume(wanted, person.confirm(wanted), now=now)
    assert len(bench.sign(person, now=now)) == 1
    (row,) = events(database, "keys:personal_key:resumed")
    assert json.loads(row["facts"])["reason"] == "holder"


def test_a_key_that_codes_open_is_resumed_with_one(bench: Bench, now: datetime) -> None:
    key = bench.enrol_for_statements(now=now)
    bench.desk.suspend(key.key_id, reason=HOLDER, now=now)
    wanted = make_resumption(
        signer=SIGNER, account_id="acc_1", key_id=key.key_id, credential_id=b"", now=now
    )
    statement = bench.verifier.states(wanted.challenge(), now=now)
    assert bench.service.resume(wanted, statement, now=now)
    again = activation_of(key, None, now=now)
    stated = bench.verifier.states(again.challenge(), now=now)
    assert len(bench.service.activate(again, stated, now=now)) == 1


@pytest.mark.parametrize("is_before", [False, True])
def test_what_somebody_else_suspended_is_not_hers_to_resume(
    bench: Bench, person: Person, now: datetime, *, is_before: bool
) -> None:
    """Architecture, decision 10: also where she had suspended it before, or did afterwards."""
    if not is_before:
        _hold(bench, person, now=now)
    _hold(bench, person, now=now, reason="account_locked")
    assert not bench.desk.suspend(person.key.key_id, reason=HOLDER, now=now)
    wanted = _wanted(person, now=now)
    with pytest.raises(errors.PersonalKeySuspended):
        bench.service.resume(wanted, person.confirm(wanted), now=now)
    with pytest.raises(errors.PersonalKeySuspended):
        bench.sign(person, now=now)


def test_a_resumption_is_confirmed_by_her_own_passkey(
    bench: Bench, person: Person, now: datetime
) -> None:
    _hold(bench, person, now=now)
    wanted = _wanted(person, now=now)
    with pytest.raises(errors.EvidenceRefused):
        bench.service.resume(wanted, Authenticator().confirm(wanted.challenge()), now=now)
    document = person.activation(now=now)
    with pytest.raises(errors.EvidenceRefused):
        bench.service.resume(wanted, person.confirm(document), now=now)


def test_a_confirmation_of_a_document_resumes_nothing_and_the_other_way_round(
    bench: Bench, person: Person, now: datetime
) -> None:
    """CEN EN 419 241-1: what happens is what was confirmed."""
    wanted = _wanted(person, now=now)
    with pytest.raises(errors.ActivationMalformed):
        bench.service.activate(wanted, person.confirm(wanted), now=now)
    _hold(bench, person, now=now)
    for other in (
        person.activation(now=now),
        replace(wanted, digests=person.activation(now=now, purpose=RESUME_KEY).digests),
    ):
        with pytest.raises(errors.ActivationMalformed):
            bench.service.resume(other, person.confirm(other), now=now)


def test_a_resumption_is_confirmed_once(bench: Bench, person: Person, now: datetime) -> None:
    _hold(bench, person, now=now)
    wanted = _wanted(person, now=now)
    evidence = person.confirm(wanted)

    def attempt() -> bool:
        try:
            return bench.service.resume(wanted, evidence, now=now)
        except errors.SignerError:
            return False

    assert sum(race([attempt] * 4)) == 1
    _hold(bench, person, now=now)
    with pytest.raises(errors.ActivationSpent):
        bench.service.resume(wanted, evidence, now=now)


def test_a_key_that_is_not_suspended_is_not_resumed(
    bench: Bench, person: Person, now: datetime
) -> None:
    wanted = _wanted(person, now=now)
    assert not bench.service.resume(wanted, person.confirm(wanted), now=now)


def test_a_destroyed_key_stays_destroyed(bench: Bench, person: Person, now: datetime) -> None:
    _hold(bench, person, now=now)
    bench.desk.destroy(person.key.key_id, reason=HOLDER, now=now)
    wanted = _wanted(person, now=now)
    with pytest.raises(errors.PersonalKeyDestroyed):
        bench.service.resume(wanted, person.confirm(wanted), now=now)
