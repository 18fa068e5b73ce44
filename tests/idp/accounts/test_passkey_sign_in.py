"""Signing in with a passkey: each thing that has to be right, wrong by itself."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.attempts import PASSKEY_LIMITS, Source
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.passkey_answers import read_answer
from idp.accounts.passkey_sign_in import PasskeyAccepted, PasskeyNotAccepted
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.base64url import from_base64url, to_base64url
from keystore.log.events import EventType
from keystore.signer.errors import EvidenceRefused
from keystore.signer.webauthn_evidence import verify_assertion
from tests.support.authenticator import Authenticator
from tests.support.passkey_house import SIGN_IN, PasskeyHouse, answer_of
from tests.support.signer import RP_ID, SIGNER, events

_PRESENT, _VERIFIED, _ELIGIBLE = 0x01, 0x04, 0x08


@pytest.fixture
def house(passkey_house: PasskeyHouse) -> PasskeyHouse:
    """The person of these tests."""
    return passkey_house


@pytest.fixture
def passkey(house: PasskeyHouse) -> Authenticator:
    """A passkey of hers."""
    made = Authenticator()
    house.register(made)
    return made


def _count_of(house: PasskeyHouse) -> int:
    (kept,) = house.passkeys.list_of(house.person.account_id)
    return kept.sign_count


# -- what is right ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
def test_a_passkey_says_who_it_is_and_signs_in(house: PasskeyHouse, kind: str) -> None:
    passkey = Authenticator(kind=kind)
    house.register(passkey)
    found = house.answer(passkey, house.ask())
    assert isinstance(found, PasskeyAccepted)
    assert (found.account_id, found.at) == (house.person.account_id, house.now)
    assert not found.is_synced
    (kept,) = house.passkeys.list_of(house.person.account_id)
    assert (kept.used_at, kept.sign_count) == (house.now, 1)


def test_of_several_each_signs_in(house: PasskeyHouse, passkey: Authenticator) -> None:
    other = Authenticator(is_synced=True, counts=False)
    house.register(other, name="Máy tính")
    assert isinstance(house.answer(passkey, house.ask()), PasskeyAccepted)
    found = house.answer(other, house.ask())
    assert isinstance(found, PasskeyAccepted)
    assert found.is_synced


def test_a_page_for_anybody_names_no_passkey_and_wants_the_user_verified(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """WebAuthn Level 3 §14.6.2, §14.6.3: what is asked does not tell who has an account."""
    options = json.loads(house.sign_in.ask_anybody(SIGN_IN, now=house.now))
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert options["rpId"] == RP_ID
    assert options["challenge"] != house.ask()
    assert len(from_base64url(options["challenge"].encode())) >= 32
    del passkey


def test_after_the_password_a_touch_is_enough(house: PasskeyHouse, passkey: Authenticator) -> None:
    """What one knows is proven already; the user handle may be left out (§7.2 step 6)."""
    options = json.loads(
        house.sign_in.ask_person(SIGN_IN, account_id=house.person.account_id, now=house.now)
    )
    assert [one["id"] for one in options["allowCredentials"]] == [
        to_base64url(passkey.credential_id).decode()
    ]
    found = house.confirm(passkey, options["challenge"], flags=_PRESENT)
    assert isinstance(found, PasskeyAccepted)


def test_whoever_has_none_is_asked_for_none(house: PasskeyHouse) -> None:
    asked = house.sign_in.ask_person(SIGN_IN, account_id=house.person.account_id, now=house.now)
    assert asked == ""


# -- what is wrong ---------------------------------------------------------------------------------

WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"type": "webauthn.create"}, "type"),  # step 11
    ({"type": "payment.get"}, "type"),
    ({"origin": "https://evil.example"}, "origin"),  # step 13
    ({"origin": f"{SIGNER}:8443"}, "origin"),
    ({"origin": "http://sign.example"}, "origin"),
    ({"cross_origin": True}, "cross_origin"),  # step 14
    ({"top_origin": "https://evil.example"}, "cross_origin"),
    ({"rp_id": "example"}, "rp_id"),  # step 15
    ({"flags": _VERIFIED}, "user_presence"),  # step 16
    ({"signed_by": Authenticator()}, "signature"),  # step 21
)


@pytest.mark.parametrize(("wrong", "reason"), [*WRONG, ({"flags": _PRESENT}, "user_verification")])
def test_a_wrong_answer_signs_nobody_in(
    house: PasskeyHouse, passkey: Authenticator, wrong: dict[str, Any], reason: str
) -> None:
    """WebAuthn Level 3 §7.2, steps 11 to 21, each by itself."""
    assert house.answer(passkey, house.ask(), **wrong) == PasskeyNotAccepted(reason)
    assert _count_of(house) == 0


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_a_wrong_answer_is_no_second_factor(
    house: PasskeyHouse, passkey: Authenticator, wrong: dict[str, Any], reason: str
) -> None:
    """The same, after the password."""
    assert house.confirm(passkey, house.ask_me(), **wrong) == PasskeyNotAccepted(reason)


def test_what_can_be_synced_stays_so(house: PasskeyHouse, passkey: Authenticator) -> None:
    """WebAuthn Level 3 §7.2 steps 18 and 19: backup eligibility is for good."""
    flags = _PRESENT | _VERIFIED | _ELIGIBLE
    assert house.answer(passkey, house.ask(), flags=flags) == PasskeyNotAccepted("backup")
    backed_up_alone = _PRESENT | _VERIFIED | 0x10
    assert isinstance(house.answer(passkey, house.ask(), flags=backed_up_alone), PasskeyNotAccepted)


def test_a_challenge_signs_in_once(house: PasskeyHouse, passkey: Authenticator) -> None:
    """WebAuthn Level 3 §13.4.3: a replayed answer."""
    challenge = house.ask()
    assert isinstance(house.answer(passkey, challenge), PasskeyAccepted)
    assert house.answer(passkey, challenge) == PasskeyNotAccepted("challenge")


def test_a_challenge_that_was_answered_wrongly_is_spent_too(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    challenge = house.ask()
    house.answer(passkey, challenge, origin="https://evil.example")
    assert house.answer(passkey, challenge) == PasskeyNotAccepted("challenge")


def test_two_windows_of_one_sign_in_have_a_challenge_each(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    first, second = house.ask(), house.ask()
    assert isinstance(house.answer(passkey, second), PasskeyAccepted)
    assert isinstance(house.answer(passkey, first), PasskeyAccepted)


def test_a_challenge_of_another_sign_in_is_none(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """WebAuthn Level 3 §7.2 step 12: one of our own, given to somebody else's browser."""
    challenge = house.ask("int_of_an_attacker")
    assert house.answer(passkey, challenge) == PasskeyNotAccepted("challenge")


def test_a_challenge_that_we_never_gave_is_none(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """WebAuthn Level 3 §7.2 step 12."""
    made_up = to_base64url(b"antin sign-in 1\x00" + bytes(32)).decode()
    assert house.answer(passkey, made_up) == PasskeyNotAccepted("challenge")


def test_a_challenge_that_is_too_old_is_none(house: PasskeyHouse, passkey: Authenticator) -> None:
    challenge = house.ask()
    house.now += timedelta(minutes=30)
    assert house.answer(passkey, challenge) == PasskeyNotAccepted("challenge")


def test_a_challenge_for_one_purpose_is_none_for_another(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """Signing in, a second factor and registering are told apart by what is signed."""
    assert house.answer(passkey, house.ask_me()) == PasskeyNotAccepted("challenge")
    assert house.confirm(passkey, house.ask()) == PasskeyNotAccepted("challenge")
    registering = house.begin()["challenge"]
    assert house.answer(passkey, registering) == PasskeyNotAccepted("challenge")


def test_what_confirms_a_signature_signs_nobody_in(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """A hash of what is signed is no challenge of a sign-in, even where it was given out as one."""
    activation = hashlib.sha256(b"what is signed").digest()
    key = f"passkey_asked:sign-in:{SIGN_IN}:{hashlib.sha256(activation).hexdigest()}"
    house.store.put(key, b"given", lifetime=timedelta(minutes=1), now=house.now)
    asked = to_base64url(activation).decode()
    assert house.answer(passkey, asked) == PasskeyNotAccepted("challenge")


def test_what_signs_in_confirms_no_signature(house: PasskeyHouse, passkey: Authenticator) -> None:
    """The other way round: the signer expects a hash, and that alone."""
    evidence = passkey.confirm(from_base64url(house.ask().encode()))
    with pytest.raises(EvidenceRefused) as refused:
        verify_assertion(
            evidence,
            expected_challenge=hashlib.sha256(b"what is signed").digest(),
            expected_rp_id=RP_ID,
            expected_origins=(SIGNER,),
            credential=passkey.pinned,
            sign_count=0,
        )
    assert refused.value.reason == "challenge"


# -- whose it is -----------------------------------------------------------------------------------


def test_an_unknown_passkey_is_verified_all_the_same_and_refused(house: PasskeyHouse) -> None:
    """WebAuthn Level 3 §14.6.2: the work is that of a known one; the key it is held to nobody's."""
    assert house.answer(Authenticator(), house.ask()) == PasskeyNotAccepted("signature")


def test_a_passkey_that_says_to_be_anothers_is_refused(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """WebAuthn Level 3 §7.2 step 6: the user handle is of the account that has the credential."""
    other = house.open()
    found = house.answer(passkey, house.ask(), owner=other)
    assert found == PasskeyNotAccepted("user_handle")
    assert house.confirm(passkey, house.ask_me()) != PasskeyNotAccepted("user_handle")


def test_a_passkey_that_does_not_say_whose_it_is_is_refused(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """WebAuthn Level 3 §7.2 step 6: nobody was identified before, so it MUST be there."""
    found = house.answer(passkey, house.ask(), is_named=False)
    assert found == PasskeyNotAccepted("user_handle")


def test_the_passkey_of_somebody_else_is_no_second_factor(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """WebAuthn Level 3 §7.2 step 5: one of those that were asked for."""
    other = house.open()
    theirs = Authenticator()
    asked = house.begin(other)
    house.finish(asked["challenge"], theirs, account=other)
    challenge = house.ask_me(person=other)
    found = house.confirm(passkey, challenge, person=other)
    assert found == PasskeyNotAccepted("credential")


@pytest.mark.parametrize("end", ["lock", "close"])
def test_the_passkey_of_an_account_that_ended_is_refused(
    house: PasskeyHouse, passkey: Authenticator, end: str
) -> None:
    lifecycle = AccountLifecycle(house.database, sealer=house.sealer, log=house.log)
    getattr(lifecycle, end)(house.person.account_id, reason="test", now=house.now)
    assert isinstance(house.answer(passkey, house.ask()), PasskeyNotAccepted)


def test_a_removed_passkey_signs_nobody_in(house: PasskeyHouse, passkey: Authenticator) -> None:
    (kept,) = house.passkeys.list_of(house.person.account_id)
    challenge = house.ask()
    house.passkeys.remove(house.person.account_id, kept.passkey_id, now=house.now)
    assert house.answer(passkey, challenge) == PasskeyNotAccepted("signature")


# -- the counter -----------------------------------------------------------------------------------


def test_a_counter_that_stays_zero_is_normal(house: PasskeyHouse) -> None:
    """WebAuthn Level 3 §6.1.1: synced passkeys do not count."""
    passkey = Authenticator(counts=False, is_synced=True)
    house.register(passkey)
    assert all(isinstance(house.answer(passkey, house.ask()), PasskeyAccepted) for _ in range(3))


@pytest.mark.parametrize("count", [4, 5, 0])
def test_a_counter_that_does_not_go_on_is_refused_and_written_down(
    house: PasskeyHouse, passkey: Authenticator, count: int
) -> None:
    """WebAuthn Level 3 §7.2 step 22: there may be a copy."""
    assert isinstance(house.answer(passkey, house.ask(), count=5), PasskeyAccepted)
    assert house.answer(passkey, house.ask(), count=count) == PasskeyNotAccepted("sign_count")
    (event,) = events(house.database, EventType.PASSKEY_COUNT_WENT_BACK)
    assert event["account_id"] == house.person.account_id
    assert _count_of(house) == 5


def test_a_counter_that_nobody_signed_is_not_written_down(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    """Or anybody who knows a credential could fill the log and frighten its owner."""
    house.answer(passkey, house.ask(), count=5)
    house.answer(passkey, house.ask(), count=1, signed_by=Authenticator())
    assert events(house.database, EventType.PASSKEY_COUNT_WENT_BACK) == []


def test_in_both_databases_a_count_is_taken_once(
    database: Database, ephemeral: EphemeralStore, now: datetime
) -> None:
    house = PasskeyHouse(database, ephemeral, now)
    passkey = Authenticator()
    house.register(passkey)
    answers = [house.answer(passkey, house.ask(), count=count) for count in (2, 2, 3)]
    assert [isinstance(one, PasskeyAccepted) for one in answers] == [True, False, True]


# -- how often -------------------------------------------------------------------------------------


def test_attempts_are_limited_whether_or_not_anybody_has_the_passkey(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    allowed = PASSKEY_LIMITS.per_subject[0].attempts
    for one in (passkey, Authenticator()):
        for _ in range(allowed):
            house.answer(one, house.ask(), origin="https://evil.example")
        found = house.answer(one, house.ask())
        assert found.reason == "too_many"
        assert found.retry_at is not None


def test_the_owners_browser_is_counted_apart_from_strangers(
    house: PasskeyHouse, passkey: Authenticator
) -> None:
    known = house.answer(passkey, house.ask())
    for _ in range(PASSKEY_LIMITS.per_subject[0].attempts + 1):
        house.answer(passkey, house.ask(), origin="https://evil.example")
    raw = answer_of(passkey, house.ask(), owner=house.person.account_id)
    found = house.sign_in.sign_in(
        raw,
        interaction_id=SIGN_IN,
        source=Source("192.0.2.9", device=known.device),
        now=house.now,
    )
    assert isinstance(found, PasskeyAccepted)


# -- what is no answer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    ["", "null", "[]", "{}", '{"rawId": 1}', '{"rawId": "", "response": {}}', '{"rawId":"AA"}'],
)
def test_what_is_no_answer_is_malformed(house: PasskeyHouse, raw: str) -> None:
    found = house.sign_in.sign_in(
        raw, interaction_id=SIGN_IN, source=Source("192.0.2.7"), now=house.now
    )
    assert found == PasskeyNotAccepted("malformed")


_MEMBERS = ("clientDataJSON", "authenticatorData", "signature", "userHandle")


@given(st.text(max_size=40) | st.none() | st.integers(), st.sampled_from((*_MEMBERS, "rawId")))
def test_any_text_is_read_or_not_and_nothing_else_happens(part: Any, where: str) -> None:
    members: dict[str, Any] = dict.fromkeys(_MEMBERS, "AA")
    whole = {"rawId": "AA", "response": members}
    (whole if where == "rawId" else members)[where] = part
    read_answer(json.dumps(whole))
