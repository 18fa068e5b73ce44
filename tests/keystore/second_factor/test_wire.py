"""Messages of the verifier: what is taken, what is refused, and what a caller may ask."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.second_factor.answering import Answering
from keystore.second_factor.errors import (
    REFUSALS,
    CallerRefused,
    CodeRefused,
    MandateRefused,
    RequestMalformed,
    TooManyCodes,
    TotpRefused,
    VerifierError,
    VerifierFailed,
)
from keystore.second_factor.wire import (
    ExpectActivation,
    MakeTotp,
    decode_answer,
    decode_request,
)
from keystore.signer.model import MadeKey
from keystore.strongroom import errors as strongroom
from keystore.strongroom.frames import Refused
from tests.support.signer import activation_of, enrolment_of
from tests.support.verifier import PERSON, App, VerifierBench

_KEY = MadeKey("pkey_1", "ES256", b"spki")


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_refusal_is_the_same_error_on_the_other_side(code: str) -> None:
    error = Refused(code, "why").error(REFUSALS, otherwise=VerifierError)
    assert type(error) is REFUSALS[code]
    assert (error.code, error.reason) == (code, "why")


@given(raw=st.binary(max_size=400))
def test_garbage_is_no_message(raw: bytes) -> None:
    for decode in (decode_request, decode_answer):
        with pytest.raises(strongroom.RequestMalformed):
            decode(raw)


def test_a_client_is_told_what_the_verifier_says(
    bench: VerifierBench, app: App, now: datetime
) -> None:
    client = bench.client(lambda: now)
    assert client.kek_ids() == bench.ring.ids
    wanted = activation_of(_KEY, None, now=now)
    statement = client.confirm(PERSON, [app.held], app.code(now=now), wanted=wanted)
    assert statement.token.count(".") == 2
    with pytest.raises(CodeRefused):
        client.confirm(PERSON, [app.held], app.code(now=now), wanted=enrolment_of(now=now))
    seal = activation_of(_KEY, None, now=now, account_id="acc_org")
    with pytest.raises(MandateRefused):
        client.confirm(PERSON, [app.held], "123456", wanted=seal, mandate_id="mdt_1")
    for _ in range(14):
        assert client.check_code(PERSON, [app.held], "12345").outcome == "wrong"
    with pytest.raises(TooManyCodes) as refused:
        client.confirm(PERSON, [app.held], app.code(now=now), wanted=wanted)
    assert refused.value.retry_ms > now.timestamp() * 1000
    facts = client.describe_totp(app.held, account_id=PERSON)
    assert facts.is_bound_at_proofing
    with pytest.raises(TotpRefused):
        client.show_totp(app.held, account_id=PERSON)


def test_only_keepers_vouch_for_a_proofing(bench: VerifierBench, now: datetime) -> None:
    """What a web worker says of a proofing counts for nothing."""
    worker = bench.client(lambda: now)
    with pytest.raises(CallerRefused, match="not_a_keeper"):
        worker.expect_activation(PERSON, "CODE", expires_at=now + timedelta(days=1))
    with pytest.raises(CallerRefused, match="not_a_keeper"):
        worker.take_totp("otp_x", account_id=PERSON, secret=bytes(20), is_bound_at_proofing=True)
    keeper = bench.client(lambda: now, is_keeper=True)
    keeper.expect_activation(PERSON, "CODE", expires_at=now + timedelta(days=1))
    assert keeper.take_totp("otp_x", account_id=PERSON, secret=bytes(20), is_bound_at_proofing=True)


def test_what_goes_wrong_inside_is_told_as_one_word(bench: VerifierBench, now: datetime) -> None:
    def broken() -> datetime:
        raise RuntimeError("a detail that nobody should read")

    answering = Answering(bench.verifier, time=broken)
    answer = answering.answer(MakeTotp("otp_x", PERSON), is_keeper=False)
    assert answer == Refused(VerifierFailed.code, "internal")
    absurd = ExpectActivation(PERSON, "CODE", 2**62)
    said = Answering(bench.verifier, time=lambda: now).answer(absurd, is_keeper=True)
    assert said == Refused(RequestMalformed.code, "expires_ms")
