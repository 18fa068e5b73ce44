"""Registering passkeys: once per challenge, for this session, by a verified user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest

from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, Profile
from idp.accounts.passkeys import (
    MOST_PASSKEYS,
    NewCredential,
    PasskeyRefused,
    Passkeys,
    read_new_credential,
)
from idp.ids import SessionId
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.storage.passkeys import erase_passkeys
from keystore.base64url import from_base64url, to_base64url
from keystore.kek import load_kek
from keystore.log.events import EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from tests.support.authenticator import Authenticator
from tests.support.provider import KEK
from tests.support.signer import RP_ID, SIGNER, events

_SESSION = SessionId("ses_1")


class House:
    """A person, a browser, and what registers passkeys."""

    def __init__(self, database: Database, ephemeral: EphemeralStore, now: datetime) -> None:
        self.database = database
        self.sealer = Sealer.open(database, kek=load_kek(file=None, value=KEK), now=now)
        self.log = LogWriter(self.sealer, writer_id="test")
        self.passkeys = Passkeys(
            database,
            store=ephemeral,
            sealer=self.sealer,
            log=self.log,
            rp_id=RP_ID,
            rp_name="Ấn Tín",
            origins=[SIGNER],
        )
        self.now = now
        self.person = self.open()

    def open(self) -> Account:
        made = make_account(
            kind=AccountKind.CITIZEN,
            level=AccountLevel.TWO,
            profile=Profile("Nguyễn Thị Lấp Lánh Ánh"),
            identifiers=[],
            now=self.now,
        )
        return AccountLifecycle(self.database, sealer=self.sealer, log=self.log).open(made)

    def begin(self, account: Account | None = None, session: SessionId = _SESSION) -> Any:
        """The options, read."""
        given = self.passkeys.begin(
            account or self.person, session_id=session, label="•••0018", now=self.now
        )
        return json.loads(given)

    def finish(
        self,
        challenge: str,
        passkey: Authenticator | None = None,
        *,
        session: SessionId = _SESSION,
        account: Account | None = None,
        name: str = "Điện thoại",
        **wrong: Any,
    ) -> Any:
        """The authenticator's answer, and what is said to it."""
        answer = (passkey or Authenticator()).register(from_base64url(challenge.encode()), **wrong)
        return self.passkeys.finish(
            (account or self.person).account_id,
            session_id=session,
            new=NewCredential(*answer, ("internal", "telepathy")),
            name=name,
            now=self.now,
        )

    def register(self, passkey: Authenticator | None = None, **changes: Any) -> Any:
        """Both."""
        return self.finish(self.begin()["challenge"], passkey, **changes)


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[House]:
    """On SQLite: the two statements that differ elsewhere are tested below on both."""
    database = Database(sqlite_url)
    ephemeral = SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}")
    yield House(database, ephemeral, now)
    ephemeral.close()
    database.close()


def test_a_passkey_is_kept_as_the_authenticator_made_it(house: House) -> None:
    passkey = Authenticator(is_synced=True, counts=False)
    house.register(passkey)
    (kept,) = house.passkeys.list_of(house.person.account_id)
    assert (kept.credential_id, kept.public_key) == (passkey.credential_id, passkey.public_key)
    assert (kept.name, kept.created_at, kept.used_at) == ("Điện thoại", house.now, None)
    assert kept.transports == ("internal",)
    assert kept.is_backed_up
    assert kept.is_backup_eligible
    (event,) = events(house.database, EventType.PASSKEY_ADDED)
    assert event["account_id"] == house.person.account_id


def test_the_options_ask_for_a_verified_user_and_say_nothing_of_the_person(house: House) -> None:
    """WebAuthn Level 3 §14.6.1: the user handle says nothing about who it is."""
    known = house.register()
    options = house.begin()
    assert options["rp"]["id"] == RP_ID
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"
    assert {one["alg"] for one in options["pubKeyCredParams"]} == {-7, -8, -257}
    excluded = [one["id"] for one in options["excludeCredentials"]]
    assert excluded == [to_base64url(known.credential_id).decode()]
    assert house.person.account_id not in json.dumps(options)
    assert options["user"]["id"] == house.begin()["user"]["id"]
    assert options["challenge"] != house.begin()["challenge"]


@pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
def test_what_the_signer_pins_is_registered(house: House, kind: str) -> None:
    house.register(Authenticator(kind=kind))
    assert len(house.passkeys.list_of(house.person.account_id)) == 1


def test_a_signature_by_the_passkeys_own_key_is_no_attestation(house: House) -> None:
    assert house.register(fmt="packed")


def test_a_challenge_is_taken_once(house: House) -> None:
    """WebAuthn Level 3 §13.4.1."""
    challenge = house.begin()["challenge"]
    house.finish(challenge)
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge)


def test_a_challenge_that_was_answered_wrongly_is_spent_too(house: House) -> None:
    challenge = house.begin()["challenge"]
    with pytest.raises(PasskeyRefused):
        house.finish(challenge, origin="https://evil.example")
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge)


def test_a_challenge_of_another_session_is_none(house: House) -> None:
    challenge = house.begin()["challenge"]
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge, session=SessionId("ses_2"))


def test_a_challenge_of_another_account_is_none(house: House) -> None:
    challenge = house.begin()["challenge"]
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge, account=house.open())


def test_a_challenge_that_is_too_old_is_none(house: House) -> None:
    challenge = house.begin()["challenge"]
    house.now += timedelta(minutes=10)
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge)


def test_an_answer_to_an_earlier_challenge_is_none(house: House) -> None:
    earlier = house.begin()["challenge"]
    house.begin()
    with pytest.raises(PasskeyRefused, match="response"):
        house.finish(earlier)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"origin": "https://sign.example.evil"}, "origin"),
        ({"origin": "http://sign.example"}, "origin"),
        ({"cross_origin": True}, "cross_origin"),
        ({"top_origin": "https://evil.example"}, "cross_origin"),
        ({"type": "webauthn.get"}, "response"),
        ({"rp_id": "example"}, "response"),
        ({"flags": 0x41}, "response"),  # present, but nobody verified who
        ({"flags": 0x44}, "response"),  # verified, but nobody was there
        ({"flags": 0x05}, "malformed"),  # without a key
        ({"public_key": b"\x00"}, "malformed"),
        ({"public_key": b"\x04" + bytes(64)}, "malformed"),
        ({"credential_id": b""}, "malformed"),
        ({"credential_id": bytes(1024)}, "malformed"),
        ({"fmt": "tpm"}, "attestation"),
        ({"fmt": "packed", "statement": {"x5c": [b"a certificate"]}}, "attestation"),
        ({"fmt": "packed", "statement": {"sig": bytes(70)}}, "response"),
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "a\u202eb"}, "name"),
    ],
)
def test_an_answer_that_is_wrong_registers_nothing(
    house: House, wrong: dict[str, Any], reason: str
) -> None:
    """WebAuthn Level 3 §7.1, steps 7 to 22."""
    with pytest.raises(PasskeyRefused) as refused:
        house.register(**wrong)
    assert refused.value.reason == reason
    assert house.passkeys.list_of(house.person.account_id) == ()


def test_a_weak_key_is_not_registered(house: House) -> None:
    with pytest.raises(PasskeyRefused, match="public_key"):
        house.register(Authenticator(kind="RS256", rsa_bits=1024))


def test_a_curve_that_the_signer_does_not_pin_is_not_registered(house: House) -> None:
    key = {1: 2, 3: -7, -1: 2, -2: bytes(48), -3: bytes(48)}
    with pytest.raises(PasskeyRefused):
        house.register(public_key=cbor2.dumps(key))


def test_a_credential_id_is_of_one_account(
    database: Database, ephemeral: EphemeralStore, now: datetime
) -> None:
    """WebAuthn Level 3 §7.1, step 26."""
    house = House(database, ephemeral, now)
    passkey = Authenticator()
    house.register(passkey)
    with pytest.raises(PasskeyRefused, match="known"):
        house.register(passkey)
    other = house.open()
    challenge = house.begin(other)["challenge"]
    with pytest.raises(PasskeyRefused, match="known"):
        house.finish(challenge, passkey, account=other)


def test_there_is_an_end_to_passkeys(house: House) -> None:
    for _ in range(MOST_PASSKEYS):
        house.register()
    with pytest.raises(PasskeyRefused, match="too_many"):
        house.register()


def test_its_owner_renames_and_removes_it_and_nobody_else_does(house: House) -> None:
    kept, other = house.register(), house.open()
    assert not house.passkeys.rename(other.account_id, kept.passkey_id, name="của tôi")
    assert not house.passkeys.remove(other.account_id, kept.passkey_id, now=house.now)
    assert house.passkeys.rename(house.person.account_id, kept.passkey_id, name=" Máy  tính ")
    assert [one.name for one in house.passkeys.list_of(house.person.account_id)] == ["Máy tính"]
    assert house.passkeys.remove(house.person.account_id, kept.passkey_id, now=house.now)
    assert not house.passkeys.remove(house.person.account_id, kept.passkey_id, now=house.now)
    assert house.passkeys.list_of(house.person.account_id) == ()
    assert len(events(house.database, EventType.PASSKEY_REMOVED)) == 1


def test_when_it_was_used_is_remembered(house: House) -> None:
    kept = house.register()
    house.passkeys.note_use(kept.credential_id, now=house.now + timedelta(days=1))
    (after,) = house.passkeys.list_of(house.person.account_id)
    assert after.used_at == house.now + timedelta(days=1)


def test_they_go_with_the_account(house: House) -> None:
    house.register()
    with house.database.transaction() as tx:
        row = find_row(tx.connection, house.person.account_id)
        assert row is not None
        erase_passkeys(tx, row)
    assert house.passkeys.list_of(house.person.account_id) == ()


def test_the_browsers_answer_is_read_from_json() -> None:
    raw = {"id": "eA", "response": {"clientDataJSON": "eA", "attestationObject": "eQ"}}
    found = read_new_credential(json.dumps(raw))
    assert (found.client_data_json, found.attestation_object) == (b"x", b"y")


@pytest.mark.parametrize(
    "raw", ["", "[]", "{}", '{"response": 1}', '{"response": {"clientDataJSON": "!"}}', "\ud800"]
)
def test_what_is_no_answer_is_refused(raw: str) -> None:
    with pytest.raises(PasskeyRefused, match="malformed"):
        read_new_credential(raw)
