"""`antin verify`: whether what somebody signed is valid, in words and as an exit status.

What lives here: reading files, asking for their reports, the table that is printed.
Source: architecture, "Commands"; TT 15/2025/TT-BKHCN Art. 6 (what has to be shown).
Not here: checking (`signing/validation`), the words (`idp/web/verify/told`).
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from clients.registry.errors import RegistryError
from idp.cli.context import open_services
from idp.errors import AntinError
from keystore.errors import KeystoreError

if TYPE_CHECKING:
    from idp.services import Services
    from idp.web.verify.told import ToldDocument, ToldSignature
    from idp.web.verify.told_parts import Say, ToldRow
    from signing.validation.detached import Detached
    from signing.validation.model import DocumentReport

UNREADABLE: Final = 3
NOT_CHECKED: Final = 4
"""Never 1: nobody may take a database that is away, or a pipe that was closed, for a signature that
is not valid."""
_WORST_FIRST: Final = (UNREADABLE, 1, 2, 0)
_CHUNK: Final = 1 << 20
_MIB: Final = 1 << 20
_SHAPES: Final = {"ok": "✓ ", "bad": "✗ ", "unsure": "? ", "": ""}
_WIDTH: Final = 96
_LABEL: Final = 30
_path: Final = click.Path(path_type=Path)


@click.command()
@click.argument("files", type=_path, nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--detached",
    type=_path,
    multiple=True,
    metavar="DOCUMENT",
    help="A document that the signature is about; may be repeated.",
)
@click.option(
    "--digest",
    "digests",
    multiple=True,
    metavar="sha256:HEX",
    help="The digest of one that is not here; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: the reports.")
@click.option("--details", is_flag=True, help="Every check, certificate and timestamp as well.")
@click.option(
    "--language", type=click.Choice(("vi", "en")), help="Default: as LANG says, else English."
)
def verify(
    files: tuple[Path, ...],
    *,
    detached: tuple[Path, ...],
    digests: tuple[str, ...],
    as_json: bool,
    details: bool,
    language: str | None,
) -> None:
    """Check the signatures of each FILE.

    \b
    Exit status: 0  passed
                 1  failed
                 2  indeterminate, or no signature
                 3  a file cannot be read
                 4  nothing was checked: settings, database or trust are not there; or
                    what was found could not be told to the end
    Of several files: the worst; unreadable before failed before indeterminate.
    """  # noqa: D301 - \b is click's: what follows stays as it is
    try:
        status = _verify_all(
            files, detached, digests, as_json=as_json, details=details, language=language
        )
        sys.stdout.flush()
    except BrokenPipeError:
        # nobody reads on; what is left to be written at the end goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = NOT_CHECKED
    except (AntinError, KeystoreError, RegistryError) as away:
        raise _NotChecked(str(away) or type(away).__name__) from away
    except click.ClickException:
        raise
    except Exception:  # noqa: BLE001 - Python would end with 1, which says that a signature failed
        traceback.print_exc()
        status = NOT_CHECKED
    raise SystemExit(status)


def _verify_all(
    files: tuple[Path, ...],
    detached: tuple[Path, ...],
    digests: tuple[str, ...],
    *,
    as_json: bool,
    details: bool,
    language: str | None,
) -> int:
    """Check and tell about each; returns the status to end with."""
    statuses: list[int] = []
    with ExitStack() as held:
        services = held.enter_context(open_services())
        from idp.web.i18n import speaker
        from idp.web.verify.told import tell
        from signing.validation.report.json import report_members
        from signing.validation.report.summary import exit_status

        say = speaker("vi" if (language or _of_environment()) == "vi" else "en")
        beside = tuple(_beside(detached, digests, held=held))
        told: list[dict[str, Any]] = []
        for file in files:
            report = _check(services, file, beside=beside)
            if isinstance(report, NotOpened):
                click.echo(f"{_plain(str(file))}: {say(report.sentence, **report.facts)}", err=True)
                statuses.append(UNREADABLE)
                told.append(report.members(file))
                continue
            statuses.append(exit_status(report))
            if as_json:
                told.append(report_members(report))
            else:
                _print(tell(report, say=say), say=say, details=details)
        if as_json:
            shown: Any = told[0] if len(files) == 1 else told
            click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    return next(one for one in _WORST_FIRST if one in statuses)


@dataclass(frozen=True, slots=True)
class NotOpened:
    """Why a file was not even read."""

    reason: str
    sentence: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def members(self, file: Path) -> dict[str, Any]:
        """What stands in the place of its report."""
        reason = {"code": self.reason, "facts": dict(self.facts)}
        name = {"name": os.fsencode(file.name).decode("utf-8", "replace")}
        return {"answer": "unreadable", "reasons": [reason], "document": name}


def _check(
    services: Services, file: Path, *, beside: tuple[Detached, ...]
) -> DocumentReport | NotOpened:
    """The report about a file, or why it could not be opened."""
    from idp.web import verify_sentences as sentences
    from signing.isolation.blob import Blob

    most_mib = services.settings.document_mib
    try:
        if file.is_dir():
            return NotOpened("folder", sentences.FOLDER)
        if file.stat().st_size > most_mib * _MIB:
            return NotOpened("too_large", sentences.LARGER, {"count": str(most_mib)})
        blob = Blob.of_chunks(_read(file))
    except FileNotFoundError:
        return NotOpened("not_found", sentences.NOT_FOUND)
    except PermissionError:
        return NotOpened("not_permitted", sentences.NOT_PERMITTED)
    except OSError:
        return NotOpened("not_readable", sentences.NOT_READABLE)
    with blob:
        return services.validation.check(blob, name=file.name, now=services.time(), detached=beside)


def _beside(
    detached: tuple[Path, ...], digests: tuple[str, ...], *, held: ExitStack
) -> Iterator[Detached]:
    from idp.web.verify.asked import read_digests
    from signing.errors import RequestRefused
    from signing.isolation.blob import Blob
    from signing.validation.detached import Detached

    for file in detached:
        try:
            blob = held.enter_context(Blob.of_chunks(_read(file)))
        except OSError as failure:
            raise _Unreadable(f"{file}: {failure.strerror}") from failure
        yield Detached(file.name, blob)
    for digest in digests:
        name, _, digits = digest.partition(":")
        try:
            yield Detached("", None, read_digests({name: digits}))
        except RequestRefused as malformed:
            raise click.BadParameter(
                "is not sha256:, sha384: or sha512: with hexadecimal digits",
                param_hint="--digest",
            ) from malformed


class _NotChecked(click.ClickException):
    """There is nothing to check with."""

    exit_code = NOT_CHECKED


class _Unreadable(click.ClickException):
    """A document beside the signature cannot be read."""

    exit_code = UNREADABLE


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk


def _of_environment() -> str:
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return named.partition("_")[0].lower()


# -- the table ---------------------------------------------------------------------------------


def _print(told: ToldDocument, *, say: Say, details: bool) -> None:
    """One file: the answer and one sentence first."""
    from idp.web.verify_sentences import CODE, SANDBOX

    shape = {"done": "✓", "failed": "✗", "unsure": "?"}[told.look]
    click.echo(f"{_plain(told.name)}: {shape} {told.heading}")
    _lines(told.sentence, indent=2)
    for text in (*told.reasons, *told.warnings):
        _lines(f"• {text}", indent=2)
    if told.is_sandbox:
        _lines(f"• {say(SANDBOX)}", indent=2)
    _lines(f"→ {told.advice}", indent=2)
    for one in told.signatures:
        _signature(one, of=len(told.signatures), say=say, details=details)
    for stamp in told.timestamps:
        _row(stamp.name, f"{_SHAPES[stamp.mark]}{stamp.word}", stamp.reasons)
        for row in stamp.rows:
            _told(row)
    _row("SHA-256", told.sha256)
    _row(say(CODE), told.code)
    click.echo()


def _signature(one: ToldSignature, *, of: int, say: Say, details: bool) -> None:
    click.echo(f"  {say('Chữ ký %(number)s / %(count)s', number=one.number, count=of)}")
    if of > 1:
        _lines(f"{one.heading}. {one.sentence}", indent=4)
        for text in one.reasons:
            _lines(f"• {text}", indent=4)
    for row in one.rows:
        _told(row)
    for text in one.warnings:
        _lines(f"• {text}", indent=4)
    if not details:
        return
    for check in one.checks:
        _row(check.name, f"{_SHAPES[check.mark]}{check.word}", check.reasons)
    for stamp in one.timestamps:
        _row(stamp.name, f"{_SHAPES[stamp.mark]}{stamp.word}", stamp.reasons)
        for row in stamp.rows:
            _told(row)
    for row in (*one.technical, *one.objects):
        _told(row)
    for at, rows in enumerate(one.certificates, 1):
        click.echo(f"    {say('Chứng thư %(number)s', number=at)}")
        for row in rows:
            _told(row)


def _told(row: ToldRow) -> None:
    _row(row.label, f"{_SHAPES[row.mark]}{row.value}", row.notes)


def _row(label: str, value: str, notes: tuple[str, ...] = ()) -> None:
    """A label and what stands beside it, in lines that are not too long."""
    first = f"    {_plain(label):<{_LABEL}} "
    if len(first) > _LABEL + 5:
        click.echo(first.rstrip())
        first = " " * (_LABEL + 5)
    rest = " " * (_LABEL + 5)
    for text in (value, *notes):
        for line in textwrap.wrap(_plain(text), _WIDTH - len(rest)) or [""]:
            click.echo(f"{first}{line}".rstrip())
            first = rest


def _lines(text: str, *, indent: int) -> None:
    for line in textwrap.wrap(_plain(text), _WIDTH - indent):
        click.echo(" " * indent + line)


def _plain(text: str) -> str:
    """Nothing out of a file may steer the terminal."""
    return "".join(one if one.isprintable() else "�" for one in text)
