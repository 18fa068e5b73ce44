"""A report in words: what happened, what to do next, and nothing that is not so."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.web.i18n import speaker
from idp.web.verify.told import ToldDocument, tell
from idp.web.verify.told_parts import said
from signing.formats.material import Level
from signing.validation.model import DocumentReport
from signing.validation.report.summary import exit_status
from signing.validation.verdict import (
    Conclusion,
    Indication,
    SubIndication,
    because,
    indeterminate,
)

_VI = speaker("vi")
_EN = speaker("en")


@pytest.fixture(scope="module")
def report(validation_house) -> DocumentReport:
    found = validation_house.validate(validation_house.pdf(Level.LT))
    assert isinstance(found, DocumentReport)
    return found


def _bare(report: DocumentReport, *codes: str) -> ToldDocument:
    conclusion = Conclusion(Indication.INDETERMINATE, None, tuple(because(one) for one in codes))
    return tell(replace(report, signatures=(), conclusion=conclusion), say=_VI)


def _zip(*names: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name in names:
            archive.writestr(name, b"<a/>")
    return raw.getvalue()


def test_days_and_moments_are_told_as_they_are_written_in_viet_nam() -> None:
    ended = because("algorithm_ended", algorithm="sha1", end="2012-08-01")
    assert "01/08/2012" in said(ended, _VI)
    future = because("claimed_time_in_future", time="2030-01-02T03:04:05+00:00")
    assert "02/01/2030 10:04:05 +07:00" in said(future, _EN)
    assert "nonsense" in said(because("claimed_time_in_future", time="nonsense"), _VI)


def test_what_is_not_known_leaves_no_hole_in_its_sentence() -> None:
    assert said(because("signed_data_missing", name="", kind="document"), _VI) == (
        "Không có nội dung được ký."
    )
    assert said(because("algorithm_not_accepted", algorithm=""), _EN) == (
        "The signature uses an algorithm that is not accepted."
    )


@pytest.mark.parametrize(
    ("code", "next_"),
    [
        ("busy", "sau ít phút"),
        ("encrypted", "không có mật khẩu"),
        ("unknown_format", "PDF, XML, P7S, P7M, JSON và ASiC"),
        ("empty", "chọn lại"),
        ("zip_bomb", "Không nên mở"),
        ("damaged", "cung cấp lại tệp"),
    ],
)
def test_each_reason_why_a_file_cannot_be_read_has_its_remedy(report, code, next_) -> None:
    assert next_ in _bare(report, code).advice


@pytest.mark.parametrize(
    ("sub", "next_"),
    [
        (SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "công nhận tại Việt Nam"),
        (SubIndication.SIGNED_DATA_NOT_FOUND, "tài liệu gốc"),
        (SubIndication.TRY_LATER, "kiểm tra lại sau"),
        (SubIndication.NO_POE, "dấu thời gian"),
        (SubIndication.CUSTOM, "hỏi bên gửi"),
    ],
)
def test_what_is_left_open_says_who_can_close_it(report, sub, next_) -> None:
    """ETSI EN 319 102-1 table 6."""
    told = tell(replace(report, conclusion=indeterminate(sub)), say=_VI)
    assert next_ in told.advice


def test_timestamps_alone_are_not_called_signatures(report) -> None:
    stamps = report.signatures[0].timestamps
    bare = replace(report, signatures=(), timestamps=stamps)
    assert tell(bare, say=_VI).heading == "Dấu thời gian hợp lệ"
    doubt = indeterminate(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, because("no_trust_anchor"))
    told = tell(replace(bare, conclusion=doubt), say=_VI)
    assert "người ký" not in told.sentence
    assert "dấu thời gian" in told.heading


def test_without_its_document_nothing_is_said_of_changes(validation_house) -> None:
    told = tell(validation_house.validate(validation_house.cms(Level.B)), say=_VI)
    assert "Sau khi ký" not in [row.label for row in told.signatures[0].rows]


def test_what_was_tampered_with_is_not_shown_as_what_was_signed(validation_house) -> None:
    """The beginning of the file is what was signed only where its digest says so."""
    whole = validation_house.pdf(Level.B)
    assert tell(validation_house.validate(whole), say=_VI).signatures[0].revision_bytes
    spoiled = whole.replace(b"/MediaBox", b"/MediaBux", 1)
    assert tell(validation_house.validate(spoiled), say=_VI).signatures[0].revision_bytes is None


def test_the_word_of_a_signer_whose_certificate_is_over_proves_no_validity(report) -> None:
    """ETSI EN 319 102-1 §5.1.4: a claimed time is no proof of existence."""

    def mark(*, years: int, stamps: bool) -> str:
        (one,) = report.signatures
        changed = replace(one, timestamps=one.timestamps if stamps else ())
        later = report.checked_at + timedelta(days=366 * years)
        told = tell(replace(report, signatures=(changed,), checked_at=later), say=_VI)
        (row,) = [row for row in told.signatures[0].rows if row.label == "Chứng thư khi ký"]
        return row.mark

    assert mark(years=0, stamps=False) == "ok"
    assert mark(years=30, stamps=True) == "ok"
    assert mark(years=30, stamps=False) == "unsure"


def test_archives_that_are_no_containers_are_called_by_their_names(validation_house) -> None:
    def told(*names: str) -> tuple[int, ToldDocument]:
        report = validation_house.validate(_zip(*names))
        return exit_status(report), tell(report, say=_VI)

    status, plain = told("a.zip", "b.pdf")
    assert (status, plain.heading) == (2, "Tệp không có chữ ký số")
    assert "giải nén" in plain.advice
    assert "mimetype" not in " ".join(plain.reasons)
    status, office = told("[Content_Types].xml", "word/document.xml")
    assert (status, "Word" in " ".join(office.reasons)) == (2, True)
    status, signed = told("[Content_Types].xml", "_xmlsignatures/sig1.xml")
    assert (status, signed.answer.value) == (3, "unreadable")
    assert "phần mềm soạn thảo" in signed.sentence
