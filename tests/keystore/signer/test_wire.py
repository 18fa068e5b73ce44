"""Messages of the signer: what is taken, what is refused, and that nothing else happens."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.signer.errors import REFUSALS, SignerError
from keystore.signer.model import MadeKey
from keystore.signer.wire import Activate, Made, Signed, decode_answer, decode_request
from keystore.strongroom.errors import RequestMalformed
from keystore.strongroom.frames import Refused, encode_frame
from tests.support.signer import activation_of

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_KEY = MadeKey("pkey_1", "ES256", b"spki")


def test_a_request_arrives_as_it_was_sent() -> None:
    request = Activate(activation_of(_KEY, None, now=_NOW))
    received = decode_request(encode_frame(request)[4:])
    assert isinstance(received, Activate)
    assert received == request
    assert received.activation.challenge() == request.activation.challenge()


def test_an_answer_arrives_as_it_was_sent() -> None:
    for answer in (Signed((b"one", b"two")), Made(_KEY), Refused("activation_spent", "")):
        assert decode_answer(encode_frame(answer)[4:]) == answer


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_refusal_is_the_same_error_on_the_other_side(code: str) -> None:
    error = Refused(code, "why").error(REFUSALS, otherwise=SignerError)
    assert type(error) is REFUSALS[code]
    assert (error.code, error.reason) == (code, "why")


def test_a_refusal_that_is_not_known_here_is_a_refusal() -> None:
    refused = Refused("of_tomorrow")
    assert type(refused.error(REFUSALS, otherwise=SignerError)) is SignerError


@given(raw=st.binary(max_size=400))
def test_garbage_is_no_message(raw: bytes) -> None:
    for decode in (decode_request, decode_answer):
        with pytest.raises(RequestMalformed):
            decode(raw)
