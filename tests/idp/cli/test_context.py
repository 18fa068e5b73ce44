"""Invented people and real ones are kept apart; a database that is not ready is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.cli.context import check_deployment, check_server_settings, open_database
from idp.clock import utc_now
from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.settings_loading import SANDBOX_MARK
from idp.storage.database import Database
from idp.storage.deployment import stamp
from idp.storage.passkey_party import settle_rp_id
from idp.storage.schema import upgrade

HTTPS = "https://id.example.vn"
HTTP = "http://localhost:8000"


@pytest.mark.parametrize(
    ("issuer", "is_stamped", "is_marked", "is_sandbox"),
    [(HTTPS, False, False, False), (HTTP, True, True, True), (HTTPS, True, True, True)],
)
def test_database_and_start_that_go_together_are_taken(issuer, is_stamped, is_marked, is_sandbox):
    settings = Settings(issuer=issuer)
    assert check_deployment(settings, stamp=is_stamped, is_marked=is_marked) is is_sandbox


@pytest.mark.parametrize(
    ("issuer", "is_stamped", "is_marked", "name", "reason"),
    [
        (HTTPS, True, False, "ANTIN_DATABASE_URL", "is a sandbox's"),
        (HTTPS, False, True, "ANTIN_DATABASE_URL", "is not a sandbox's"),
        (HTTP, False, False, "ANTIN_ISSUER", "must be https"),
        (HTTPS, None, False, "ANTIN_DATABASE_URL", "db upgrade"),
        (HTTP, None, True, "ANTIN_DATABASE_URL", "db upgrade"),
    ],
)
def test_production_refuses_a_sandbox_and_the_other_way_round(
    issuer, is_stamped, is_marked, name, reason
):
    with pytest.raises(SettingsInvalid, match=reason) as refused:
        check_deployment(Settings(issuer=issuer), stamp=is_stamped, is_marked=is_marked)
    assert refused.value.name == name


@pytest.mark.parametrize("is_sandbox", [True, False])
def test_stamp_is_read_from_the_database(tmp_path: Path, monkeypatch, is_sandbox):
    settings = Settings(issuer=HTTPS, var=tmp_path, kek="A" * 43)
    database = Database(settings.effective_database_url)
    upgrade(database)
    stamp(database, is_sandbox=is_sandbox)
    database.close()
    monkeypatch.delenv(SANDBOX_MARK, raising=False)
    if is_sandbox:
        with pytest.raises(SettingsInvalid, match="is a sandbox's"):
            check_server_settings(settings)
        monkeypatch.setenv(SANDBOX_MARK, "1")
    assert check_server_settings(settings) is is_sandbox


def test_database_without_tables_is_refused(tmp_path: Path):
    with pytest.raises(SettingsInvalid, match="antin db upgrade"):
        open_database(Settings(var=tmp_path))


def test_database_that_does_not_answer_is_refused():
    with pytest.raises(SettingsInvalid, match="does not answer"):
        open_database(Settings(database_url="postgresql+psycopg://antin@127.0.0.1:1/none"))


def test_the_server_does_not_start_with_a_root_key_that_does_not_open_the_database(tmp_path: Path):
    """One line before anything starts, where each worker would die with a trace."""
    settings = Settings(issuer=HTTPS, var=tmp_path, kek="A" * 43)
    database = Database(settings.effective_database_url)
    upgrade(database)
    stamp(database, is_sandbox=False)
    database.close()
    check_server_settings(settings)
    for kek, said in (("B" * 43, "another root key"), ("short", "43 characters"), ("", "read")):
        other = Settings(issuer=HTTPS, var=tmp_path, kek=kek)
        with pytest.raises(SettingsInvalid, match=said) as refused:
            check_server_settings(other)
        assert refused.value.name == "ANTIN_KEK_FILE"
    both = Settings(issuer=HTTPS, var=tmp_path, kek=f"{'B' * 43},{'A' * 43}")
    check_server_settings(both)


def test_the_server_does_not_start_with_another_rp_id_than_that_of_the_first_passkey(
    tmp_path: Path,
):
    """WebAuthn Level 3 §4: every passkey that people have would be useless from then on."""
    settings = Settings(issuer=HTTPS, var=tmp_path, kek="A" * 43, signer_rp_id="example.vn")
    database = Database(settings.effective_database_url)
    upgrade(database)
    stamp(database, is_sandbox=False)
    with database.transaction() as tx:
        settled = [settle_rp_id(tx, one, now=utc_now()) for one in ("example.vn", "id.example.vn")]
    assert settled == ["example.vn", "example.vn"]
    database.close()
    check_server_settings(settings)
    with pytest.raises(SettingsInvalid, match=r"enrolled for example\.vn") as refused:
        check_server_settings(Settings(issuer=HTTPS, var=tmp_path, kek="A" * 43))
    assert refused.value.name == "ANTIN_SIGNER_RP_ID"
