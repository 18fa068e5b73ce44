"""`antin verify` as a clerk types it: what it prints, and with which status it ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import cli
from idp.errors import StorageUnavailable
from idp.report_seal import ReportSeal
from idp.services import Services
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.validation.report.etsi_xml import report_xml
from signing.validation.report.pdf import ReportPages, Words
from tests.support.report_schema import faults_of
from tests.support.sandbox_services import sandbox_services
from tests.support.validation_house import CONTENT

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with sandbox_services(tmp_path_factory.mktemp("verify")) as made:
        yield made


@pytest.fixture(scope="module")
def sealed(services: Services) -> bytes:
    """A report of ours: a PDF that this service signed."""
    seal = services.validation.seal
    assert isinstance(seal, ReportSeal)
    pages = ReportPages((Words("Kết quả kiểm tra"),), foot="", title="Kết quả", language="vi")
    with seal.seal(pages, name="a.pdf", is_sandbox=True, now=services.time()) as blob:
        return blob.read()


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch) -> Run:
    def invoke(*arguments: str | Path, status: int, LANG: str = "vi_VN.UTF-8") -> Result:  # noqa: N803  # its name
        @contextmanager
        def opened(**_: bool) -> Iterator[Services]:
            yield services

        monkeypatch.setattr("idp.cli.verify.open_services", opened)
        environ = {"LANG": LANG, "LC_ALL": "", "LC_MESSAGES": ""}
        result = CliRunner().invoke(cli, ["verify", *map(str, arguments)], env=environ)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def _file(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def test_a_valid_file_is_told_in_words(run, sealed, tmp_path) -> None:
    """TT 15/2025/TT-BKHCN Art. 6: what a reader has to be shown."""
    said = run(_file(tmp_path, "a.pdf", sealed), status=0).output
    assert "a.pdf: ✓ Chữ ký số hợp lệ" in said
    for label in ("Người đã ký", "Đơn vị quản lý", "Tổ chức cấp", "Thời điểm ký", "Tính toàn vẹn"):
        assert label in said
    assert "SANDBOX" in said
    english = run(tmp_path / "a.pdf", status=0, LANG="C.UTF-8").output
    assert "a.pdf: ✓ The digital signature is valid" in english


def test_a_tampered_file_fails_and_details_are_there_for_whoever_asks(run, sealed, tmp_path):
    spoiled = bytearray(sealed)
    spoiled[300] ^= 1
    file = _file(tmp_path, "b.pdf", bytes(spoiled))
    assert "✗ Chữ ký số không hợp lệ" in run(file, status=1).output
    assert "Chứng thư 1" in run(file, "--details", status=1).output


def test_each_kind_of_file_has_its_status(run, sealed, tmp_path, validation_house) -> None:
    """Architecture, "Commands": 0 passed, 1 failed, 2 indeterminate, 3 unreadable input."""
    stranger = _file(tmp_path, "c.pdf", validation_house.pdf(Level.B))
    run(stranger, status=2)
    run(_file(tmp_path, "d.xml", b"<a/>"), status=2)
    run(_file(tmp_path, "e.pdf", b""), status=3)
    run(_file(tmp_path, "f.txt", b"nothing"), status=3)
    run(tmp_path, status=3)
    run(tmp_path / "none.pdf", status=3)
    run(_file(tmp_path, "a.pdf", sealed), stranger, status=2)
    run(tmp_path / "a.pdf", tmp_path / "none.pdf", status=3)


def test_a_signature_beside_its_document(run, tmp_path, validation_house) -> None:
    signature = _file(tmp_path, "q.p7s", validation_house.cms(Level.B))
    document = _file(tmp_path, "quyet-dinh.txt", CONTENT)
    with Blob.of(CONTENT) as blob:
        digest = blob.digest("sha256").hex()
    for beside in (("--detached", document), ("--digest", f"sha256:{digest}")):
        found = json.loads(run(signature, *beside, "--json", status=2).stdout)
        assert found["signatures"][0]["integrity"] == "intact"
    run(signature, "--digest", "sha256:00", status=2)  # wrongly called
    run(signature, "--detached", tmp_path / "none", status=3)


def test_programs_get_reports(run, sealed, tmp_path) -> None:
    file = _file(tmp_path, "a.pdf", sealed)
    assert json.loads(run(file, "--json", status=0).stdout)["answer"] == "valid"
    both = json.loads(run(file, file, "--json", status=0).stdout)
    assert [one["answer"] for one in both] == ["valid", "valid"]


def test_nothing_out_of_a_file_steers_the_terminal(run, tmp_path) -> None:
    said = run(_file(tmp_path, "a\x1b[2J.txt", b"x"), status=3).output
    assert "\x1b" not in said


def test_what_cannot_be_opened_is_said_in_the_language_and_has_its_place(run, tmp_path) -> None:
    """A program can tell which of several files an answer belongs to."""
    assert "thư mục" in run(tmp_path, "--language", "vi", status=3).stderr
    assert "no such file" in run(tmp_path / "none.pdf", status=3, LANG="C.UTF-8").stderr
    file = _file(tmp_path, "d.xml", b"<a/>")
    found = json.loads(run(tmp_path / "none.pdf", file, "--json", status=3).stdout)
    assert [one["answer"] for one in found] == ["unreadable", "unsigned"]
    assert found[0]["document"]["name"] == "none.pdf"
    assert found[0]["reasons"] == [{"code": "not_found", "facts": {}}]


def test_a_report_in_xml_is_signed_and_is_what_its_schema_says(
    run, services, tmp_path, validation_house
) -> None:
    """ETSI TS 119 102-2 Annex A: the signature of a report is the last child of its root."""
    seal = services.validation.seal
    raw = report_xml(validation_house.validate(validation_house.pdf(Level.LT)))
    signed = seal.seal_xml(raw, is_sandbox=True, now=services.time())
    assert signed.startswith(raw.rstrip().removesuffix(b"</vr:ValidationReport>"))
    assert faults_of(signed) == []
    found = json.loads(run(_file(tmp_path, "a.xml", signed), "--json", status=0).stdout)
    assert [one["packaging"] for one in found["signatures"]] == ["enveloped"]
    run(_file(tmp_path, "b.xml", signed.replace(b"total-passed", b"total-failed")), status=1)


def test_a_database_that_is_away_is_no_invalid_signature(monkeypatch, tmp_path) -> None:
    """Architecture, "Commands": 1 says that a signature failed."""

    def away() -> Services:
        raise StorageUnavailable("database")

    monkeypatch.setattr("idp.cli.verify.open_services", away)
    result = CliRunner().invoke(cli, ["verify", str(_file(tmp_path, "a.pdf", b"%PDF-"))])
    assert result.exit_code == 4
    assert "database" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_whoever_stops_reading_is_not_told_that_a_signature_failed(
    services, sealed, tmp_path, monkeypatch, arguments
) -> None:
    """`antin verify FILE | head -1` where the shell looks at each status of a pipe."""
    file = _file(tmp_path, "a.pdf", sealed)
    monkeypatch.setattr("idp.cli.verify.open_services", lambda: nullcontext(services))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        with pytest.raises(SystemExit) as ended:
            cli(["verify", *arguments, str(file)], prog_name="antin")
    assert ended.value.code == 4


def test_a_fault_of_ours_is_no_verdict(services, sealed, tmp_path, monkeypatch, capsys) -> None:
    file = _file(tmp_path, "a.pdf", sealed)
    monkeypatch.setattr("idp.cli.verify.open_services", lambda: nullcontext(None))
    with pytest.raises(SystemExit) as ended:
        cli(["verify", str(file)], prog_name="antin")
    assert ended.value.code == 4
    assert "Traceback" in capsys.readouterr().err
