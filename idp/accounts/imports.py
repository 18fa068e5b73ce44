"""Importing a register of people and organisations: a million rows, any number of times.

What lives here: the walk over the file in batches.  Each batch is one transaction that holds its
accounts, its mandates, its log row and how far the file has got (`idp.storage.account_imports`); so
Ctrl-C, `kill -9` or a power cut lose at most the batch that was running, and the next run goes on
behind the last one.  A row whose first identifier is known already is counted as existing and
changes nothing, so an import may be repeated, also after the file was corrected.  A bad row is
listed with its line number and a code, never with what it says, and the rest goes in.

Passwords.  Wrapping a hash with argon2id takes 20 ms: a million would take six hours of one core.
By default (`is_wrapping=False`) imported hashes are therefore sealed under each person's data key
and wrapped afterwards (`wrapping`), or at the person's first sign-in: until then somebody who
steals the database alone still cannot guess at them, because the keys are not in it, and a sign-in
costs the same (`passwords`).  Whoever wants them wrapped before the import answers asks for it.

An event for every imported account would double the work of the import; one for each batch names
the import, how many accounts and mandates it brought, and its last line.
Not here: columns, files (`import_columns`, `import_files`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from idp.accounts.credentials import StoredPassword
from idp.accounts.errors import AccountError, IdentifierTaken
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.import_columns import ImportRow, MandateWish, RowRefused, parse_row
from idp.accounts.import_files import FileRow, ImportFile, open_import_file, read_rows
from idp.accounts.mandates import mandate_added
from idp.accounts.model import Account, Mandate, MandateKind
from idp.accounts.passwords import Passwords
from idp.ids import AccountId, MandateId, make_id
from idp.storage.account_imports import ImportJob, advance_job, find_job, insert_job
from idp.storage.accounts import AccountRow, find_cancelled, find_keys, insert_accounts
from idp.storage.credentials import insert_passwords, recount_schemes
from idp.storage.database import Database, Transaction
from idp.storage.mandates import MandateRow, insert_mandates, list_present
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

BATCH_ROWS: Final = 1_000
_TRIES: Final = 3
_SOURCE: Final = "import"


class ImportElsewhere(AccountError):
    """Another process is importing the same file."""

    code = "import_elsewhere"


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far it has got; `was_finished` when the file had been imported before.

    `warnings` and `mandates` (given) are counted since this run began, `job` since the first.
    """

    job: ImportJob
    size_bytes: int
    warnings: int = 0
    mandates: int = 0
    was_finished: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """One line of a batch: a row, or the code with which it is refused."""

    line: int
    row: ImportRow | None
    problem: str | None


class AccountImport:
    """Imports files; one object per run.

    Takes   clock: asked for the time once per batch; is_wrapping: wrap password hashes before they
            are stored, on every core.
    """

    def __init__(
        self,
        database: Database,
        *,
        sealer: Sealer,
        log: LogWriter,
        passwords: Passwords,
        clock: Callable[[], datetime],
        is_wrapping: bool = False,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._passwords = passwords
        self._clock = clock
        self._is_wrapping = is_wrapping

    def run(
        self, path: Path, *, errors_path: Path, is_repeated: bool = False
    ) -> Generator[ImportProgress, None, None]:
        """Import a file from where it was left, batch by batch; the last value is the result.

        Takes   errors_path: list of refused rows, `line,code` each; is_repeated: walk through a
                file once more that was imported to its end.
        Raises  ImportFileRefused; ImportElsewhere; StorageUnavailable (run it again); OSError.
        """
        source = open_import_file(path)
        job = self._begin(source, is_repeated=is_repeated)
        if job.is_finished:
            yield ImportProgress(job, source.size_bytes, was_finished=True)
            return
        so_far = ImportProgress(job, source.size_bytes)
        with _errors_file(errors_path, kept_bytes=job.errors_bytes) as errors:
            rows = read_rows(source, offset=job.offset_bytes, line=job.lines + 1)
            while batch := list(islice(rows, BATCH_ROWS)):
                so_far = self._import_batch(batch, so_far=so_far, errors=errors)
                yield so_far
        yield replace(so_far, job=self._finish(so_far.job))

    def _begin(self, source: ImportFile, *, is_repeated: bool) -> ImportJob:
        fresh = ImportJob(
            make_id("imp"), offset_bytes=source.first_offset, lines=source.first_line - 1
        )
        with self._database.transaction() as tx:
            if insert_job(tx, fresh, file_sha256=source.sha256, now=self._clock()):
                return fresh
            known = find_job(tx.connection, source.sha256)
            if known is None:
                raise ImportElsewhere
            if known.is_finished and is_repeated:
                again = replace(fresh, job_id=known.job_id)
                advance_job(tx, again, expected_offset=known.offset_bytes, now=self._clock())
                return again
        return known

    def _import_batch(
        self, batch: list[FileRow], *, so_far: ImportProgress, errors: BinaryIO
    ) -> ImportProgress:
        now = self._clock()
        read = [self._parse(row, now=now) for row in batch]
        read = self._wrap(read) if self._is_wrapping else read
        for attempt in range(_TRIES):
            try:
                job, given = self._store_batch(batch, read, job=so_far.job, errors=errors, now=now)
            except IdentifierTaken:
                # somebody opened one of these accounts since we looked: look again
                if attempt == _TRIES - 1:
                    raise
            else:
                break
        odd = sum(1 for one in read if one.row is not None and one.row.has_warnings)
        return replace(
            so_far, job=job, warnings=so_far.warnings + odd, mandates=so_far.mandates + given
        )

    def _parse(self, row: FileRow, *, now: datetime) -> _Read:
        if row.problem is not None:
            return _Read(row.line, None, row.problem)
        try:
            return _Read(row.line, parse_row(row.cells, passwords=self._passwords, now=now), None)
        except RowRefused as refused:
            return _Read(row.line, None, refused.code)

    def _wrap(self, read: list[_Read]) -> list[_Read]:
        def wrap(one: _Read) -> _Read:
            if one.row is None or one.row.password is None:
                return one
            wrapped = self._passwords.wrap(one.row.password)
            return replace(one, row=replace(one.row, password=wrapped))

        with ThreadPoolExecutor(os.cpu_count()) as cores:
            return list(cores.map(wrap, read))

    def _store_batch(
        self,
        batch: list[FileRow],
        read: list[_Read],
        *,
        job: ImportJob,
        errors: BinaryIO,
        now: datetime,
    ) -> tuple[ImportJob, int]:
        """One transaction: accounts, passwords, mandates, log, and how far the file has got.

        Returns how far, and how many mandates were given.
        """
        with self._database.transaction() as tx:
            refused = {one.line: one.problem for one in read if one.problem is not None}
            new, existing, clashes = self._sort(tx, read)
            refused.update(clashes)
            made = self._insert(tx, new, now=now)
            given, unknown = self._add_mandates(tx, read, skipped=refused, now=now)
            refused.update(unknown)
            listed = "".join(f"{line},{code}\n" for line, code in sorted(refused.items())).encode()
            after = replace(
                job,
                offset_bytes=batch[-1].end_offset,
                lines=batch[-1].line,
                added=job.added + made,
                existing=job.existing + existing,
                refused=job.refused + len(refused),
                errors_bytes=job.errors_bytes + len(listed),
            )
            if not advance_job(tx, after, expected_offset=job.offset_bytes, now=now):
                raise ImportElsewhere
            _rewrite(errors, listed, offset=job.errors_bytes)
            if made or given:
                event = Event(
                    EventType.ACCOUNT_IMPORTED,
                    facts={
                        "import": job.job_id,
                        "accounts": made,
                        "mandates": given,
                        "last_line": after.lines,
                    },
                )
                self._log.record(tx, event, data_key=None, now=now)
        return after, given

    def _sort(
        self, tx: Transaction, read: list[_Read]
    ) -> tuple[list[ImportRow], int, dict[int, str]]:
        """Which rows are new, how many are known, and which claim the number of somebody else."""
        rows = [(one.line, one.row) for one in read if one.row is not None]
        asked = [
            number
            for _line, row in rows
            if row.account is not None
            for number in _numbers(row.account)
        ]
        known: dict[ParsedIdentifier, AccountId] = {
            number: account_id
            for number, (account_id, _key) in find_keys(
                tx.connection, asked, sealer=self._sealer
            ).items()
        }
        # a file from before somebody was renumbered must not open an account for the old number
        cancelled = find_cancelled(tx.connection, asked, sealer=self._sealer)
        new: list[ImportRow] = []
        existing = 0
        clashes: dict[int, str] = {}
        for line, row in rows:
            if row.account is None:
                continue
            numbers = _numbers(row.account)
            owners = {known[number] for number in numbers if number in known}
            if any(number in cancelled and number not in known for number in numbers):
                clashes[line] = "identifier_cancelled"
            elif not owners:
                known.update(dict.fromkeys(numbers, row.account.account_id))
                new.append(row)
            elif len(owners) == 1 and numbers[0] in known:
                existing += 1
            else:
                clashes[line] = "identifier_taken"
        return new, existing, clashes

    def _insert(self, tx: Transaction, new: list[ImportRow], *, now: datetime) -> int:
        accounts = [row.account for row in new if row.account is not None]
        if not accounts:
            return 0
        made = insert_accounts(tx, accounts, sealer=self._sealer)
        passwords: list[tuple[AccountRow, StoredPassword]] = [
            (made[row.account.account_id], row.password)
            for row in new
            if row.account is not None and row.password is not None
        ]
        insert_passwords(tx, passwords, sealer=self._sealer, now=now)
        return len(made)

    def _add_mandates(
        self, tx: Transaction, read: list[_Read], *, skipped: dict[int, str], now: datetime
    ) -> tuple[int, dict[int, str]]:
        """Give the mandates that rows ask for and that are not there.

        Returns how many, and the code of each line that is refused one.

        An organisation goes in although one of its representatives is unknown: the line is listed,
        and importing the file again after the person was added gives the mandate.
        """
        wishes = [
            (one.line, wish)
            for one in read
            if one.row is not None and one.line not in skipped
            for wish in one.row.mandates
        ]
        if not wishes:
            return 0, {}
        parties = {party for _line, wish in wishes for party in (wish.holder, wish.principal)}
        keys = find_keys(tx.connection, parties, sealer=self._sealer)
        refused: dict[int, str] = {}
        asked: dict[tuple[int, int], tuple[MandateWish, AccountId, AccountId]] = {}
        for line, wish in wishes:
            holder, principal = keys.get(wish.holder), keys.get(wish.principal)
            if holder is None:
                refused[line] = "legal_representative_unknown"
            elif principal is None:
                refused[line] = "organisation_unknown"
            else:
                asked[holder[1], principal[1]] = (wish, holder[0], principal[0])
        kind = MandateKind.LEGAL_REPRESENTATIVE
        present = list_present(tx.connection, asked, kind=kind, now=now)
        new = [
            MandateRow(_mandate(wish, holder, principal, now=now), *pair)
            for pair, (wish, holder, principal) in asked.items()
            if pair not in present
        ]
        insert_mandates(tx, new)
        for one in new:
            self._log.record(tx, mandate_added(one.mandate), data_key=None, now=now)
        return len(new), refused

    def _finish(self, job: ImportJob) -> ImportJob:
        now = self._clock()
        after = replace(job, is_finished=True)
        with self._database.transaction() as tx:
            if not advance_job(tx, after, expected_offset=job.offset_bytes, now=now):
                raise ImportElsewhere
            recount_schemes(tx)
            event = Event(
                EventType.IMPORT_FINISHED,
                facts={
                    "import": job.job_id,
                    "added": job.added,
                    "existing": job.existing,
                    "refused": job.refused,
                },
            )
            self._log.record(tx, event, data_key=None, now=now)
        return after


def _numbers(account: Account) -> list[ParsedIdentifier]:
    return [ParsedIdentifier(one.kind, one.value) for one in account.identifiers]


def _mandate(
    wish: MandateWish, holder_id: AccountId, principal_id: AccountId, *, now: datetime
) -> Mandate:
    return Mandate(
        mandate_id=MandateId(make_id("mdt")),
        kind=MandateKind.LEGAL_REPRESENTATIVE,
        holder_id=holder_id,
        principal_id=principal_id,
        scopes=(),
        portals=(),
        valid_from=wish.valid_from,
        valid_to=wish.valid_to,
        source=_SOURCE,
        verified_at=now,
    )


@contextmanager
def _errors_file(path: Path, *, kept_bytes: int) -> Iterator[BinaryIO]:
    """The list of refused rows, cut to what the last kept batch had written; gone when empty."""
    with path.open("r+b" if path.exists() else "w+b") as errors:
        errors.truncate(kept_bytes)
        yield errors
        is_empty = errors.seek(0, os.SEEK_END) == 0
    if is_empty:
        path.unlink()


def _rewrite(errors: BinaryIO, listed: bytes, *, offset: int) -> None:
    """Write what a batch refused before it is committed; after a crash the next run cuts it."""
    errors.seek(offset)
    errors.truncate()
    if listed:
        errors.write(listed)
        errors.flush()
        os.fsync(errors.fileno())


def last_of(progress: Iterable[ImportProgress]) -> ImportProgress:
    """Run an import to its end, without showing how far it has got."""
    *_, last = progress
    return last
