"""A report in each of its forms says the same, and survives being kept."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pypdfium2
import pytest

from signing.formats.material import Level
from signing.messages.report_pages import DrawReport, Pair, Tone, Words
from signing.parsing.report_pages import draw_report as drawn
from signing.validation.found import TimestampKind
from signing.validation.kept import pack, unpack
from signing.validation.model import DocumentReport, RevocationState
from signing.validation.report.etsi_xml import report_xml
from signing.validation.report.json import report_json
from signing.validation.report.pdf import draw_report
from signing.validation.report.summary import Answer, answer_of, exit_status, proved_time
from signing.validation.report.writable import writable
from signing.validation.verdict import Conclusion, Indication, because
from tests.support.isolation import WithoutWalls
from tests.support.report_schema import faults_of
from tests.support.validation_house import CONTENT

read = ET.fromstring  # of our own making
_VR = "{http://uri.etsi.org/19102/v1.2.1#}"


@pytest.fixture(scope="module")
def report(validation_house) -> DocumentReport:
    found = validation_house.validate(validation_house.pdf(Level.LT))
    assert isinstance(found, DocumentReport)
    return found


def test_json_says_what_the_report_says(report) -> None:
    """RFC 8259: numbers that programs cannot hold are texts."""
    found = json.loads(report_json(report))
    assert found["indication"] == report.conclusion.indication
    assert found["document"]["sha256"] == report.digest.hex()
    (signature,) = found["signatures"]
    signer = report.signatures[0].chain[0]
    assert signature["certificates"][0]["serial_number"] == f"{signer.serial_number:x}"
    assert signature["certificates"][0]["sha256"] == hashlib.sha256(signer.der).hexdigest()


def test_xml_is_in_the_order_of_the_schema_and_every_reference_leads_somewhere(report) -> None:
    """ETSI TS 119 102-2 V1.2.1 Annex A."""
    root = read(report_xml(report))
    assert root.tag == f"{_VR}ValidationReport"
    (signature,) = root.findall(f"{_VR}SignatureValidationReport")
    order = [child.tag.removeprefix(_VR) for child in signature]
    assert order == [
        "SignatureIdentifier", "ValidationConstraintsEvaluationReport", "ValidationTimeInfo",
        "SignersDocument", "SignatureAttributes", "SignerInformation",
        "SignatureValidationProcess", "SignatureValidationStatus",
    ]  # fmt: skip
    status = signature.find(f"{_VR}SignatureValidationStatus/{_VR}MainIndication")
    assert status is not None
    assert status.text == "urn:etsi:019102:mainindication:total-passed"
    ids = [one.attrib["id"] for one in root.iter(f"{_VR}ValidationObject")]
    assert len(ids) == len(set(ids))
    references = {one.attrib["VOReference"] for one in root.iter() if "VOReference" in one.attrib}
    assert references <= set(ids)


def test_xml_is_as_the_schema_has_it_whatever_it_says(report, validation_house) -> None:
    """ETSI TS 119 102-2 V1.2.1 Annex A: one revoked certificate in each list, no empty lists."""
    (signature,) = report.signatures
    gone = replace(
        signature.chain[0].revocation,
        state=RevocationState.REVOKED,
        revoked_at=report.checked_at,
        reason="key_compromise",
    )
    chain = tuple(replace(one, revocation=gone) for one in signature.chain)
    bare = replace(signature, timestamps=(), claimed_time=None, stated_reason="", chain=())
    roles = replace(signature, identity="S-2", claimed_roles=("Giám đốc",), stated_reason="a")
    stamped = replace(report, signatures=(), timestamps=signature.timestamps)
    for signatures in ((signature, roles), (replace(signature, chain=chain),), (bare,)):
        assert faults_of(report_xml(replace(report, signatures=signatures))) == []
    assert faults_of(report_xml(stamped)) == []
    beside = validation_house.validate(validation_house.cms(Level.B))
    assert faults_of(report_xml(beside)) == []
    assert faults_of(report_xml(validation_house.validate(b"nothing"))) == []
    broken = report_xml(report).replace(b"vr:MainIndication", b"vr:SubIndication")
    assert faults_of(broken)


def test_xml_holds_the_certificates_themselves(report) -> None:
    """TT 15/2025/TT-BKHCN Art. 6: certificates and status evidence are kept."""
    root = read(report_xml(report))
    held = {base64.b64decode(one.text or "") for one in root.iter(f"{_VR}base64")}
    assert {one.der for one in report.signatures[0].chain} <= held


def test_what_no_xml_may_hold_stops_no_report(report) -> None:
    """W3C XML 1.0 §2.2."""
    signature = replace(report.signatures[0], stated_reason="a\x00<b>&\ud800")
    spoiled = replace(report, signatures=(signature,), name="\x07")
    reason = read(report_xml(spoiled)).find(f".//{_VR}ReasonElement")
    assert reason is not None
    assert reason.text == "a\ufffd<b>&\ufffd"


def test_a_file_without_signatures_has_a_report_in_every_form(report) -> None:
    conclusion = Conclusion(Indication.INDETERMINATE, None, (because("no_signature"),))
    bare = replace(report, signatures=(), conclusion=conclusion, findings=())
    assert json.loads(report_json(bare))["answer"] == "unsigned"
    assert read(report_xml(bare)).find(f".//{_VR}MainIndication") is not None


def test_what_is_kept_comes_back_whole(report) -> None:
    assert unpack(pack(report)) == report


@pytest.mark.parametrize(
    ("codes", "answer", "status"),
    [
        (("no_signature",), Answer.UNSIGNED, 2),
        (("no_signature", "picture"), Answer.UNSIGNED, 2),
        (("encrypted",), Answer.UNREADABLE, 3),
        (("zip_bomb",), Answer.UNREADABLE, 3),
        (("no_signature", "structure_damaged"), Answer.UNREADABLE, 3),
    ],
)
def test_what_cannot_be_read_is_not_called_unsigned(report, codes, answer, status) -> None:
    reasons = tuple(because(code) for code in codes)
    bare = replace(
        report, signatures=(), conclusion=Conclusion(Indication.INDETERMINATE, None, reasons)
    )
    assert (answer_of(bare), exit_status(bare)) == (answer, status)


def test_pages_hold_every_word_and_as_many_as_are_needed() -> None:
    rows = tuple(Pair("Người ký", f"Nguyễn Thị Lấp Lánh Ánh {n}", Tone.GOOD) for n in range(80))
    pages = DrawReport(
        (Words("Kết quả", Tone.TITLE), *rows), foot="chân trang", title="Kết quả", language="vi"
    )
    with draw_report(WithoutWalls(), pages=pages) as blob:
        document = pypdfium2.PdfDocument(blob.read())
    assert len(document) > 1
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    document.close()
    assert "Nguyễn Thị Lấp Lánh Ánh 79" in text
    assert text.count("chân trang") > 1


def test_names_out_of_hostile_files_stop_no_report() -> None:
    """Unseen marks are left out, letters that no face has are shown as a box."""
    hostile = "\u202egnp.exe \x00 漢字 𝔄 " + "W" * 5_000
    output = io.BytesIO()
    asked = DrawReport(
        (Words(hostile), Pair(hostile, "")), foot=hostile, title=hostile, language="vi"
    )
    assert drawn(asked, (), output).pages >= 1


def test_a_timestamp_of_the_content_does_not_prove_when_it_was_signed(report) -> None:
    """ETSI EN 319 102-1 §5.3.4: it is older than the signature, by how much nobody knows."""
    (signature,) = report.signatures
    (stamp,) = signature.timestamps
    assert proved_time(signature) == stamp.generated_at
    earlier = replace(
        stamp, kind=TimestampKind.CONTENT, generated_at=stamp.generated_at - timedelta(days=900)
    )
    both = replace(signature, timestamps=(earlier, stamp))
    assert proved_time(both) == stamp.generated_at
    alone = replace(signature, timestamps=(earlier,), best_signature_time=report.checked_at)
    assert proved_time(alone) is None
    whole = read(report_xml(replace(report, signatures=(both,))))
    named = [one.tag.removeprefix(_VR) for one in whole.iter() if one.tag.endswith("TimeStamp")]
    assert named == ["AllDataObjectsTimeStamp", "SignatureTimeStamp"]


def test_half_a_letter_stops_no_report(report) -> None:
    """Unicode 15 §3.9: half of a surrogate pair stands for nothing."""
    signer = replace(report.signatures[0].chain[0], common_name="A\ud83d")
    signature = replace(report.signatures[0], chain=(signer,))
    found = writable(replace(report, signatures=(signature,), name="\udcff.pdf"))
    assert json.loads(report_json(found))["document"]["name"] == "?.pdf"
    assert found.signatures[0].chain[0].common_name == "A?"
    assert unpack(pack(found)) == found
    assert writable(report) is report


def test_detached_objects_are_in_the_report(validation_house) -> None:
    """ETSI TS 119 102-2 §4.2.7."""
    report = validation_house.validate(validation_house.cms(Level.B, is_enveloping=True))
    root = read(report_xml(report))
    digests = {one.text for one in root.iter("{http://www.w3.org/2000/09/xmldsig#}DigestValue")}
    assert base64.b64encode(hashlib.sha256(CONTENT).digest()).decode() in digests
