"""The keyring over a token: keys move from software to a token by following one another."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pkcs11 import Attribute, ObjectClass
from sqlalchemy import select

from idp.storage.database import Database
from keystore.backends.errors import KeyKept
from keystore.backends.pkcs11 import TokenBackend
from keystore.backends.software import SoftwareBackend
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.jose import sign_jwt, verify_jwt
from keystore.keyring import Keyring
from keystore.log.events import EventType
from keystore.log.record import LogWriter, log_event
from keystore.purposes import TOKENS
from keystore.sealing import Sealer


def _many(opened: OpenSession) -> int:
    return len(list(opened.session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})))


def test_a_deployment_changes_from_software_to_a_token_without_a_pause(
    database: Database, sealer: Sealer, log: LogWriter, sessions: TokenSessions, now: datetime
) -> None:
    before = Keyring(database, sealer, log=log, purpose=TOKENS)
    before.ensure(now)
    after = Keyring(
        database,
        sealer,
        log=log,
        purpose=TOKENS,
        backend=TokenBackend(sessions),
        older_backends=(SoftwareBackend(sealer),),
    )
    after.ensure(now)
    assert sessions.run(_many) == 0
    later = now + timedelta(days=1)
    kids = set()
    for instant in (now, later):
        key = after.signing_key("ES256", now=instant)
        kids.add(key.kid)
        verify_jwt(
            sign_jwt({"exp": instant.timestamp() + 60}, key=key, typ="at+jwt"),
            keys=after.published_keys(instant),
            allowed_algorithms=frozenset({"ES256"}),
            expected_typ=None,
            expected_issuer=None,
            expected_audience=None,
            now=instant,
        )
        if instant is now:
            after.rotate(now)
    assert len(kids) == 2
    assert sessions.run(_many) == 2
    after.destroy_retired(later)
    assert sessions.run(_many) == 2
    after.rotate(later)
    for record in after.records(later):
        if record.destroyed_at is None:
            after.destroy(record.kid, now=later)
    assert sessions.run(_many) == 0


def test_a_key_whose_token_is_not_configured_is_kept_until_somebody_reaches_it(
    database: Database, sealer: Sealer, log: LogWriter, sessions: TokenSessions, now: datetime
) -> None:
    """A reference that is forgotten would leave a key in the token that still signs."""
    software = SoftwareBackend(sealer)
    with_token = Keyring(
        database,
        sealer,
        log=log,
        purpose=TOKENS,
        backend=TokenBackend(sessions),
        older_backends=(software,),
    )
    with_token.ensure(now)
    kids = [record.kid for record in with_token.records(now)]
    without = Keyring(database, sealer, log=log, purpose=TOKENS)
    for kid in kids:
        with pytest.raises(KeyKept, match=kids[0]):
            without.destroy(kid, now=now)
    assert sessions.run(_many) == 2
    kept = {record.kid: record for record in without.records(now)}
    assert all(kept[kid].private_sealed is not None for kid in kids)
    with database.read() as connection:
        facts = connection.execute(
            select(log_event.c.facts).where(log_event.c.type == EventType.SIGNING_KEY_DESTROYED)
        ).all()
    assert len(facts) == len(kids)
    assert all('"held_elsewhere":true' in one.facts for one in facts)
    without.ensure(now)
    with pytest.raises(KeyKept):
        without.destroy_retired(now + timedelta(days=1))
    with_token.destroy_retired(now + timedelta(days=1))
    assert sessions.run(_many) == 0
    erased = {record.kid: record.private_sealed for record in with_token.records(now)}
    assert all(erased[kid] is None for kid in kids)
    assert without.destroy_retired(now + timedelta(days=1)) == ()
