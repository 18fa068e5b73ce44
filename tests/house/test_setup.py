"""The commands that come before Python: what they say when nothing is there, how they end."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.tree import ROOT

_TOOLS = ("sh", "dirname", "cat", "cksum", "cmp", "cp", "rm", "id", "sed", "tr", "ls", "env")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout without environment, and beside it `bin`: the tools that any machine has."""
    for name in ("scripts", "requirements", ".ci"):
        shutil.copytree(ROOT / name, tmp_path / "checkout" / name)
    for name in ("pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    (tmp_path / "bin").mkdir()
    for tool in _TOOLS:
        found = shutil.which(tool)
        assert found, tool
        # NOTE: no link: a test replaces some of these, and would write through to the machine's own
        _add_program(tmp_path, tool, script=f'exec {found} "$@"')
    return tmp_path


def _add_program(bare: Path, name: str, *, script: str) -> None:
    program = bare / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def _run(bare: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=bare / "checkout",
        env={"PATH": str(bare / "bin"), "HOME": str(bare)},
        check=False,
        capture_output=True,
        text=True,
    )


def test_without_python_the_one_line_to_run_is_printed(bare: Path) -> None:
    _add_program(bare, "apt-get", script="exit 1")
    answer = _run(bare, "scripts/setup.sh", "run")
    assert answer.returncode != 0
    assert "    sudo apt-get update && sudo apt-get install -y python3-venv" in answer.stderr


def test_a_python_that_is_too_old_counts_as_none(bare: Path) -> None:
    _add_program(bare, "python3", script="exit 1")
    _add_program(bare, "dnf", script="exit 1")
    answer = _run(bare, "scripts/setup.sh", "run")
    assert answer.returncode != 0
    assert "Python 3.11 or newer is missing" in answer.stderr
    assert "    sudo dnf install" in answer.stderr


def test_tests_that_may_not_install_say_what_to_install(bare: Path) -> None:
    _add_program(bare, "id", script="echo 1000")
    _add_program(bare, "sudo", script="exit 1")
    _add_program(bare, "apt-get", script="exit 1")
    answer = _run(bare, "scripts/setup.sh", "test")
    assert answer.returncode != 0
    command = next(line for line in answer.stderr.splitlines() if "apt-get install" in line)
    assert {"redis-server", "nodejs", "npm", "chromium"} <= set(command.split())


def test_tests_install_what_is_missing_when_they_may(bare: Path) -> None:
    _add_program(bare, "id", script="echo 1000")
    _add_program(bare, "sudo", script='[ "$2" = true ] || echo "$@"')
    _add_program(bare, "apt-get", script="exit 1")
    answer = _run(bare, "scripts/setup.sh", "test")
    assert "apt-get -qq update" in answer.stderr
    assert "apt-get -qq install -y --no-install-recommends redis-server" in answer.stderr


def test_a_failed_installation_leaves_no_half_made_environment(bare: Path) -> None:
    _add_program(bare, "python3", script='[ "$1" != -m ] || { mkdir -p .venv/bin; exit 1; }')
    answer = _run(bare, "scripts/setup.sh", "run")
    assert answer.returncode != 0
    assert "could not be installed" in answer.stderr
    assert not (bare / "checkout" / ".venv").exists()


def test_an_environment_that_is_ready_is_left_alone(bare: Path) -> None:
    checkout = bare / "checkout"
    (checkout / ".venv/bin").mkdir(parents=True)
    for name in ("antin", "python"):
        (checkout / ".venv/bin" / name).write_text("#!/bin/sh\n")
        (checkout / ".venv/bin" / name).chmod(0o755)
    about, _, _ = (checkout / "pyproject.toml").read_text().partition("[tool.")
    locks = [(checkout / "requirements" / f"{name}.txt").read_text() for name in ("build", "test")]
    content = "".join((about, *locks)).encode()
    checksum = subprocess.run(("cksum",), input=content, capture_output=True, check=True)
    stamp = f"test {os.path.realpath(checkout)} {checksum.stdout.decode().strip()}\n"
    (checkout / ".venv/stamp").write_text(stamp)
    answer = _run(bare, "scripts/setup.sh", "run")
    assert (answer.returncode, answer.stderr) == (0, "")
    with (checkout / "pyproject.toml").open("a") as settings_of_tools:
        settings_of_tools.write("\n[tool.example]\nlevel = 1\n")
    assert _run(bare, "scripts/setup.sh", "run").returncode == 0
    (checkout / "requirements/test.txt").write_text("changed")
    assert "Python 3.11 or newer is missing" in _run(bare, "scripts/setup.sh", "run").stderr


@pytest.mark.parametrize("status", [0, 1, 2])
def test_continuous_integration_runs_make_test_and_passes_its_status_on(
    bare: Path, status: int
) -> None:
    _add_program(bare, "make", script=f'[ "$*" = test ] && exit {status}; exit 99')
    assert _run(bare, ".ci/run").returncode == status


def test_every_script_is_sound_shell() -> None:
    for script in (*(ROOT / "scripts").glob("*.sh"), ROOT / ".ci/run"):
        subprocess.run(("sh", "-n", str(script)), check=True)
        assert script.stat().st_mode & 0o111
