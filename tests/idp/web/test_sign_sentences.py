"""Every refusal of signing has a sentence that says what happened; none is left without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from idp.web.sign_sentences import (
    REFUSAL_REASONS,
    SIGN_PROBLEMS,
    UNKNOWN,
    problem_of_signing,
    sentence_of_reason,
    sentence_of_waiting,
)
from signing import errors
from signing.errors import ConfirmationRefused, DocumentRefused, ParsingFailed, SigningError
from signing.intake import REASONS
from signing.messages.appearance import AppearanceRefusal

# said to portals in JSON, or before anybody is at a page
_TO_PORTALS = {
    "request_refused", "request_unknown", "idempotency_key_reused", "signer_unknown",
    "confirmation_refused", "not_signed", "limits_unavailable",
}  # fmt: skip


def _kinds() -> Iterator[type[SigningError]]:
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, SigningError):
            yield one


@pytest.mark.parametrize("kind", list(_kinds()), ids=lambda kind: kind.code)
def test_every_kind_of_refusal_has_a_sentence(kind):
    assert kind.code in SIGN_PROBLEMS or kind.code in _TO_PORTALS


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_to_refuse_a_document_has_a_sentence_of_its_own(reason):
    assert problem_of_signing(DocumentRefused(reason)) == reason
    others = [one.sentence for code, one in SIGN_PROBLEMS.items() if code != reason]
    assert SIGN_PROBLEMS[reason].sentence not in others


@pytest.mark.parametrize(
    "reason", [*AppearanceRefusal, "no_such_page", "no_new_visible_field", "timestamp_too_large"]
)
def test_what_cannot_be_seen_or_does_not_fit_is_not_called_unreadable(reason):
    assert problem_of_signing(DocumentRefused(reason)) == reason
    unreadable = SIGN_PROBLEMS["document_refused"].sentence
    assert SIGN_PROBLEMS[reason].sentence != unreadable


def test_what_a_confirmed_request_waits_for_is_said_and_asks_for_nothing():
    assert sentence_of_waiting("") == ""
    said = {sentence_of_waiting(one) for one in
            ("timestamp_unavailable", "status_unavailable", "parsing_failed")}  # fmt: skip
    assert len(said) == 3
    assert all("không cần xác nhận lại" in one for one in said)


def test_a_reason_nobody_thought_of_is_told_by_its_kind():
    assert problem_of_signing(DocumentRefused("unheard_of")) == "document_refused"
    assert problem_of_signing(ParsingFailed("unheard_of")) == "parsing_failed"
    assert problem_of_signing(ConfirmationRefused("unheard_of")) == UNKNOWN


def test_what_confirms_nothing_says_that_nothing_was_signed():
    for reason in ("wrong_code", "window_closed", "interrupted", "evidence_refused", "too_many"):
        assert "Tài liệu chưa được ký" in SIGN_PROBLEMS[reason].sentence


def test_reasons_at_rest_are_said_in_words():
    assert sentence_of_reason("") == ""
    assert "rút lại" in sentence_of_reason("withdrawn")
    assert sentence_of_reason("other") == REFUSAL_REASONS["other"]
    assert sentence_of_reason("unheard_of") == SIGN_PROBLEMS[UNKNOWN].sentence
