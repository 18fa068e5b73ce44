"""What the load generator says is read strictly: a run with a wrong answer is no measurement."""

from __future__ import annotations

import json

import pytest

from bench.load import LoadFailed, Sample, ValuesRanOut, make_request, read_output

_GOOD = {
    "requests": 3000,
    "duration_us": 2_000_000,
    "p50_us": 1500,
    "p99_us": 9000,
    "failed": 0,
    "lacking": 0,
    "cut": 0,
}


def _output(**changes: int) -> str:
    return f"Running 2s test\n  some words\n{json.dumps(_GOOD | changes)}\n"


def test_the_last_line_is_the_measurement() -> None:
    assert read_output(_output(), cpu_s=1.5) == Sample(
        rate=1500.0, p50_ms=1.5, p99_ms=9.0, cpu_ms=0.5
    )


@pytest.mark.parametrize("fault", ["failed", "lacking", "cut"])
def test_one_wrong_answer_spoils_the_run(fault: str) -> None:
    with pytest.raises(LoadFailed, match=fault):
        read_output(_output(**{fault: 1}), cpu_s=1, heard="401 invalid_client")


def test_values_that_ran_out_are_told_apart_because_more_can_be_prepared() -> None:
    with pytest.raises(ValuesRanOut):
        read_output(_output(failed=3, lacking=16), cpu_s=1)
    with pytest.raises(LoadFailed) as refused:
        read_output(_output(failed=3), cpu_s=1)
    assert not isinstance(refused.value, ValuesRanOut)


def test_a_run_without_answers_is_refused() -> None:
    with pytest.raises(LoadFailed, match="no answer"):
        read_output(_output(requests=0), cpu_s=1)


def test_the_length_of_a_body_is_that_with_a_value_in_its_place() -> None:
    request = make_request("POST", "/token", body="code=@VALUE@", value="x" * 86)
    head, _, body = request.partition("\r\n\r\n")
    assert "Content-Length: 91" in head
    assert body == "code=@VALUE@"


def test_a_request_without_body_says_no_length() -> None:
    request = make_request("GET", "/userinfo", headers={"Authorization": "Bearer @VALUE@"})
    assert request.startswith("GET /userinfo HTTP/1.1\r\nHost: ")
    assert request.endswith("\r\nAuthorization: Bearer @VALUE@\r\n\r\n")
    assert "Content-Length" not in request
