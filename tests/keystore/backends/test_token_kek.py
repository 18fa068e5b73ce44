"""A root key in a token wraps and unwraps there, and never comes out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from pkcs11 import Attribute
from pkcs11.exceptions import PKCS11Error

from idp.storage.database import Database
from keystore.backends.token_kek import TokenKek, TokenKeks, open_token_keks
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.errors import KekInvalid, SealBroken
from keystore.kek import Kek, KekRing, load_kek_ring, named_kek
from keystore.kek_rotation import KekRotation, PurposeKeyWrappings
from keystore.log.record import LogWriter
from keystore.purposes import SealPurpose
from keystore.root_keys import Scope
from keystore.sealing import Sealer
from tests.support.softhsm import SoftToken

_KEY = bytes(range(32))


@pytest.fixture
def keks(sessions: TokenSessions) -> TokenKeks:
    return TokenKeks(sessions, label="antin kek")


@pytest.fixture
def kek(keks: TokenKeks) -> TokenKek:
    return keks.make()


def test_a_key_comes_back_for_its_own_record_alone(kek: TokenKek) -> None:
    wrapped = kek.wrap(_KEY, context="a")
    assert kek.unwrap(wrapped, context="a") == _KEY
    assert _KEY not in wrapped
    assert named_kek(wrapped) == kek.kek_id
    with pytest.raises(SealBroken):
        kek.unwrap(wrapped, context="b")


def test_a_changed_byte_anywhere_does_not_open(kek: TokenKek) -> None:
    wrapped = kek.wrap(_KEY, context="a")
    for position in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            kek.unwrap(bytes(changed), context="a")
    for length in (0, 9, 20, len(wrapped) - 1):
        with pytest.raises(SealBroken):
            kek.unwrap(wrapped[:length], context="a")
    assert kek.unwrap(wrapped, context="a") == _KEY  # the session is as good as before


def test_the_key_cannot_be_read_and_wraps_no_other_key_out(
    kek: TokenKek, sessions: TokenSessions
) -> None:
    def look(opened: OpenSession) -> dict[Attribute, object]:
        key = opened.secret_key(kek.object_id)
        with pytest.raises(PKCS11Error):
            key[Attribute.VALUE]
        return {
            name: key[name]
            for name in (
                Attribute.SENSITIVE,
                Attribute.EXTRACTABLE,
                Attribute.NEVER_EXTRACTABLE,
                Attribute.WRAP,
                Attribute.UNWRAP,
                Attribute.TOKEN,
            )
        }

    assert sessions.run(look) == {
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.NEVER_EXTRACTABLE: True,
        Attribute.WRAP: False,
        Attribute.UNWRAP: False,
        Attribute.TOKEN: True,
    }


def test_another_way_to_the_token_finds_the_same_root_keys(
    kek: TokenKek, make_sessions: Callable[[], TokenSessions]
) -> None:
    other = TokenKeks(make_sessions(), label="antin kek")
    (found,) = other.find()
    assert found.kek_id == kek.kek_id
    assert found.unwrap(kek.wrap(_KEY, context="a"), context="a") == _KEY
    assert TokenKeks(make_sessions(), label="other").find() == ()


def test_a_destroyed_root_key_opens_nothing(keks: TokenKeks, kek: TokenKek) -> None:
    wrapped = kek.wrap(_KEY, context="a")
    other = keks.make()
    assert keks.destroy(kek.kek_id)
    assert not keks.destroy(kek.kek_id)
    assert [found.kek_id for found in keks.find()] == [other.kek_id]
    with pytest.raises(SealBroken):
        KekRing(keks.find()).unwrap(wrapped, context="a")


def test_from_a_file_into_a_token_and_on_to_the_next_key_of_the_token(
    database: Database, keks: TokenKeks, now: datetime
) -> None:
    """While it changes, a process holds the key of the file and those of the token."""
    in_file = Kek(bytes(32))
    before = Sealer.open(database, kek=in_file, now=now)
    sealed = before.seal(SealPurpose.OUTBOX, b"payload", context="outbox:1")
    first = keks.make()
    _rotate(database, KekRing((in_file, *keks.find())), to=first.kek_id, sealer=before, now=now)
    with pytest.raises(KekInvalid, match="does_not_open"):
        Sealer.open(database, kek=in_file, now=now)
    opened = Sealer.open(database, kek=load_kek_ring(token=keks.find), now=now)
    assert opened.unseal(SealPurpose.OUTBOX, sealed, context="outbox:1") == b"payload"

    second = keks.make()
    _rotate(database, load_kek_ring(token=keks.find), to=second.kek_id, sealer=opened, now=now)
    assert keks.destroy(first.kek_id)
    opened.reload()  # the process ran on: it finds the new key in the token
    again = Sealer.open(database, kek=load_kek_ring(token=keks.find), now=now)
    assert again.unseal(SealPurpose.OUTBOX, sealed, context="outbox:1") == b"payload"


def test_the_pin_comes_from_a_private_file_or_is_refused(
    token: SoftToken, kek: TokenKek, tmp_path: Path
) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{token.pin}\n")
    file.chmod(0o644)
    given = {"token": token.label, "label": "antin kek"}
    with pytest.raises(KekInvalid, match="readable_by_others"):
        open_token_keks(token.module, **given, pin_file=file, pin=None)
    file.chmod(0o600)
    opened = open_token_keks(token.module, **given, pin_file=file, pin=None)
    assert [found.kek_id for found in opened.find()] == [kek.kek_id]
    with pytest.raises(KekInvalid, match="both_given"):
        open_token_keks(token.module, **given, pin_file=file, pin=token.pin)
    with pytest.raises(KekInvalid, match="missing"):
        open_token_keks(token.module, **given, pin_file=None, pin=None)


def test_nothing_of_it_shows_the_pin(token: SoftToken, keks: TokenKeks, kek: TokenKek) -> None:
    assert token.pin not in repr(keks) + repr(kek) + repr(keks.find())


def _rotate(database: Database, ring: KekRing, *, to: str, sealer: Sealer, now: datetime) -> None:
    done = KekRotation(
        database=database,
        scope=Scope.SERVICE,
        ring=ring,
        wrappings=(PurposeKeyWrappings(ring, scope=Scope.SERVICE),),
        log=LogWriter(sealer, writer_id="rotation"),
        time=lambda: now,
    ).run(to)
    assert done.damaged == ()
    assert done.rewrapped > 0
