"""Which authenticator confirms, and from when on: nobody's word makes one older.

Architecture, decisions 10 and 11.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import pytest

from keystore.second_factor.errors import AuthenticatorTooYoung, CallerRefused, TotpRefused
from keystore.second_factor.memory import UNUSED_LIFETIME
from keystore.second_factor.model import CodeOutcome, HeldTotp
from keystore.second_factor.verifier import WAITING
from tests.support.verifier import (
    PERSON,
    App,
    VerifierBench,
    check_with,
    confirm_with,
    signing_of,
)


def test_a_young_authenticator_signs_in_and_confirms_after_72_hours(
    bench: VerifierBench, now: datetime
) -> None:
    app = bench.enrol(now=now, is_proofed=False)
    with pytest.raises(AuthenticatorTooYoung):
        confirm_with(bench, app, signing_of(now), now)
    assert check_with(bench, app, now) == "right", "the code was not touched"
    facts = bench.verifier.describe(app.held, account_id=PERSON)
    assert not facts.is_bound_at_proofing
    assert facts.confirms_from_ms is not None
    later = now + WAITING
    assert facts.confirms_from_ms <= int(later.timestamp() * 1000)
    assert isinstance(confirm_with(bench, app, signing_of(later), later), str)


def test_an_authenticator_that_was_never_enrolled_on_record_never_confirms(
    bench: VerifierBench, now: datetime
) -> None:
    """Whoever owns the web workers could have one made; the log would have to say so."""
    app = bench.enrol(now=now, is_proofed=False)
    bench.registers.enrolled.clear()
    later = now + 2 * WAITING
    with pytest.raises(AuthenticatorTooYoung):
        confirm_with(bench, app, signing_of(later), later)
    bench.registers.enrolled[app.held.totp_id] = later - timedelta(hours=71)
    with pytest.raises(AuthenticatorTooYoung):
        confirm_with(bench, app, signing_of(later), later)


def test_an_authenticator_that_this_memory_never_saw_starts_anew(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    """A folder that was lost, or another host's: what it does not know it does not believe."""
    other = VerifierBench(bench.folder.parent / "other", registers=bench.registers)
    later = now + WAITING
    with pytest.raises(AuthenticatorTooYoung):
        confirm_with(other, app, signing_of(later), later)
    assert check_with(other, app, later) == "right"
    after = later + WAITING
    assert isinstance(confirm_with(other, app, signing_of(after), after), str)


def test_only_a_sandbox_does_not_wait(bench: VerifierBench, now: datetime) -> None:
    bench.confirms_at_once = True
    bench.start()
    app = bench.enrol(now=now, is_proofed=False)
    assert isinstance(confirm_with(bench, app, signing_of(now), now), str)


def test_what_a_keeper_brings_says_whether_it_was_bound_at_proofing(
    bench: VerifierBench, now: datetime
) -> None:
    for is_bound, totp_id in ((True, "otp_a"), (False, "otp_b")):
        secret = secrets.token_bytes(20)
        kept = bench.verifier.take(
            totp_id,
            account_id=PERSON,
            secret=secret,
            is_bound_at_proofing=is_bound,
            now=now,
        )
        app = App(HeldTotp(totp_id, kept), secret)
        if is_bound:
            assert isinstance(confirm_with(bench, app, signing_of(now), now), str)
        else:
            with pytest.raises(AuthenticatorTooYoung):
                confirm_with(bench, app, signing_of(now), now)


def test_one_that_was_replaced_is_never_taken_again(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    """A lost telephone, and somebody who puts its row back from a backup.

    Its end is part of the first code of the one that a keeper announced: no caller says so.
    """
    stranger = bench.enrol(now=now, account_id="acc_2")
    other = bench.enrol(now=now)
    assert check_with(bench, app, now) == "wrong"
    with pytest.raises(AuthenticatorTooYoung):
        confirm_with(bench, app, signing_of(now), now)
    with pytest.raises(TotpRefused):
        bench.verifier.describe(app.held, account_id=PERSON)
    assert isinstance(confirm_with(bench, other, signing_of(now), now), str)
    assert check_with(bench, stranger, now) == "right"


def test_a_worker_that_holds_everything_signs_for_nobody_who_has_an_authenticator(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    """Its own authenticator, a row of the log as it may write it, and all the time it wants."""
    worker, at = bench.client(lambda: now), now
    made = worker.make_totp("otp_evil", account_id=PERSON)
    evil = App(HeldTotp("otp_evil", made.kept), made.secret)
    said = worker.check_code(PERSON, [evil.held], evil.code(now=now))
    assert said.outcome == "right", "it signs in: a worker may let in whom it likes"
    bench.registers.enrolled["otp_evil"] = now
    for days in (0, 4, 400):
        at = now + timedelta(days=days, minutes=1)
        with pytest.raises(AuthenticatorTooYoung):
            confirm_with(bench, evil, signing_of(at), at)
    assert bench.verifier.describe(evil.held, account_id=PERSON).confirms_from_ms is None
    assert isinstance(confirm_with(bench, app, signing_of(at), at), str), "its owner goes on"


def test_nor_when_the_verifier_forgot_that_it_was_made(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    made = bench.verifier.make("otp_evil", account_id=PERSON, activation_code="", now=now)
    evil = App(HeldTotp("otp_evil", made.kept), made.secret)
    bench.registers.enrolled["otp_evil"] = now
    later = now + UNUSED_LIFETIME + timedelta(minutes=2)
    assert check_with(bench, app, later) == "right"
    assert check_with(bench, evil, later) == "right"
    after = later + 2 * WAITING
    with pytest.raises(AuthenticatorTooYoung):
        confirm_with(bench, evil, signing_of(after), after)


def test_a_worker_ends_and_wakes_no_authenticator(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    worker, keeper = (bench.client(lambda: now, is_keeper=one) for one in (False, True))
    for act in (worker.retire_totp, worker.restore_totp):
        with pytest.raises(CallerRefused, match="not_a_keeper"):
            act(app.held.totp_id, account_id=PERSON)
    keeper.retire_totp(app.held.totp_id, account_id=PERSON)
    with pytest.raises(TotpRefused):
        keeper.retire_totp(app.held.totp_id, account_id=PERSON)
    assert check_with(bench, app, now) == "wrong"
    keeper.restore_totp(app.held.totp_id, account_id=PERSON)
    assert isinstance(confirm_with(bench, app, signing_of(now), now), str), "as what it was"
    for account_id in (PERSON, "acc_2"):
        with pytest.raises(TotpRefused):
            keeper.restore_totp(app.held.totp_id, account_id=account_id)


def test_a_name_that_somebody_took_under_another_account_keeps_nobody_out(
    bench: VerifierBench, now: datetime
) -> None:
    bench.verifier.make("otp_0", account_id="acc_mallory", activation_code="", now=now)
    app = bench.enrol(now=now)
    assert app.held.totp_id == "otp_0"
    assert isinstance(confirm_with(bench, app, signing_of(now), now), str)


def test_one_activation_code_makes_one_authenticator_and_the_other_is_seen_to_fail(
    bench: VerifierBench, now: datetime
) -> None:
    """A worker that sees it typed: it may be first, and then its owner's own is refused."""
    keeper = bench.client(lambda: now, is_keeper=True)
    keeper.expect_activation(PERSON, "TYPED", expires_at=now + timedelta(days=1))
    apps = []
    for totp_id in ("otp_evil", "otp_own"):
        made = bench.verifier.make(totp_id, account_id=PERSON, activation_code="TYPED", now=now)
        apps.append(App(HeldTotp(totp_id, made.kept), made.secret))
    evil, own = apps
    assert check_with(bench, evil, now) == "right"
    with pytest.raises(AuthenticatorTooYoung):  # without a row of the log it is worth nothing
        confirm_with(bench, evil, signing_of(now), now, code="000000")
    bench.registers.enrolled["otp_evil"] = now
    assert check_with(bench, own, now) == "wrong"


def test_an_enrolment_that_was_lost_on_its_way_costs_no_proofing(
    bench: VerifierBench, now: datetime
) -> None:
    """The first code was right, and the service died before it kept anything."""
    bench.verifier.expect_activation(PERSON, "CODE", expires_at=now + WAITING, now=now)
    made = bench.verifier.make("otp_lost", account_id=PERSON, activation_code="CODE", now=now)
    lost = App(HeldTotp("otp_lost", made.kept), made.secret)
    assert check_with(bench, lost, now) == "right"
    made = bench.verifier.make("otp_again", account_id=PERSON, activation_code="CODE", now=now)
    again = App(HeldTotp("otp_again", made.kept), made.secret)
    assert check_with(bench, again, now) == "right"
    bench.registers.enrolled["otp_again"] = now
    later = now + timedelta(minutes=1)
    assert isinstance(confirm_with(bench, again, signing_of(later), later), str)
    assert check_with(bench, lost, later) == "wrong"


def test_a_row_of_the_log_that_is_taken_out_later_makes_no_room_for_another(
    bench: VerifierBench, now: datetime
) -> None:
    bench.verifier.expect_activation(PERSON, "CODE", expires_at=now + WAITING, now=now)
    apps, at = [], now
    for totp_id in ("otp_own", "otp_evil"):
        made = bench.verifier.make(totp_id, account_id=PERSON, activation_code="CODE", now=at)
        apps.append(App(HeldTotp(totp_id, made.kept), made.secret))
        assert check_with(bench, apps[-1], at) == ("right" if totp_id == "otp_own" else "wrong")
        at += timedelta(hours=2)
    assert check_with(bench, apps[0], at) == "right"


def test_a_locked_account_confirms_nothing(bench: VerifierBench, app: App, now: datetime) -> None:
    bench.registers.locked.add(PERSON)
    assert confirm_with(bench, app, signing_of(now), now) == CodeOutcome("wrong")
