"""`antin verifier key`: the public half is printed, and a lost root key is not replaced."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli.verifier import verifier

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with a `var` of its own."""
    monkeypatch.setenv("ANTIN_ISSUER", "https://idp.example")
    monkeypatch.setenv("ANTIN_VAR", str(tmp_path / "var"))
    (tmp_path / "var").mkdir(mode=0o700)
    return lambda *arguments: CliRunner().invoke(verifier, arguments)


def test_the_public_key_is_printed_and_is_the_same_every_time(run: Run, tmp_path: Path) -> None:
    first = run("key")
    assert first.exit_code == 0, first.output
    assert "back it up" in first.stderr
    again = run("key")
    assert again.stderr == ""
    assert again.stdout == first.stdout
    (key,) = json.loads(first.stdout)["keys"]
    assert (key["alg"], key["kty"]) == ("ES256", "EC")
    assert "d" not in key
    for made in ("verifier-kek", "verifier/statement-key"):
        assert stat.S_IMODE((tmp_path / "var" / made).stat().st_mode) == 0o600


def test_it_goes_into_a_file_that_everybody_may_read(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("before")
    assert run("key", "--output", str(file)).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert file.read_text() == run("key").stdout
    assert [one.name for one in tmp_path.iterdir() if "keys" in one.name] == ["keys.json"]


def test_a_root_key_that_was_lost_is_not_made_anew(run: Run, tmp_path: Path) -> None:
    """What it sealed would be lost without a word."""
    run("key")
    kek = tmp_path / "var" / "verifier-kek"
    kek.unlink()
    refused = run("key")
    assert refused.exit_code != 0
    assert "unreadable" in str(refused.exception)
    assert not kek.exists()


def test_another_root_key_is_refused_and_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    run("key")
    before = (tmp_path / "var" / "verifier" / "statement-key").read_bytes()
    (tmp_path / "var" / "verifier-kek").write_text("A" * 43 + "\n")
    refused = run("key")
    assert "does_not_open" in str(refused.exception)
    assert (tmp_path / "var" / "verifier" / "statement-key").read_bytes() == before
