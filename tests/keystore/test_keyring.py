"""Keys follow one another by instants, in every process alike, and nothing fails in between."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from idp.errors import StorageUnavailable
from idp.storage.database import Database
from keystore.errors import KeyUnavailable, SealBroken
from keystore.jose import parse_jwks, sign_jwt, verify_jwt
from keystore.keyring import Keyring
from keystore.log.record import LogWriter, find_writers, log_event, verify_chain
from keystore.purposes import KeyPurpose
from keystore.sealing import Sealer, create_kek_file
from keystore.signing_keys import signing_key
from keystore.storage import Transaction

_LEAD = timedelta(seconds=30) + timedelta(minutes=10) + timedelta(seconds=300)
_SECOND = timedelta(seconds=1)

Make = Callable[[], Keyring]


def _kids(keyring: Keyring, now: datetime) -> list[str]:
    return [key["kid"] for key in keyring.published(now)]


def test_the_first_start_makes_es256_and_rs256_active_at_once(
    make_keyring: Make, now: datetime
) -> None:
    """OpenID Connect Discovery 1.0 §3: RS256 MUST be among the algorithms."""
    keyring = make_keyring()
    keyring.ensure(now)
    assert {key["alg"] for key in keyring.published(now)} == {"ES256", "RS256"}
    for algorithm in ("ES256", "RS256"):
        assert keyring.signing_key(algorithm, now=now).algorithm == algorithm


def test_a_second_start_makes_nothing(make_keyring: Make, now: datetime) -> None:
    make_keyring().ensure(now)
    before = make_keyring().jwks_bytes(now)
    again = make_keyring()
    again.ensure(now + timedelta(days=1))
    assert again.jwks_bytes(now) == before


def test_no_key_is_an_error_of_its_own(make_keyring: Make, now: datetime) -> None:
    keyring = make_keyring()
    with pytest.raises(KeyUnavailable):
        keyring.signing_key("ES256", now=now)
    keyring.ensure(now)
    with pytest.raises(KeyUnavailable):
        keyring.signing_key("HS256", now=now)
    with pytest.raises(KeyUnavailable):
        keyring.signing_key("ES256", now=now - _SECOND)


def test_published_keys_have_no_private_member(make_keyring: Make, now: datetime) -> None:
    """RFC 7517 §9.2."""
    keyring = make_keyring()
    keyring.ensure(now)
    published = json.loads(keyring.jwks_bytes(now))["keys"]
    assert {frozenset(key) for key in published} == {
        frozenset({"kty", "crv", "x", "y", "kid", "alg", "use"}),
        frozenset({"kty", "n", "e", "kid", "alg", "use"}),
    }


def test_the_next_key_is_published_at_once_and_signs_when_no_copy_lacks_it(
    make_keyring: Make, now: datetime
) -> None:
    """OpenID Connect Core 1.0 §10.1.1, with the cache time and 300 s of margin."""
    keyring = make_keyring()
    keyring.ensure(now)
    old = keyring.signing_key("ES256", now=now).kid
    rotated_at = now + timedelta(days=1)
    coming = {record.algorithm: record for record in keyring.rotate(rotated_at)}
    new = coming["ES256"].kid
    assert coming["ES256"].active_from == rotated_at + _LEAD
    assert {old, new} < set(_kids(keyring, rotated_at))
    last = rotated_at + _LEAD - timedelta(milliseconds=1)
    assert keyring.signing_key("ES256", now=last).kid == old
    assert keyring.signing_key("ES256", now=rotated_at + _LEAD).kid == new


def test_a_retired_key_is_published_while_what_it_signed_may_live(
    make_keyring: Make, now: datetime
) -> None:
    keyring = make_keyring()
    keyring.ensure(now)
    old = keyring.signing_key("ES256", now=now).kid
    keyring.rotate(now)
    retired_at = now + _LEAD
    assert old in _kids(keyring, retired_at + timedelta(hours=1) - _SECOND)
    assert old not in _kids(keyring, retired_at + timedelta(hours=1))


def test_tokens_of_keys_long_gone_still_verify(make_keyring: Make, now: datetime) -> None:
    """OpenID Connect RP-Initiated Logout 1.0 §2: a hint may be older than the key that made it."""
    keyring = make_keyring()
    keyring.ensure(now)
    hint = sign_jwt({"sub": "s"}, key=keyring.signing_key("ES256", now=now), typ="JWT")
    keyring.rotate(now)
    later = now + timedelta(days=400)
    keyring.destroy_retired(later)
    assert verify_jwt(
        hint,
        keys=keyring.verification_keys(later),
        allowed_algorithms=frozenset({"ES256"}),
        expected_typ=frozenset({"jwt"}),
        expected_issuer=None,
        expected_audience=None,
        now=later,
        required=frozenset(),
    )


def test_the_published_keys_are_those_of_the_jwk_set_and_no_others(
    make_keyring: Make, now: datetime
) -> None:
    keyring = make_keyring()
    assert keyring.published_keys(now).keys == ()
    keyring.ensure(now)
    first = keyring.published_keys(now)
    assert keyring.published_keys(now + _SECOND) is first
    keyring.rotate(now)
    for later, many in (
        (now, 4),
        (now + _LEAD, 4),
        (now + _LEAD + timedelta(hours=1) - _SECOND, 4),
        (now + _LEAD + timedelta(hours=1), 2),
        (now + timedelta(days=400), 2),
    ):
        kids = {key.kid for key in keyring.published_keys(later).keys}
        assert kids == set(_kids(keyring, later))
        assert len(kids) == many
        assert len(keyring.verification_keys(later).keys) == 4


def test_rotating_twice_waits_for_the_key_that_is_coming(make_keyring: Make, now: datetime) -> None:
    keyring = make_keyring()
    keyring.ensure(now)
    first = keyring.rotate(now)
    assert keyring.rotate(now + _SECOND) == first
    assert make_keyring().rotate(now + _SECOND) == first
    assert len(keyring.published(now)) == 4


def test_processes_that_rotate_together_make_one_next_key(
    make_keyring: Make, now: datetime
) -> None:
    make_keyring().ensure(now)
    keyrings = [make_keyring() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        coming = list(pool.map(lambda keyring: keyring.rotate(now), keyrings))
    assert len({tuple(record.kid for record in records) for records in coming}) == 1
    assert len(make_keyring().published(now)) == 4


def test_another_process_knows_the_next_key_before_it_signs(
    make_keyring: Make, now: datetime
) -> None:
    one, other = make_keyring(), make_keyring()
    one.ensure(now)
    other.signing_key("ES256", now=now)
    (new, _rsa) = one.rotate(now)
    assert new.kid not in _kids(other, now + timedelta(seconds=29))
    assert new.kid in _kids(other, now + timedelta(seconds=30))
    signs_at = now + _LEAD
    assert (
        other.signing_key("ES256", now=signs_at).kid == one.signing_key("ES256", now=signs_at).kid
    )


def test_no_verification_fails_while_keys_are_rotated(make_keyring: Make, now: datetime) -> None:
    """Clients that keep the JWK Set for its cache time never meet a key that they lack."""
    issuing, serving = make_keyring(), make_keyring()
    issuing.ensure(now)
    fetched_at, keys = now, parse_jwks(serving.jwks_bytes(now))
    kids = set()
    for minute in range(0, 24 * 60, 3):
        instant = now + timedelta(minutes=minute)
        if minute % 120 == 60:
            issuing.rotate(instant)
            issuing.destroy_retired(instant)
        if instant - fetched_at >= timedelta(minutes=10):
            fetched_at, keys = instant, parse_jwks(serving.jwks_bytes(instant))
        key = issuing.signing_key("ES256", now=instant)
        kids.add(key.kid)
        verify_jwt(
            sign_jwt({"exp": instant.timestamp() + 300}, key=key, typ="at+jwt"),
            keys=keys,
            allowed_algorithms=frozenset({"ES256"}),
            expected_typ=None,
            expected_issuer=None,
            expected_audience=None,
            now=instant,
        )
    assert len(kids) == 13


def test_keys_are_rotated_when_they_reach_their_age(make_keyring: Make, now: datetime) -> None:
    keyring = make_keyring()
    keyring.ensure(now)
    assert keyring.rotate_due(now + timedelta(days=89)) == ()
    assert len(keyring.rotate_due(now + timedelta(days=90))) == 2
    assert len(keyring.published(now + timedelta(days=90))) == 4


def test_the_private_half_of_a_retired_key_is_erased_and_the_public_half_stays(
    make_keyring: Make, database: Database, now: datetime
) -> None:
    keyring = make_keyring()
    keyring.ensure(now)
    old = {keyring.signing_key(algorithm, now=now).kid for algorithm in ("ES256", "RS256")}
    keyring.rotate(now)
    assert keyring.destroy_retired(now + _LEAD) == ()
    later = now + _LEAD + timedelta(seconds=330)
    assert set(keyring.destroy_retired(later)) == old
    assert keyring.destroy_retired(later) == ()
    with database.read() as connection:
        rows = connection.execute(select(signing_key)).mappings().all()
    assert {row["kid"] for row in rows if row["private_sealed"] is None} == old
    assert len(keyring.verification_keys(later).keys) == 4
    assert keyring.signing_key("ES256", now=later).kid not in old


def test_every_step_of_a_key_is_in_the_log(
    make_keyring: Make, database: Database, now: datetime
) -> None:
    keyring = make_keyring()
    keyring.ensure(now)
    keyring.rotate(now)
    keyring.destroy_retired(now + timedelta(days=1))
    with database.read() as connection:
        types = connection.execute(select(log_event.c.type)).scalars().all()
        for writer in find_writers(connection):
            verify_chain(connection, writer)
    assert sorted(types) == sorted(
        ["keys:signing_key:created", "keys:signing_key:activated"] * 4
        + ["keys:signing_key:retired", "keys:signing_key:destroyed"] * 2
    )


def test_a_private_half_moved_to_another_key_does_not_open(
    make_keyring: Make, database: Database, now: datetime
) -> None:
    make_keyring().ensure(now)
    with database.transaction() as transaction:
        rows = transaction.connection.execute(select(signing_key)).mappings().all()
        stolen = {row["algorithm"]: row["private_sealed"] for row in rows}
        transaction.connection.execute(
            update(signing_key)
            .where(signing_key.c.algorithm == "ES256")
            .values(private_sealed=stolen["RS256"])
        )
    with pytest.raises(SealBroken):
        make_keyring().signing_key("ES256", now=now)


def test_keys_of_another_purpose_are_not_seen(
    make_keyring: Make, database: Database, sealer: Sealer, log: LogWriter, now: datetime
) -> None:
    other = Keyring(
        database,
        sealer,
        log=log,
        jwks_cache=timedelta(minutes=10),
        retire_after=timedelta(hours=1),
        purpose=KeyPurpose(
            name="other",
            algorithms=("ES384", "PS256"),
            may_sign=frozenset({"thing"}),
            rotate_after=timedelta(days=1),
        ),
    )
    make_keyring().ensure(now)
    other.ensure(now)
    assert {key["alg"] for key in other.published(now)} == {"ES384", "PS256"}
    assert len(other.signing_key("ES384", now=now).sign(b"", content="thing")) == 96
    assert len(other.signing_key("PS256", now=now).sign(b"", content="thing")) == 256
    with pytest.raises(KeyUnavailable):
        other.signing_key("ES256", now=now)
    assert {key["alg"] for key in make_keyring().published(now)} == {"ES256", "RS256"}


def test_a_handle_shows_no_key(make_keyring: Make, now: datetime) -> None:
    keyring = make_keyring()
    keyring.ensure(now)
    handle = keyring.signing_key("ES256", now=now)
    assert repr(handle).startswith(f"SigningKey(kid='{handle.kid}', algorithm='ES256'")
    assert "function" not in repr(handle)
    assert "private" not in repr(keyring.records(now))


class _Failing:
    """A database that can be taken away; its failure is the real one's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_away = False
        self.reads = 0

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self.reads += 1
        if self.is_away:
            raise StorageUnavailable
        with self._database.read() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self.is_away:
            raise StorageUnavailable
        with self._database.transaction() as transaction:
            yield transaction


def test_without_a_database_known_keys_serve_until_an_unknown_one_could_sign(
    database: Database, sealer: Sealer, log: LogWriter, now: datetime
) -> None:
    failing = _Failing(database)
    keyring = Keyring(
        failing,
        sealer,
        log=log,
        jwks_cache=timedelta(minutes=10),
        retire_after=timedelta(hours=1),
    )
    keyring.ensure(now)
    served, reads = keyring.jwks_bytes(now), failing.reads
    failing.is_away = True
    for second in range(31, 900):
        assert keyring.jwks_bytes(now + timedelta(seconds=second)) == served
    assert failing.reads - reads <= 900, "one attempt a second, not one a request"
    with pytest.raises(StorageUnavailable):
        keyring.signing_key("ES256", now=now + _LEAD)
    failing.is_away = False
    assert keyring.jwks_bytes(now + _LEAD + _SECOND) == served


def test_the_hot_path_asks_the_database_once_in_thirty_seconds(
    database: Database, sealer: Sealer, log: LogWriter, now: datetime
) -> None:
    counting = _Failing(database)
    keyring = Keyring(
        counting, sealer, log=log, jwks_cache=timedelta(hours=1), retire_after=timedelta(hours=1)
    )
    keyring.ensure(now)
    before = counting.reads
    for tenth in range(600):
        instant = now + timedelta(milliseconds=100 * tenth)
        keyring.signing_key("ES256", now=instant)
        keyring.verification_keys(instant)
        keyring.jwks_bytes(instant)
    assert counting.reads - before == 1


_START = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from idp.storage.database import Database
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek

database = Database(sys.argv[1])
now = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
sys.stdin.readline()
sealer = Sealer.open(database, kek=load_kek(file=Path(sys.argv[2]), value=None), now=now)
keyring = Keyring(database, sealer, log=LogWriter(sealer, writer_id="w"),
                  jwks_cache=timedelta(minutes=10), retire_after=timedelta(hours=1))
keyring.ensure(now)
sys.stdout.buffer.write(keyring.jwks_bytes(now))
"""


def test_processes_that_start_together_on_an_empty_database_share_one_set_of_keys(
    database: Database, tmp_path: Path
) -> None:
    create_kek_file(tmp_path / "kek")
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", _START, url, str(tmp_path / "kek")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)
    ]
    answers = []
    try:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=600)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert len(set(answers)) == 1
    assert len(json.loads(answers[0])["keys"]) == 2
