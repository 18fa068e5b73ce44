"""Which authenticator confirms, and from when on: nobody's word makes one older.

Architecture, decisions 10 and 11.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import pytest

from keystore.second_factor.errors import AuthenticatorTooYoung, TotpRefused
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
    """A lost telephone, and somebody who puts its row back from a backup."""
    other = bench.enrol(now=now)
    stranger = bench.enrol(now=now, account_id="acc_2")
    assert bench.verifier.retire(PERSON, besides=other.held.totp_id, now=now) == 1
    assert check_with(bench, app, now) == "wrong"
    with pytest.raises(AuthenticatorTooYoung):
        confirm_with(bench, app, signing_of(now), now)
    with pytest.raises(TotpRefused):
        bench.verifier.describe(app.held, account_id=PERSON)
    assert isinstance(confirm_with(bench, other, signing_of(now), now), str)
    assert check_with(bench, stranger, now) == "right"
    assert bench.verifier.retire(PERSON, besides=other.held.totp_id, now=now) == 0


def test_a_locked_account_confirms_nothing(bench: VerifierBench, app: App, now: datetime) -> None:
    bench.registers.locked.add(PERSON)
    assert confirm_with(bench, app, signing_of(now), now) == CodeOutcome("wrong")
