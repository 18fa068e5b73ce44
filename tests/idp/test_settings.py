"""Settings are read once, refused by name, and documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.settings_loading import load_settings
from tests.support.settings_table import GUIDE, said_of_settings, with_table


def _refusal(**given: str) -> SettingsInvalid:
    with pytest.raises(SettingsInvalid) as refused:
        load_settings({f"ANTIN_{name.upper()}": value for name, value in given.items()})
    return refused.value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "eighty"),
        ("port", "0"),
        ("port", "65536"),
        ("workers", "0"),
        ("drain_s", "-1"),
        ("code_lifetime_s", "61"),
        ("refresh_grace_s", "11"),
        ("access_token_lifetime_s", "301"),
        ("source_passwords_per_15min", "9"),
        ("source_passwords_per_15min", "100001"),
        ("source_codes_per_15min", "4"),
        ("isolation_processes", "0"),
        ("isolation_jobs", "0"),
        ("log_level", "LOUD"),
        ("access_log", "perhaps"),
        ("tls_minimum", "1.1"),
        ("host", "localhost"),
        ("metrics_host", "everywhere"),
        ("trusted_proxies", "10.0.0.0/8,proxy"),
        ("egress_private", "not json"),
        ("issuer", "http://id.example.vn"),
        ("issuer", "https://id.example.vn/"),
        ("issuer", "https://id.example.vn/path"),
        ("issuer", "https://id.example.vn?q=1"),
        ("issuer", "https://user@id.example.vn"),
        ("issuer", "ftp://id.example.vn"),
        ("issuer", "id.example.vn"),
    ],
)
def test_wrong_value_is_refused_with_the_name_of_its_setting(name, value):
    assert _refusal(**{name: value}).name == f"ANTIN_{name.upper()}"


def test_name_that_is_no_setting_is_refused():
    assert _refusal(isuer="https://id.example.vn").name == "ANTIN_ISUER"


def test_a_word_of_the_register_that_is_over_before_it_is_checked_is_refused():
    assert _refusal(mandate_holds_s="3600").name == "ANTIN_MANDATE_HOLDS_S"


def test_certificate_without_its_key_is_refused():
    assert _refusal(tls_certificate="cert.pem").name == "ANTIN_TLS_KEY"


@pytest.mark.parametrize("other", ["port", "work_metrics_port"])
def test_metrics_have_a_port_of_their_own(other):
    assert _refusal(metrics_port="9100", **{other: "9100"}).name == "ANTIN_METRICS_PORT"


def test_variable_wins_over_the_file(tmp_path: Path):
    file = tmp_path / "antin.toml"
    file.write_text('workers = 4\nthreads = 3\ntrusted_proxies = ["10.0.0.0/8"]\n')
    settings = load_settings({"ANTIN_WORKERS": "2"}, file=file)
    assert (settings.workers, settings.threads) == (2, 3)
    assert settings.trusted_proxies == ("10.0.0.0/8",)


@pytest.mark.parametrize("text", ["workers = ", 'no_such = "x"', "workers = true", "workers = []"])
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, text):
    file = tmp_path / "antin.toml"
    file.write_text(text)
    with pytest.raises(SettingsInvalid):
        load_settings({}, file=file)


def test_key_and_passwords_are_not_shown(seeded):
    settings = Settings(kek=seeded.client_secret, database_url=f"x://u:{seeded.client_secret}@h/d")
    assert seeded.client_secret not in repr(settings)
    assert seeded.client_secret not in str(_refusal(kek=seeded.client_secret, port="x"))


def test_every_setting_says_what_it_sets():
    said = said_of_settings()
    assert set(said) == set(Settings.__struct_fields__)
    assert [name for name, text in said.items() if not text] == []


def test_guide_shows_every_setting_with_its_default():
    guide = GUIDE.read_text(encoding="utf-8")
    assert with_table(guide) == guide, "run `python -m tests.support.settings_table`"


def test_keepers_of_keys_are_named_as_the_signers_socket_names_them():
    listen = {"signer_tls_certificate": "/c", "signer_tls_key": "/k", "signer_tls_ca": "/a"}
    address = "tls://signer.example.vn:7000"
    assert _refusal(signer_keepers="work.example.vn").name == "ANTIN_SIGNER_KEEPERS"
    refused = _refusal(signer_keepers="1000", signer_address=address, **listen)
    assert refused.name == "ANTIN_SIGNER_KEEPERS"
    read = load_settings({"ANTIN_SIGNER_KEEPERS": "1000, 1001"})
    assert read.signer_keepers == ("1000", "1001")


@pytest.mark.parametrize("keys", ["zz", "00" * 31, "00" * 33, f"{'00' * 32},x"])
def test_keys_of_a_signers_rows_are_looked_at_before_anything_starts(keys: str) -> None:
    with pytest.raises(SettingsInvalid, match="ANTIN_SIGNER_LOG_KEYS"):
        load_settings({"ANTIN_SIGNER_LOG_KEYS": keys})
