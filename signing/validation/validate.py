"""From a file, whatever it is, to a report.

What lives here: which reader a file is for, and the way through readers, procedure and conclusion.
**Whatever comes in, the outcome is a report.**
Source: ETSI EN 319 102-1 §5.1.
Not here: reading a format, judging a signature, sentences.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from signing.errors import SigningError, WallsMissing
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.certificate_path import TrustAnchors
from signing.validation.changes import with_changes, with_changes_behind_stamp
from signing.validation.context import Context, pool_of
from signing.validation.detached import Detached
from signing.validation.found import FoundDocument
from signing.validation.kinds import Kind, kind_of
from signing.validation.model import DocumentReport, SignatureReport, TimestampReport
from signing.validation.pdf_changes import find_changes
from signing.validation.policy import POLICY, ValidationPolicy
from signing.validation.ports import OnlineStatus, for_one_validation, sources_of
from signing.validation.procedure.signature import (
    as_total,
    conclude_signature,
    conclude_timestamps,
)
from signing.validation.readers import READERS
from signing.validation.verdict import (
    Conclusion,
    Indication,
    Reason,
    SubIndication,
    because,
    failed,
    weightiest,
)

_LOG: Final = logging.getLogger(__name__)
_UNREAD: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.EMPTY: ("empty",),
    Kind.PICTURE: ("no_signature", "picture"),
    Kind.UNKNOWN: ("unknown_format",),
}
"""What is said of files that no reader is for."""


@dataclass(frozen=True, slots=True)
class Validation:
    """Checks files; safe to share between threads.

    Takes   anchors: whom we trust; online: None where nobody is asked over the network;
            most_bytes: of a file; most_signatures, longest: how many are judged, and for how long:
            what is left then is said.
    """

    isolation: Isolation
    anchors: TrustAnchors
    online: OnlineStatus | None = None
    policy: ValidationPolicy = POLICY
    most_bytes: int = 512 << 20
    most_signatures: int = 256
    longest: timedelta = timedelta(seconds=8)

    def validate(
        self, document: Blob, *, name: str, now: datetime, detached: Sequence[Detached] = ()
    ) -> DocumentReport:
        """Everything that can be said about a file and its signatures.

        1. Read it, by its kind.
        2. Judge each signature, by the procedure.
        3. Add what was done to the file behind each, and behind timestamps about none.
        4. The worst of all is the answer for the file.

        Takes   document: stays the caller's to close; name: of the file, for people; now: aware;
                detached: documents that signatures in the file may be about.
        Raises  nothing that the file could cause.
        """
        report = DocumentReport(
            name,
            Kind.UNKNOWN.value,
            document.size,
            document.digest("sha256"),
            now,
            Conclusion(Indication.INDETERMINATE),
            policy=self.policy.identifier,
            sources=sources_of(self.anchors),
        )
        try:
            return self._judge(document, report=report, detached=detached)
        except WallsMissing:  # why a host has no walls is for its operator, in the log
            reason = because("not_started")
        except SigningError as failure:
            reason = because(getattr(failure, "reason", failure.code))
        except Exception as fault:  # noqa: BLE001  # a fault of ours has to be a report too
            # NOTE: without its text and its trace, which may quote the file
            _LOG.error("validation_fault", extra={"fault": _where(fault)})
            reason = because("fault")
        return replace(report, conclusion=Conclusion(Indication.INDETERMINATE, None, (reason,)))

    def _judge(
        self, document: Blob, *, report: DocumentReport, detached: Sequence[Detached]
    ) -> DocumentReport:
        # 1
        kind = kind_of(document)
        reader = READERS.get(kind)
        if report.size > self.most_bytes or reader is None:
            codes = _UNREAD.get(kind, ("unknown_format",)) if reader is None else ("too_large",)
            reasons = tuple(because(code) for code in codes)
            conclusion = Conclusion(Indication.INDETERMINATE, None, reasons)
            return replace(report, kind=kind.value, conclusion=conclusion)
        found = reader(document, detached, self.isolation)
        online = for_one_validation(self.online)
        deadline = time.monotonic() + self.longest.total_seconds()
        context = Context(
            self.policy, self.anchors, online, report.checked_at, pool_of(found), deadline
        )
        # 2
        signatures, left = self._signatures(found, context=context)
        timestamps = conclude_timestamps(found.timestamps[: self.most_signatures], context=context)
        # 3
        if found.kind == Kind.PDF.value and (signatures or timestamps):
            changes = find_changes(document, found, isolation=self.isolation)
            signatures = tuple(
                with_changes(one, changes.get(one.identity), policy=self.policy)
                for one in signatures
            )
            timestamps = tuple(
                with_changes_behind_stamp(one, changes.get(one.identity), policy=self.policy)
                for one in timestamps
            )
        # 4
        return replace(
            report,
            kind=found.kind,
            conclusion=_overall(found, signatures, timestamps, left=left),
            signatures=signatures,
            timestamps=timestamps,
            findings=(*found.malformed, *found.findings, *left),
        )

    def _signatures(
        self, found: FoundDocument, *, context: Context
    ) -> tuple[tuple[SignatureReport, ...], tuple[Reason, ...]]:
        """Reports, and why some are missing."""
        reports: list[SignatureReport] = []
        for one in found.signatures[: self.most_signatures]:
            if reports and context.is_late:
                return tuple(reports), (because("takes_too_long", judged=str(len(reports))),)
            reports.append(conclude_signature(one, context=context))
        if len(found.signatures) > self.most_signatures:
            number = str(len(found.signatures))
            return tuple(reports), (because("too_many_signatures", number=number),)
        return tuple(reports), ()


def _overall(
    found: FoundDocument,
    signatures: Sequence[SignatureReport],
    timestamps: Sequence[TimestampReport],
    *,
    left: tuple[Reason, ...],
) -> Conclusion:
    """The answer for the file.

    1. Of a file without a signature: that of its timestamps, or that there is none, or why it could
       not be read.
    2. Else the worst of all signatures; a file that could not be read to its end is none that
       passed, nor is one of which signatures are left.
    """
    # 1
    if not signatures and not timestamps:
        reasons = found.malformed or (because("no_signature"),)
        return Conclusion(Indication.INDETERMINATE, None, reasons)
    conclusions = [one.conclusion for one in signatures]
    if not signatures:
        conclusions = [as_total(one.conclusion) for one in timestamps]
    # 2
    if found.malformed:
        conclusions.append(as_total(failed(SubIndication.FORMAT_FAILURE, *found.malformed)))
    if left:
        conclusions.append(Conclusion(Indication.INDETERMINATE, None, left))
    return weightiest(conclusions)


def _where(fault: BaseException) -> str:
    """Kind and place of a fault, without its text."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return f"{type(fault).__name__} {place}"
