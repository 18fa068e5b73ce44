"""The container of ASiC: a ZIP file with its type first, the same bytes each time.

What lives here: writing it, for signatures in CAdES and in XAdES, and which names a file may have.
Members are stored as they are and dated at the beginning of the format's time, so that the same
parts give the same container; a document goes from its blob into the container's and is nowhere
else.
Source: ETSI EN 319 162-1 §4.3.3, §4.4.3, annex A.1 (`mimetype` first, stored, without extra field);
APPNOTE.TXT §4.4 and appendix D (names in UTF-8); RFC 3986 §2.1 and §3.3 (references to names).
Not here: what stands in META-INF (`asic_cades.py`, `asic_xades.py`), and reading of containers.
"""

from __future__ import annotations

import os
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import quote

from signing.errors import DocumentRefused
from signing.isolation.blob import Blob, open_memory_file

ASIC_S: Final = "application/vnd.etsi.asic-s+zip"
ASIC_E: Final = "application/vnd.etsi.asic-e+zip"
META_INF: Final = "META-INF/"

MOST_FILES: Final = 1_000
_LONGEST_NAME: Final = 240
"""Bytes of UTF-8: what every usual file system takes, with a little for where it is unpacked."""
_RESERVED: Final = ("mimetype", "meta-inf")
_FORBIDDEN: Final = frozenset('\\:*?"<>|')
"""What cannot stand in a name everywhere, or is the beginning of another drive."""
_DECEIVING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_BEGINNING: Final = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS: Final = 0o644 << 16
_UNIX: Final = 3


class Octets(Protocol):
    """A content of known size, in pieces: a blob, or a part of one."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def chunks(self) -> Iterator[bytes]:
        """All of it in pieces."""


@dataclass(frozen=True, slots=True)
class ContainerFile:
    """One member; `name` with `/` between folders, `mime_type` goes into manifests."""

    name: str
    content: bytes | Octets = field(repr=False)
    mime_type: str | None = None


def check_name(raw_name: str) -> str:
    """The name of a document in a container, in NFC.

    1. A relative path that goes nowhere but down.
    2. Nothing in it that is not to be seen, or that a file system refuses.
    3. Not one of the names that the container has a use for.

    Raises  DocumentRefused: name_escapes, name_refused, name_reserved.
    """
    name = unicodedata.normalize("NFC", raw_name)
    steps = name.split("/")
    # 1
    if any(step in {"", ".", ".."} for step in steps) or "\\" in name:
        raise DocumentRefused("name_escapes")
    # 2
    if len(name.encode("utf-8", "replace")) > _LONGEST_NAME or not _FORBIDDEN.isdisjoint(name):
        raise DocumentRefused("name_refused")
    if any(unicodedata.category(letter) in _DECEIVING for letter in name):
        raise DocumentRefused("name_refused")
    if any(step != step.strip() or step.endswith(".") for step in steps):
        raise DocumentRefused("name_refused")
    # 3
    if steps[0].casefold() in _RESERVED:
        raise DocumentRefused("name_reserved")
    return name


def check_names(raw_names: Sequence[str]) -> tuple[str, ...]:
    """The names of all documents of a container: as `check_name`, and no two alike.

    Names that differ in capitals alone are alike: unpacked, one would replace the other.
    Raises  DocumentRefused: also no_documents, too_many_documents, name_twice.
    """
    if not raw_names:
        raise DocumentRefused("no_documents")
    if len(raw_names) > MOST_FILES:
        raise DocumentRefused("too_many_documents")
    names = tuple(check_name(one) for one in raw_names)
    files = {name.casefold() for name in names}
    folders = {folder for name in files for folder in _folders(name)}
    if len(files) != len(names) or files & folders:
        raise DocumentRefused("name_twice")
    return names


def reference(name: str) -> str:
    """The URI by which manifests and signatures in a container mean one of its files."""
    return quote(name, safe="/-._~!$&'()+,;=@")


def write_container(mime_type: str, files: Iterable[ContainerFile]) -> Blob:
    """The container, with the files in the order given.

    Takes   mime_type: `ASIC_S` or `ASIC_E`; files: names are checked by whoever prepared them.
    Returns a blob that the caller closes.
    """
    fd = open_memory_file()
    try:
        with (
            os.fdopen(os.dup(fd), "w+b") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed,
        ):
            _write(packed, ContainerFile("mimetype", mime_type.encode("ascii")))
            for one in files:
                _write(packed, one)
    except BaseException:
        os.close(fd)
        raise
    blob = Blob(fd)
    blob.seal()
    return blob


def _write(packed: zipfile.ZipFile, file: ContainerFile) -> None:
    member = zipfile.ZipInfo(file.name, _BEGINNING)
    member.create_system = _UNIX
    member.external_attr = _PERMISSIONS
    content = file.content
    if isinstance(content, bytes):
        packed.writestr(member, content)
        return
    member.file_size = content.size  # known ahead: no need for longer fields, nor for a descriptor
    with packed.open(member, "w") as into:
        for chunk in content.chunks():
            into.write(chunk)


def _folders(name: str) -> list[str]:
    steps = name.split("/")[:-1]
    return ["/".join(steps[: number + 1]) for number in range(len(steps))]
