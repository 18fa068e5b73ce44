"""Every purpose has its keys, and its keys sign for nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from idp.storage.database import Database
from keystore.backends import NewKey, OpenKey
from keystore.backends.errors import DigestRefused, KeyDamaged, KeyKept, KeySuccession
from keystore.backends.software import SoftwareBackend
from keystore.errors import KeyPurposeRefused, KeyUnavailable
from keystore.key_types import KEY_TYPES
from keystore.keyring import Keyring
from keystore.log.record import LogWriter, log_event
from keystore.purposes import (
    CA_ISSUING,
    KEY_PURPOSES,
    LOG,
    OCSP,
    SECOND_FACTOR,
    TIMESTAMP,
    TOKENS,
    KeyPurpose,
)
from keystore.sealing import Sealer
from keystore.signature_forms import in_der
from keystore.signing_keys import signing_key
from keystore.verifying import verify_digest, verify_signature

MakeFor = Callable[..., Keyring]

_PURPOSES = {**KEY_PURPOSES, SECOND_FACTOR.name: SECOND_FACTOR}
"""Those of the service, and that of the second-factor verifier."""
_EVERY_CONTENT = frozenset().union(*(purpose.may_sign for purpose in _PURPOSES.values()))


@pytest.fixture
def make_for(database: Database, sealer: Sealer, log: LogWriter) -> MakeFor:
    """Keyrings of any purpose."""

    def make(purpose: KeyPurpose, **given: object) -> Keyring:
        return Keyring(database, sealer, log=log, purpose=purpose, **given)

    return make


def _filled(keyring: Keyring, now: datetime) -> Keyring:
    keyring.ensure(now)
    if not keyring.purpose.is_succession:
        for algorithm in keyring.purpose.algorithms:
            keyring.add(algorithm, now=now)
    return keyring


@pytest.mark.parametrize("name", sorted(_PURPOSES))
def test_a_key_signs_for_its_purpose_and_refuses_everything_else(
    make_for: MakeFor, now: datetime, name: str
) -> None:
    """NIST SP 800-57 part 1 §5.2: a key is used for one purpose."""
    purpose = _PURPOSES[name]
    keyring = _filled(make_for(purpose), now)
    for algorithm in purpose.algorithms:
        key = keyring.signing_key(algorithm, now=now)
        for content in purpose.may_sign:
            verify_signature(
                key.public_spki,
                algorithm=algorithm,
                message=b"message",
                signature=key.sign_x509(b"message", content=content),
            )
        for content in {*_EVERY_CONTENT, "", "anything"} - purpose.may_sign:
            with pytest.raises(KeyPurposeRefused):
                key.sign(b"message", content=content)
            with pytest.raises(KeyPurposeRefused):
                key.sign_x509(b"message", content=content)
            with pytest.raises(KeyPurposeRefused):
                key.sign_digest(bytes(32), hash_name="sha256", content=content)


def test_no_content_belongs_to_two_purposes() -> None:
    assert len(_EVERY_CONTENT) == sum(len(one.may_sign) for one in _PURPOSES.values())
    for purpose in _PURPOSES.values():
        assert set(purpose.algorithms) <= set(KEY_TYPES)


def test_both_forms_of_a_signature_are_of_one_key(make_for: MakeFor, now: datetime) -> None:
    """RFC 7518 §3.4; RFC 5480 §2.2.3."""
    keyring = _filled(make_for(CA_ISSUING), now)
    for algorithm, size in (("ES256", 32), ("ES384", 48)):
        key = keyring.signing_key(algorithm, now=now)
        raw = key.sign(b"message", content="x509:crl")
        verify_signature(
            key.public_spki,
            algorithm=algorithm,
            message=b"message",
            signature=in_der(raw, size_bytes=size),
        )


def test_digests_are_signed_by_kinds_that_sign_digests(make_for: MakeFor, now: datetime) -> None:
    key = _filled(make_for(TIMESTAMP), now).signing_key("ES256", now=now)
    digest = hashlib.sha384(b"document").digest()
    signature = key.sign_digest(digest, hash_name="sha384", content="tsa:token")
    verify_digest(
        key.public_spki, algorithm="ES256", digest=digest, hash_name="sha384", signature=signature
    )
    log_keys = _filled(make_for(LOG), now)
    for algorithm in LOG.algorithms:
        with pytest.raises(DigestRefused):
            log_keys.signing_key(algorithm, now=now).sign_digest(
                bytes(32), hash_name="sha256", content="log:checkpoint"
            )


def test_keys_that_stand_beside_one_another_are_made_one_by_one(
    make_for: MakeFor, now: datetime
) -> None:
    keyring = make_for(CA_ISSUING)
    keyring.ensure(now)
    assert keyring.records(now) == ()
    one, other = keyring.add("ES256", now=now), keyring.add("ES256", now=now)
    for record in (one, other):
        assert keyring.key(record.kid, now=now).kid == record.kid
        assert record.retired_at is None
    for act in (keyring.rotate, keyring.rotate_due):
        if act == keyring.rotate_due:
            assert act(now + timedelta(days=4000)) == ()
        else:
            with pytest.raises(KeySuccession):
                act(now)
    with pytest.raises(KeyUnavailable):
        keyring.add("RS256", now=now)


def test_keys_that_follow_one_another_have_none_beside_them(
    make_for: MakeFor, now: datetime
) -> None:
    with pytest.raises(KeySuccession):
        make_for(OCSP).add("ES256", now=now)


def test_keys_of_the_log_follow_one_another_only_by_command(
    make_for: MakeFor, now: datetime
) -> None:
    keyring = make_for(LOG)
    keyring.ensure(now)
    later = now + timedelta(days=5000)
    assert keyring.rotate_due(later) == ()
    assert len(keyring.rotate(later)) == 2


def test_a_next_key_waits_as_long_as_its_purpose_says_or_as_it_is_told(
    make_for: MakeFor, now: datetime
) -> None:
    keyring = make_for(OCSP)
    keyring.ensure(now)
    (coming,) = keyring.rotate(now, lead=timedelta(hours=5))
    assert coming.active_from == now + timedelta(hours=5)
    other = make_for(SECOND_FACTOR)
    other.ensure(now)
    (coming,) = other.rotate(now)
    assert coming.active_from == now + SECOND_FACTOR.lead + timedelta(seconds=30)


def test_a_key_is_found_by_its_name_at_once_in_every_process(
    make_for: MakeFor, now: datetime
) -> None:
    one, other = make_for(CA_ISSUING), make_for(CA_ISSUING)
    assert other.records(now) == ()
    made = one.add("ES384", now=now)
    assert other.key(made.kid, now=now).algorithm == "ES384"
    with pytest.raises(KeyUnavailable):
        other.key("unknown", now=now)
    with pytest.raises(KeyUnavailable):
        make_for(TOKENS).key(made.kid, now=now)


def test_a_next_key_and_a_retired_one_are_found_by_name(make_for: MakeFor, now: datetime) -> None:
    """A certificate for the next key is made before it signs; a retired one ends what it began."""
    keyring = make_for(OCSP)
    keyring.ensure(now)
    old = keyring.signing_key("ES256", now=now).kid
    (coming,) = keyring.rotate(now)
    assert keyring.key(coming.kid, now=now).kid == coming.kid
    assert keyring.key(old, now=coming.active_from).kid == old


def test_a_key_that_is_retired_by_hand_is_erased_after_the_margin(
    make_for: MakeFor, now: datetime
) -> None:
    keyring = make_for(CA_ISSUING)
    made = keyring.add("ES256", now=now)
    keyring.retire(made.kid, now=now)
    keyring.retire(made.kid, now=now + timedelta(days=1))
    assert keyring.records(now)[0].retired_at == now
    assert keyring.destroy_retired(now) == ()
    assert keyring.destroy_retired(now + timedelta(minutes=6)) == (made.kid,)
    with pytest.raises(KeyUnavailable):
        keyring.retire("unknown", now=now)


def test_a_destroyed_key_signs_no_more_and_its_public_half_stays(
    make_for: MakeFor, database: Database, now: datetime
) -> None:
    keyring = make_for(TOKENS)
    keyring.ensure(now)
    kid = keyring.signing_key("ES256", now=now).kid
    keyring.destroy(kid, now=now)
    with pytest.raises(KeyUnavailable):
        keyring.signing_key("ES256", now=now)
    with pytest.raises(KeyUnavailable):
        keyring.key(kid, now=now)
    assert keyring.signing_key("RS256", now=now).kid != kid
    assert kid in {key["kid"] for key in keyring.published(now)}
    with pytest.raises(KeyUnavailable):
        keyring.destroy(kid, now=now)
    with pytest.raises(KeyUnavailable):
        keyring.destroy("unknown", now=now)
    with database.read() as connection:
        types = connection.execute(select(log_event.c.type)).scalars().all()
        sealed = connection.execute(
            select(signing_key.c.private_sealed).where(signing_key.c.kid == kid)
        ).scalar_one()
    assert types.count("keys:signing_key:destroyed") == 1
    assert sealed is None
    keyring.ensure(now + timedelta(seconds=1))
    assert keyring.signing_key("ES256", now=now + timedelta(seconds=1)).kid != kid


class _TokenThatFails:
    """A backend that keeps something itself, and does not answer when it should erase it."""

    def __init__(self, sealer: Sealer) -> None:
        self._software = SoftwareBackend(sealer)
        self.is_away = True
        self.erased: list[bytes] = []

    def make_key(self, *, algorithm: str) -> NewKey:
        return self._software.make_key(algorithm=algorithm)

    def holds(self, stored: bytes) -> bool:
        return self._software.holds(stored)

    def open_key(self, *, kid: str, algorithm: str, stored: bytes) -> OpenKey:
        return self._software.open_key(kid=kid, algorithm=algorithm, stored=stored)

    def destroy_key(self, stored: bytes) -> None:
        if self.is_away:
            raise KeyUnavailable("token")
        self.erased.append(stored)


def test_a_destruction_that_was_interrupted_is_ended_by_the_next(
    make_for: MakeFor, database: Database, sealer: Sealer, now: datetime
) -> None:
    token = _TokenThatFails(sealer)
    keyring = make_for(CA_ISSUING, backend=token)
    made = keyring.add("ES256", now=now)
    with pytest.raises(KeyUnavailable, match="token"):
        keyring.destroy(made.kid, now=now)
    with pytest.raises(KeyUnavailable):
        keyring.key(made.kid, now=now)
    token.is_away = False
    assert keyring.destroy_retired(now) == ()
    assert token.erased == [made.private_sealed]
    with database.read() as connection:
        assert connection.execute(select(signing_key.c.private_sealed)).scalar() is None
        types = connection.execute(select(log_event.c.type)).scalars().all()
    assert types.count("keys:signing_key:destroyed") == 1


def test_a_damaged_key_is_named_and_the_others_go_on(
    make_for: MakeFor, database: Database, now: datetime
) -> None:
    make_for(TOKENS).ensure(now)
    with database.transaction() as transaction:
        transaction.connection.execute(
            update(signing_key)
            .where(signing_key.c.algorithm == "ES256")
            .values(private_sealed=b"\x01damaged")
        )
    keyring = make_for(TOKENS)
    (kid,) = keyring.damaged(now)
    assert keyring.signing_key("RS256", now=now).algorithm == "RS256"
    for ask in (
        lambda: keyring.signing_key("ES256", now=now),
        lambda: keyring.key(kid, now=now),
    ):
        with pytest.raises(KeyDamaged) as damaged:
            ask()
        assert damaged.value.kid == kid
    keyring.rotate(now)
    later = now + timedelta(days=1)
    assert keyring.signing_key("ES256", now=later).kid != kid
    assert kid in keyring.destroy_retired(later)


def test_a_key_of_a_backend_that_is_not_configured_is_named_too(
    make_for: MakeFor, database: Database, now: datetime
) -> None:
    made = make_for(CA_ISSUING).add("ES256", now=now)
    with database.transaction() as transaction:
        transaction.connection.execute(update(signing_key).values(private_sealed=b"P1 elsewhere"))
    keyring = make_for(CA_ISSUING)
    assert keyring.damaged(now) == {made.kid}
    with pytest.raises(KeyKept):
        keyring.destroy(made.kid, now=now)
    assert keyring.damaged(now) == frozenset()


def test_a_waiting_key_that_is_destroyed_leaves_the_one_before_it_in_its_place(
    make_for: MakeFor, now: datetime
) -> None:
    keyring = make_for(TOKENS)
    keyring.ensure(now)
    old = keyring.signing_key("ES256", now=now).kid
    coming = {record.algorithm: record for record in keyring.rotate(now)}
    keyring.destroy(coming["ES256"].kid, now=now)
    later = now + timedelta(days=1)
    assert keyring.signing_key("ES256", now=later).kid == old
    assert keyring.signing_key("RS256", now=later).kid == coming["RS256"].kid
    again = {record.algorithm: record for record in keyring.rotate(later)}
    assert keyring.signing_key("ES256", now=again["ES256"].active_from).kid == again["ES256"].kid


def test_a_retired_key_signs_no_more_even_when_the_one_after_it_is_gone(
    make_for: MakeFor, now: datetime
) -> None:
    keyring = make_for(SECOND_FACTOR)
    keyring.ensure(now)
    (coming,) = keyring.rotate(now)
    later = coming.active_from
    keyring.destroy(coming.kid, now=later)
    with pytest.raises(KeyUnavailable):
        keyring.signing_key("ES256", now=later)
    keyring.rotate_due(later)
    assert keyring.signing_key("ES256", now=later).kid != coming.kid


def test_what_was_made_and_not_needed_is_not_left_in_the_backend(
    make_for: MakeFor, sealer: Sealer, now: datetime
) -> None:
    """Processes that start together make a key each; all but one are thrown away."""
    token = _TokenThatFails(sealer)
    token.is_away = False
    keyrings = [make_for(OCSP, backend=token) for _ in range(4)]
    made: list[bytes] = []
    make = token.make_key

    def counted(*, algorithm: str) -> NewKey:
        one = make(algorithm=algorithm)
        made.append(one.stored)
        return one

    token.make_key = counted  # type: ignore[method-assign]  # counts what the backend made
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda keyring: keyring.ensure(now), keyrings))
        list(pool.map(lambda keyring: keyring.rotate(now), keyrings))
    stored = [record.private_sealed for record in make_for(OCSP).records(now)]
    assert len(stored) == 2
    assert sorted(token.erased) == sorted(one for one in made if one not in stored)
