"""The words of a report in the order in which they stand on paper.

What lives here: `report_words`, from what a report says to the blocks that are drawn.
Source: TT 15/2025/TT-BKHCN Art. 6.
Not here: drawing and sealing (`signing/validation/report/pdf`, `idp/report_seal`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from idp.web.sentences import N_
from idp.web.verify.told import ToldDocument, ToldSignature, ToldTimestamp
from idp.web.verify.told_parts import Say, ToldRow
from idp.web.verify_sentences import CODE, SANDBOX
from signing.validation.report.pdf import Pair, ReportPages, Tone, Words

_TONES = {"done": Tone.GOOD, "failed": Tone.BAD, "unsure": Tone.UNSURE}
_MARKS = {"ok": Tone.GOOD, "bad": Tone.BAD, "unsure": Tone.UNSURE, "": Tone.TEXT}


def report_words(told: ToldDocument, *, say: Say, language: str, issuer: str) -> ReportPages:
    """The whole report."""
    return ReportPages(
        words=tuple(_words(told, say=say, issuer=issuer)),
        foot=f"Ấn Tín · {issuer} · {told.checked_at}",
        title=say(N_("Kết quả kiểm tra chữ ký số")),
        language=language,
    )


def _words(told: ToldDocument, *, say: Say, issuer: str) -> Iterator[Words | Pair]:
    yield Words(say(N_("Kết quả kiểm tra chữ ký số")), Tone.TITLE)
    yield Words(told.heading, _TONES[told.look])
    if told.sentence:
        yield Words(told.sentence)
    if told.is_sandbox:
        yield Words(say(SANDBOX), Tone.UNSURE)
    for text in (*told.reasons, *told.warnings):
        yield Words(f"• {text}")
    yield Words(f"{say(N_('Việc tiếp theo'))}: {told.advice}")
    yield Pair(say(N_("Tên tệp")), told.name)
    yield Pair(say(N_("Mã SHA-256 của tệp")), told.sha256)
    yield Pair(say(N_("Kích thước")), say(N_("%(count)s byte"), count=told.size))
    yield Pair(say(N_("Kiểm tra lúc")), told.checked_at)
    yield Pair(say(N_("Kiểm tra tại")), f"{issuer}/verify")
    yield Pair(say(CODE), told.code)
    for signature in told.signatures:
        yield from _signature(signature, of=len(told.signatures), say=say)
    if told.timestamps:
        yield Words(say(N_("Dấu thời gian của tệp")), Tone.HEADING)
        yield from _timestamps(told.timestamps)
    yield Words(say(N_("Căn cứ kiểm tra")), Tone.HEADING)
    if told.policy:
        yield Pair(say(N_("Chính sách kiểm tra")), told.policy)
    for source in told.sources:
        yield Pair(say(N_("Nguồn tin cậy")), source)
    yield Words(
        say(
            N_(
                "Quy trình kiểm tra theo ETSI EN 319 102-1. Kết quả này đúng với tệp có mã SHA-256"
                " nêu trên, vào thời điểm nêu trên; tệp không được lưu lại."
            )
        ),
        Tone.SMALL,
    )


def _signature(one: ToldSignature, *, of: int, say: Say) -> Iterator[Words | Pair]:
    yield Words(say(N_("Chữ ký %(number)s / %(count)s"), number=one.number, count=of), Tone.HEADING)
    yield Words(one.heading, _TONES[one.look])
    if one.sentence:
        yield Words(one.sentence)
    for text in (*one.reasons, *one.warnings):
        yield Words(f"• {text}")
    yield from _rows(one.rows)
    yield Pair(say(CODE), one.code)
    yield from _rows(one.technical)
    yield from _rows(one.objects)
    if one.checks:
        yield Words(say(N_("Các bước kiểm tra")), Tone.HEADING)
        for check in one.checks:
            value = ". ".join((check.word, *(text.rstrip(".") for text in check.reasons)))
            yield Pair(check.name, value, _MARKS[check.mark])
    if one.timestamps:
        yield from _timestamps(one.timestamps)
    for at, rows in enumerate(one.certificates, 1):
        yield Words(say(N_("Chứng thư %(number)s"), number=at), Tone.HEADING)
        yield from _rows(rows)


def _timestamps(several: Iterable[ToldTimestamp]) -> Iterator[Words | Pair]:
    for one in several:
        yield Pair(one.name, ". ".join((one.word, *one.reasons)), _MARKS[one.mark])
        yield from _rows(one.rows)


def _rows(rows: Iterable[ToldRow]) -> Iterator[Pair]:
    for row in rows:
        yield Pair(row.label, ". ".join((row.value, *row.notes)), _MARKS[row.mark])
