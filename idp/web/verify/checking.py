"""Several files of one request, checked one after the other.

What lives here: `check_all`.  Whoever drops a signature and its document together need not say
which is which: each file is checked beside all others, and a document that somebody else's
signature is about gets no report of its own.
Not here: checking a file (`signing/validation`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.web.verify.asked import Asked
from signing.validation.detached import Detached
from signing.validation.found import ObjectKind
from signing.validation.model import DocumentReport
from signing.validation.report.summary import Answer, answer_of


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, and the names of the documents beside it that its signatures are about."""

    report: DocumentReport
    others: tuple[str, ...] = ()


def check_all(
    asked: Asked, *, check: Callable[..., DocumentReport], now: datetime
) -> tuple[Checked, ...]:
    """A report for each file, in their order.

    Takes   check: see `ValidationServices.check`.
    """
    files = asked.files
    reports = []
    for at, file in enumerate(files):
        others = (Detached(o.name, o.content) for i, o in enumerate(files) if i != at)
        beside = (*asked.beside, *others)
        reports.append(check(file.content, name=file.name, now=now, detached=beside))
    if len(files) == 1:
        return (Checked(reports[0]),)
    spoken_for: dict[int, int] = {}
    for at, report in enumerate(reports):
        if answer_of(report) in {Answer.UNSIGNED, Answer.UNREADABLE}:
            by = _signed_by(Detached("", files[at].content), reports, but=at)
            if by is not None:
                spoken_for[at] = by
    return tuple(
        Checked(report, tuple(files[other].name for other, by in spoken_for.items() if by == at))
        for at, report in enumerate(reports)
        if at not in spoken_for
    )


def _signed_by(document: Detached, reports: list[DocumentReport], *, but: int) -> int | None:
    """Which of the reports is about this document."""
    for at, report in enumerate(reports):
        if at == but:
            continue
        for signature in report.signatures:
            for one in signature.objects:
                if (
                    one.kind is ObjectKind.DOCUMENT
                    and one.is_intact
                    and document.digest(one.hash_name) == one.actual
                ):
                    return at
    return None
