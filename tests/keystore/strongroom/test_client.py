"""A connection that breaks: what was sent twice is never taken for what was done once."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import (
    CodeRefused,
    VerifierError,
    VerifierOutcomeUnknown,
    VerifierUnavailable,
)
from keystore.second_factor.model import CodeOutcome
from keystore.second_factor.wire import Checked, Here
from keystore.signer.client import SignerClient
from keystore.signer.errors import OutcomeUnknown, SignerUnavailable
from keystore.strongroom.frames import Message, Refused
from tests.support.answering_room import answering
from tests.support.racing import race
from tests.support.verifier import VerifierBench, serving


def _check(path: Path, answers: Sequence[Message | None], *, patience_s: float = 5) -> CodeOutcome:
    with (
        answering(path, answers),
        closing(VerifierClient(f"unix:{path}", patience_s=patience_s)) as client,
    ):
        return client.check_code("acc_1", [], "123456")


def test_an_answer_is_the_answer(tmp_path: Path) -> None:
    for outcome in (CodeOutcome("right"), CodeOutcome("wrong"), CodeOutcome("too_many", 1)):
        assert _check(tmp_path / f"{outcome.outcome}.sock", [Checked(outcome)]) == outcome


def test_a_request_whose_answer_was_lost_is_sent_again(tmp_path: Path) -> None:
    right = CodeOutcome("right")
    assert _check(tmp_path / "s.sock", [None, None, Checked(right)]) == right


def test_refused_only_the_second_time_is_unknown_and_not_wrong(tmp_path: Path) -> None:
    """The first sending may be what spent the code: nobody is told that it was wrong."""
    with pytest.raises(VerifierOutcomeUnknown):
        _check(tmp_path / "s.sock", [None, Checked(CodeOutcome("wrong"))])


@pytest.mark.parametrize("answers", [[None], [None, None]])
def test_what_was_sent_to_somebody_who_never_comes_back_is_unknown(
    tmp_path: Path, answers: Sequence[Message | None]
) -> None:
    """It may have been done and the code or confirmation spent: not "nothing was done"."""
    path = tmp_path / "s.sock"
    with pytest.raises(VerifierOutcomeUnknown):
        _check(path, answers, patience_s=0.5)
    with (
        answering(path, answers),
        closing(SignerClient(f"unix:{path}", patience_s=0.5)) as client,
        pytest.raises(OutcomeUnknown),
    ):
        client.suspend_key("key_1", reason="lost")


def test_who_cannot_the_second_time_says_nothing_of_the_first(tmp_path: Path) -> None:
    away = Refused(SignerUnavailable.code)
    for answers, expected in (([None, away], OutcomeUnknown), ([away], SignerUnavailable)):
        path = tmp_path / f"{len(answers)}.sock"
        with (
            answering(path, answers),
            closing(SignerClient(f"unix:{path}", patience_s=5)) as client,
            pytest.raises(SignerUnavailable) as refusal,
        ):
            client.suspend_key("key_1", reason="lost")
        assert type(refusal.value) is expected


def test_what_was_not_asked_for_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(VerifierError, match="answer"):
        _check(tmp_path / "a.sock", [Here(("kek",))])
    with pytest.raises(CodeRefused):
        _check(tmp_path / "b.sock", [Refused("code_refused")])
    with pytest.raises(VerifierError, match="of_tomorrow") as refused:
        _check(tmp_path / "c.sock", [Refused("unheard_of", "of_tomorrow")])
    assert type(refused.value) is VerifierError


def test_an_address_and_its_kind_of_door_go_together(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="address"):
        VerifierClient("tls://verifier.example:7443")
    with (
        closing(VerifierClient(f"unix:{tmp_path / 'none.sock'}", patience_s=0)) as client,
        pytest.raises(VerifierUnavailable),
    ):
        client.kek_ids()


def test_a_room_that_hangs_keeps_few_callers_and_not_for_long(tmp_path: Path) -> None:
    """It listens, as the parent of dead children does, and nobody answers.

    Whoever waits longer than an answer may take waits for ever: nothing here measures time.
    """
    path = tmp_path / "s.sock"
    with (
        socket.socket(socket.AF_UNIX) as listener,
        closing(VerifierClient(f"unix:{path}", most_at_once=2)) as client,
    ):
        listener.bind(str(path))
        listener.listen(64)

        def ask() -> str:
            with pytest.raises(VerifierUnavailable) as refused:
                client.check_code("acc_1", [], "123456")
            return refused.value.reason

        assert race([ask] * 6).count("busy") == 4, "four of six were told at once"


def test_who_waits_for_others_to_be_answered_is_answered(tmp_path: Path) -> None:
    bench = VerifierBench(tmp_path / "v")
    with (
        serving(bench, tmp_path / "s.sock", time=lambda: datetime.now(UTC)),
        closing(
            VerifierClient(f"unix:{tmp_path / 's.sock'}", most_at_once=2, queue_s=60)
        ) as client,
    ):
        assert set(race([client.kek_ids] * 12)) == {bench.ring.ids}
