"""Whatever one job does, it has its own end, and the next one works."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation import wire
from signing.isolation.blob import Blob, open_memory_file
from signing.isolation.child_process import ChildProcess
from signing.isolation.pool import IsolationPool, Walls
from signing.isolation.task import Task
from tests.support.hostile_tasks import COUNT, LOOK_AT, MISBEHAVE, Happened, Try
from tests.support.servers import wait_until
from tests.support.tree import ROOT

_HOSTILE = "tests.support.hostile_tasks"


def _frame(body: bytes) -> str:
    return (len(body).to_bytes(4, "big") + body).hex()


def _saying(message: wire.Answer) -> str:
    return _frame(wire.encode(message))


def _works(pool: IsolationPool) -> None:
    with Blob.of(b"abc") as first, Blob.of() as empty:
        happened, output = pool.run(COUNT, Try(""), inputs=[first, empty, first])
    with output:
        assert (happened, output.read()) == (Happened("counted", 6), b"abcabc")


def _pids(pool: IsolationPool) -> set[int]:
    return {child.pid for child in pool._all}


@pytest.mark.parametrize(
    ("misdeed", "reason"),
    [
        (Try("raise", text="private words"), "fault"),
        (Try("take memory", 200 << 20), "too_large"),
        (Try("write much", 100 << 20), "too_large"),
        (Try("touch nothing"), "crashed"),
        (Try("abort"), "crashed"),
        (Try("leave"), "crashed"),
        (Try("import", text="antigravity"), "fault"),
        (Try("import and hide it", text="antigravity"), "fault"),
        (Try("let a module appear"), "fault"),
        (Try("answer otherwise"), "fault"),
        (Try("keep the output"), "contradiction"),
        (Try("write to an input"), "fault"),
        (Try("speak unasked", text=_frame(b"rubbish")), "contradiction"),
        (Try("speak unasked", text="7fffffff"), "contradiction"),
        (Try("speak unasked", text=_saying(wire.Refused("Not a code."))), "contradiction"),
        (Try("speak unasked", text=_saying(wire.Fault("made_up"))), "contradiction"),
        (Try("speak unasked", text=_frame(b"\x93\xa8Answered\x01")), "contradiction"),
    ],
    ids=lambda value: value.what if isinstance(value, Try) else value,
)
def test_a_misdeed_fails_its_own_job_and_no_other(
    pool: IsolationPool, misdeed: Try, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    _works(pool)
    before = _pids(pool)
    with Blob.of(b"abc") as given, pytest.raises(ParsingFailed) as failure:
        pool.run(MISBEHAVE, misdeed, inputs=[given])
    assert failure.value.reason == reason
    assert not before & _pids(pool), "after a fault nobody knows what it is"
    assert "private words" not in caplog.text
    _works(pool)


@pytest.mark.parametrize("misdeed", [Try("loop"), Try("sleep", 600)], ids=["loop", "sleep"])
def test_who_takes_too_long_is_ended(misdeed: Try) -> None:
    walls = Walls(processes=1, seconds=0.3, modules=(_HOSTILE,))
    with IsolationPool(walls) as pool:
        pool.start()
        before = _pids(pool)
        with pytest.raises(ParsingFailed) as failure:
            pool.run(MISBEHAVE, misdeed)
        assert failure.value.reason == "too_slow"
        assert not before & _pids(pool)


def test_a_refusal_is_an_answer_and_nothing_is_started_anew(pool: IsolationPool) -> None:
    _works(pool)
    before = _pids(pool)
    with pytest.raises(DocumentRefused) as refusal:
        pool.run(MISBEHAVE, Try("refuse", text="encrypted"))
    assert refusal.value.reason == "encrypted"
    assert _pids(pool) == before


def test_the_output_of_a_refused_job_is_empty_and_stays_so(pool: IsolationPool) -> None:
    """Kept open by whoever refused it, it would be memory in no limit."""
    with pytest.raises(DocumentRefused):
        pool.run(MISBEHAVE, Try("keep the descriptor", 50 << 20))
    happened, output = pool.run(MISBEHAVE, Try("write later"))
    output.close()
    assert happened == Happened("PermissionError", 0)


def test_who_refuses_and_keeps_the_output_to_write_is_ended(pool: IsolationPool) -> None:
    _works(pool)
    before = _pids(pool)
    with pytest.raises(DocumentRefused):
        pool.run(MISBEHAVE, Try("keep the output, refused"))
    assert not before & _pids(pool)
    _works(pool)


def test_only_a_few_files_can_be_kept_from_job_to_job(pool: IsolationPool) -> None:
    _works(pool)
    before = _pids(pool)
    for _ in range(20):
        with suppress(ParsingFailed, DocumentRefused):
            pool.run(MISBEHAVE, Try("keep the descriptor", 4096))
    assert not before & _pids(pool), "it ran out of files"
    _works(pool)


def _pid_of(pool: IsolationPool, tenant: str) -> int:
    pool.for_tenant(tenant).run(COUNT, Try(""))[1].close()
    (pid,) = {child.pid for child in pool._all if child.tenant == tenant}
    return pid


def test_who_read_documents_of_one_tenant_never_reads_anothers() -> None:
    with IsolationPool(Walls(processes=1, kept=2, modules=(_HOSTILE,))) as pool:
        first, second = _pid_of(pool, "portal.a"), _pid_of(pool, "portal.b")
        assert first != second
        assert _pid_of(pool, "portal.a") == first
        third = _pid_of(pool, "portal.c")
        assert _pids(pool) == {first, third}, "whoever waited the longest had to go"


def test_at_work_there_are_never_more_than_there_may_be() -> None:
    walls = Walls(processes=1, kept=1, modules=(_HOSTILE,))
    with IsolationPool(walls) as pool:
        pids = {_pid_of(pool, tenant) for tenant in ("a", "b", "a")}
        assert len(pids) == 3
        assert len(_pids(pool)) == 1


def test_an_answer_is_no_longer_than_its_task_says(pool: IsolationPool) -> None:
    saying = Try(
        "speak unasked", text=_saying(wire.Answered(msgspec.Raw(wire.encode("a" * 4_000))))
    )
    short = Task(MISBEHAVE.function, Try, Happened, 100)
    with pytest.raises(ParsingFailed) as failure:
        pool.run(short, saying)
    assert failure.value.reason == "contradiction"
    happened, output = pool.run(Task(COUNT.function, Try, Happened, 100), Try(""))
    output.close()
    assert happened == Happened("counted", 0)


def test_a_module_that_never_was_there_is_no_late_import(pool: IsolationPool) -> None:
    _works(pool)
    with pytest.raises(ParsingFailed):  # nobody looked for it before documents came
        pool.run(MISBEHAVE, Try("import and hide it", text="there_is_no_such_module"))
    # `warm_up` looked for this one: it is missing, and rightly
    happened, output = pool.run(MISBEHAVE, Try("import and hide it", text="missing_on_purpose"))
    output.close()
    assert happened.outcome == "misbehaved"


def test_a_task_that_is_not_in_the_table_is_not_looked_for(pool: IsolationPool) -> None:
    with pytest.raises(ParsingFailed) as failure:
        pool.run(Task("os:system", Try, Happened), Try("true"))
    assert failure.value.reason == "fault"


def test_a_process_that_was_killed_while_idle_costs_nobody_a_job(pool: IsolationPool) -> None:
    _works(pool)
    for child in pool._all:
        os.kill(child.pid, 9)
    _works(pool)


def test_what_is_said_between_two_jobs_is_no_answer_to_the_second(pool: IsolationPool) -> None:
    lie = _saying(wire.Answered(msgspec.Raw(wire.encode(Happened("a lie")))))
    # both together are noticed at once; else the second of them before the next job
    with suppress(ParsingFailed):
        pool.run(MISBEHAVE, Try("speak unasked", text=lie + lie))[1].close()
    _works(pool)


def test_a_large_document_gets_three_times_its_size_and_is_not_copied(pool: IsolationPool) -> None:
    fd = open_memory_file()
    os.truncate(fd, 200_000_000)
    with Blob(fd) as large:
        _works(pool)
        (pid,) = _pids(pool)
        before = _resident_kib(pid)
        pool.run(LOOK_AT, Try(""), inputs=[large])[1].close()
        assert _resident_kib(pid) - before < 20_000
        taking = Try("take memory", 300 << 20)
        pool.run(MISBEHAVE, taking, inputs=[large])[1].close()
    with pytest.raises(ParsingFailed):
        pool.run(MISBEHAVE, taking)


def _resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_too_much_is_not_even_sent(pool: IsolationPool) -> None:
    with Blob.of(b"a") as one, pytest.raises(ValueError, match="inputs"):
        pool.run(COUNT, Try(""), inputs=[one] * (wire.MOST_INPUTS + 1))
    with pytest.raises(ParsingFailed) as failure:
        pool.run(COUNT, Try("a" * wire.MAX_JOB_BYTES))
    assert failure.value.reason == "too_large"


def test_a_long_argument_and_a_long_answer_arrive(pool: IsolationPool) -> None:
    with pytest.raises(ParsingFailed) as failure:
        pool.run(MISBEHAVE, Try("raise", text="a" * 3_000_000))
    assert failure.value.reason == "fault"


def test_a_process_is_replaced_after_its_jobs() -> None:
    with IsolationPool(Walls(processes=1, jobs=2, modules=(_HOSTILE,))) as pool:
        _works(pool)
        first = _pids(pool)
        _works(pool)
        assert len(_pids(pool)) == 1
        assert _pids(pool) != first
        _works(pool)


def test_a_process_that_nobody_needs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ChildProcess] = []
    with IsolationPool(Walls(processes=1, idle_s=0.1, modules=(_HOSTILE,))) as pool:
        start = pool._start_one

        def noted() -> ChildProcess:
            started.append(start())
            return started[-1]

        monkeypatch.setattr(pool, "_start_one", noted)
        _works(pool)
        gone = Path(f"/proc/{started[0].pid}")
        wait_until(lambda: not gone.exists(), what="the end of an idle process")
        _works(pool)


def test_threads_share_no_more_processes_than_there_may_be() -> None:
    with (
        IsolationPool(Walls(processes=2, modules=(_HOSTILE,))) as pool,
        ThreadPoolExecutor(8) as threads,
    ):
        list(threads.map(lambda _: _works(pool), range(60)))
        assert 1 <= len(_pids(pool)) <= 2


def test_who_waits_too_long_for_a_free_process_is_told() -> None:
    walls = Walls(processes=1, seconds=600, wait_s=0.01, modules=(_HOSTILE,))
    with ThreadPoolExecutor(1) as other, IsolationPool(walls) as pool:
        pool.start()
        held = other.submit(pool.run, MISBEHAVE, Try("sleep", 600))  # until the pool is closed
        wait_until(lambda: not pool._idle, what="a job under way")
        with pytest.raises(ParsingFailed) as failure:
            _works(pool)
    assert isinstance(held.exception(), ParsingFailed)
    assert failure.value.reason == "busy"


def test_a_thread_that_ends_takes_no_process_with_it() -> None:
    with IsolationPool(Walls(processes=1, modules=(_HOSTILE,))) as pool:
        short = threading.Thread(target=_works, args=(pool,))
        short.start()
        short.join()
        pids = _pids(pool)
        time.sleep(0.02)
        _works(pool)
        assert _pids(pool) == pids


def test_nothing_is_done_after_the_end() -> None:
    pool = IsolationPool(Walls(processes=1, modules=(_HOSTILE,)))
    _works(pool)
    pids = _pids(pool)
    pool.close()
    pool.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with pytest.raises(ParsingFailed) as failure:
        _works(pool)
    assert failure.value.reason == "not_started"


def test_closing_beside_the_work_leaves_nobody_behind_and_nobody_waiting() -> None:
    pool = IsolationPool(Walls(processes=2, seconds=600, modules=(_HOSTILE,)))
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(pool.run, MISBEHAVE, Try("sleep", 600)) for _ in range(4)]
        wait_until(lambda: bool(_pids(pool)), what="a job under way")
        pool.close()
        reasons = {str(one.exception(timeout=60)) for one in asked}
    assert reasons <= {"crashed", "not_started"}
    assert not _pids(pool)


def test_a_host_that_starts_nothing_more_is_told_from_a_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    with IsolationPool(Walls(processes=1)) as pool, pytest.raises(ParsingFailed) as failure:
        _works(pool)
    assert failure.value.reason == "not_started"


def test_parsers_that_cannot_be_imported_are_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    walls = Walls(processes=1, modules=("signing.no_such_messages",))
    with IsolationPool(walls) as pool, pytest.raises(ParsingFailed) as failure:
        pool.start()
    assert failure.value.reason == "not_started"
    assert "no_such_messages" in caplog.text


_FORKING = """
import os, warnings
from signing.isolation.pool import IsolationPool, Walls
from tests.support.hostile_tasks import COUNT, Try
warnings.simplefilter("ignore")
pool = IsolationPool(Walls(processes=1, modules=("tests.support.hostile_tasks",)))
pool.run(COUNT, Try(""))[1].close()
theirs = {child.pid for child in pool._all}
if pid := os.fork():
    os.waitpid(pid, 0)
    pool.run(COUNT, Try(""))[1].close()
    print("same" if theirs == {child.pid for child in pool._all} else "other", flush=True)
else:
    pool.run(COUNT, Try(""))[1].close()
    print("same" if theirs & {child.pid for child in pool._all} else "own", flush=True)
    os._exit(0)
"""


def test_a_service_that_forks_shares_no_process_with_its_child() -> None:
    done = subprocess.run(
        (sys.executable, "-c", _FORKING), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["own", "same"], done.stderr


_PARENT = """
import os, sys, threading
from signing.isolation.pool import IsolationPool, Walls
from tests.support.hostile_tasks import MISBEHAVE, Try
pool = IsolationPool(Walls(processes=1, modules=("tests.support.hostile_tasks",)))
pool.start()
busy = threading.Thread(target=pool.run, args=(MISBEHAVE, Try("loop")), daemon=True)
busy.start()
while pool._idle:
    pass
print(*(child.pid for child in pool._all), flush=True)
os.kill(os.getpid(), 9)
"""


def test_the_end_of_the_service_is_the_end_of_its_processes() -> None:
    done = subprocess.run(
        (sys.executable, "-c", _PARENT), cwd=ROOT, capture_output=True, text=True, check=False
    )
    pid = int(done.stdout)
    wait_until(lambda: not Path(f"/proc/{pid}/exe").is_symlink(), what="the end")
