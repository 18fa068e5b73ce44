"""A reader in other hands reaches nobody, sees no other document, and changes no verdict.

What stands behind the walls is what production has, with each function that checking asks wrapped
by somebody who means harm (`tests/support/taken_over.py`).
Source: architecture, decision 12.
"""

from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool, Walls
from signing.isolation.table import MESSAGES
from signing.isolation.task import READERS_OF_CHECKS, Isolation, for_xml
from signing.model import SignatureFormat
from signing.validation.model import DocumentReport
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_attacks import other_text, victim
from tests.support.taken_over import TELL, TURN, Turned
from tests.support.validation_house import CONTENT, ValidationHouse

_NAME = "quyet-dinh.txt"
_XML = b"<a><b>100</b></a>"
_FORMATS = {
    SignatureFormat.PADES: plain_document().classic(),
    SignatureFormat.XADES_ENVELOPED: _XML,
    SignatureFormat.ASIC_E_XADES: CONTENT,
    SignatureFormat.ASIC_E_CADES: CONTENT,
}


@pytest.fixture(scope="module")
def pool() -> Iterator[IsolationPool]:
    """One process; what turned it once has it for good."""
    modules = (MESSAGES, "tests.support.taken_over")
    walls = Walls(processes=1, seconds=60, start_s=300, wait_s=300, modules=modules)
    with IsolationPool(walls) as pool:
        yield pool


@pytest.fixture
def reader(pool: IsolationPool) -> Isolation:
    """As checking has it."""
    return pool.for_tenant(READERS_OF_CHECKS)


def _of(reader: Isolation, kind: SignatureFormat) -> Isolation:
    """The one of its processes that reads this kind."""
    is_pdf = kind is SignatureFormat.PADES
    return reader if is_pdf else for_xml(reader, READERS_OF_CHECKS)


def _turn(reader: Isolation, orders: Turned, *inputs: bytes) -> None:
    blobs = [Blob.of(one) for one in inputs]
    reader.run(TURN, orders, inputs=blobs)[1].close()
    for one in blobs:
        one.close()


def _came(reader: Isolation) -> tuple[str, ...]:
    told, output = reader.run(TELL, Turned())
    output.close()
    return told.outcomes


def _check(house: ValidationHouse, reader: Isolation, raw: bytes) -> DocumentReport:
    judge = replace(house.validation(), isolation=reader)
    with Blob.of(raw) as document:
        return judge.validate(document, name="a", now=house.signed_at)


def _signed(house: ValidationHouse, kind: SignatureFormat) -> bytes:
    return house.sign(kind, Level.LT, content=_FORMATS[kind])


@pytest.mark.parametrize("kind", _FORMATS)
def test_it_opens_no_connection(
    validation_house: ValidationHouse, reader: Isolation, kind: SignatureFormat
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _turn(_of(reader, kind), Turned(port=listener.getsockname()[1]))
        report = _check(validation_house, reader, _signed(validation_house, kind))
        tried = set(_came(_of(reader, kind)))
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert {"connect: PermissionError"} < tried
    assert not [one for one in tried if one.endswith("done")]
    assert report.conclusion.is_passed


@pytest.mark.parametrize("kind", _FORMATS)
def test_it_reads_no_other_document(
    validation_house: ValidationHouse, reader: Isolation, kind: SignatureFormat, tmp_path: Path
) -> None:
    """Neither on disk, nor in its parent, nor what is left of the job before."""
    other = b"what somebody else had checked"
    file = tmp_path / "document"
    file.write_bytes(other)
    file.chmod(0o666)
    _check(validation_house, reader, b"%PDF-1.7\n" + other)
    _check(validation_house, reader, b"<a>" + other + b"</a>")
    _turn(_of(reader, kind), Turned(path=os.fspath(file), words=other))
    report = _check(validation_house, reader, _signed(validation_house, kind))
    tried = set(_came(_of(reader, kind)))
    assert tried == {
        "open: PermissionError",
        "look into its parent: PermissionError",
        "look into what is open: FileNotFoundError",
    }
    assert report.conclusion.is_passed


@pytest.mark.parametrize("kind", _FORMATS)
def test_it_makes_no_changed_document_whole(
    validation_house: ValidationHouse, reader: Isolation, kind: SignatureFormat
) -> None:
    """It answers every question as for the document that was signed."""
    signed = _packed(_signed(validation_house, kind), kind)
    changed = _changed(signed, kind)
    assert changed != signed
    _turn(_of(reader, kind), Turned(lies=True), changed, signed)
    assert _check(validation_house, reader, signed).conclusion.is_passed
    lied = _check(validation_house, reader, changed).conclusion
    caught = {"signed_data_changed", "contradiction"} & {one.code for one in lied.reasons}
    assert caught, lied
    assert not lied.is_passed


def test_whoever_dies_is_followed_by_another(
    validation_house: ValidationHouse, reader: Isolation
) -> None:
    signed = _signed(validation_house, SignatureFormat.PADES)
    _turn(reader, Turned(dies=True))
    said = _check(validation_house, reader, signed).conclusion
    assert (said.is_indeterminate, [one.code for one in said.reasons]) == (True, ["crashed"])
    assert _check(validation_house, reader, signed).conclusion.is_passed


def test_who_draws_or_reads_xml_never_reads_another_kind(
    validation_house: ValidationHouse, pool: IsolationPool, reader: Isolation
) -> None:
    """Libraries in C do both; taken over, they have nothing to say about any other document."""
    signed = validation_house.pdf(Level.LT, content=victim())
    _check(validation_house, reader, other_text(signed))
    _check(validation_house, reader, _signed(validation_house, SignatureFormat.ASIC_E_XADES))
    assert {child.tenant for child in pool._all} >= {"verify", "pictures:verify", "xml:verify"}


def _changed(signed: bytes, kind: SignatureFormat) -> bytes:
    """What was signed says something else, at the same length."""
    if kind is SignatureFormat.PADES:
        return signed.replace(b"To whom it may", b"To whom it mey", 1)
    if kind is SignatureFormat.XADES_ENVELOPED:
        return signed.replace(b"<b>100</b>", b"<b>900</b>", 1)
    return _packed(signed, kind, content=CONTENT[::-1])


def _packed(signed: bytes, kind: SignatureFormat, *, content: bytes = CONTENT) -> bytes:
    """A container with its document packed: what is stored, the service takes by itself."""
    if kind not in {SignatureFormat.ASIC_E_XADES, SignatureFormat.ASIC_E_CADES}:
        return signed
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(signed)) as old, zipfile.ZipFile(made, "w") as new:
        for one in old.infolist():
            if one.filename == _NAME:
                new.writestr(zipfile.ZipInfo(_NAME), content, zipfile.ZIP_DEFLATED)
            else:
                new.writestr(zipfile.ZipInfo(one.filename), old.read(one))
    return made.getvalue()
