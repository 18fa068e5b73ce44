"""Loading a server with wrk: one job in, one measurement out.

What lives here: what a job is, running wrk on it, and refusing a run in which anything went wrong:
a wrong answer is fast and must not be measured.  Not here: which jobs there are.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.processes import Running

_SCRIPT: Final = Path(__file__).with_name("load.lua")
_PLACE: Final = "@VALUE@"


class LoadFailed(Exception):
    """Something other than the expected answers was measured."""


class ValuesRanOut(LoadFailed):
    """The server was quicker than its warm-up: more codes are needed than were prepared."""


class Mode(StrEnum):
    """How the values of a job are used; see load.lua."""

    CYCLE = "cycle"
    ONCE = "once"
    CHAIN = "chain"


@dataclass(frozen=True, slots=True)
class Job:
    """Requests of one kind to one server.

    `request` is a whole HTTP request with `@VALUE@` where one of the `values`, all of one length,
    goes; `expected` stands in every right answer.
    """

    server: Running
    request: str | bytes
    values: tuple[str, ...]
    expected: str
    mode: Mode = Mode.CYCLE


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: requests answered in a second, milliseconds that one took and cost.

    `cpu_ms` is the server's processor time for one; unlike the rate it hardly changes when the
    machine has other work as well.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


def make_request(
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: str = "",
    value: str = "",
) -> str:
    """A whole HTTP/1.1 request; with a body its length, counted with `value` in its place."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {text}" for name, text in (headers or {}).items()]
    if method == "POST":
        length = len(body.replace(_PLACE, value).encode())
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", body])


def make_upload(path: str, *, content_type: str, body: bytes) -> bytes:
    """A whole HTTP/1.1 request that posts bytes."""
    head = make_request("GET", path).replace("GET", "POST", 1)
    lines = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head.removesuffix("\r\n") + lines).encode() + body


def measure(job: Job, *, seconds: float, connections: int) -> Sample:
    """Load a server for `seconds` over a number of connections.

    Raises  LoadFailed when an answer was wrong or a connection was cut; ValuesRanOut.
    """
    wrk = shutil.which("wrk")
    assert wrk is not None, "wrk is missing: `make bench` installs it"
    assert len({len(value) for value in job.values}) == 1, "values of one length"
    with tempfile.TemporaryDirectory(prefix="antin-bench-") as folder:
        request, values = Path(folder, "request"), Path(folder, "values")
        raw = job.request.encode() if isinstance(job.request, str) else job.request
        request.write_bytes(raw)
        values.write_text("".join(f"{value}\n" for value in job.values), encoding="utf-8")
        command = [
            *(wrk, "--threads", "1", "--connections", str(connections), "--timeout", "10s"),
            *("--duration", f"{max(1, round(seconds))}s", "--script", str(_SCRIPT)),
            *(f"http://127.0.0.1:{job.server.port}/", "--", job.mode, job.expected),
            *(str(request), str(values)),
        ]
        before_s = job.server.cpu_s()
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        used_s = job.server.cpu_s() - before_s
    if ran.returncode != 0:
        raise LoadFailed(ran.stderr[-500:])
    return read_output(ran.stdout, cpu_s=used_s, heard=ran.stderr)


def read_output(output: str, *, cpu_s: float, heard: str = "") -> Sample:
    """The measurement in the last line of wrk's output.

    Takes   cpu_s: what the server used meanwhile; heard: what the script said of the first wrong
            answer.
    Raises  LoadFailed; ValuesRanOut whatever else is wrong: what is sent then is refused.
    """
    facts = json.loads(output.strip().splitlines()[-1])
    for name in ("lacking", "failed", "cut"):
        if facts[name]:
            refusal = ValuesRanOut if name == "lacking" else LoadFailed
            raise refusal(f"{facts[name]} of {facts['requests']} {name}: {heard[:500]}")
    if not facts["requests"]:
        raise LoadFailed("no answer at all")
    return Sample(
        rate=facts["requests"] / (facts["duration_us"] / 1_000_000),
        p50_ms=facts["p50_us"] / 1000,
        p99_ms=facts["p99_us"] / 1000,
        cpu_ms=cpu_s * 1000 / facts["requests"],
    )
