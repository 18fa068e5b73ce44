"""A key is made for passkeys that confirmed it, and what is destroyed stays destroyed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from idp.storage.database import Database
from keystore.backends import NewPersonalKey
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.clock import to_ms
from keystore.kek import Kek, KekRing
from keystore.root_keys import Scope, change_current_kek
from keystore.signer import errors
from keystore.signer.evidence import EnrolmentEvidence
from keystore.signer.spending import purge_spent
from keystore.signer.storage import count_by_kek, personal_key
from tests.support.authenticator import Authenticator
from tests.support.signer import Bench, Person, digests_of, enrolment_of, events, stored


def _keys(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(personal_key)).scalar_one()


def test_a_new_key_is_recorded_and_bound_to_its_passkey(bench: Bench, person: Person) -> None:
    (row,) = events(bench.database, "keys:personal_key:created")
    assert row["account_id"] == "acc_1"
    assert person.key.key_id in row["facts"]
    assert '"scal":2' in row["facts"]
    assert stored(bench.database, person.key.key_id).public_spki == person.key.public_spki


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "ES512"},
        {"algorithm": "Ed25519"},
        {"algorithm": "RS256"},
        {"algorithm": "PS256"},  # 2048 bits
        {"account_id": ""},
        {"account_id": "x" * 200},
        {"recipient": bytes(32)},
        {"recipient": b""},
        {"nonce": b"short"},
        {"credentials": ()},
        {"rp_id": ""},
        {"scal": 1},
    ],
)
def test_an_enrolment_that_is_none_makes_no_key(
    bench: Bench, now: datetime, change: dict[str, Any]
) -> None:
    passkey = Authenticator()
    enrolment = enrolment_of(passkey, now=now, **change)
    proof = EnrolmentEvidence((passkey.confirm(enrolment.challenge()),))
    with pytest.raises(errors.EnrolmentRefused):
        bench.desk.make(enrolment, proof, now=now)
    assert _keys(bench.database) == 0


def test_an_enrolment_is_for_one_signer_one_time_and_one_passkey(
    bench: Bench, now: datetime
) -> None:
    passkey, other = Authenticator(), Authenticator()
    enrolment = enrolment_of(passkey, now=now)
    proof = EnrolmentEvidence((passkey.confirm(enrolment.challenge()),))
    for changed, expected in (
        (replace(enrolment, signer="https://another.example"), errors.ActivationForeign),
        (replace(enrolment, expires_ms=to_ms(now)), errors.ActivationExpired),
        (
            replace(enrolment, expires_ms=to_ms(now + timedelta(seconds=301))),
            errors.ActivationExpired,
        ),
        (replace(enrolment, account_id="acc_2"), errors.EvidenceRefused),
        (replace(enrolment, credentials=(other.pinned,)), errors.EvidenceRefused),
        (replace(enrolment, credentials=(passkey.pinned, other.pinned)), errors.EvidenceRefused),
        (replace(enrolment, credentials=(passkey.pinned,) * 2), errors.EnrolmentRefused),
        (replace(enrolment, rp_id="evil.example"), errors.EvidenceRefused),
    ):
        with pytest.raises(expected):
            bench.desk.make(changed, proof, now=now)
    bench.desk.make(enrolment, proof, now=now)
    with pytest.raises(errors.ActivationSpent):
        bench.desk.make(enrolment, proof, now=now)
    assert _keys(bench.database) == 1


def test_a_confirmed_signature_never_enrols_and_the_other_way_round(
    bench: Bench, person: Person, now: datetime
) -> None:
    activation = person.activation(now=now)
    enrolment = enrolment_of(person.passkey, now=now)
    assert activation.canonical().split(b"\0")[0] != enrolment.canonical().split(b"\0")[0]
    with pytest.raises(errors.EvidenceRefused, match="challenge"):
        bench.service.activate(activation, person.passkey.confirm(enrolment.challenge()), now=now)


def test_a_weak_passkey_is_not_pinned(bench: Bench, now: datetime) -> None:
    passkey = Authenticator(kind="RS256", rsa_bits=1024)
    enrolment = enrolment_of(passkey, now=now)
    proof = EnrolmentEvidence((passkey.confirm(enrolment.challenge()),))
    with pytest.raises(errors.EvidenceRefused, match="public_key"):
        bench.desk.make(enrolment, proof, now=now)


def test_a_key_without_passkeys_needs_the_verifiers_statement(bench: Bench, now: datetime) -> None:
    enrolment = enrolment_of(now=now)
    with pytest.raises(errors.EvidenceRefused, match="statement_missing"):
        bench.desk.make(enrolment, EnrolmentEvidence(), now=now)
    for_other = bench.verifier.states(bytes(32), now=now)
    with pytest.raises(errors.EvidenceRefused, match="statement_for_other"):
        bench.desk.make(enrolment, EnrolmentEvidence(statement=for_other), now=now)


def test_where_the_operator_says_so_a_passkey_alone_enrols_nothing(
    database: Database, personal_ring: KekRing, tmp_path: Path, now: datetime
) -> None:
    bench = Bench(database, personal_ring, tmp_path / "strict", needs_statement=True)
    with pytest.raises(errors.EvidenceRefused, match="statement_missing"):
        bench.enrol(now=now)
    passkey = Authenticator()
    enrolment = enrolment_of(passkey, now=now)
    proof = EnrolmentEvidence(
        (passkey.confirm(enrolment.challenge()),),
        bench.verifier.states(enrolment.challenge(), now=now),
    )
    assert bench.desk.make(enrolment, proof, now=now).public_spki
    bench.ledger.close()


def test_an_account_has_not_more_keys_than_anybody_needs(bench: Bench, now: datetime) -> None:
    people = [bench.enrol(now=now) for _ in range(16)]
    with pytest.raises(errors.EnrolmentRefused, match="too_many_keys"):
        bench.enrol(now=now)
    bench.desk.destroy(people[0].key.key_id, reason="replaced", now=now)
    bench.enrol(now=now)


def test_a_destroyed_key_leaves_its_public_half_and_a_row_of_the_log(
    bench: Bench, person: Person, now: datetime
) -> None:
    assert bench.desk.destroy(person.key.key_id, reason="holder_asked", now=now)
    assert not bench.desk.destroy(person.key.key_id, reason="holder_asked", now=now)
    assert not bench.desk.resume(person.key.key_id, reason="again", now=now)
    row = stored(bench.database, person.key.key_id)
    assert row.wrapped is None
    assert row.public_spki == person.key.public_spki
    (event,) = events(bench.database, "keys:personal_key:destroyed")
    assert '"reason":"holder_asked"' in event["facts"]


def test_whoever_is_deleted_loses_every_key(bench: Bench, person: Person, now: datetime) -> None:
    second, other = bench.enrol(now=now), bench.enrol(now=now, account_id="acc_2")
    assert bench.desk.destroy_keys_of("acc_1", reason="deleted", now=now) == 2
    for gone in (person, second):
        with pytest.raises(errors.PersonalKeyDestroyed):
            bench.sign(gone, now=now)
    assert bench.sign(other, now=now)


def test_every_key_of_an_account_rests_and_each_is_resumed_by_itself(
    bench: Bench, person: Person, now: datetime
) -> None:
    second, other = bench.enrol(now=now), bench.enrol(now=now, account_id="acc_2")
    third = bench.enrol(now=now)
    bench.desk.destroy(third.key.key_id, reason="replaced", now=now)
    bench.desk.suspend(second.key.key_id, reason="recovered", now=now)
    assert bench.desk.suspend_keys_of("acc_1", reason="account_locked", now=now) == 1
    for resting in (person, second):
        with pytest.raises(errors.PersonalKeySuspended):
            bench.sign(resting, now=now)
    assert bench.sign(other, now=now)
    assert bench.desk.resume(person.key.key_id, reason="holder_proofed", now=now)
    assert bench.sign(person, now=now)


def test_beyond_its_budget_the_signer_destroys_nothing(
    bench: Bench, person: Person, now: datetime
) -> None:
    """Whoever takes over a keeper of keys has not destroyed all of them before it is seen."""
    people = [person, bench.enrol(now=now), bench.enrol(now=now)]
    desk = bench.make_desk(destructions_per_hour=2)
    with pytest.raises(errors.DestructionBudgetSpent):
        desk.destroy_keys_of("acc_1", reason="account_ended", now=now)
    assert len(events(bench.database, "keys:personal_key:destroyed")) == 2
    living = [one for one in people if stored(bench.database, one.key.key_id).destroyed_ms is None]
    assert [len(bench.sign(one, now=now)) for one in living] == [1]
    later = now + timedelta(hours=1)
    assert desk.destroy_keys_of("acc_1", reason="account_ended", now=later) == 1


def test_a_key_that_nobody_knows_and_a_reason_that_is_none_are_refused(
    bench: Bench, person: Person, now: datetime
) -> None:
    for act in (bench.desk.suspend, bench.desk.resume, bench.desk.destroy):
        with pytest.raises(errors.PersonalKeyUnknown):
            act("pkey_0", reason="any", now=now)
        with pytest.raises(errors.RequestMalformed, match="reason"):
            act(person.key.key_id, reason="Ông Nguyễn asked", now=now)


def test_new_keys_follow_a_rotation_and_old_ones_sign_on(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    old, new = Kek(bytes(32)), Kek(b"\x01" * 32)
    bench = Bench(database, KekRing([old, new]), tmp_path / "rotating")
    before = bench.enrol(now=now)
    with database.transaction() as transaction:
        change_current_kek(transaction, scope=Scope.PERSONAL, kek_id=new.kek_id, now=now)
    after = bench.enrol(now=now)
    with database.read() as connection:
        assert count_by_kek(connection) == {old.kek_id: 1, new.kek_id: 1}
    for person in (before, after):
        assert len(bench.sign(person, now=now, digests=digests_of(2))) == 2
    bench.ledger.close()


class _Meanwhile:
    """Makes keys as the software does, and lets something happen while a key is being made."""

    def __init__(self, backend: SoftwarePersonalKeys, act: Callable[[], None]) -> None:
        self._backend = backend
        self._act = act

    def make(self, algorithm: str, *, context: str) -> NewPersonalKey:
        made = self._backend.make(algorithm, context=context)
        self._act()
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def test_others_write_while_a_key_is_being_made(bench: Bench, now: datetime) -> None:
    """RSA of 4096 bits takes a second; on SQLite one writes at a time."""
    written = []

    def write() -> None:
        with bench.database.transaction() as transaction:
            written.append(purge_spent(transaction, now=now))

    with ThreadPoolExecutor(1) as other:
        backend = _Meanwhile(bench.backend, lambda: other.submit(write).result(60))
        person = bench.enrol(now=now, desk=bench.make_desk(backend=backend))
    assert written == [0]
    assert bench.sign(person, now=now)


def test_a_key_that_a_rotation_overtook_is_stored_under_the_new_root_key(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    old, new = Kek(bytes(32)), Kek(b"\x01" * 32)
    bench = Bench(database, KekRing([old, new]), tmp_path / "overtaken")

    def rotate() -> None:
        with database.transaction() as transaction:
            change_current_kek(transaction, scope=Scope.PERSONAL, kek_id=new.kek_id, now=now)

    bench.enrol(now=now)
    backend = _Meanwhile(bench.backend, rotate)
    overtaken = bench.enrol(now=now, desk=bench.make_desk(backend=backend))
    with database.read() as connection:
        assert count_by_kek(connection) == {old.kek_id: 1, new.kek_id: 1}
    assert bench.sign(overtaken, now=now)
    bench.ledger.close()


@pytest.mark.parametrize("operator", ["Bà Linh", "1", "x" * 65, "a.003190001118"])
def test_a_name_that_the_log_cannot_carry_is_refused_before_anything_is_done(
    bench: Bench, person: Person, now: datetime, operator: str
) -> None:
    key_id = person.key.key_id
    for act in (bench.desk.suspend, bench.desk.resume, bench.desk.destroy):
        with pytest.raises(errors.RequestMalformed, match="operator"):
            act(key_id, reason="lost_phone", operator=operator, now=now)
    assert not bench.ledger.is_buried(key_id)
    assert len(bench.sign(person, now=now)) == 1
