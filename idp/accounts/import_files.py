"""Reading an import file row by row, from any offset, in constant memory.

What lives here: CSV (with a header; comma, or semicolon as spreadsheets write it here) and JSON
Lines, in UTF-8 with or without a byte order mark.  One row is one line: a quoted line break in CSV
is refused, so that a stray quote spoils its own line and not the rest of the file.  A row that
cannot be read is handed on as a code with its line number.  Not here: what the cells mean.
Source: RFC 4180; jsonlines.org.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from idp.accounts.import_columns import COLUMNS

MAX_LINE_BYTES: Final = 16_384
_BOM: Final = b"\xef\xbb\xbf"
_CHUNK: Final = 1 << 16
_decode_json = msgspec.json.Decoder(dict[str, str | int | bool | None]).decode


class FileFormat(StrEnum):
    """How rows are written down."""

    CSV = "csv"
    JSONL = "jsonl"


class ImportFileRefused(Exception):
    """Not one row can be read; `reason` is a stable word, `column` the header's offending name."""

    def __init__(self, reason: str, *, column: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True)
class FileRow:
    """One line of the file: its number (the first is 1), where it ends, and its cells or a code."""

    line: int
    end_offset: int
    cells: Mapping[str, str] = field(repr=False)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file to import, looked at but not read."""

    path: Path
    format: FileFormat
    size_bytes: int
    sha256: str
    columns: tuple[str, ...]
    delimiter: str
    first_offset: int
    first_line: int


def open_import_file(path: Path) -> ImportFile:
    """Look at a file: its format by its name, its header, its SHA-256 (hexadecimal).

    Raises  ImportFileRefused: `format_unknown` (neither .csv nor .jsonl), `header_missing`,
            `column_unknown`, `column_repeated`; OSError.
    """
    try:
        written = FileFormat(path.suffix.lower().removeprefix("."))
    except ValueError as unknown:
        raise ImportFileRefused("format_unknown") from unknown
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        start = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
        file.seek(start)
        columns: tuple[str, ...] = ()
        delimiter = ","
        line = 1
        if written is FileFormat.CSV:
            columns, delimiter = _read_header(file)
            line = 2
        offset = file.tell()
    return ImportFile(path, written, path.stat().st_size, sha256, columns, delimiter, offset, line)


def read_rows(source: ImportFile, *, offset: int, line: int) -> Iterator[FileRow]:
    """The rows from an offset on; blank lines are passed over.

    Takes   offset, line: where to begin, as `ImportFile.first_…` or a `FileRow` before says.
    """
    parse = _parse_csv if source.format is FileFormat.CSV else _parse_json
    with source.path.open("rb") as file:
        file.seek(offset)
        while raw := file.readline(MAX_LINE_BYTES + 1):
            size = len(raw)
            if size > MAX_LINE_BYTES:
                size += _skip_line(file, last=raw)
                offset += size
                yield FileRow(line, offset, {}, "row_too_long")
            else:
                offset += size
                if text := raw.strip():
                    yield parse(text, source, line, offset)
            line += 1


def _read_header(file: BinaryIO) -> tuple[tuple[str, ...], str]:
    raw = file.readline(MAX_LINE_BYTES)
    try:
        text = raw.decode().strip()
    except UnicodeDecodeError as foreign:
        raise ImportFileRefused("header_missing") from foreign
    delimiter = ";" if ";" in text and "," not in text else ","
    try:
        names = next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as missing:
        raise ImportFileRefused("header_missing") from missing
    columns = tuple(name.strip() for name in names)
    if "kind" not in columns:
        raise ImportFileRefused("header_missing", column="kind")
    for position, name in enumerate(columns):
        if name not in COLUMNS:
            # a name that is not ours may be a row of data: it is not repeated
            raise ImportFileRefused("column_unknown", column=str(position + 1))
        if name in columns[:position]:
            raise ImportFileRefused("column_repeated", column=name)
    return columns, delimiter


def _parse_csv(raw: bytes, source: ImportFile, line: int, end_offset: int) -> FileRow:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return FileRow(line, end_offset, {}, "row_encoding")
    try:
        cells: Sequence[str] = next(csv.reader([text], delimiter=source.delimiter, strict=True))
    except csv.Error:
        return FileRow(line, end_offset, {}, "row_malformed")
    if len(cells) != len(source.columns):
        return FileRow(line, end_offset, {}, "row_columns")
    found = {
        name: text
        for name, cell in zip(source.columns, cells, strict=True)
        if (text := cell.strip())
    }
    return FileRow(line, end_offset, found)


def _parse_json(raw: bytes, _source: ImportFile, line: int, end_offset: int) -> FileRow:
    try:
        members = _decode_json(raw)
    except UnicodeDecodeError:
        return FileRow(line, end_offset, {}, "row_encoding")
    except msgspec.DecodeError:
        return FileRow(line, end_offset, {}, "row_malformed")
    if not members.keys() <= COLUMNS.keys():
        return FileRow(line, end_offset, {}, "column_unknown")
    found = {name: text for name, value in members.items() if (text := _text(value))}
    return FileRow(line, end_offset, found)


def _text(value: str | float | bool | None) -> str:  # noqa: FBT001  a JSON value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _skip_line(file: BinaryIO, *, last: bytes) -> int:
    """Read on to the end of the line; how many bytes that were."""
    skipped = 0
    while last and not last.endswith(b"\n"):
        last = file.readline(_CHUNK)
        skipped += len(last)
    return skipped
