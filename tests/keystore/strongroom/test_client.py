"""A connection that breaks: what was sent twice is never taken for what was done once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
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
from keystore.strongroom.frames import Message, Refused, encode_frame, read_frame


@contextmanager
def _answering(path: Path, answers: Sequence[Message | None]) -> Iterator[None]:
    """Somebody who reads a request a connection and answers, or (None) hangs up."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    read_frame(connection, idle_s=5, frame_s=5)
                    if answer is not None:
                        connection.sendall(encode_frame(answer))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join(10)


def _check(path: Path, answers: Sequence[Message | None]) -> CodeOutcome:
    with (
        _answering(path, answers),
        closing(VerifierClient(f"unix:{path}", patience_s=5)) as client,
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
