"""The keyring over a token: keys move from software to a token by following one another."""

from __future__ import annotations

from datetime import datetime, timedelta

from pkcs11 import Attribute, ObjectClass

from idp.storage.database import Database
from keystore.backends.pkcs11 import TokenBackend
from keystore.backends.software import SoftwareBackend
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.jose import sign_jwt, verify_jwt
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
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
