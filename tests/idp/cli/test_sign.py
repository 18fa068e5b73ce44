"""`antin sign` as an operator types it; what it makes is judged by programs of others."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from sqlalchemy import select

from idp.cli import cli
from idp.cli.sign import _FORMATS
from idp.cli.sign_text import SENTENCES, say
from idp.clock import utc_now
from idp.sandbox.trust import make_authority
from idp.services import Services, build_services
from idp.settings_loading import load_settings
from keystore.log.events import EventType
from keystore.log.record import log_event
from keystore.pki.model import CaKind
from keystore.pki.storage.certificates import find_of_profile
from keystore.purposes import DOCUMENTS
from signing.errors import DocumentRefused, ParsingFailed, WallsMissing
from signing.intake import REASONS
from signing.messages.appearance import AppearanceRefusal
from signing.model import SignatureFormat
from tests.support.cms_opinions import openssl_verifies
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_checkers import Checkers, embedded
from tests.support.prepared import prepare_database
from tests.support.serving import KEK
from tests.support.xml_checkers import Signed, xmlsec_accepts

Run = Callable[..., Result]
XML = '<?xml version="1.0"?><don><noi-dung>Đề nghị</noi-dung></don>'.encode()


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator's desk in a sandbox."""

    services: Services
    root: bytes

    def key(self) -> str:
        """The key that signs documents now."""
        pki = self.services.trust.pki
        assert pki is not None
        return pki.document_certificates.find(utc_now()).key.kid

    def certificate(self) -> bytes:
        with self.services.database.read() as connection:
            (found,) = find_of_profile(connection, "service", now=utc_now())
        assert found.der is not None
        return found.der


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    url = f"sqlite:///{folder / 'antin.db'}"
    prepare_database(url, is_sandbox=True)
    given = {
        "ANTIN_ISSUER": "http://localhost:8000",
        "ANTIN_VAR": str(folder),
        "ANTIN_DATABASE_URL": url,
        "ANTIN_KEK": KEK,
        "ANTIN_TSA_ENABLED": "true",
        "ANTIN_ISOLATION_PROCESSES": "1",
    }
    first = build_services(load_settings(given), is_sandbox=True)
    make_authority(first, now=first.time())
    first.close()
    services = build_services(load_settings(given), is_sandbox=True)
    try:
        assert services.trust.pki is not None
        (root,) = (
            one.certificate
            for one in services.trust.pki.authorities.records()
            if one.kind is CaKind.ROOT
        )
        pem = x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM)
        yield Desk(services, pem)
    finally:
        services.close()


@pytest.fixture
def run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Run:
    def invoke(*arguments: str | Path, status: int = 0, services: Services | None = None) -> Result:
        @contextmanager
        def opened(**_: bool) -> Iterator[Services]:
            yield services or desk.services

        monkeypatch.setattr("idp.cli.sign.open_services", opened)
        given = ["sign", *map(str, arguments), "--operator", "thu-nghiem"]
        result = CliRunner().invoke(cli, given)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def facts_of(result: Result) -> dict[str, Any]:
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def form(tmp_path: Path) -> Path:
    file = tmp_path / "don.pdf"
    file.write_bytes(plain_document().classic())
    return file


@pytest.mark.parametrize(("level", "is_shown"), [("B", False), ("LT", True), ("LTA", True)])
def test_a_pdf_that_pdfsig_calls_valid(desk, run, form, tmp_path, level, is_shown) -> None:
    output = tmp_path / "ky.pdf"
    shown = ["--appearance", "general", "--reason", "Ban hành"] if is_shown else []
    facts = facts_of(run(form, "--output", output, "--level", level, *shown, "--json"))
    signed = output.read_bytes()
    assert signed.startswith(form.read_bytes())
    assert (facts["format"], facts["level"], facts["kid"]) == ("pades", f"B-{level}", desk.key())
    assert facts["size"] == len(signed)
    assert len(embedded(signed)) == (2 if level == "LTA" else 1)
    root = tmp_path / "root.pem"
    root.write_bytes(desk.root)
    checkers = Checkers(tmp_path, root, utc_now())
    said = checkers.pdfsig(output)
    assert said[0] == "Signature is Valid."
    assert checkers.openssl_cms(embedded(signed)[0]).endswith("successful")
    assert checkers.complaints(output) == []


def test_a_field_that_waits_in_the_form_is_the_one_that_is_filled(run, form, tmp_path) -> None:
    with form.open("r+b") as file:
        writer = IncrementalPdfFileWriter(file)
        append_signature_field(writer, SigFieldSpec("ky", on_page=0, box=(60, 60, 300, 150)))
        writer.write_in_place()
    output = tmp_path / "ky.pdf"
    run(form, "-o", output, "--level", "B", "--appearance", '{"kind": "general", "field": "ky"}')
    names = [
        one.field_name for one in PdfFileReader(io.BytesIO(output.read_bytes())).embedded_signatures
    ]
    assert names == ["ky"]


def test_a_signature_beside_a_file_that_openssl_accepts(desk, run, tmp_path) -> None:
    file, output = tmp_path / "tep.bin", tmp_path / "tep.bin.p7s"
    file.write_bytes(bytes(range(256)))
    said = run(file, "-o", output, "--level", "T").output
    assert said.startswith(f"{output}: cades-detached B-T, ")
    opinion = openssl_verifies(
        output.read_bytes(),
        root=desk.root,
        folder=tmp_path,
        content=file.read_bytes(),
        at=utc_now(),
    )
    assert opinion.is_valid, opinion.said


def test_a_signature_in_xml_that_xmlsec_accepts(desk, run, tmp_path) -> None:
    file, output = tmp_path / "don.xml", tmp_path / "ky.xml"
    file.write_bytes(XML)
    assert facts_of(run(file, "-o", output, "--json"))["format"] == "xades-enveloped"
    assert xmlsec_accepts(Signed("ky.xml", output.read_bytes(), desk.certificate()))


def test_a_container_is_made_when_asked_for(run, form, tmp_path) -> None:
    output = tmp_path / "ky.asice"
    run(form, "-o", output, "--format", "asic-e-cades", "--level", "B")
    assert output.read_bytes().startswith(b"PK")


def test_the_act_is_in_the_log_with_who_did_it(desk, run, form, tmp_path) -> None:
    facts = facts_of(run(form, "-o", tmp_path / "ky.pdf", "--level", "B", "--json"))
    with desk.services.database.read() as connection:
        rows = connection.execute(
            select(log_event.c.facts).where(log_event.c.type == EventType.SERVICE_SIGNED)
        ).scalars()
        newest = [json.loads(one) for one in rows][-1]
    assert newest["sha256"] == facts["sha256"]
    assert newest["kid"] == desk.key()
    assert newest["operator"] == "thu-nghiem"


def test_nothing_is_written_over(run, form, tmp_path) -> None:
    output = tmp_path / "ky.pdf"
    output.write_bytes(b"mine")
    assert "there already" in run(form, "-o", output, status=1).output
    assert "there already" in run(form, "-o", form, status=1).output
    assert output.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "content", "more", "status", "code"),
    [
        ("don.pdf", b"GIF89a", [], 3, "not_a_pdf"),
        ("don.pdf", b"%PDF-1.7\n", [], 3, ""),
        ("don.xml", b"<a", [], 3, "not_xml"),
        ("tep", b"", [], 1, "document_size"),
        ("tep", b"x", ["--format", "pades"], 1, "format_unfit"),
        ("tep", b"x", ["--level", "LTA"], 1, "level_unfit"),
        ("tep", b"x", ["--appearance", "general"], 1, "appearance"),
        ("tep", b"x", ["--key", "nobody"], 1, "certificate_missing"),
    ],
)
def test_what_cannot_be_signed_has_a_code_and_a_status(
    run, tmp_path, name, content, more, status, code
) -> None:
    file, output = tmp_path / name, tmp_path / "out"
    file.write_bytes(content)
    said = run(file, "-o", output, *more, status=status).output
    assert code in said
    assert not output.exists()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("person", "appearance"),
        ('{"kind": "general", "page": 7}', "no_such_page"),
        ('{"kind": "general", "box": [0, 0, 9000, 90]}', "appearance_off_page"),
        ('{"kind": "person", "box": [50, 50, 200, 120]}', "image_missing"),
        ("[", "appearance"),
    ],
)
def test_an_appearance_that_cannot_be_is_said_so(run, form, tmp_path, wanted, code) -> None:
    if wanted == "[":
        (tmp_path / "wanted.json").write_text(wanted, encoding="utf-8")
        wanted = str(tmp_path / "wanted.json")
    output = tmp_path / "ky.pdf"
    said = run(form, "-o", output, "--appearance", wanted, status=1).output
    assert f"{code}: {SENTENCES[code]}" in said
    assert not output.exists()


def test_an_image_that_is_no_png_is_said_so(run, form, tmp_path) -> None:
    wanted = '{"kind": "person", "box": [50, 50, 200, 120]}'
    said = run(form, "-o", tmp_path / "x", "--appearance", wanted, "--image", form, status=1)
    assert "image_not_png" in said.output


def test_a_folder_that_is_not_there_is_said_so(run, form, tmp_path) -> None:
    output = tmp_path / "nowhere" / "ky.pdf"
    assert "No such file" in run(form, "-o", output, "--level", "B", status=1).output


def test_a_file_that_is_not_there_is_said_so(run, tmp_path) -> None:
    assert "No such file" in run(tmp_path / "x", "-o", tmp_path / "y", status=3).output


def test_without_a_timestamp_nothing_is_signed(desk, run, form, tmp_path) -> None:
    signing = desk.services.signing
    assert signing is not None
    away = replace(signing, parties=replace(signing.parties, timestamps=None))
    services = replace(desk.services, signing=away)
    said = run(form, "-o", tmp_path / "x", "--level", "T", status=2, services=services).output
    assert "timestamp_unavailable" in said
    assert not (tmp_path / "x").exists()


def test_production_wants_the_key_to_be_named(desk, run, form, tmp_path) -> None:
    services = replace(desk.services, is_sandbox=False)
    output = tmp_path / "ky.pdf"
    assert "--key" in run(form, "-o", output, status=2, services=services).output
    run(form, "-o", output, "--level", "B", "--key", desk.key(), services=services)
    assert output.exists()


def test_every_reason_has_a_sentence() -> None:
    assert REASONS | set(AppearanceRefusal) <= set(SENTENCES)
    assert all(sentence.endswith((".", "again.")) for sentence in SENTENCES.values())


def test_every_format_can_be_named() -> None:
    assert set(_FORMATS) == set(SignatureFormat)


def test_statuses_tell_later_from_never() -> None:
    assert say(ParsingFailed("busy"))[0] == 2
    assert say(ParsingFailed("crashed")) == (3, "crashed: It was not signed.")
    assert say(DocumentRefused("javascript"))[0] == 1
    assert say(WallsMissing("no_filter")) == (1, f"walls_missing: {SENTENCES['walls_missing']}")


def test_the_purpose_of_the_key_is_documents_alone(desk, now) -> None:
    assert DOCUMENTS.may_sign == {"document:signature"}
    assert DOCUMENTS.rotate_after == timedelta(days=365)
