"""Who reads which kind of file.

What lives here: one table, so that a further format is one line.  Not here: any reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.detached import Detached
from signing.validation.found import FoundDocument
from signing.validation.kinds import Kind
from signing.validation.verdict import because

Reader = Callable[[Blob, Sequence[Detached], Isolation], FoundDocument]


def _load(module: str, name: str) -> Any:
    try:
        return getattr(import_module(f"signing.validation.{module}"), name, None)
    except ModuleNotFoundError:
        return None


def _read_pdf(document: Blob, detached: Sequence[Detached], isolation: Isolation) -> FoundDocument:
    del detached
    return _load("pdf", "read_pdf")(document, isolation=isolation)  # type: ignore[no-any-return]


def _read_cms(document: Blob, detached: Sequence[Detached], isolation: Isolation) -> FoundDocument:
    return _load("cms", "read_cms")(document, detached=detached, isolation=isolation)  # type: ignore[no-any-return]


def _later(module: str, name: str, kind: str, *, takes_detached: bool) -> Reader:
    def read(document: Blob, detached: Sequence[Detached], isolation: Isolation) -> FoundDocument:
        reader = _load(module, name)
        if reader is None:
            return FoundDocument(kind, malformed=(because("unknown_format"),))
        given = {"detached": detached} if takes_detached else {}
        return reader(document, isolation=isolation, **given)  # type: ignore[no-any-return]

    return read


READERS: Final[Mapping[Kind, Reader]] = MappingProxyType(
    {
        Kind.PDF: _read_pdf,
        Kind.CMS: _read_cms,
        Kind.XML: _later("xml", "read_xml", "xml", takes_detached=True),
        Kind.CONTAINER: _later("asic", "read_container", "zip", takes_detached=False),
        Kind.JWS: _later("jws", "read_jws", "jws", takes_detached=True),
    }
)


def find_all_changes(
    document: Blob, found: FoundDocument, isolation: Isolation
) -> Mapping[str, Any]:
    """What was done behind each signature of a PDF, by the identity of the signature."""
    finder = _load("pdf_changes", "find_changes") if found.kind == Kind.PDF else None
    if finder is None or not found.signatures:
        return {}
    return finder(document, found, isolation=isolation)  # type: ignore[no-any-return]
