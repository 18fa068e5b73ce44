"""Addresses of a person: changed by who they are, told, and no second factor at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from idp.accounts.attempts import OTP_LIMITS
from idp.accounts.channels import Channel
from idp.accounts.contacts import ContactRefused
from idp.accounts.errors import FactorNotFresh, LastFactor, TooManyAttempts
from idp.accounts.notices import open_along
from idp.storage.account_updates import update_profile
from idp.storage.accounts import find_account, find_row
from idp.storage.outbox import outbox
from idp.storage.second_factors import find_second_factors
from tests.support.factor_house import HERE, MAIL, NEW_PHONE, PHONE, WAIT, FactorHouse
from tests.support.racing import race
from tests.support.sent_messages import messages_of, notices_of

_NEW_MAIL = "moi@mau.example"


def _refused(error: pytest.ExceptionInfo[ContactRefused]) -> str:
    return error.value.reason


def test_an_address_is_shown_masked_and_never_in_a_repr(factor_house: FactorHouse) -> None:
    contact = factor_house.contact()
    assert (contact.masked, contact.is_verified) == ("•••018", True)
    assert PHONE not in repr(contact)
    assert not contact.serves(factor_house.now), "nobody asked for that"


@pytest.mark.parametrize(
    ("channel", "before", "after"),
    [(Channel.SMS, PHONE, NEW_PHONE), (Channel.EMAIL, MAIL, _NEW_MAIL)],
)
def test_a_new_address_counts_once_its_code_is_typed_and_the_old_one_is_told(
    factor_house: FactorHouse, channel: Channel, before: str, after: str
) -> None:
    """NIST SP 800-63B-4 §4.6: SHALL notify of the binding, the former address too."""
    code = factor_house.begin(after, channel=channel)
    assert factor_house.contact(channel).address == before
    factor_house.confirm(code, channel=channel)
    changed = factor_house.contact(channel)
    assert (changed.address, changed.is_verified, changed.since) == (after, True, factor_house.now)
    assert "account:contact:changed" in factor_house.events()
    assert notices_of(factor_house.database) == ["contact_changed"]
    assert _also_told(factor_house) == [(channel, before)]


def _also_told(house: FactorHouse) -> list[tuple[Channel, str]]:
    import json  # noqa: PLC0415 - one row is read

    with house.database.read() as connection:
        row = find_row(connection, house.me)
        payloads = [one.payload for one in connection.execute(outbox.select())]
    assert row is not None
    (payload,) = [one for text in payloads if "notice" in (one := json.loads(text))]
    along = open_along(payload, sealer=house.sealer, data_key=row.data_key)
    return list(along.also_to)


def test_an_address_that_was_never_verified_is_not_told(factor_house: FactorHouse) -> None:
    """It may be somebody else's."""
    _write_phone(factor_house, NEW_PHONE, is_verified=False)
    factor_house.change(PHONE)
    assert _also_told(factor_house) == []


def _write_phone(house: FactorHouse, phone: str, *, is_verified: bool) -> None:
    """As somebody at a counter does, who knows nothing of factors."""
    with house.database.transaction() as tx:
        row = find_row(tx.connection, house.me, is_locked=True)
        account = find_account(tx.connection, house.me, sealer=house.sealer)
        assert row is not None
        assert account is not None
        profile = replace(account.profile, phone=phone, is_phone_verified=is_verified)
        update_profile(tx, row, profile, sealer=house.sealer, now=house.now)


def test_what_is_no_address_or_changes_nothing_is_refused(factor_house: FactorHouse) -> None:
    for raw, reason in (("không", "malformed"), (f" {PHONE[:3]} {PHONE[3:]}", "unchanged")):
        with pytest.raises(ContactRefused) as refused:
            factor_house.begin(raw)
        assert _refused(refused) == reason
    assert messages_of(factor_house.database, factor_house.sealer) == []


def test_a_code_of_another_session_changes_nothing(factor_house: FactorHouse) -> None:
    code = factor_house.begin(NEW_PHONE)
    with pytest.raises(ContactRefused) as refused:
        factor_house.confirm(code, session_id="ses_2")
    assert _refused(refused) == "nothing_pending"
    assert factor_house.contact().address == PHONE


def test_a_guessed_code_changes_nothing_and_guessing_ends(factor_house: FactorHouse) -> None:
    code = factor_house.begin(NEW_PHONE)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    most = OTP_LIMITS.per_subject[0].attempts
    for left in reversed(range(most)):
        with pytest.raises(ContactRefused) as refused:
            factor_house.confirm(wrong)
        assert (_refused(refused), refused.value.attempts_left) == ("wrong_code", left)
    with pytest.raises(TooManyAttempts):
        factor_house.confirm(code)
    assert factor_house.contact().address == PHONE


def test_who_has_a_second_factor_needs_it_here(factor_house: FactorHouse) -> None:
    """A stolen password alone moves no address of such an account."""
    factor_house.give_totp()
    with pytest.raises(FactorNotFresh):
        factor_house.change(NEW_PHONE, has_both_factors=False)
    assert factor_house.contact().address == PHONE


def test_what_a_password_alone_changed_is_never_a_second_factor_by_it(
    factor_house: FactorHouse,
) -> None:
    factor_house.change(NEW_PHONE, has_both_factors=False)
    assert factor_house.contact().address == NEW_PHONE
    assert factor_house.contact().serves_from is None


def test_after_codes_by_message_were_switched_off_addresses_wait(factor_house: FactorHouse) -> None:
    """Whoever took over the number switches them off; its owner is told before anything else goes.

    NIST SP 800-63B-4 §4.6.
    """
    factor_house.choose()
    earlier = factor_house.begin(_NEW_MAIL, channel=Channel.EMAIL)
    factor_house.choose(is_factor=False)
    for act in (
        lambda: factor_house.begin(NEW_PHONE, has_both_factors=False),
        lambda: factor_house.confirm(earlier, channel=Channel.EMAIL, has_both_factors=False),
    ):
        with pytest.raises(ContactRefused) as refused:
            act()
        assert _refused(refused) == "switched_off"
        assert refused.value.retry_at == factor_house.now + WAIT
    assert factor_house.contact(Channel.EMAIL).address == MAIL
    factor_house.now += WAIT
    factor_house.confirm(
        factor_house.begin(NEW_PHONE, has_both_factors=False), has_both_factors=False
    )
    assert factor_house.contact().address == NEW_PHONE


def test_a_number_serves_when_its_owner_says_so_and_a_changed_one_after_waiting(
    factor_house: FactorHouse,
) -> None:
    factor_house.give_totp()
    factor_house.choose()
    assert factor_house.contact().serves(factor_house.now), "as old as the account"
    factor_house.change(NEW_PHONE)
    assert not factor_house.contact().serves(factor_house.now + WAIT - timedelta(seconds=1))
    assert factor_house.contact().serves(factor_house.now + WAIT)
    with factor_house.database.read() as connection:
        held = find_second_factors(connection, factor_house.me)
    assert held.channels(factor_house.now) == ()
    assert held.channels(factor_house.now + WAIT) == (Channel.SMS,)


def test_a_number_that_somebody_else_wrote_into_the_profile_is_no_factor(
    factor_house: FactorHouse,
) -> None:
    factor_house.choose()
    _write_phone(factor_house, NEW_PHONE, is_verified=True)
    assert factor_house.contact().serves_from is None
    factor_house.choose()
    assert not factor_house.contact().serves(factor_house.now)
    assert factor_house.contact().serves(factor_house.now + WAIT)


def test_of_two_browsers_that_change_it_the_later_one_is_told(factor_house: FactorHouse) -> None:
    first = factor_house.begin(NEW_PHONE, session="ses_1")
    second = factor_house.begin("+84900000036", session="ses_2")
    factor_house.confirm(first)
    with pytest.raises(ContactRefused) as refused:
        factor_house.confirm(second, session_id="ses_2")
    assert _refused(refused) == "overtaken"
    assert factor_house.contact().address == NEW_PHONE


def test_of_two_browsers_at_the_same_moment_one_changes_it(factor_house: FactorHouse) -> None:
    codes = {
        session: factor_house.begin(f"+8490000004{number}", session=session)
        for number, session in enumerate(("ses_1", "ses_2", "ses_3"))
    }

    def confirm(session: str) -> str:
        try:
            factor_house.confirm(codes[session], session_id=session)
        except ContactRefused as refusal:
            return refusal.reason
        return "changed"

    outcomes = race([partial(confirm, one) for one in codes])
    assert sorted(outcomes) == ["changed", "overtaken", "overtaken"]
    assert factor_house.events().count("account:contact:changed") == 1


def test_a_choice_is_for_the_address_that_was_seen(factor_house: FactorHouse) -> None:
    seen = factor_house.contact().mark
    factor_house.change(NEW_PHONE)
    with pytest.raises(ContactRefused) as refused:
        factor_house.factors.contacts.choose(
            factor_house.me, Channel.SMS, is_factor=True, mark=seen, now=factor_house.now
        )
    assert _refused(refused) == "overtaken"


def test_an_unverified_address_is_no_factor(factor_house: FactorHouse) -> None:
    _write_phone(factor_house, NEW_PHONE, is_verified=False)
    with pytest.raises(ContactRefused) as refused:
        factor_house.choose()
    assert _refused(refused) == "unverified"


def test_who_wants_a_second_factor_always_keeps_one(factor_house: FactorHouse) -> None:
    """Neither switched off nor made to wait, when nothing else could be asked for."""
    factor_house.choose()
    factor_house.demand_second_factor()
    with pytest.raises(LastFactor):
        factor_house.choose(is_factor=False)
    with pytest.raises(LastFactor):
        factor_house.change(NEW_PHONE)
    assert factor_house.contact().address == PHONE
    assert factor_house.contact().serves(factor_house.now)
    factor_house.give_totp()
    factor_house.choose(is_factor=False)
    assert factor_house.contact().serves_from is None


def test_another_code_goes_to_the_address_that_waits(factor_house: FactorHouse) -> None:
    factor_house.begin(NEW_PHONE)
    factor_house.now += timedelta(minutes=6)
    pending = factor_house.factors.contacts.find_pending(
        factor_house.me, Channel.SMS, session_id="ses_1", now=factor_house.now
    )
    assert pending is not None
    assert (pending.masked, pending.sent) == ("•••027", None)
    factor_house.factors.contacts.resend(
        factor_house.me, Channel.SMS, session_id="ses_1", source=HERE, now=factor_house.now
    )
    factor_house.confirm(factor_house.last_code(NEW_PHONE))
    assert factor_house.contact().address == NEW_PHONE
