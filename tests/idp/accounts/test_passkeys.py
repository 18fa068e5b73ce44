"""Registering passkeys: once per challenge, for this session, by a verified user."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import cbor2
import pytest

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
from idp.storage.passkey_party import find_rp_id
from idp.storage.passkeys import erase_passkeys
from keystore.base64url import from_base64url, to_base64url
from keystore.log.events import EventType
from tests.support.authenticator import Authenticator
from tests.support.passkey_house import SESSION, PasskeyHouse
from tests.support.signer import RP_ID, SIGNER, events


@pytest.fixture
def house(passkey_house: PasskeyHouse) -> PasskeyHouse:
    """The person of these tests."""
    return passkey_house


def test_a_passkey_is_kept_as_the_authenticator_made_it(house: PasskeyHouse) -> None:
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


def test_the_options_ask_for_a_verified_user_and_say_nothing_of_the_person(
    house: PasskeyHouse,
) -> None:
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
def test_what_the_signer_pins_is_registered(house: PasskeyHouse, kind: str) -> None:
    house.register(Authenticator(kind=kind))
    assert len(house.passkeys.list_of(house.person.account_id)) == 1


def test_a_signature_by_the_passkeys_own_key_is_no_attestation(house: PasskeyHouse) -> None:
    assert house.register(fmt="packed")


def test_a_challenge_is_taken_once(house: PasskeyHouse) -> None:
    """WebAuthn Level 3 §13.4.1."""
    challenge = house.begin()["challenge"]
    house.finish(challenge)
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge)


def test_a_challenge_that_was_answered_wrongly_is_spent_too(house: PasskeyHouse) -> None:
    challenge = house.begin()["challenge"]
    with pytest.raises(PasskeyRefused):
        house.finish(challenge, origin="https://evil.example")
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge)


def test_a_challenge_of_another_session_is_none(house: PasskeyHouse) -> None:
    challenge = house.begin()["challenge"]
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge, session=SessionId("ses_2"))


def test_a_challenge_of_another_account_is_none(house: PasskeyHouse) -> None:
    challenge = house.begin()["challenge"]
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge, account=house.open())


def test_a_challenge_that_is_too_old_is_none(house: PasskeyHouse) -> None:
    challenge = house.begin()["challenge"]
    house.now += timedelta(minutes=10)
    with pytest.raises(PasskeyRefused, match="challenge"):
        house.finish(challenge)


def test_an_answer_to_an_earlier_challenge_is_none(house: PasskeyHouse) -> None:
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
    house: PasskeyHouse, wrong: dict[str, Any], reason: str
) -> None:
    """WebAuthn Level 3 §7.1, steps 7 to 22."""
    with pytest.raises(PasskeyRefused) as refused:
        house.register(**wrong)
    assert refused.value.reason == reason
    assert house.passkeys.list_of(house.person.account_id) == ()


def test_a_weak_key_is_not_registered(house: PasskeyHouse) -> None:
    with pytest.raises(PasskeyRefused, match="public_key"):
        house.register(Authenticator(kind="RS256", rsa_bits=1024))


def test_a_curve_that_the_signer_does_not_pin_is_not_registered(house: PasskeyHouse) -> None:
    key = {1: 2, 3: -7, -1: 2, -2: bytes(48), -3: bytes(48)}
    with pytest.raises(PasskeyRefused):
        house.register(public_key=cbor2.dumps(key))


def test_a_credential_id_is_of_one_account(
    database: Database, ephemeral: EphemeralStore, now: datetime
) -> None:
    """WebAuthn Level 3 §7.1, step 26."""
    house = PasskeyHouse(database, ephemeral, now)
    passkey = Authenticator()
    house.register(passkey)
    with pytest.raises(PasskeyRefused, match="known"):
        house.register(passkey)
    other = house.open()
    challenge = house.begin(other)["challenge"]
    with pytest.raises(PasskeyRefused, match="known"):
        house.finish(challenge, passkey, account=other)


def test_there_is_an_end_to_passkeys(house: PasskeyHouse) -> None:
    for _ in range(MOST_PASSKEYS):
        house.register()
    with pytest.raises(PasskeyRefused, match="too_many"):
        house.register()


def test_its_owner_renames_and_removes_it_and_nobody_else_does(house: PasskeyHouse) -> None:
    kept, other = house.register(), house.open()
    assert not house.passkeys.rename(other.account_id, kept.passkey_id, name="của tôi")
    assert not house.passkeys.remove(other.account_id, kept.passkey_id, now=house.now)
    assert house.passkeys.rename(house.person.account_id, kept.passkey_id, name=" Máy  tính ")
    assert [one.name for one in house.passkeys.list_of(house.person.account_id)] == ["Máy tính"]
    assert house.passkeys.remove(house.person.account_id, kept.passkey_id, now=house.now)
    assert not house.passkeys.remove(house.person.account_id, kept.passkey_id, now=house.now)
    assert house.passkeys.list_of(house.person.account_id) == ()
    assert len(events(house.database, EventType.PASSKEY_REMOVED)) == 1


def test_when_it_was_used_is_remembered(house: PasskeyHouse) -> None:
    kept = house.register()
    house.passkeys.note_use(kept.credential_id, now=house.now + timedelta(days=1))
    (after,) = house.passkeys.list_of(house.person.account_id)
    assert after.used_at == house.now + timedelta(days=1)


def test_they_go_with_the_account(house: PasskeyHouse) -> None:
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


def test_the_first_of_them_settles_the_relying_party_for_good(house: PasskeyHouse) -> None:
    """WebAuthn Level 3 §4: a passkey works for the RP ID that it was made for, and no other."""
    house.register()
    other = Passkeys(
        house.database,
        store=house.store,
        sealer=house.sealer,
        log=house.log,
        notices=house.notices,
        rp_id="example",
        rp_name="Ấn Tín",
        origins=[SIGNER],
    )
    options = json.loads(other.begin(house.person, session_id=SESSION, label="x", now=house.now))
    answer = Authenticator(rp_id="example").register(from_base64url(options["challenge"].encode()))
    with pytest.raises(PasskeyRefused) as refused:
        other.finish(
            house.person.account_id,
            session_id=SESSION,
            new=NewCredential(*answer),
            name="x",
            now=house.now,
        )
    assert refused.value.reason == "rp_id"
    with house.database.read() as connection:
        assert find_rp_id(connection) == RP_ID
