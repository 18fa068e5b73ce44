"""`antin ca` as an operator types it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from idp.cli import cli
from idp.cli.ca import ca
from idp.keyrings import open_keyrings
from idp.services import Services
from keystore.log.record import log_event
from tests.support.invented import Invented, Inventor
from tests.support.pii_alarm import Seeded
from tests.support.provider import Provider


def load_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """The key that an operator holds."""
    key = pkcs12.load_pkcs12(file.read_bytes(), PASSPHRASE.encode()).key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


PASSPHRASE = "mười sáu chữ cái, hay hơn nữa"
Run = Callable[..., Result]


@pytest.fixture
def services(provider: Provider) -> Services:
    """The provider's services, with an authority's settings."""
    settings = msgspec.structs.replace(
        provider.services.settings,
        pki_base_url="http://pki.antin.vn",
        pki_organisation="Cơ quan Chứng thực Thử nghiệm",
        pki_organisation_identifier="GOVVN-H00.99",
        pki_policy_arc="1.3.6.1.4.1.99999.1",
    )
    return replace(provider.services, settings=settings)


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of the group, over other services if a test gives some."""

    def invoke(
        *arguments: object, typed: str = "", status: int = 0, over: Services = services
    ) -> Result:
        @contextmanager
        def opened() -> Iterator[Services]:
            yield over

        monkeypatch.setattr("idp.cli.pki.open_services", opened)
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(ca, words, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def root_file(run: Run, tmp_path: Path, passphrase_file: Path) -> Path:
    """A root and an issuing CA, made by the command."""
    file = tmp_path / "root.p12"
    run(
        *("init", "--root-id", "root-1", "--issuing-id", "issuing-1"),
        *("--root-file", file, "--passphrase-file", passphrase_file),
    )
    return file


@pytest.fixture
def person(provider: Provider) -> Invented:
    return Inventor(provider.services).person()


def _csr(folder: Path, name: str | None = None) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [] if name is None else [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    file = folder / "request.pem"
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return file


def test_the_roots_key_is_in_its_file_and_in_no_row(
    provider: Provider, run: Run, root_file: Path
) -> None:
    assert root_file.stat().st_mode & 0o777 == 0o600
    shown = subprocess.run(
        ["openssl", "pkcs12", "-in", root_file, "-passin", f"pass:{PASSPHRASE}", "-nodes"],
        capture_output=True,
        check=True,
    ).stdout
    assert b"PRIVATE KEY" in shown
    listed = {one["id"]: one for one in json.loads(run("list", "--json").stdout)}
    assert listed["root-1"]["state"] == "offline"
    assert listed["root-1"]["kid"] is None
    assert listed["issuing-1"]["state"] == "issuing"
    private = provider.services.database.engine.url.database
    assert private is not None
    key = load_key(root_file)
    secret = key.private_numbers().private_value.to_bytes(48, "big")
    for file in Path(private).parent.glob("*.db*"):
        assert secret not in file.read_bytes()


def test_a_root_file_is_never_written_over(run: Run, root_file: Path, passphrase_file) -> None:
    before = root_file.read_bytes()
    run(
        *("init", "--root-id", "root-2", "--issuing-id", "issuing-2"),
        *("--root-file", root_file, "--passphrase-file", passphrase_file),
        status=1,
    )
    assert root_file.read_bytes() == before
    assert len(json.loads(run("list", "--json").stdout)) == 2


@pytest.mark.parametrize(
    ("root_id", "issuing_id"), [("root-2", "issuing-1"), ("root-2", "NO"), ("both", "both")]
)
def test_both_names_are_looked_at_before_a_root_is_made(
    run: Run, root_file: Path, passphrase_file: Path, tmp_path: Path, root_id: str, issuing_id: str
) -> None:
    file = tmp_path / "second.p12"
    run(
        *("init", "--root-id", root_id, "--issuing-id", issuing_id),
        *("--root-file", file, "--passphrase-file", passphrase_file),
        status=2 if root_id == issuing_id else 1,
    )
    assert not file.exists()
    assert len(json.loads(run("list", "--json").stdout)) == 2


def test_a_root_without_its_issuing_authority_says_how_to_go_on(
    services: Services, run: Run, passphrase_file: Path, tmp_path: Path
) -> None:
    """The module is away: the root is safe, and a second `init` would make another."""
    settings = msgspec.structs.replace(
        services.settings,
        keys_pkcs11_module=tmp_path / "away.so",
        keys_pkcs11_token="away",
        keys_pkcs11_pin="0000",
    )
    keyrings = open_keyrings(
        settings, database=services.database, sealer=services.sealer, log=services.log
    )
    file = tmp_path / "root.p12"
    with_root = ("--root-file", file, "--passphrase-file", passphrase_file)
    refused = run(
        *("init", "--root-id", "root-1", "--issuing-id", "issuing-1", *with_root),
        status=1,
        over=replace(services, settings=settings, keyrings=keyrings),
    )
    advice = f"antin ca add-issuing issuing-1 --root root-1 --root-file {file}"
    assert advice in refused.output
    run("add-issuing", "issuing-1", "--root", "root-1", *with_root)
    assert len(json.loads(run("list", "--json").stdout)) == 2


def test_a_short_passphrase_and_one_that_others_read_are_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "root.p12"
    run("init", "--root-file", file, typed="kurz\nkurz\n", status=1)
    open_to_all = tmp_path / "passphrase"
    open_to_all.write_text(PASSPHRASE)
    open_to_all.chmod(0o644)
    run("init", "--root-file", file, "--passphrase-file", open_to_all, status=1)
    assert not file.exists()
    assert json.loads(run("list", "--json").stdout) == []


def test_what_is_issued_stands_up_to_openssl(
    provider: Provider, run: Run, root_file: Path, tmp_path: Path, person: Invented
) -> None:
    out = tmp_path / "certificate.pem"
    run("issue", person.account_id, "--csr", _csr(tmp_path), "--out", out)
    for ca_id in ("root-1", "issuing-1"):
        (tmp_path / f"{ca_id}.pem").write_text(run("show", ca_id, "--pem").stdout)
    at = str(int(provider.services.time().timestamp()) + 60)
    verified = subprocess.run(
        [
            *(
                "openssl",
                "verify",
                "-x509_strict",
                "-attime",
                at,
                "-CAfile",
                tmp_path / "root-1.pem",
            ),
            *("-untrusted", tmp_path / "issuing-1.pem", out),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    certificate = x509.load_pem_x509_certificate(out.read_bytes())
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == person.name


def test_a_request_in_another_name_is_refused(
    run: Run, root_file: Path, tmp_path: Path, person: Invented
) -> None:
    csr = _csr(tmp_path, name="Người Khác")
    refused = run("issue", person.account_id, "--csr", csr, status=1)
    assert "csr_refused" in refused.output
    assert "Người Khác" not in refused.output
    assert run("certificates", "--account", person.account_id).stdout == ""


def test_whatever_a_request_holds_the_answer_is_one_line_without_it(
    run: Run, root_file: Path, tmp_path: Path, person: Invented, seeded: Seeded
) -> None:
    """RFC 2986 §4.2: taken or refused, and neither a trace, a path nor what stood in it comes out.

    Requests come from files alone: no address of the web takes one.
    """
    run("list")
    whole = _csr(tmp_path, name=seeded.name).read_bytes()
    good = _csr(tmp_path, name=person.name).read_bytes()
    file = tmp_path / "request.pem"
    said = (seeded.name, seeded.citizen_number, str(tmp_path), "Traceback", "request.pem")

    @given(
        raw=st.one_of(
            st.binary(max_size=300),
            st.sampled_from([whole, seeded.citizen_number.encode(), whole * 50]),
            st.builds(
                lambda at, changed, dropped: good[:at] + changed + good[at + dropped :],
                st.integers(0, len(good) - 1),
                st.binary(max_size=4),
                st.integers(0, 4),
            ),
        )
    )
    def ask(raw: bytes) -> None:
        file.write_bytes(raw)
        result = CliRunner().invoke(ca, ["issue", str(person.account_id), "--csr", str(file)])
        assert result.exit_code in {0, 1}, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert not any(one in result.output for one in said)
        if result.exit_code:
            assert result.output.startswith("Error: csr_refused (")
            assert result.output.count("\n") == 1

    ask()


def test_the_life_of_a_certificate(
    provider: Provider, run: Run, root_file: Path, tmp_path: Path, person: Invented
) -> None:
    run("issue", person.account_id, "--csr", _csr(tmp_path), "--operator", "lan")
    (listed,) = json.loads(run("certificates", "--account", person.account_id, "--json").stdout)
    serial = listed["serial"]
    assert (listed["state"], listed["profile"]) == ("good", "citizen")
    asked = run("suspend", serial, typed="n\n", status=1)
    assert "signs from now on is not accepted" in asked.output
    run("suspend", serial, typed="y\n")
    run("renew", serial, "--csr", _csr(tmp_path), status=1)
    run("lift", serial)
    renewed = run("renew", serial, "--csr", _csr(tmp_path))
    assert "BEGIN CERTIFICATE" in renewed.stdout
    run("revoke", serial, "--reason", "superseded", typed="y\n")
    again = run("revoke", serial, "--reason", "superseded", "--yes", status=1)
    assert "revoked" in again.output
    shown = json.loads(run("certificate", serial, "--json").stdout)
    assert (shown["state"], shown["reason"]) == ("revoked", "superseded")
    assert person.name not in json.dumps(shown, ensure_ascii=False)
    assert "BEGIN CERTIFICATE" in run("certificate", serial, "--pem").stdout
    assert serial in run("certificates").stdout
    assert "revoked" in run("certificate", serial).stdout
    run("certificate", "abc", status=1)
    run("certificate", "not hexadecimal", status=2)
    with provider.services.database.read() as connection:
        facts = connection.execute(log_event.select()).mappings().all()
    issued = [row for row in facts if row["type"] == "pki:certificate:issued"]
    assert any('"operator":"lan"' in row["facts"] for row in issued)


def test_services_get_their_certificates(run: Run, root_file: Path) -> None:
    lines = run("renew-services").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["timestamp", "ocsp"]
    assert run("renew-services").stdout == ""


def test_a_new_issuing_authority_and_the_end_of_the_old_one(
    run: Run, root_file: Path, passphrase_file: Path
) -> None:
    with_root = ("--root-file", root_file, "--passphrase-file", passphrase_file)
    run("add-issuing", "issuing-2", *with_root, "--shards", 4)
    wrong = passphrase_file.with_name("wrong")
    wrong.write_text("another passphrase altogether")
    os.chmod(wrong, 0o600)  # noqa: PTH101 - as above, for one line
    run("add-issuing", "issuing-3", "--root-file", root_file, "--passphrase-file", wrong, status=1)
    run("retire", "issuing-1", "--yes")
    run("retire", "issuing-1", "--yes", status=1)
    asked = run("retire", "issuing-2", typed="n\n", status=1)
    assert "enrolment and renewal stop" in asked.output
    assert "retired" in run("list").stdout
    (old,) = [
        one
        for one in json.loads(run("certificates", "--ca", "root-1", "--json").stdout)
        if one["profile"] == "issuing" and one["kid"] == _kid(run, "issuing-1")
    ]
    warned = run("revoke", old["serial"], "--reason", "keyCompromise", typed="y\n")
    assert "root-crl" in warned.output
    assert "1 entries" in run("root-crl", *with_root).stdout


def _kid(run: Run, ca_id: str) -> str:
    return str(json.loads(run("show", ca_id, "--json").stdout)["kid"])


def test_a_licensed_authority_certifies_what_was_asked_for(
    provider: Provider, run: Run, root_file: Path, tmp_path: Path, person: Invented
) -> None:
    foreign = _Foreign(provider.services.time())
    chain = tmp_path / "foreign.pem"
    chain.write_bytes(foreign.certificate.public_bytes(Encoding.PEM))
    shown = run("add-external", "licensed", chain, typed="y\n").output
    assert foreign.certificate.fingerprint(hashes.SHA256()).hex() in shown
    csr = _csr(tmp_path, name=person.name)
    asked = run("request", person.account_id, "--ca", "licensed", "--csr", csr)
    enrolment_id = asked.stderr.strip()
    assert enrolment_id in run("waiting", "--ca", "licensed").stdout
    answer = tmp_path / "answer.pem"
    answer.write_bytes(foreign.answer(asked.stdout.encode()).public_bytes(Encoding.PEM))
    taken = run("import-issued", enrolment_id, answer, "--ca", "licensed")
    assert taken.stdout.encode() == answer.read_bytes()
    run("import-issued", enrolment_id, answer, "--ca", "licensed", status=1)
    assert run("waiting", "--ca", "licensed").stdout == ""
    (listed,) = json.loads(run("certificates", "--ca", "licensed", "--json").stdout)
    assert listed["account"] == person.account_id
    for change in (("suspend",), ("revoke", "--reason", "superseded")):
        asked = run(*change, listed["serial"], "--ca", "licensed", "--yes", status=1)
        assert "licensed is not an authority of ours" in asked.output
    (after,) = json.loads(run("certificates", "--ca", "licensed", "--json").stdout)
    assert after["state"] == "good"


class _Foreign:
    """Somebody else's authority."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Licensed CA")])
        self.certificate = (
            self._start(self.name, self.key.public_key(), days=3_000)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def answer(self, csr: bytes) -> x509.Certificate:
        request = x509.load_pem_x509_csr(csr)
        return self._start(request.subject, request.public_key(), days=300).sign(
            self.key, hashes.SHA256()
        )

    def _start(self, subject: x509.Name, key: object, *, days: int) -> x509.CertificateBuilder:
        start = self.now.replace(microsecond=0) - timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
        )


def test_a_deployment_without_an_authority_says_which_setting(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Services]:
        yield replace(provider.services, is_sandbox=False)

    monkeypatch.setattr("idp.cli.pki.open_services", opened)
    result = CliRunner().invoke(ca, ["list"])
    assert "ANTIN_PKI_ORGANISATION" in str(result.exception)


def test_the_group_is_found_by_its_name() -> None:
    answer = CliRunner().invoke(cli, ["ca", "--help"])
    assert answer.exit_code == 0
    for word in ("init", "issue", "revoke", "import-issued", "retire"):
        assert word in answer.output


def test_the_public_half_is_what_the_request_had(
    run: Run, root_file: Path, tmp_path: Path, person: Invented
) -> None:
    csr = x509.load_pem_x509_csr(_csr(tmp_path).read_bytes())
    pem = run("issue", person.account_id, "--csr", tmp_path / "request.pem").stdout
    certificate = x509.load_pem_x509_certificate(pem.encode())
    encoding = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    given, wanted = certificate.public_key(), csr.public_key()
    assert given.public_bytes(*encoding) == wanted.public_bytes(*encoding)
