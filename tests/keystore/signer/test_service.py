"""A personal key signs what its owner confirmed, once, and nothing else whatever is tried.

Architecture, decision 11; the refusals that the service owes are each a test.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from idp.storage.database import Database
from keystore.clock import to_ms
from keystore.kek import KekRing
from keystore.log.record import find_writers, verify_chain
from keystore.signer import errors
from keystore.signer.evidence import EnrolmentEvidence
from keystore.signer.storage import spent_activation
from keystore.verifying import verify_digest
from tests.support.authenticator import Authenticator
from tests.support.racing import race
from tests.support.signer import (
    Bench,
    Person,
    activation_of,
    digests_of,
    enrolment_of,
    events,
)


def _refused(database: Database) -> list[str]:
    return [row["facts"] for row in events(database, "sign:activation:refused")]


def test_what_was_confirmed_is_signed_in_its_order(
    bench: Bench, person: Person, now: datetime
) -> None:
    digests = digests_of(3)
    signatures = bench.sign(person, now=now, digests=digests)
    assert len(signatures) == 3
    for digest, signature in zip(digests, signatures, strict=True):
        verify_digest(
            person.key.public_spki,
            algorithm="ES256",
            digest=digest,
            hash_name="sha256",
            signature=signature,
        )


@pytest.mark.parametrize(
    ("algorithm", "hash_name"),
    [("ES256", "sha512"), ("ES384", "sha384"), ("ES256", "sha3_256"), ("PS256-3072", "sha256")],
)
def test_every_kind_of_personal_key_signs(
    bench: Bench, now: datetime, algorithm: str, hash_name: str
) -> None:
    person = bench.enrol(now=now, algorithm=algorithm)
    digests = digests_of(2, hash_name=hash_name)
    for digest, signature in zip(
        digests, bench.sign(person, now=now, digests=digests, hash_name=hash_name), strict=True
    ):
        verify_digest(
            person.key.public_spki,
            algorithm=algorithm,
            digest=digest,
            hash_name=hash_name,
            signature=signature,
        )


@pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
def test_passkeys_of_every_kind_confirm(bench: Bench, now: datetime, kind: str) -> None:
    person = bench.enrol(now=now, make=lambda: Authenticator(kind=kind))
    assert len(bench.sign(person, now=now)) == 1


def test_an_activation_is_recorded_with_what_it_was_and_without_the_digests(
    bench: Bench, person: Person, now: datetime
) -> None:
    activation = person.activation(now=now)
    bench.service.activate(activation, person.confirm(activation), now=now)
    (row,) = events(bench.database, "sign:activation:accepted")
    assert row["account_id"] == "acc_1"
    assert row["client_id"] == "portal"
    assert activation.challenge().hex() in row["facts"]
    assert activation.digests[0].hex() not in row["facts"]
    with bench.database.read() as connection:
        for writer in find_writers(connection):
            verify_chain(connection, writer)


def test_the_wrong_hash_is_found_before_anything_is_spent(
    bench: Bench, person: Person, now: datetime
) -> None:
    for wrong in (
        {"digests": ()},
        {"digests": (b"short",)},
        {"digests": digests_of(hash_name="sha512")},
        {"hash_name": "sha1", "digests": (bytes(20),)},
        {"digests": digests_of(1001)},
        {"nonce": bytes(31)},
        {"purpose": "Document"},
        {"request_id": "with space"},
        {"request_id": "req-003183027451 x"},
        {"client_id": ""},
    ):
        activation = person.activation(now=now, **wrong)
        with pytest.raises(errors.ActivationMalformed):
            bench.service.activate(activation, person.confirm(activation), now=now)
    with bench.database.read() as connection:
        assert not connection.execute(
            select(spent_activation).where(spent_activation.c.key_id == person.key.key_id)
        ).all()[1:]


def test_a_replayed_activation_is_refused(bench: Bench, person: Person, now: datetime) -> None:
    activation = person.activation(now=now)
    evidence = person.confirm(activation)
    bench.service.activate(activation, evidence, now=now)
    with pytest.raises(errors.ActivationSpent):
        bench.service.activate(
            activation, person.confirm(activation), now=now + timedelta(seconds=1)
        )
    with pytest.raises(errors.ActivationSpent):
        bench.service.activate(activation, evidence, now=now + timedelta(seconds=1))


def test_a_copy_of_a_passkey_counts_backwards(bench: Bench, person: Person, now: datetime) -> None:
    """WebAuthn §7.2 step 22: a counter that is not beyond the one before."""
    bench.sign(person, now=now)
    activation = person.activation(now=now)
    for count in (person.passkey.count, 0, 1):
        with pytest.raises(errors.EvidenceRefused, match="sign_count"):
            bench.service.activate(activation, person.confirm(activation, count=count), now=now)


def test_a_replay_is_refused_by_a_passkey_that_does_not_count(bench: Bench, now: datetime) -> None:
    person = bench.enrol(now=now, make=lambda: Authenticator(counts=False, is_synced=True))
    activation = person.activation(now=now)
    evidence = person.confirm(activation)
    bench.service.activate(activation, evidence, now=now)
    with pytest.raises(errors.ActivationSpent):
        bench.service.activate(activation, evidence, now=now)


def test_a_second_signer_of_the_same_deployment_sees_what_was_spent(
    bench: Bench, now: datetime, personal_ring: KekRing, tmp_path: Any
) -> None:
    person = bench.enrol(now=now, make=lambda: Authenticator(counts=False))
    other = Bench(bench.database, personal_ring, tmp_path / "other")
    activation = person.activation(now=now)
    evidence = person.confirm(activation)
    bench.service.activate(activation, evidence, now=now)
    with pytest.raises(errors.ActivationSpent):
        other.service.activate(activation, evidence, now=now)
    assert len(events(bench.database, "sign:activation:accepted")) == 1
    other.ledger.close()


def test_of_many_that_use_one_confirmation_together_one_signs(
    bench: Bench, person: Person, now: datetime
) -> None:
    activation = person.activation(now=now)
    evidence = person.confirm(activation)

    def attempt() -> bool:
        try:
            bench.service.activate(activation, evidence, now=now)
        except (errors.ActivationSpent, errors.EvidenceRefused):
            return False
        return True

    assert sum(race([attempt] * 6)) == 1
    assert len(events(bench.database, "sign:activation:accepted")) == 1


def test_an_expired_activation_is_refused(bench: Bench, person: Person, now: datetime) -> None:
    activation = person.activation(now=now)
    evidence = person.confirm(activation)
    with pytest.raises(errors.ActivationExpired):
        bench.service.activate(activation, evidence, now=now + timedelta(seconds=120))


def test_a_confirmation_cannot_be_made_for_next_week(
    bench: Bench, person: Person, now: datetime
) -> None:
    activation = person.activation(now=now, expires_ms=to_ms(now + timedelta(seconds=301)))
    with pytest.raises(errors.ActivationExpired, match="too_far"):
        bench.service.activate(activation, person.confirm(activation), now=now)


@pytest.mark.parametrize(
    "change",
    [
        {"digests": digests_of(2)[1:]},
        {"digests": digests_of(2)},
        {"hash_name": "sha3_256"},
        {"request_id": "req_2"},
        {"client_id": "another"},
        {"purpose": "seal"},
        {"nonce": bytes(32)},
        {"expires_ms": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_altered_activation_is_refused(
    bench: Bench, person: Person, now: datetime, change: dict[str, Any]
) -> None:
    """A confirmation is for every word of an activation, other digests among them."""
    activation = person.activation(now=now)
    evidence = person.confirm(activation)
    if "expires_ms" in change:
        change = {"expires_ms": activation.expires_ms + 1}
    with pytest.raises(errors.EvidenceRefused, match="challenge"):
        bench.service.activate(replace(activation, **change), evidence, now=now)


def test_digests_in_another_order_are_another_activation(
    bench: Bench, person: Person, now: datetime
) -> None:
    activation = person.activation(now=now, digests=digests_of(2))
    evidence = person.confirm(activation)
    with pytest.raises(errors.EvidenceRefused, match="challenge"):
        bench.service.activate(
            replace(activation, digests=activation.digests[::-1]), evidence, now=now
        )


def test_an_activation_for_another_signer_is_refused(
    bench: Bench, person: Person, now: datetime
) -> None:
    activation = person.activation(now=now, signer="https://another.example")
    with pytest.raises(errors.ActivationForeign, match="signer"):
        bench.service.activate(activation, person.confirm(activation), now=now)


def test_an_activation_of_another_account_is_refused(
    bench: Bench, person: Person, now: datetime
) -> None:
    activation = person.activation(now=now, account_id="acc_2")
    with pytest.raises(errors.ActivationForeign, match="account"):
        bench.service.activate(activation, person.confirm(activation), now=now)


def test_somebody_elses_passkey_confirms_nothing(
    bench: Bench, person: Person, now: datetime
) -> None:
    other = bench.enrol(now=now, account_id="acc_2")
    activation = person.activation(now=now)
    with pytest.raises(errors.EvidenceRefused, match="credential"):
        bench.service.activate(activation, other.confirm(activation), now=now)
    named = replace(activation, credential_id=other.passkey.credential_id)
    with pytest.raises(errors.EvidenceRefused, match="credential"):
        bench.service.activate(named, other.confirm(named), now=now)


def test_a_passkey_that_the_activation_does_not_name_confirms_nothing(
    bench: Bench, now: datetime
) -> None:
    one, other = Authenticator(), Authenticator()
    enrolment = enrolment_of(one, other, now=now)
    proof = EnrolmentEvidence(tuple(p.confirm(enrolment.challenge()) for p in (one, other)))
    key = bench.desk.make(enrolment, proof, now=now)
    activation = activation_of(key, one, now=now)
    with pytest.raises(errors.ActivationForeign, match="credential"):
        bench.service.activate(activation, other.confirm(activation.challenge()), now=now)
    bench.service.activate(activation, one.confirm(activation.challenge()), now=now)
    second = activation_of(key, other, now=now)
    bench.service.activate(second, other.confirm(second.challenge()), now=now)


def test_there_is_no_such_key(bench: Bench, person: Person, now: datetime) -> None:
    activation = person.activation(now=now, key_id="pkey_0")
    with pytest.raises(errors.PersonalKeyUnknown):
        bench.service.activate(activation, person.confirm(activation), now=now)
    assert not _refused(bench.database), "it concerns nobody"


# --- statements ----------------------------------------------------------------------------------


def test_a_statement_activates_a_key_that_was_made_for_statements(
    bench: Bench, now: datetime
) -> None:
    key = bench.enrol_for_statements(now=now)
    activation = activation_of(key, None, now=now)
    evidence = bench.verifier.states(activation.challenge(), now=now)
    assert len(bench.service.activate(activation, evidence, now=now)) == 1
    with pytest.raises(errors.ActivationSpent):
        bench.service.activate(
            activation, bench.verifier.states(activation.challenge(), now=now), now=now
        )


def test_a_statement_never_activates_a_key_that_a_passkey_opens(
    bench: Bench, person: Person, now: datetime
) -> None:
    """EN 419 241-1: SCAL2 does not fall back to SCAL1."""
    for credential_id in (person.passkey.credential_id, b""):
        activation = person.activation(now=now, credential_id=credential_id)
        evidence = bench.verifier.states(activation.challenge(), now=now)
        with pytest.raises(errors.EvidenceRefused, match="kind"):
            bench.service.activate(activation, evidence, now=now)


def test_a_passkey_does_not_activate_a_key_for_statements(bench: Bench, now: datetime) -> None:
    key = bench.enrol_for_statements(now=now)
    passkey = Authenticator()
    activation = activation_of(key, passkey, now=now)
    with pytest.raises(errors.EvidenceRefused, match="kind"):
        bench.service.activate(activation, passkey.confirm(activation.challenge()), now=now)
    with pytest.raises(errors.ActivationForeign, match="credential"):
        bench.service.activate(
            activation, bench.verifier.states(activation.challenge(), now=now), now=now
        )


# --- what is recorded ----------------------------------------------------------------------------


def test_refusals_are_recorded_within_a_budget(bench: Bench, person: Person, now: datetime) -> None:
    def attempt(at: datetime) -> None:
        activation = person.activation(now=at, account_id="acc_2")
        with pytest.raises(errors.ActivationForeign):
            bench.service.activate(activation, person.confirm(activation), now=at)

    for _ in range(25):
        attempt(now)
    rows = _refused(bench.database)
    assert len(rows) == 10
    assert all('"code":"activation_foreign"' in facts for facts in rows)
    attempt(now + timedelta(minutes=1))
    assert '"unwritten":15' in _refused(bench.database)[-1]


def test_what_a_row_was_made_of_opens_with_the_data_key_and_is_gone_with_it(
    bench: Bench, sealer: Any, now: datetime
) -> None:
    """The signer holds no data key; the service, which does, opens its rows like any other."""
    data_key = sealer.make_data_key(context="acc_1")
    person = bench.enrol(now=now, recipient=sealer.recipient(data_key))
    activation = person.activation(now=now)
    bench.service.activate(activation, person.confirm(activation), now=now)
    (row,) = events(bench.database, "sign:activation:accepted")
    context = f"log:{row['writer']}/{row['seq']}"
    opened = sealer.unseal_personal(data_key, row["sealed"], context=context)
    digests = hashlib.sha256(b"".join(activation.digests)).hexdigest()
    assert opened[32:] == b'{"digests":"%s"}' % digests.encode()


def test_a_clock_that_is_set_back_stops_the_signer(
    bench: Bench, person: Person, now: datetime
) -> None:
    bench.sign(person, now=now)
    earlier = now - timedelta(minutes=6)
    with pytest.raises(errors.ClockSetBack):
        bench.sign(person, now=earlier)
    bench.ledger.trust_clock(earlier)
    assert len(bench.sign(person, now=earlier)) == 1


def test_old_spendings_are_forgotten_a_day_after_they_expired(
    bench: Bench, person: Person, now: datetime
) -> None:
    bench.sign(person, now=now)
    assert bench.service.purge(now + timedelta(hours=23)) == 0
    assert bench.service.purge(now + timedelta(days=1, minutes=10)) == 2  # enrolment, activation
