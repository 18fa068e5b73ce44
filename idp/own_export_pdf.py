"""Everything that the databases hold about a person, as pages to read and print.

What lives here: the order of things and a line for each row; what has no words of its own is shown
under the name of its column.  Octets stand in the JSON alone.
Not here: the words in the language of whoever asks (`idp/web/export_words.py`), pages
(`idp/plain_pdf.py`), what is in it (`idp/own_export.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from idp.own_export import Export
from idp.plain_pdf import BODY, ENTRY, HEADING, SMALL, TITLE, PlainPdf

_CHUNK_BYTES: Final = 64 << 10
_LAST: Final = ("log_event",)
"""What is longest comes last."""


@dataclass(frozen=True, slots=True)
class ExportWords:
    """Everything that the pages say, in one language; made while the request is at hand.

    `tables`, `columns` and `values` translate names that are known; the others stay as they are.
    """

    language: str
    title: str
    made: str
    intro: str
    law: str
    nothing: str
    not_given: str
    withheld: str
    tables: Mapping[str, str]
    columns: Mapping[str, str]
    values: Mapping[str, str]


def write_pdf(export: Export, words: ExportWords) -> Iterator[bytes]:
    """The PDF in pieces of some kilobytes; memory does not grow with what there is."""
    pdf = PlainPdf(words.title, words.language, f"{words.title} · {export.account_id}")
    kept = bytearray()
    for part in _parts(export, words, pdf):
        kept += part
        if len(kept) >= _CHUNK_BYTES:
            yield bytes(kept)
            kept.clear()
    yield bytes(kept)


def _parts(export: Export, words: ExportWords, pdf: PlainPdf) -> Iterator[bytes]:
    yield pdf.begin()
    yield pdf.say(words.title, TITLE)
    yield pdf.say(words.made)
    yield pdf.say(words.intro)
    empty: list[str] = []
    for table, rows in sorted(export.tables(), key=lambda one: one[0].name in _LAST):
        name = words.tables.get(table.name, table.name)
        if table.not_given:
            empty.append(f"{name}: {words.not_given} {table.not_given}")
            continue
        is_begun = False
        for row in rows:
            if not is_begun:
                yield pdf.say(name, HEADING)
                yield pdf.say(f"{words.law}: {table.legal} ({table.legal_from})", SMALL)
                is_begun = True
            yield pdf.say(_entry(row, words), ENTRY)
        if not is_begun:
            empty.append(name)
    yield pdf.say(words.nothing, HEADING)
    for one in empty:
        yield pdf.say(one, BODY)
    yield pdf.end()


def _entry(row: Mapping[str, Any], words: ExportWords) -> str:
    said = (
        f"{words.columns.get(name, name)}: {_value(value, words)}"
        for name, value in row.items()
        if not _is_nothing(value)
    )
    return " · ".join(said)


def _is_nothing(value: Any) -> bool:
    """Whether there is nothing to read: octets are for machines, and in the JSON."""
    if isinstance(value, dict):
        return set(value) == {"base64"} or all(map(_is_nothing, value.values()))
    return value is None or value in ("", [])


def _value(value: Any, words: ExportWords) -> str:
    if isinstance(value, dict):
        if set(value) == {"withheld"}:
            return f"({words.withheld}: {value['withheld']})"
        return "; ".join(
            f"{words.columns.get(str(name), name)} {_value(one, words)}"
            for name, one in value.items()
            if not _is_nothing(one)
        )
    if isinstance(value, list):
        return ", ".join(_value(one, words) for one in value)
    return words.values.get(value, value) if isinstance(value, str) else str(value)
