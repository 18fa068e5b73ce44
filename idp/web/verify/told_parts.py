"""Rows of a report in words, one thing at a time.

What lives here: the rows about integrity, time, certificate, status and changes; how a reason
becomes a sentence.  Not here: what stands in which order (`told.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from idp.web.i18n import local_moment
from idp.web.sentences import N_
from idp.web.verify_reasons import REASONS, UNKNOWN_REASON
from idp.web.verify_sentences import (
    CHANGES,
    LAID_OVER,
    ON_PAGE,
    ON_PAGES,
    ORIGINS,
    STATES,
    TIMESTAMP_ADDED,
    UNKNOWN,
)
from signing.validation.model import (
    CertificateReport,
    Change,
    ChangeKind,
    RevocationState,
    SignatureReport,
    Step,
)
from signing.validation.report.summary import (
    Integrity,
    check_of,
    integrity_of,
    is_changed,
    is_in_validity,
    proved_time,
    signer_of,
)
from signing.validation.verdict import Conclusion, Reason

Say = Callable[..., str]
"""A sentence in the language of its reader: `say(sentence, **facts)`."""

Mark = Literal["", "ok", "bad", "unsure"]

_FACT: Final = re.compile(r"%\((\w+)\)s")
_MOMENTS: Final = frozenset({"time", "control_time", "end"})
_NOT_KNOWN: Final = "…"
NOT_SAID: Final = N_("Chứng thư không ghi")


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A line of a report; `mark` stands before the value, as a shape and a word."""

    label: str
    value: str
    mark: Mark = ""
    notes: tuple[str, ...] = ()


def mark_of(conclusion: Conclusion) -> Mark:
    """The mark of a conclusion."""
    if conclusion.is_passed:
        return "ok"
    return "bad" if conclusion.is_failed else "unsure"


def said(reason: Reason, say: Say) -> str:
    """A reason as a sentence; one that nobody has a sentence for is named by its code."""
    sentence = REASONS.get(reason.code)
    if sentence is None:
        return say(UNKNOWN_REASON, code=reason.code)
    facts = {name: _fact(reason, name) for name in _FACT.findall(sentence)}
    return say(sentence, **facts).replace(f" ({_NOT_KNOWN})", "")


def _fact(reason: Reason, name: str) -> str:
    """A fact as people read it: days and moments as they are written in Viet Nam."""
    text = reason.fact(name)
    if not text or name not in _MOMENTS:
        return text or _NOT_KNOWN
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) <= len("2026-11-22"):
        return f"{moment:%d/%m/%Y}"
    return local_moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def all_said(reasons: Iterable[Reason], say: Say) -> tuple[str, ...]:
    """Several, each sentence once."""
    return tuple(dict.fromkeys(said(reason, say) for reason in reasons))


def integrity_row(signature: SignatureReport, say: Say) -> ToldRow:
    """Whether what was signed is what is there."""
    label = say(N_("Tính toàn vẹn"))
    match integrity_of(signature):
        case Integrity.BROKEN:
            return ToldRow(label, say(N_("Phần đã ký đã bị thay đổi")), "bad")
        case Integrity.UNKNOWN:
            return ToldRow(label, say(UNKNOWN), "unsure")
        case Integrity.INTACT if is_misshapen(signature):
            text = N_("Phần đã ký còn nguyên, nhưng có thể không phải là phần đang hiển thị")
            return ToldRow(label, say(text), "unsure")
        case Integrity.INTACT:
            return ToldRow(label, say(N_("Phần đã ký không bị thay đổi")), "ok")


def changes_row(signature: SignatureReport, say: Say) -> ToldRow | None:
    """What was done to the file afterwards; nothing where that cannot be asked."""
    label = say(N_("Sau khi ký"))
    if integrity_of(signature) is Integrity.BROKEN or not all(
        one.is_found for one in signature.objects
    ):
        return None
    if is_misshapen(signature):
        return ToldRow(
            label, say(N_("Không xét được, vì cấu trúc của chữ ký không hợp lệ")), "unsure"
        )
    if is_changed(signature):
        told = [_change(one, say) for one in signature.changes if not one.is_allowed]
        return ToldRow(label, "; ".join(dict.fromkeys(told)), "bad")
    if not signature.covers_whole and not signature.changes:
        return ToldRow(label, say(N_("Chữ ký chỉ áp dụng cho một phần của tệp")), "unsure")
    if signature.changes:
        told = [_change(one, say) for one in signature.changes]
        return ToldRow(
            label, say(N_("Chỉ có thay đổi được phép")), "ok", tuple(dict.fromkeys(told))
        )
    return ToldRow(label, say(N_("Không có thay đổi nào")), "ok")


def _change(change: Change, say: Say) -> str:
    is_seen_below = change.is_allowed and change.kind is ChangeKind.OVERLAPPED
    if change.code == "timestamp_added":
        return say(TIMESTAMP_ADDED)
    text = say(LAID_OVER if is_seen_below else CHANGES[change.kind])
    if change.pages:
        pages = ", ".join(str(page) for page in change.pages[:20])
        where = ON_PAGE if len(change.pages) == 1 else ON_PAGES
        text = say(where, change=text, pages=pages)
    if change.code in REASONS and change.code != change.kind.value:
        text = f"{text}: {said(Reason(change.code), say)}"
    return text


def time_row(signature: SignatureReport, say: Say) -> ToldRow:
    """When it was signed, and how far that is proved."""
    label = say(N_("Thời điểm ký"))
    proved = proved_time(signature)
    if proved is not None:
        return ToldRow(
            label,
            local_moment(proved),
            "ok",
            (say(N_("Có dấu thời gian: chữ ký đã tồn tại vào thời điểm này.")),),
        )
    if signature.claimed_time is not None:
        note = say(N_("Theo lời khai của người ký; không có dấu thời gian hợp lệ làm chứng."))
        return ToldRow(label, local_moment(signature.claimed_time), "unsure", (note,))
    return ToldRow(label, say(N_("Không ghi trong chữ ký")), "unsure")


def validity_row(signature: SignatureReport, say: Say, *, checked_at: datetime) -> ToldRow:
    """Whether the certificate was within its time when it signed.

    Where it is over by now and no timestamp says when that was, the signer's word is no proof.
    """
    label = say(N_("Chứng thư khi ký"))
    signer = signer_of(signature)
    match is_in_validity(signature):
        case True:
            text = say(N_("Trong thời hạn hiệu lực"))
            is_over = signer is not None and checked_at > signer.not_after
            if is_over and proved_time(signature) is None:
                note = N_("Chỉ theo thời điểm do người ký khai; nay chứng thư đã hết hạn.")
                return ToldRow(label, text, "unsure", (say(note),))
            return ToldRow(label, text, "ok")
        case False:
            return ToldRow(label, say(N_("Ngoài thời hạn hiệu lực")), "bad")
    return ToldRow(label, say(UNKNOWN), "unsure")


def status_row(signature: SignatureReport, say: Say) -> ToldRow:
    """Whether the certificate was revoked, as far as anybody said."""
    label = say(N_("Tình trạng thu hồi"))
    signer = signer_of(signature)
    if signer is None:
        return ToldRow(label, say(UNKNOWN), "unsure")
    return _status(label, signer, say)


def is_as_signed(signature: SignatureReport) -> bool:
    """Whether what it is over is there, unchanged, and known to be what a reader was shown."""
    return integrity_of(signature) is Integrity.INTACT and not is_misshapen(signature)


def is_misshapen(signature: SignatureReport) -> bool:
    """Whether its own format speaks against it: then nothing else about it can be relied on."""
    check = check_of(signature, Step.FORMAT)
    return check is not None and check.conclusion.is_failed


def _status(label: str, certificate: CertificateReport, say: Say) -> ToldRow:
    found = certificate.revocation
    marks: dict[RevocationState, Mark] = {
        RevocationState.GOOD: "ok",
        RevocationState.NOT_NEEDED: "",
        RevocationState.REVOKED: "bad",
    }
    text = say(STATES[found.state])
    origin = ORIGINS[found.origin]
    if origin and found.state in {RevocationState.GOOD, RevocationState.REVOKED}:
        text = f"{text}, {say(origin)}"
    notes = []
    if found.revoked_at is not None:
        notes.append(say(N_("Thu hồi lúc %(moment)s"), moment=local_moment(found.revoked_at)))
    if found.this_update is not None:
        moment = local_moment(found.this_update)
        notes.append(say(N_("Thông tin của tổ chức cấp lúc %(moment)s"), moment=moment))
    return ToldRow(label, text, marks.get(found.state, "unsure"), tuple(notes))


def holder_rows(signature: SignatureReport, say: Say) -> tuple[ToldRow, ...]:
    """Who signed, the managing unit, and who issued the certificate."""
    signer = signer_of(signature)
    if signer is None:
        none = say(UNKNOWN)
        return (
            ToldRow(say(N_("Người đã ký")), none, "unsure"),
            ToldRow(say(N_("Đơn vị quản lý người ký")), none, "unsure"),
            ToldRow(say(N_("Tổ chức cấp chứng thư")), none, "unsure"),
        )
    name = signer.common_name or signer.organization or signer.subject
    notes = (signer.title,) if signer.title else ()
    unit = signer.organization or say(NOT_SAID)
    issuer = common_name(signer.issuer) or signer.issuer_organization or signer.issuer
    beside = signer.issuer_organization
    return (
        ToldRow(say(N_("Người đã ký")), name, "", notes),
        ToldRow(say(N_("Đơn vị quản lý người ký")), unit),
        ToldRow(
            say(N_("Tổ chức cấp chứng thư")),
            issuer,
            "",
            (beside,) if beside and beside != issuer else (),
        ),
    )


def lifetime_row(certificate: CertificateReport, say: Say) -> ToldRow:
    """From when until when a certificate holds."""
    return ToldRow(
        say(N_("Thời hạn của chứng thư")),
        say(
            N_("từ %(begin)s đến %(end)s"),
            begin=local_day(certificate.not_before),
            end=local_day(certificate.not_after),
        ),
    )


def certificate_rows(certificate: CertificateReport, say: Say) -> tuple[ToldRow, ...]:
    """All about one certificate of a chain."""
    rows = [
        ToldRow(say(N_("Chủ thể")), certificate.subject),
        ToldRow(say(N_("Tổ chức cấp")), certificate.issuer),
        ToldRow(say(N_("Số sê-ri")), f"{certificate.serial_number:x}"),
        lifetime_row(certificate, say),
        _status(say(N_("Tình trạng thu hồi")), certificate, say),
    ]
    if certificate.anchor:
        rows.append(
            ToldRow(say(N_("Được tin cậy theo")), source_text(certificate.anchor, say), "ok")
        )
    return tuple(rows)


def source_text(source: str, say: Say) -> str:
    """Who says that somebody is trusted."""
    if source == "own":
        return say(N_("Tổ chức chứng thực của hệ thống này"))
    kind, _, name = source.partition(":")
    if kind == "folder":
        return say(N_("Danh sách do người vận hành đặt: %(name)s"), name=name)
    return source


def common_name(subject: str) -> str:
    """The CN of a name as RFC 4514 writes it; empty when there is none."""
    found = re.search(r"(?:^|,|\+)\s*CN=((?:\\.|[^,+\\])+)", subject)
    return "" if found is None else re.sub(r"\\(.)", r"\1", found[1]).strip()


def local_day(moment: datetime) -> str:
    """A day in Viet Nam."""
    return local_moment(moment)[:10]


def digest_text(digest: bytes) -> str:
    """A digest in groups of four digits."""
    text = digest.hex().upper()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
