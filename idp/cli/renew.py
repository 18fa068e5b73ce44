"""`antin renew`: documents at B-LTA are renewed before their newest timestamps lose their worth.

What lives here: the command that an operator, or a timer, runs over an archive; what it prints and
how it ends.  The service keeps no document so long: archives do.
Not here: what is done with a file (`signing/archives`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from idp.cli.context import open_services
from idp.cli.naming import operator_option
from idp.errors import SettingsInvalid
from idp.services import Services
from keystore.clock import to_ms
from keystore.log.events import Event, EventType, Fact
from signing.archives import FileReport, FileState, Renewed, find_pdfs, renew_file
from signing.renew import MARGIN

_FAILED: Final = 1
_DUE: Final = 3
_MANY: Final = 20
"""From so many files on, how far it is gone is shown."""
_REASONS: Final = {
    "not_archived": "its last entry is no document timestamp: not at B-LTA",
    "encrypted": "needs a password",
    "damaged": "cannot be read as a PDF",
    "timestamp_broken": "its newest timestamp is not over what is there: look at the file",
    "timestamp_ended": "its newest timestamp has ended: nothing can prove any more what it proved",
    "timestamp_unavailable": "no timestamp was given: try again",
    "status_unavailable": "the status of the timestamp's chain cannot be had: try again",
    "lasts_no_longer": "a new timestamp would end no later: the authority needs a new certificate",
    "changed_meanwhile": "somebody changed it meanwhile: left alone",
    "busy": "somebody else is renewing it",
    "no_file": "there is no such file",
    "not_permitted": "may not be read, or replaced, by this user",
    "disk": "could not be read or written",
}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--margin",
    "margin_days",
    type=click.IntRange(0, 3650),
    default=MARGIN.days,
    show_default=True,
    help="Renew so many days before the end.",
)
@click.option("--dry-run", is_flag=True, help="Only say what is due; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@operator_option
def renew(
    paths: tuple[Path, ...], *, margin_days: int, dry_run: bool, as_json: bool, operator: str
) -> None:
    """Renew PDFs at level B-LTA: files, and all that end in .pdf in folders.

    Each is looked at; those whose newest timestamp ends soon get the evidence for it and another
    timestamp, behind what is there.  A file is replaced as a whole, or stays as it was; one that is
    damaged stops nobody else.  Each renewal is recorded with the hash of what it made.

    The exit status is 0 when every document is good for longer than the margin, 1 when something
    could not be renewed, and 3 when, with --dry-run, something is due.
    """
    with open_services() as services:
        signing = services.signing
        if signing is None:
            reason = "is empty: this deployment runs no certification authority"
            raise SettingsInvalid("ANTIN_PKI_ORGANISATION", reason=reason)
        try:
            with _shown(list(find_pdfs(paths)), is_quiet=as_json) as files:
                reports = [
                    renew_file(
                        path,
                        parties=signing.parties.for_pdf,
                        now=services.time(),
                        margin=timedelta(days=margin_days),
                        is_dry_run=dry_run,
                        record=partial(_record, services, operator=operator),
                    )
                    for path in files
                ]
        finally:
            signing.close()
    click.echo(_as_json(reports) if as_json else _as_text(reports))
    states = {one.state for one in reports}
    if FileState.FAILED in states:
        sys.exit(_FAILED)
    if FileState.DUE in states:
        sys.exit(_DUE)


def _record(services: Services, renewed: Renewed, *, operator: str) -> None:
    # no record, no act: only afterwards the file is replaced
    facts: dict[str, Fact] = {
        "before": renewed.before_sha256.hex(),
        "sha256": renewed.after_sha256.hex(),
        "ends_ms": to_ms(renewed.renewal.ends_at),
    }
    log = services.log.in_name_of(operator)
    with services.database.transaction() as tx:
        event = Event(EventType.DOCUMENT_RENEWED, facts=facts)
        log.record(tx, event, data_key=None, now=services.time())


def _shown(files: Sequence[Path], *, is_quiet: bool) -> AbstractContextManager[Iterable[Path]]:
    if is_quiet or len(files) < _MANY:
        return nullcontext(files)
    return click.progressbar(files, label="documents", file=sys.stderr)


def _as_text(reports: Sequence[FileReport]) -> str:
    rows = [("STATE", "RENEW FROM", "ENDS", "FILE", "")]
    rows += [(one.state, *_dates(one), str(one.path), _note(one)) for one in reports]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join((*lines, _sum(reports)))


def _dates(report: FileReport) -> tuple[str, str]:
    if report.renewal is None:
        return "-", "-"
    due, end = report.renewal.due_at, report.renewal.ends_at
    return due.astimezone(UTC).date().isoformat(), end.astimezone(UTC).date().isoformat()


def _note(report: FileReport) -> str:
    if report.reason:
        return _REASONS.get(report.reason, report.reason)
    return "" if report.renewal is None else f"ends with its {report.renewal.because}"


def _sum(reports: Sequence[FileReport]) -> str:
    counted = {state: sum(one.state is state for one in reports) for state in FileState}
    said = ", ".join(f"{number} {state}" for state, number in counted.items() if number)
    return f"{len(reports)} files: {said}" if said else "no file was found"


def _as_json(reports: Sequence[FileReport]) -> str:
    listed: list[dict[str, Any]] = [
        {
            "file": str(one.path),
            "state": one.state,
            "reason": one.reason or None,
            "renew_from": None if one.renewal is None else _instant(one.renewal.due_at),
            "ends": None if one.renewal is None else _instant(one.renewal.ends_at),
            "ends_with": None if one.renewal is None else one.renewal.because,
        }
        for one in reports
    ]
    return json.dumps(listed, ensure_ascii=False, indent=2)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
