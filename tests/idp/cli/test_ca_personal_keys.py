"""`antin ca … --personal-key`: the certificate says what the key was made for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.accounts.model import Account
from idp.cli.ca import ca
from idp.services import Services
from idp.storage.database import Database
from tests.support.certified_signer import add_citizen, open_authority, open_bench
from tests.support.signer import Bench, store

Run = Callable[..., Result]


@pytest.fixture
def services(database: Database, tmp_path: Path, now: datetime) -> Iterator[Services]:
    with open_authority(database, tmp_path, now=now) as made:
        yield made


@pytest.fixture
def account(services: Services, now: datetime) -> Account:
    return add_citizen(services, now=now)


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Iterator[Bench]:
    with open_bench(database, tmp_path) as made:
        yield made


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of the group."""

    def invoke(*arguments: str, command: str = "issue", status: int = 0) -> Result:
        @contextmanager
        def opened() -> Iterator[Services]:
            yield services

        monkeypatch.setattr("idp.cli.pki.open_services", opened)
        result = CliRunner().invoke(ca, [command, *arguments, "--operator", "anh"])
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def _policies(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    return [one.policy_identifier.dotted_string for one in found]


@pytest.mark.parametrize("algorithm", ["ES256", "PS256-3072"])
def test_the_certificate_is_for_the_key_the_account_and_the_level_of_the_row(
    services: Services, run: Run, bench: Bench, account: Account, now: datetime, algorithm: str
) -> None:
    by_passkey = bench.enrol(now=now, account_id=account.account_id, algorithm=algorithm).key
    by_statement = bench.enrol_for_statements(now=now, account_id=account.account_id)
    policies = []
    for key in (by_passkey, by_statement):
        issued = x509.load_pem_x509_certificate(run("--personal-key", key.key_id).stdout.encode())
        spki = issued.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert spki == key.public_spki
        policies.append(set(_policies(issued)))
    (two,), (one,) = policies[0] - policies[1], policies[1] - policies[0]
    assert (two[-2:], one[-2:]) == (".2", ".1"), "sole control, as the key is activated"
    assert services.trust.pki is not None
    records = services.trust.pki.certificates.of_account(account.account_id)
    assert {one.kid for one in records} == {by_passkey.key_id, by_statement.key_id}


def test_what_the_caller_says_of_such_a_key_is_refused(
    run: Run, bench: Bench, account: Account, now: datetime
) -> None:
    key_id = bench.enrol(now=now, account_id=account.account_id).key.key_id
    assert "name no ACCOUNT" in run(account.account_id, "--personal-key", key_id, status=2).output
    assert "one of" in run(account.account_id, status=2).output
    assert "personal_key_unknown" in run("--personal-key", "pkey_0", status=1).output


def test_a_row_that_somebody_changed_is_not_certified(
    run: Run, bench: Bench, account: Account, now: datetime
) -> None:
    """EN 419 241-1: nobody but the signer says how a key is activated."""
    key = bench.enrol_for_statements(now=now, account_id=account.account_id)
    store(bench.database, key.key_id, scal=2)
    assert "key_record_changed" in run("--personal-key", key.key_id, status=1).output
    other = bench.enrol(now=now).key
    store(bench.database, other.key_id, account_id=account.account_id)
    assert "key_record_changed" in run("--personal-key", other.key_id, status=1).output


def test_a_key_that_rests_or_is_dead_is_not_certified(
    run: Run, bench: Bench, account: Account, now: datetime
) -> None:
    key_id = bench.enrol(now=now, account_id=account.account_id).key.key_id
    bench.desk.suspend(key_id, reason="lost_phone", now=now)
    assert "suspended" in run("--personal-key", key_id, status=1).output
    bench.desk.destroy(key_id, reason="lost_phone", now=now)
    assert "destroyed" in run("--personal-key", key_id, status=1).output


def test_a_certificate_is_renewed_for_a_key_of_the_signer(
    services: Services, run: Run, bench: Bench, account: Account, now: datetime
) -> None:
    old, new = (bench.enrol(now=now, account_id=account.account_id).key for _ in range(2))
    first = x509.load_pem_x509_certificate(run("--personal-key", old.key_id).stdout.encode())
    serial = f"{first.serial_number:x}"
    shown = run(serial, "--personal-key", new.key_id, command="renew").stdout
    issued = x509.load_pem_x509_certificate(shown.encode())
    spki = issued.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki == new.public_spki
    assert services.trust.pki is not None
    record = services.trust.pki.certificates.get(issued.serial_number)
    assert (record.kid, record.replaces) == (new.key_id, first.serial_number)
    assert "one of" in run(serial, command="renew", status=2).output


def test_a_certificate_is_not_renewed_for_somebody_elses_key(
    run: Run, bench: Bench, account: Account, now: datetime
) -> None:
    mine = bench.enrol(now=now, account_id=account.account_id).key
    theirs = bench.enrol(now=now, account_id="acc_2").key
    first = x509.load_pem_x509_certificate(run("--personal-key", mine.key_id).stdout.encode())
    serial = f"{first.serial_number:x}"
    refused = run(serial, "--personal-key", theirs.key_id, command="renew", status=1)
    assert "key_record_changed (key_record_changed: account)" in refused.output
