"""A run without the vectors of others says so, and under CI it fails."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.conftest import pytest_terminal_summary
from tests.vectors.corpus import corpus_folder, what_is_missing, wycheproof_raw


def test_the_vectors_are_there_under_ci() -> None:
    assert not os.environ.get("CI") or what_is_missing() is None


def test_the_signed_files_of_others_are_there_under_ci() -> None:
    assert not os.environ.get("CI") or (corpus_folder() / "leads.tsv").is_file()


def test_a_run_without_them_ends_with_a_line_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setenv("ANTIN_CORPUS", str(tmp_path))
    screen = io.StringIO()
    assert wycheproof_raw("aes_kwp_test.json") == []
    pytest_terminal_summary(pytest.TerminalReporter(pytestconfig, screen))
    assert f"no vectors of Wycheproof in {tmp_path / 'wycheproof'}" in screen.getvalue()
    (tmp_path / "wycheproof").mkdir()
    assert what_is_missing() is None


def test_a_folder_that_lacks_a_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wycheproof").mkdir()
    monkeypatch.setenv("ANTIN_CORPUS", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        wycheproof_raw("aes_kwp_test.json")
