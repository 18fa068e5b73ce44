"""`antin witness` as the operator of a witness types it."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli.witness import witness
from keystore.log.note_keys import parse_vkey
from keystore.log.witness_folder import WitnessFolder
from tests.support.log_trees import ORIGINS, LoopbackTransport, RawLogKeys
from tests.support.tree import ROOT

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the witness keeps its things."""
    return tmp_path / "w"


@pytest.fixture
def run() -> Run:
    """Run a command."""

    def invoke(*arguments: object, status: int = 0) -> Result:
        result = CliRunner().invoke(witness, [str(one) for one in arguments])
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def test_a_witness_is_made_once_and_prints_its_public_keys(run: Run, folder: Path) -> None:
    vkeys = run("init", folder, "--name", "witness.example/w1").stdout.split()
    assert [parse_vkey(vkey).kind for vkey in vkeys] == [4, 6]
    assert "PRIVATE" not in "".join(vkeys)
    again = run("init", folder, "--name", "witness.example/w1", status=1)
    assert "has a witness already" in again.stderr


def test_it_is_told_which_logs_to_watch_and_says_so(run: Run, folder: Path, now) -> None:
    run("init", folder, "--name", "witness.example/w1")
    keys = [key.vkey for of_log in RawLogKeys().by_tree(now).values() for key in of_log]
    assert run("trust", folder, *keys).stdout.count("2 keys") == 2
    shown = json.loads(run("show", folder, "--json").stdout)
    assert shown["logs"] == dict.fromkeys(ORIGINS.values())
    assert shown["evidence"] == []
    text = run("show", folder).stdout
    assert "log.example/public  never seen" in text
    WitnessFolder(folder).keep_evidence("log", request=b"a\n\nb", is_fork=True)
    assert "refused: " in run("show", folder).stdout


def test_a_second_process_is_refused_and_the_first_ends_when_told_to(
    run: Run, folder: Path
) -> None:
    run("init", folder, "--name", "witness.example/w1")
    command = (sys.executable, "-m", "idp.cli", "witness", "serve", str(folder), "--port", "0")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ANTIN_")
    }
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        refused = run("serve", folder, "--port", 0, status=1)
        assert "is served by another process" in refused.stderr
        assert LoopbackTransport().get(f"{url}/latest/00").status == 404
        assert LoopbackTransport().get(f"{url}/other").status == 404
        assert LoopbackTransport().post(f"{url}/other", body=b"").status == 404
        assert LoopbackTransport().post(f"{url}/add-checkpoint", body=b"").status == 400
        too_long = LoopbackTransport().post(f"{url}/add-checkpoint", body=b"a" * 200_000)
        assert too_long.status == 413
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0


def test_a_certificate_that_is_none_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    run("init", folder, "--name", "witness.example/w1")
    file = tmp_path / "certificate.pem"
    file.write_text("nothing")
    result = CliRunner().invoke(
        witness, ["serve", str(folder), "--port", "0", "--tls-certificate", str(file)]
    )
    assert isinstance(result.exception, ssl.SSLError)
