"""What changes behind a signature do to what it comes to.

What lives here: the weight of each kind of change, by the policy, and the check in the report.
Source: ISO 32000-2 §12.8.2 (what may follow a signature); ETSI EN 319 142-1 §5.4.2.
Not here: finding the changes (`pdf_changes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from signing.validation.model import Change, Check, SignatureReport, Step
from signing.validation.policy import ValidationPolicy, Weight
from signing.validation.procedure.signature import as_total
from signing.validation.verdict import (
    Conclusion,
    Indication,
    Reason,
    SubIndication,
    because,
    failed,
    indeterminate,
    weightiest,
)

_MOST_PAGES: Final = 20


def weigh_changes(changes: Iterable[Change], *, policy: ValidationPolicy) -> Conclusion:
    """What changes come to: those that are allowed nothing; others what the policy says.

    Returns FAILED, FORMAT_FAILURE; INDETERMINATE, SIG_CONSTRAINTS_FAILURE; or PASSED.
    """
    return weightiest(_weigh(one, policy=policy) for one in changes if not one.is_allowed)


def with_changes(
    report: SignatureReport,
    changes: tuple[Change, ...],
    *,
    findings: tuple[Reason, ...] = (),
    covers_whole: bool,
    revision_bytes: int | None,
    policy: ValidationPolicy,
) -> SignatureReport:
    """A report with what was done to the file behind the signature.

    Takes   findings: what was noticed on the way and changes no indication.
    """
    weighed = weigh_changes(changes, policy=policy)
    weighed = replace(weighed, warnings=tuple(dict.fromkeys((*weighed.warnings, *findings))))
    return replace(
        report,
        conclusion=weightiest((report.conclusion, as_total(weighed))),
        checks=(*report.checks, Check(Step.CHANGES, weighed)),
        changes=changes,
        covers_whole=covers_whole,
        revision_bytes=revision_bytes,
    )


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
