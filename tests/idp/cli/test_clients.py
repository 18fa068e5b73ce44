"""`antin clients` as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from clients.registry import Registry, is_live_secret
from idp.cli.clients import clients
from idp.storage.database import Database
from keystore.kek import load_kek
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

Run = Callable[..., Result]

_FILE = """
[[clients]]
client_id = "portal"
name_vi = "Cổng"
name_en = "Portal"
redirect_uris = ["https://portal.example/"]
pkce = "if_sent"
scopes = ["openid", "identity"]
source_allow_list = ["192.0.2.0/24"]

[[clients.purposes]]
scope = "identity"
purpose_vi = "Xác định người nộp hồ sơ"
purpose_en = "To identify the applicant"
retention_vi = "05 năm"
retention_en = "5 years"

[[statutory_bases]]
client_id = "portal"
scope = "identity"
procedure = "1.000001.000.00.00.H99"
legal_ref = "Điều 5 Luật Thử nghiệm"
valid_from = 2026-01-01
"""


@pytest.fixture
def registry(database: Database) -> Registry:
    return Registry(database)


@pytest.fixture
def run(
    database: Database, registry: Registry, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> Run:
    """Run a command over the database of the test, at the time of the test."""
    sealer = Sealer.open(database, kek=load_kek(file=None, value="A" * 43), now=now)
    services = SimpleNamespace(
        database=database,
        registry=registry,
        log=LogWriter(sealer, writer_id="test"),
        is_sandbox=False,
        time=lambda: now,
    )

    @contextmanager
    def opened() -> Iterator[SimpleNamespace]:
        yield services

    monkeypatch.setattr("idp.cli.clients.open_services", opened)
    monkeypatch.setenv("ANTIN_OPERATOR", "first")

    def invoke(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(clients, arguments)
        assert result.exit_code == status, result.output
        return result

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An import file."""
    path = tmp_path / "portal.toml"
    path.write_text(_FILE, encoding="utf-8")
    return path


def _secret_in(result: Result) -> str:
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("client_secret: ")]
    return line.removeprefix("client_secret: ")


def test_a_client_is_added_and_its_secret_is_shown_once(
    run: Run, registry: Registry, now: datetime
) -> None:
    options = ("--name-vi", "Cổng", "--name-en", "Portal", "--scope", "openid")
    added = run("add", "portal", *options, "--redirect-uri", "https://portal.example/")
    secret = _secret_in(added)
    client = registry.find_client("portal", now=now)
    assert client is not None
    assert is_live_secret(secret, known=client.secrets, now=now)
    assert "no_backchannel_logout" in added.stderr
    for shown in (run("list"), run("show", "portal"), run("show", "portal", "--json")):
        assert secret not in shown.output
        assert client.secrets[0].digest.hex() not in shown.output
    again = run("add", "portal", *options, "--redirect-uri", "https://x.example/", status=1)
    assert "registered already" in again.stderr


def test_a_client_with_everything_is_added(
    run: Run, registry: Registry, tmp_path: Path, now: datetime
) -> None:
    jwks = tmp_path / "jwks.json"
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    jwks.write_text(json.dumps({"keys": [key]}))
    result = run(
        *("add", "strong", "--name-vi", "A", "--name-en", "A", "--profile", "fapi2"),
        *("--redirect-uri", "https://a.example/", "--jwks", str(jwks), "--required-level", "2"),
        *("--end-date", "2030-01-01", "--source", "192.0.2.1", "--grant", "authorization_code"),
    )
    assert "client_secret" not in result.output
    client = registry.find_client("strong", now=now)
    assert client is not None
    assert str(client.end_date) == "2030-01-01"
    assert client.required_level == 2


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--redirect-uri", "http://portal.example/"), "redirect_uris[1]"),
        (("--redirect-uri", "https://a.example/", "--profile", "legacy"), "claims"),
        (("--redirect-uri", "https://a.example/", "--sector", "unknown"), "sector_id"),
    ],
)
def test_a_refusal_is_one_line_with_the_field(
    run: Run, arguments: tuple[str, ...], field: str
) -> None:
    refused = run("add", "portal", "--name-vi", "A", "--name-en", "A", *arguments, status=1)
    assert refused.stderr.startswith("Error: ")
    assert field in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_file_is_imported_and_a_second_time_changes_nothing(run: Run, file: Path) -> None:
    first = run("import", str(file))
    assert "added: clients portal" in first.stdout
    assert "pkce_if_sent" in first.stderr
    assert _secret_in(first)
    second = run("import", str(file))
    assert "unchanged: clients portal" in second.stdout
    assert "client_secret" not in second.output


def test_an_error_in_a_file_says_where_it_is(run: Run, file: Path) -> None:
    file.write_text(_FILE.replace("if_sent", "sometimes"), encoding="utf-8")
    refused = run("import", str(file), status=1)
    assert f"{file}: [[clients]] no. 1: pkce: " in refused.stderr


def test_the_list_shows_what_each_client_leaves_open(run: Run, file: Path) -> None:
    run("import", str(file))
    table = run("list").stdout.splitlines()
    assert table[0].split()[0] == "client"
    assert table[1].split()[:4] == ["portal", "standard", "client_secret_basic", "active"]
    assert "pkce_if_sent" in table[1]
    (listed,) = json.loads(run("list", "--json").stdout)
    assert listed["client_id"] == "portal"
    assert "identity_without_allow_list" in listed["weaknesses"]
    assert listed["source_allow_list"] == ["192.0.2.0/24"]


def test_showing_a_client_shows_its_purposes_weaknesses_and_bases(run: Run, file: Path) -> None:
    run("import", str(file))
    text = run("show", "portal").stdout
    assert "Xác định người nộp hồ sơ" in text
    assert "identity_without_allow_list: " in text
    assert "not in force, not approved" in text
    assert run("show", "unknown", status=1).stderr == "Error: there is no client unknown\n"


def test_a_client_is_disabled_and_enabled(run: Run, file: Path, registry: Registry) -> None:
    run("import", str(file))
    assert run("disable", "portal").stdout == "portal is disabled\n"
    assert run("disable", "portal").stdout == "portal was disabled already\n"
    assert "disabled" in run("list").stdout
    assert run("enable", "portal").stdout == "portal is active\n"
    assert run("enable", "portal").stdout == "portal was active already\n"


def test_a_leaked_secret_is_replaced_at_once(
    run: Run, file: Path, registry: Registry, now: datetime
) -> None:
    leaked = _secret_in(run("import", str(file)))
    new = _secret_in(run("rotate-secret", "portal", "--overlap-hours", "0"))
    client = registry.find_client("portal", now=now)
    assert client is not None
    assert not is_live_secret(leaked, known=client.secrets, now=now)
    assert is_live_secret(new, known=client.secrets, now=now)


def test_a_basis_needs_another_operator(run: Run, file: Path, registry: Registry) -> None:
    run("import", str(file))
    (basis,) = registry.list_bases_of("portal")
    assert "did not request it" in run("approve-basis", basis.basis_id, status=1).stderr
    approved = run("approve-basis", basis.basis_id, "--operator", "second")
    assert "Điều 5 Luật Thử nghiệm" in approved.stdout
    assert "in force, approved by second" in run("show", "portal").stdout
    run("end-basis", basis.basis_id)
    assert "not in force, approved by second" in run("show", "portal").stdout


@pytest.mark.parametrize("operator", ["a b", "5", "Nguyễn", "x" * 65])
def test_an_operator_has_a_login_name(run: Run, operator: str) -> None:
    run("disable", "portal", "--operator", operator, status=2)
