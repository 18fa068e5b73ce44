"""What changes behind a signature do to what it comes to.

What lives here: the weight of each kind of change, by the policy, and the check in the report.
Source: ISO 32000-2 §12.8.2 (what may follow a signature); ETSI EN 319 142-1 §5.4.2.
Not here: finding the changes (`pdf_changes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from signing.validation.model import Change, Check, SignatureReport, Step, TimestampReport
from signing.validation.pdf_changes import PdfChanges
from signing.validation.policy import ValidationPolicy, Weight
from signing.validation.procedure.signature import as_total
from signing.validation.verdict import (
    Conclusion,
    Indication,
    SubIndication,
    because,
    failed,
    indeterminate,
    weightiest,
)

_MOST_PAGES: Final = 20
_NOT_LOOKED_AT: Final = PdfChanges(findings=(because("changes_not_looked_at"),), covers_whole=False)


def weigh_changes(changes: Iterable[Change], *, policy: ValidationPolicy) -> Conclusion:
    """What changes come to: those that are allowed nothing; others what the policy says.

    Returns FAILED, FORMAT_FAILURE; INDETERMINATE, SIG_CONSTRAINTS_FAILURE; or PASSED.
    """
    return weightiest(_weigh(one, policy=policy) for one in changes if not one.is_allowed)


def with_changes(
    report: SignatureReport, found: PdfChanges | None, *, policy: ValidationPolicy
) -> SignatureReport:
    """A report with what was done to the file behind the signature.

    Takes   found: None when nobody looked, which leaves the signature undecided.
    """
    found = found or _NOT_LOOKED_AT
    weighed = _weigh_found(found, policy=policy)
    return replace(
        report,
        conclusion=weightiest((report.conclusion, as_total(weighed))),
        checks=(*report.checks, Check(Step.CHANGES, weighed)),
        changes=found.changes,
        covers_whole=found.covers_whole,
        revision_bytes=found.revision_bytes,
    )


def with_changes_behind_stamp(
    report: TimestampReport, found: PdfChanges | None, *, policy: ValidationPolicy
) -> TimestampReport:
    """A document timestamp about no signature, with what was done to the file behind it.

    Takes   found: None when nobody looked, which leaves it undecided.
    """
    weighed = _weigh_found(found or _NOT_LOOKED_AT, policy=policy)
    return replace(report, conclusion=weightiest((report.conclusion, weighed)))


def _weigh_found(found: PdfChanges, *, policy: ValidationPolicy) -> Conclusion:
    return weightiest(
        (weigh_changes(found.changes, policy=policy), *_of_findings(found, policy=policy))
    )


def _of_findings(found: PdfChanges, *, policy: ValidationPolicy) -> Iterator[Conclusion]:
    """What was noticed beside the changes themselves; a check that was not made is a doubt."""
    named = {one.code or one.kind.value for one in found.changes}
    for one in found.findings:
        if one.code in policy.doubtful_findings:
            yield indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE, one)
        elif one.code not in named:
            yield Conclusion(Indication.PASSED, warnings=(one,))


def _weigh(change: Change, *, policy: ValidationPolicy) -> Conclusion:
    pages = ",".join(str(one) for one in change.pages[:_MOST_PAGES])
    facts = {"pages": pages} if pages else {}
    reason = because(change.code or change.kind.value, kind=change.kind.value, **facts)
    weight = policy.changes.get(change.kind, Weight.FAILS)
    if weight is Weight.FAILS:
        return failed(SubIndication.FORMAT_FAILURE, reason)
    if weight is Weight.DOUBTS:
        return indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE, reason)
    return Conclusion(Indication.PASSED, warnings=(reason,))
