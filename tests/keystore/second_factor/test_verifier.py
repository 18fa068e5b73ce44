"""A code works once, for one purpose, for one account; and confirms only what was handed in.

Architecture, decisions 10 and 11; RFC 6238 §5.2.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from keystore.base64url import from_base64url
from keystore.jose import parse_jwks
from keystore.kek import Kek, KekRing
from keystore.one_time_codes import STEP_S
from keystore.second_factor.errors import (
    MandateRefused,
    RequestMalformed,
    TotpRefused,
)
from keystore.second_factor.model import CodeOutcome, HeldTotp
from keystore.second_factor.statement_key import public_key_set
from keystore.signer.errors import (
    ActivationExpired,
    ActivationForeign,
    ActivationMalformed,
    EnrolmentRefused,
)
from keystore.signer.evidence import StatementEvidence
from keystore.signer.statement_evidence import VerifiedStatement, verify_statement
from tests.support.authenticator import Authenticator
from tests.support.racing import race
from tests.support.signer import SIGNER, enrolment_of
from tests.support.verifier import (
    MANDATE,
    ORGANISATION,
    PERSON,
    App,
    VerifierBench,
    check_with,
    confirm_with,
    signing_of,
)

_WRONG = CodeOutcome("wrong")


def _stated(
    bench: VerifierBench,
    token: CodeOutcome | str,
    *,
    challenge: bytes,
    now: datetime,
    **changes: Any,
) -> VerifiedStatement:
    assert isinstance(token, str)
    return verify_statement(
        StatementEvidence(token),
        keys=parse_jwks(public_key_set(bench.key)),
        expected_challenge=challenge,
        now=now,
        **{"expected_signer": SIGNER, "expected_account": PERSON, **changes},
    )


# -- purposes --------------------------------------------------------------------------------------


def test_a_code_signs_in_once(bench: VerifierBench, app: App, now: datetime) -> None:
    assert check_with(bench, app, now) == "right"
    assert check_with(bench, app, now) == "wrong"
    bench.memory.close()
    bench.start()
    assert check_with(bench, app, now) == "wrong", "nor after a start"


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_step_before_and_after_are_taken(
    bench: VerifierBench, app: App, now: datetime, steps: int
) -> None:
    """RFC 6238 §5.2: one time step of delay, either way."""
    code = app.code(now=now + timedelta(seconds=steps * STEP_S))
    assert check_with(bench, app, now, code=code) == "right"


@pytest.mark.parametrize("steps", [-2, 2])
def test_no_other_step_is_taken(bench: VerifierBench, app: App, now: datetime, steps: int) -> None:
    code = app.code(now=now + timedelta(seconds=steps * STEP_S))
    assert check_with(bench, app, now, code=code) == "wrong"


def test_a_code_confirms_exactly_what_was_handed_in(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    wanted = signing_of(now)
    token = confirm_with(bench, app, wanted, now)
    stated = _stated(bench, token, challenge=wanted.challenge(), now=now)
    assert stated == VerifiedStatement(PERSON, totp_id=app.held.totp_id)
    with pytest.raises(Exception, match="statement_for_other"):
        _stated(bench, token, challenge=signing_of(now).challenge(), now=now)


def test_a_code_that_signed_in_never_confirms(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    assert check_with(bench, app, now) == "right"
    assert confirm_with(bench, app, signing_of(now), now) == _WRONG


def test_a_code_that_confirmed_never_signs_in(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    assert isinstance(confirm_with(bench, app, signing_of(now), now), str)
    assert check_with(bench, app, now) == "wrong"


def test_a_replayed_confirmation_is_refused(bench: VerifierBench, app: App, now: datetime) -> None:
    wanted = signing_of(now)
    assert isinstance(confirm_with(bench, app, wanted, now), str)
    assert confirm_with(bench, app, wanted, now) == _WRONG
    assert confirm_with(bench, app, signing_of(now), now) == _WRONG


def test_of_fifty_at_once_for_both_purposes_one_is_right(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    wanted, code = signing_of(now), app.code(now=now)
    runners = [
        partial(confirm_with, bench, app, wanted, now, code=code)
        if number % 2
        else partial(check_with, bench, app, now, code=code)
        for number in range(50)
    ]
    said = race(runners)
    taken = [one for one in said if one == "right" or (isinstance(one, str) and "." in one)]
    assert len(taken) == 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\u0661" * 6, "1" * 400])
def test_what_is_no_code_is_wrong(bench: VerifierBench, app: App, now: datetime, code: str) -> None:
    assert check_with(bench, app, now, code=code) == "wrong"
    assert confirm_with(bench, app, signing_of(now), now, code=code) == _WRONG


def test_limits_are_common_to_both_purposes(bench: VerifierBench, app: App, now: datetime) -> None:
    said = [check_with(bench, app, now, code="") for _ in range(20)]
    assert said == ["wrong"] * 15 + ["too_many"] * 5
    refused = confirm_with(bench, app, signing_of(now), now)
    assert isinstance(refused, CodeOutcome)
    assert refused.outcome == "too_many"
    assert refused.retry_ms > 0


def test_who_has_no_authenticator_is_refused_and_counted_like_anybody(
    bench: VerifierBench, now: datetime
) -> None:
    said = [bench.verifier.check("acc_none", [], "123456", now=now).outcome for _ in range(16)]
    assert said == ["wrong"] * 15 + ["too_many"]


# -- whose secret ----------------------------------------------------------------------------------


def test_an_authenticator_of_another_account_is_none(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    """A secret is bound to authenticator and account: rows of the database cannot be exchanged."""
    for account_id, held in (
        ("acc_2", app.held),
        (PERSON, replace(app.held, totp_id="otp_other")),
        (PERSON, HeldTotp("otp_service", secrets.token_bytes(20))),
        (PERSON, HeldTotp("otp_service", app.secret)),
    ):
        code = app.code(now=now)
        assert bench.verifier.check(account_id, [held], code, now=now) == _WRONG
        wanted = signing_of(now, account_id=account_id)
        said = bench.verifier.confirm(
            account_id, [held], code, wanted=wanted, mandate_id="", now=now
        )
        assert said == _WRONG, "what the service holds itself confirms nothing"


def test_what_is_kept_opens_under_no_other_root_key(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    assert app.secret not in app.held.kept
    thief = KekRing([Kek(secrets.token_bytes(32))])
    other = VerifierBench(bench.folder.parent / "other", ring=thief)
    code = app.code(now=now)
    assert other.verifier.check(PERSON, [app.held], code, now=now) == _WRONG
    with pytest.raises(TotpRefused):
        other.verifier.show(app.held, account_id=PERSON)


def test_a_secret_is_shown_until_its_first_code(bench: VerifierBench, now: datetime) -> None:
    made = bench.verifier.make("otp_new", account_id=PERSON, activation_code="", now=now)
    app = App(HeldTotp("otp_new", made.kept), made.secret)
    assert bench.verifier.show(app.held, account_id=PERSON) == made.secret
    with pytest.raises(TotpRefused):
        bench.verifier.show(app.held, account_id="acc_2")
    assert bench.verifier.describe(app.held, account_id=PERSON).confirms_from_ms is None
    assert check_with(bench, app, now) == "right"
    with pytest.raises(TotpRefused):
        bench.verifier.show(app.held, account_id=PERSON)


# -- what is confirmed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"account_id": "acc_2"}, ActivationForeign),
        ({"signer": "https://another.example"}, ActivationForeign),
        ({"credential_id": b"passkey"}, ActivationForeign),
        ({"expires_ms": 0}, ActivationExpired),
        ({"digests": (b"short",)}, ActivationMalformed),
        ({"digests": ()}, ActivationMalformed),
        ({"nonce": b""}, ActivationMalformed),
        ({"key_id": ""}, ActivationMalformed),
    ],
)
def test_what_the_signer_would_refuse_is_never_stated(
    bench: VerifierBench, app: App, now: datetime, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        confirm_with(bench, app, signing_of(now, **changes), now)
    assert check_with(bench, app, now) == "right", "the code was not touched"


def test_a_confirmation_that_ran_out_or_lasts_too_long_is_refused(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    wanted = signing_of(now)
    for at in (now + timedelta(seconds=120), now - timedelta(seconds=200)):
        with pytest.raises(ActivationExpired):
            confirm_with(bench, app, wanted, at)


def test_the_enrolment_of_a_key_is_confirmed_likewise(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    enrolment = enrolment_of(now=now)
    token = confirm_with(bench, app, enrolment, now)
    _stated(bench, token, challenge=enrolment.challenge(), now=now)
    later = now + timedelta(seconds=STEP_S)
    for wrong, refusal in (
        (enrolment_of(now=later, account_id="acc_2"), ActivationForeign),
        (enrolment_of(now=later, subject_kind="organisation"), MandateRefused),
        (enrolment_of(now=later, algorithm="HS256"), EnrolmentRefused),
    ):
        with pytest.raises(refusal):
            confirm_with(bench, app, wrong, later)
    with_passkey = enrolment_of(Authenticator(), now=later)
    assert isinstance(confirm_with(bench, app, with_passkey, later), str), "beside a passkey"


# -- for an organisation ---------------------------------------------------------------------------


@pytest.fixture
def mandated(bench: VerifierBench, now: datetime) -> VerifierBench:
    """A bench where the person may act for an hour, at one portal."""
    until = now + timedelta(hours=1)
    bench.registers.mandates[MANDATE] = (PERSON, ORGANISATION, ("portal",), until)
    return bench


def test_acting_for_an_organisation_names_person_and_mandate(
    mandated: VerifierBench, app: App, now: datetime
) -> None:
    wanted = signing_of(now, account_id=ORGANISATION)
    token = confirm_with(mandated, app, wanted, now, mandate_id=MANDATE)
    stated = _stated(
        mandated,
        token,
        challenge=wanted.challenge(),
        now=now,
        expected_account=ORGANISATION,
        expected_kind="organisation",
    )
    assert stated == VerifiedStatement(PERSON, MANDATE, app.held.totp_id)
    later = now + timedelta(seconds=STEP_S)
    enrolment = enrolment_of(now=later, account_id=ORGANISATION, subject_kind="organisation")
    assert isinstance(confirm_with(mandated, app, enrolment, later, mandate_id=MANDATE), str)


@pytest.mark.parametrize(
    ("changes", "mandate_id"),
    [
        ({"account_id": ORGANISATION}, "mdt_other"),
        ({"account_id": "acc_other_org"}, MANDATE),
        ({"account_id": ORGANISATION, "client_id": "another_portal"}, MANDATE),
    ],
)
def test_without_a_mandate_for_exactly_that_nothing_is_stated(
    mandated: VerifierBench,
    app: App,
    now: datetime,
    changes: dict[str, Any],
    mandate_id: str,
) -> None:
    with pytest.raises(MandateRefused):
        confirm_with(mandated, app, signing_of(now, **changes), now, mandate_id=mandate_id)


def test_with_ones_own_key_a_mandate_is_not_looked_at_and_not_stated(
    mandated: VerifierBench, app: App, now: datetime
) -> None:
    wanted = signing_of(now)
    token = confirm_with(mandated, app, wanted, now, mandate_id="mdt_other")
    stated = _stated(mandated, token, challenge=wanted.challenge(), now=now)
    assert stated == VerifiedStatement(PERSON, totp_id=app.held.totp_id)


def test_a_mandate_that_ended_a_second_ago_is_refused(
    mandated: VerifierBench, app: App, now: datetime
) -> None:
    ended = now + timedelta(hours=1, seconds=1)
    wanted = signing_of(ended, account_id=ORGANISATION)
    with pytest.raises(MandateRefused):
        confirm_with(mandated, app, wanted, ended, mandate_id=MANDATE)
    assert check_with(mandated, app, ended) == "right", "the code was not touched"


def test_an_organisations_key_is_not_enrolled_as_a_persons(
    mandated: VerifierBench, app: App, now: datetime
) -> None:
    enrolment = enrolment_of(now=now, account_id=ORGANISATION)
    with pytest.raises(MandateRefused):
        confirm_with(mandated, app, enrolment, now, mandate_id=MANDATE)


# -- bounds ----------------------------------------------------------------------------------------


def test_what_is_out_of_bounds_is_named(bench: VerifierBench, app: App, now: datetime) -> None:
    verifier = bench.verifier
    with pytest.raises(RequestMalformed, match="account_id"):
        verifier.check("acc 1", [], "123456", now=now)
    with pytest.raises(RequestMalformed, match="authenticators"):
        verifier.check(PERSON, [app.held] * 9, "123456", now=now)
    with pytest.raises(RequestMalformed, match="kept"):
        verifier.check(PERSON, [HeldTotp("otp_1", bytes(513))], "123456", now=now)
    with pytest.raises(RequestMalformed, match="totp_id"):
        verifier.make("", account_id=PERSON, activation_code="", now=now)
    with pytest.raises(RequestMalformed, match="activation_code"):
        verifier.make("otp_new", account_id=PERSON, activation_code="x" * 65, now=now)
    with pytest.raises(RequestMalformed, match="secret"):
        verifier.take(
            "otp_new", account_id=PERSON, secret=b"short", is_bound_at_proofing=True, now=now
        )
    seal = signing_of(now, account_id=ORGANISATION)
    with pytest.raises(RequestMalformed, match="mandate_id"):
        confirm_with(bench, app, seal, now, mandate_id="no mandate")


def test_nothing_shows_a_secret(bench: VerifierBench, app: App, now: datetime) -> None:
    made = bench.verifier.make("otp_new", account_id=PERSON, activation_code="", now=now)
    for shown in (repr(made), repr(app.held), repr(app)):
        assert repr(made.secret)[2:-1] not in shown
        assert repr(app.secret)[2:-1] not in shown
    wanted = signing_of(now)
    token = confirm_with(bench, app, wanted, now)
    assert isinstance(token, str)
    assert app.secret.hex() not in from_base64url(token.split(".")[1].encode()).decode()
