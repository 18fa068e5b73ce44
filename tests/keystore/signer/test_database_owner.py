"""Whoever owns the database and the web workers, but not the signer, signs nothing.

Architecture, decision 11: what the database says is bound to the wrapped key or remembered by the
signer itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, update

from keystore.kek import Kek, KekRing
from keystore.signer import errors
from keystore.signer.model import PinnedCredential, decode_policy, encode_policy
from keystore.signer.storage import personal_key_counter, spent_activation
from tests.support.authenticator import Authenticator
from tests.support.signer import Bench, Person, activation_of, events, store, stored


def test_whoever_deletes_what_was_spent_from_the_database_cannot_replay(
    bench: Bench, now: datetime
) -> None:
    """The owner of the database has no way into the signer's own memory."""
    person = bench.enrol(now=now, make=lambda: Authenticator(counts=False))
    activation = person.activation(now=now)
    evidence = person.confirm(activation)
    bench.service.activate(activation, evidence, now=now)
    with bench.database.transaction() as transaction:
        transaction.connection.execute(delete(spent_activation))
        transaction.connection.execute(update(personal_key_counter).values(sign_count=0))
    bench.ledger.close()
    bench.start()
    with pytest.raises(errors.ActivationSpent):
        bench.service.activate(activation, evidence, now=now)


def test_swapped_wrapped_blobs_sign_nothing(bench: Bench, person: Person, now: datetime) -> None:
    other = bench.enrol(now=now, account_id="acc_2")
    one, two = (stored(bench.database, who.key.key_id) for who in (person, other))
    store(bench.database, person.key.key_id, wrapped=two.wrapped)
    store(bench.database, other.key.key_id, wrapped=one.wrapped)
    for who in (person, other):
        with pytest.raises(errors.KeyRecordChanged):
            bench.sign(who, now=now)
    store(bench.database, person.key.key_id, wrapped=one.wrapped)
    assert len(bench.sign(person, now=now)) == 1


@pytest.mark.parametrize("columns", [("wrapped", "policy"), ("wrapped", "policy", "public_spki")])
def test_a_row_under_another_keys_name_signs_nothing(
    bench: Bench, person: Person, now: datetime, columns: tuple[str, ...]
) -> None:
    """The attacker's own key, passkey and all, in the place of the victim's."""
    attacker = bench.enrol(now=now, account_id="acc_1")
    theirs = stored(bench.database, attacker.key.key_id)._mapping
    store(bench.database, person.key.key_id, **{name: theirs[name] for name in columns})
    activation = attacker.activation(now=now, key_id=person.key.key_id)
    with pytest.raises(errors.KeyRecordChanged):
        bench.service.activate(activation, attacker.confirm(activation), now=now)


@pytest.mark.parametrize("change", ["credential", "added", "scal", "account_id", "rp_id"])
def test_a_changed_policy_signs_nothing(
    bench: Bench, person: Person, now: datetime, change: str
) -> None:
    """A passkey of the attacker's in the row of the victim: it confirms, and the key is lost."""
    attacker = Authenticator()
    policy = decode_policy(stored(bench.database, person.key.key_id).policy)
    changed = {
        "credential": lambda: replace(policy, credentials=(attacker.pinned,)),
        "added": lambda: replace(policy, credentials=(*policy.credentials, attacker.pinned)),
        "scal": lambda: replace(policy, scal=1, credentials=(), rp_id=""),
        "account_id": lambda: replace(policy, account_id="acc_2"),
        "rp_id": lambda: replace(policy, rp_id="evil.example"),
    }[change]()
    store(
        bench.database,
        person.key.key_id,
        policy=encode_policy(changed),
        account_id=changed.account_id,
        scal=changed.scal,
    )
    passkey = None if change == "scal" else attacker
    if change in {"account_id", "rp_id"}:
        passkey = person.passkey
    activation = activation_of(person.key, passkey, now=now, account_id=changed.account_id)
    evidence: Any = (
        bench.verifier.states(activation.challenge(), now=now)
        if passkey is None
        else passkey.confirm(activation.challenge())
    )
    expected = errors.EvidenceRefused if change == "rp_id" else errors.KeyRecordChanged
    with pytest.raises(expected):
        bench.service.activate(activation, evidence, now=now)
    assert not events(bench.database, "sign:activation:accepted")


def test_a_policy_that_is_none_signs_nothing(bench: Bench, person: Person, now: datetime) -> None:
    whole = stored(bench.database, person.key.key_id).policy
    for broken in (b"", b"{}", b"\xff", whole + b" ", whole.replace(b'"scal":2', b'"scal":3')):
        store(bench.database, person.key.key_id, policy=broken)
        with pytest.raises(errors.KeyRecordChanged):
            bench.sign(person, now=now)
    assert events(bench.database, "sign:activation:refused"), "recorded, sealed to nobody"


def test_another_public_key_in_the_row_lets_nothing_out(
    bench: Bench, person: Person, now: datetime
) -> None:
    other = bench.enrol(now=now)
    store(bench.database, person.key.key_id, public_spki=other.key.public_spki)
    with pytest.raises(errors.KeyRecordChanged):
        bench.sign(person, now=now)


def test_a_destroyed_key_that_is_put_back_from_a_backup_stays_dead(
    bench: Bench, person: Person, now: datetime
) -> None:
    before = stored(bench.database, person.key.key_id)._mapping
    assert bench.desk.destroy(person.key.key_id, reason="holder_asked", now=now)
    with pytest.raises(errors.PersonalKeyDestroyed):
        bench.sign(person, now=now)
    store(
        bench.database,
        person.key.key_id,
        **{name: before[name] for name in ("wrapped", "kek_id", "destroyed_ms")},
    )
    with pytest.raises(errors.PersonalKeyDestroyed):
        bench.sign(person, now=now)


def test_a_suspended_key_signs_nothing_until_it_is_resumed(
    bench: Bench, person: Person, now: datetime
) -> None:
    assert bench.desk.suspend(person.key.key_id, reason="recovered", now=now)
    assert not bench.desk.suspend(person.key.key_id, reason="recovered", now=now)
    with pytest.raises(errors.PersonalKeySuspended):
        bench.sign(person, now=now)
    assert bench.desk.resume(person.key.key_id, reason="proofed_again", now=now)
    assert len(bench.sign(person, now=now)) == 1


def test_a_suspension_that_is_cleared_in_the_database_stays(
    bench: Bench, person: Person, now: datetime
) -> None:
    assert bench.desk.suspend(person.key.key_id, reason="account_locked", now=now)
    store(bench.database, person.key.key_id, suspended_ms=None)
    bench.ledger.close()
    bench.start()
    with pytest.raises(errors.PersonalKeySuspended):
        bench.sign(person, now=now)
    assert bench.desk.resume(person.key.key_id, reason="proofed_again", now=now)
    assert not bench.desk.resume(person.key.key_id, reason="proofed_again", now=now)
    assert len(bench.sign(person, now=now)) == 1
    assert len(events(bench.database, "keys:personal_key:resumed")) == 1


def test_the_key_does_not_open_without_the_signers_root_key(
    bench: Bench, person: Person, now: datetime, kek: Kek, tmp_path: Any
) -> None:
    """A web worker with its own root key, the row, and a good confirmation."""
    worker = Bench(bench.database, KekRing([kek]), tmp_path / "worker")
    with pytest.raises(errors.SigningFailed, match="personal_kek_unknown"):
        worker.sign(person, now=now)
    worker.ledger.close()


def test_a_credential_of_the_same_id_with_another_key_confirms_nothing(
    bench: Bench, person: Person, now: datetime
) -> None:
    attacker = Authenticator()
    attacker.credential_id = person.passkey.credential_id
    attacker.count = 100
    activation = person.activation(now=now)
    with pytest.raises(errors.EvidenceRefused, match="signature"):
        bench.service.activate(activation, attacker.confirm(activation.challenge()), now=now)
    assert PinnedCredential(b"i", b"secret").__repr__().find("secret") < 0
