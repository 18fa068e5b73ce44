"""Who reads which kind of file.

What lives here: one table, so that a further format is one line.  Not here: any reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from signing.isolation.blob import Blob
from signing.isolation.task import READERS_OF_CHECKS, Isolation, for_xml
from signing.validation.asic import read_container
from signing.validation.cms import read_cms
from signing.validation.detached import Detached
from signing.validation.found import FoundDocument
from signing.validation.jws import read_jws
from signing.validation.kinds import Kind
from signing.validation.pdf import read_pdf
from signing.validation.xml import read_xml

Reader = Callable[[Blob, Sequence[Detached], Isolation], FoundDocument]


def _read_pdf(document: Blob, detached: Sequence[Detached], isolation: Isolation) -> FoundDocument:
    del detached
    return read_pdf(document, isolation=isolation)


def _read_cms(document: Blob, detached: Sequence[Detached], isolation: Isolation) -> FoundDocument:
    return read_cms(document, detached=detached, isolation=isolation)


def _read_xml(document: Blob, detached: Sequence[Detached], isolation: Isolation) -> FoundDocument:
    apart = for_xml(isolation, READERS_OF_CHECKS)
    return read_xml(document, detached=detached, isolation=apart)


def _read_container(
    document: Blob, detached: Sequence[Detached], isolation: Isolation
) -> FoundDocument:
    del detached
    return read_container(document, isolation=for_xml(isolation, READERS_OF_CHECKS))


def _read_jws(document: Blob, detached: Sequence[Detached], isolation: Isolation) -> FoundDocument:
    return read_jws(document, detached=detached, isolation=isolation)


READERS: Final[Mapping[Kind, Reader]] = MappingProxyType(
    {
        Kind.PDF: _read_pdf,
        Kind.CMS: _read_cms,
        Kind.XML: _read_xml,
        Kind.CONTAINER: _read_container,
        Kind.JWS: _read_jws,
    }
)
