"""What a sandbox tells its own processes holds for commands beside it, and for nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idp.cli.beside_sandbox import SANDBOX_SETTINGS, settings_beside_sandbox
from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK, load_settings
from tests.support.prepared import prepare_database

TOLD = {"ANTIN_ISSUER": "http://localhost:9100", "ANTIN_TSA_ENABLED": "true"}


def _read(folder: Path, **given: str) -> Settings:
    environ = {"ANTIN_VAR": str(folder), **given}
    settings = load_settings(environ)
    return settings_beside_sandbox(settings, environ=environ, file=None)


def _make(folder: Path, *, is_sandbox: bool, told: str | None = None) -> None:
    prepare_database(Settings(var=folder).effective_database_url, is_sandbox=is_sandbox)
    (folder / SANDBOX_SETTINGS).write_text(told or json.dumps(TOLD), encoding="utf-8")


def test_a_command_is_of_the_sandbox_whose_database_it_opens(tmp_path: Path):
    _make(tmp_path, is_sandbox=True)
    settings = _read(tmp_path)
    assert (settings.issuer, settings.tsa_enabled) == ("http://localhost:9100", True)
    assert settings.var == tmp_path


def test_a_variable_that_is_given_wins(tmp_path: Path):
    _make(tmp_path, is_sandbox=True)
    settings = _read(tmp_path, ANTIN_ISSUER="http://localhost:9200")
    assert (settings.issuer, settings.tsa_enabled) == ("http://localhost:9200", True)


def test_a_process_of_the_sandbox_reads_no_file(tmp_path: Path):
    """It was told everything; a file of the start before must not speak for this one."""
    _make(tmp_path, is_sandbox=True)
    environ = {"ANTIN_VAR": str(tmp_path)}
    settings = load_settings(environ)
    marked = {**environ, SANDBOX_MARK: "1"}
    assert settings_beside_sandbox(settings, environ=marked, file=None) is settings


def test_a_file_that_was_left_says_nothing_about_real_people(tmp_path: Path):
    """Architecture, "Sandbox": what is one, the database alone says."""
    _make(tmp_path, is_sandbox=False)
    assert _read(tmp_path) == load_settings({"ANTIN_VAR": str(tmp_path)})


def test_a_file_without_a_database_makes_none(tmp_path: Path):
    (tmp_path / SANDBOX_SETTINGS).write_text(json.dumps(TOLD), encoding="utf-8")
    assert not _read(tmp_path).tsa_enabled
    assert [file.name for file in tmp_path.iterdir()] == [SANDBOX_SETTINGS]


@pytest.mark.parametrize("told", ["{", "[]", '{"ANTIN_PORT": 1}', "{}"])
def test_half_a_file_is_no_file(tmp_path: Path, told: str):
    _make(tmp_path, is_sandbox=True, told=told)
    assert not _read(tmp_path).tsa_enabled


def test_a_file_of_another_version_is_refused_by_name(tmp_path: Path):
    _make(tmp_path, is_sandbox=True, told='{"ANTIN_GONE": "1"}')
    with pytest.raises(SettingsInvalid, match="ANTIN_GONE"):
        _read(tmp_path)
