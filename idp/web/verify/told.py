"""A report in words: what the page, the PDF and the table of the command say, in one language.

What lives here: `tell`, from a `DocumentReport` to headings, sentences and rows.  It begins with
the answer and one sentence, then who signed, who issued, which unit, when, whether it is intact,
whether the certificate held then; then every check.
Source: TT 15/2025/TT-BKHCN Art. 6 (the rows that a reader has to be shown) and Annex II (the
warning where the status could not be had).
Not here: how it looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from idp.web.i18n import local_moment
from idp.web.sentences import N_
from idp.web.verify.advice import advice_for
from idp.web.verify.told_parts import (
    Mark,
    Say,
    ToldRow,
    all_said,
    certificate_rows,
    changes_row,
    digest_text,
    holder_rows,
    integrity_row,
    is_as_signed,
    lifetime_row,
    mark_of,
    source_text,
    status_row,
    time_row,
    validity_row,
)
from idp.web.verify_sentences import (
    ALL_VALID,
    ALL_VALID_SEVERAL,
    FAILED,
    HEADINGS,
    HEADINGS_OF_TIMESTAMPS,
    PASSED,
    STEPS,
    SUB_INDICATIONS,
    TIMESTAMP_KINDS,
    UNKNOWN,
)
from signing.validation.found import SignedObject
from signing.validation.model import Check, DocumentReport, SignatureReport, TimestampReport
from signing.validation.report.summary import Answer, answer_of, is_changed, signer_of
from signing.validation.verdict import Conclusion, Reason, SubIndication

Look = Literal["done", "failed", "unsure"]

_LOOKS: Final[dict[Answer, Look]] = {
    Answer.VALID: "done",
    Answer.INVALID: "failed",
    Answer.UNDETERMINED: "unsure",
    Answer.UNSIGNED: "unsure",
    Answer.UNREADABLE: "unsure",
}
_SAYS_LITTLE: Final = frozenset(
    {
        SubIndication.FORMAT_FAILURE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        SubIndication.CUSTOM,
    }
)
"""Their first reason says it better."""
_SAYS_THE_SAME: Final[Mapping[SubIndication, str]] = {
    SubIndication.HASH_FAILURE: "signed_data_changed",
    SubIndication.SIG_CRYPTO_FAILURE: "signature_value_wrong",
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: "no_signing_certificate",
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: "no_trust_anchor",
    SubIndication.SIGNED_DATA_NOT_FOUND: "signed_data_missing",
    SubIndication.TRY_LATER: "status_unavailable",
}
_WORDS: Final[dict[Mark, str]] = {"ok": PASSED, "bad": FAILED, "unsure": UNKNOWN, "": ""}


@dataclass(frozen=True, slots=True)
class ToldCheck:
    """One building block; `code` is the standard's."""

    name: str
    word: str
    mark: Mark
    code: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToldTimestamp:
    """One timestamp."""

    name: str
    word: str
    mark: Mark
    rows: tuple[ToldRow, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToldSignature:
    """One signature; `number` from 1; `revision_bytes` None where none is as it was signed."""

    identity: str
    number: int
    look: Look
    heading: str
    sentence: str
    code: str
    rows: tuple[ToldRow, ...]
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    checks: tuple[ToldCheck, ...]
    timestamps: tuple[ToldTimestamp, ...]
    certificates: tuple[tuple[ToldRow, ...], ...]
    objects: tuple[ToldRow, ...]
    technical: tuple[ToldRow, ...]
    revision_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ToldDocument:
    """One file; `name` and `sha256` tell which."""

    answer: Answer
    name: str = field(repr=False)
    size: int
    kind: str
    sha256: str
    look: Look
    heading: str
    sentence: str
    advice: str
    code: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    checked_at: str
    signatures: tuple[ToldSignature, ...]
    timestamps: tuple[ToldTimestamp, ...]
    policy: str
    sources: tuple[str, ...]
    is_sandbox: bool = False


def tell(report: DocumentReport, *, say: Say) -> ToldDocument:
    """The report in words.

    Takes   say: gives a sentence with its facts in the language of the reader.
    """
    answer = answer_of(report)
    signatures = tuple(
        _signature(one, number=number, say=say, checked_at=report.checked_at)
        for number, one in enumerate(report.signatures, 1)
    )
    given = _further(report.conclusion) if report.signatures else report.conclusion.reasons
    reasons = all_said((*given, *report.findings), say)
    is_sandbox = any(one.is_sandbox for one in report.signatures)
    headings = HEADINGS
    if report.timestamps and not report.signatures:
        headings = {**HEADINGS, **HEADINGS_OF_TIMESTAMPS}
    advice = advice_for(report, answer=answer, is_sandbox=is_sandbox)
    sentence = _sentence(report, answer=answer, reasons=reasons, say=say)
    return ToldDocument(
        answer=answer,
        name=report.name,
        size=report.size,
        kind=report.kind,
        sha256=digest_text(report.digest),
        look=_LOOKS[answer],
        heading=say(headings[answer]),
        sentence=sentence,
        advice=say(advice),
        code=code_of(report.conclusion),
        reasons=tuple(one for one in reasons if one != sentence),
        warnings=tuple(
            text
            for text in all_said(_other_warnings(report.conclusion), say)
            if not any(text in one.warnings for one in signatures)
        ),
        checked_at=local_moment(report.checked_at),
        signatures=signatures,
        timestamps=tuple(_timestamp(one, say) for one in report.timestamps),
        policy=report.policy,
        sources=tuple(source_text(one, say) for one in report.sources),
        is_sandbox=is_sandbox,
    )


def _further(conclusion: Conclusion) -> tuple[Reason, ...]:
    """The reasons that say more than the sub-indication does."""
    sub = conclusion.sub_indication
    same = None if sub is None else _SAYS_THE_SAME.get(sub)
    return tuple(one for one in conclusion.reasons if one.code != same)


def _other_warnings(conclusion: Conclusion) -> tuple[Reason, ...]:
    """All but that of a sandbox, which is said of the whole document."""
    return tuple(one for one in conclusion.warnings if one.code != "sandbox_certificate")


def code_of(conclusion: Conclusion) -> str:
    """The standard's words for a conclusion."""
    if conclusion.sub_indication is None:
        return conclusion.indication.value
    return f"{conclusion.indication.value} / {conclusion.sub_indication.value}"


def _sentence(report: DocumentReport, *, answer: Answer, reasons: tuple[str, ...], say: Say) -> str:
    if answer is Answer.VALID:
        count = len(report.signatures)
        if not count:
            return say(N_("Dấu thời gian chứng minh nội dung đã tồn tại và không bị thay đổi."))
        return say(ALL_VALID_SEVERAL, count=count) if count > 1 else say(ALL_VALID)
    if any(is_changed(one) for one in report.signatures):
        return say(N_("Tệp đã bị thay đổi sau khi ký theo cách mà chữ ký không cho phép."))
    if reasons and not report.signatures:
        return reasons[0]
    return _why(report.conclusion, reasons, say)


def _why(conclusion: Conclusion, reasons: tuple[str, ...], say: Say) -> str:
    """One sentence: the sub-indication's, else the first reason."""
    sub = conclusion.sub_indication
    if sub is not None and not (reasons and sub in _SAYS_LITTLE):
        return say(SUB_INDICATIONS[sub])
    return reasons[0] if reasons else ""


def _signature(
    one: SignatureReport, *, number: int, say: Say, checked_at: datetime
) -> ToldSignature:
    mark = mark_of(one.conclusion)
    answer = {"ok": Answer.VALID, "bad": Answer.INVALID}.get(mark, Answer.UNDETERMINED)
    reasons = all_said(_further(one.conclusion), say)
    sentence = say(ALL_VALID) if answer is Answer.VALID else _why(one.conclusion, reasons, say)
    signer = signer_of(one)
    rows = [
        *holder_rows(one, say),
        time_row(one, say),
        integrity_row(one, say),
        changes_row(one, say),
        validity_row(one, say, checked_at=checked_at),
        status_row(one, say),
    ]
    if signer is not None:
        rows.append(lifetime_row(signer, say))
    return ToldSignature(
        identity=one.identity,
        number=number,
        look=_LOOKS[answer],
        heading=say(HEADINGS[answer]),
        sentence=sentence,
        code=code_of(one.conclusion),
        rows=tuple(row for row in rows if row is not None),
        reasons=tuple(reason for reason in reasons if reason != sentence),
        warnings=all_said(_other_warnings(one.conclusion), say),
        checks=tuple(_check(check, say) for check in one.checks),
        timestamps=tuple(_timestamp(stamp, say) for stamp in one.timestamps),
        certificates=tuple(certificate_rows(found, say) for found in one.chain),
        objects=tuple(_object(found, say) for found in one.objects),
        technical=_technical(one, say),
        revision_bytes=one.revision_bytes if is_as_signed(one) else None,
    )


def _check(check: Check, say: Say) -> ToldCheck:
    mark = mark_of(check.conclusion)
    found = check.conclusion
    reasons = all_said((*found.reasons, *found.warnings), say)
    if not reasons and found.sub_indication is not None:
        reasons = (say(SUB_INDICATIONS[found.sub_indication]),)
    return ToldCheck(say(STEPS[check.step]), say(_WORDS[mark]), mark, code_of(found), reasons)


def _timestamp(one: TimestampReport, say: Say) -> ToldTimestamp:
    mark = mark_of(one.conclusion)
    rows = []
    if one.generated_at is not None:
        rows.append(ToldRow(say(N_("Thời điểm")), local_moment(one.generated_at)))
    if one.chain:
        name = one.chain[0].common_name or one.chain[0].subject
        rows.append(ToldRow(say(N_("Tổ chức cấp dấu thời gian")), name))
    reasons = all_said((*one.conclusion.reasons, *one.conclusion.warnings), say)
    if not reasons and one.conclusion.sub_indication is not None:
        reasons = (say(SUB_INDICATIONS[one.conclusion.sub_indication]),)
    return ToldTimestamp(
        say(TIMESTAMP_KINDS[one.kind]), say(_WORDS[mark]), mark, tuple(rows), reasons
    )


def _object(one: SignedObject, say: Say) -> ToldRow:
    value = f"{one.hash_name}: {digest_text(one.expected)}"
    if not one.is_found:
        return ToldRow(one.name, value, "unsure", (say(N_("Không có trong các tệp đã chọn")),))
    return ToldRow(one.name, value, "ok" if one.is_intact else "bad")


def _technical(one: SignatureReport, say: Say) -> tuple[ToldRow, ...]:
    level = f"{one.form.value} {one.level}".strip()
    rows = [ToldRow(say(N_("Định dạng")), level)]
    if one.algorithm:
        rows.append(ToldRow(say(N_("Thuật toán")), one.algorithm))
    confirmed = {
        True: say(N_("Người ký xác nhận bằng khóa do chính mình giữ (SCAL2)")),
        False: say(N_("Người ký xác nhận bằng mã một lần (SCAL1)")),
    }
    if one.is_key_confirmed is not None:
        rows.append(ToldRow(say(N_("Cách xác nhận")), confirmed[one.is_key_confirmed]))
    for label, text in (
        (N_("Lý do ký"), one.stated_reason),
        (N_("Nơi ký"), one.production_place),
        (N_("Vai trò do người ký khai"), ", ".join(one.claimed_roles)),
        (N_("Chính sách của chữ ký"), one.policy_identifier),
        (N_("Vị trí trong tệp"), one.place),
    ):
        if text:
            rows.append(ToldRow(say(label), text))
    return tuple(rows)
