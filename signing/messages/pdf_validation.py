"""What is asked about a signed PDF that somebody brings, and what is answered.

What lives here: the task `READ_PDF` with its structs: signatures as their dictionaries say, each
with the places where things stand, so that whoever asks can cut and hash by itself; and what is in
the security store.
Source: ISO 32000-2 §12.8.1 (signature dictionary), §12.8.2 (transforms), §12.8.4.3 (DSS).
Not here: what a later revision changed (`pdf_changes`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

MOST_SIGNATURES: Final = 200
"""A document with more is read as far as that, and said to have more."""
MOST_FIELDS: Final = 10_000

_MOST_ENTRIES: Final = 4_000
_MOST_ANSWER_BYTES: Final = 32 << 20
_Name = Annotated[str, msgspec.Meta(max_length=1_000)]
_Text = Annotated[str, msgspec.Meta(max_length=2_000)]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=MOST_FIELDS)]
_Entry = Annotated[bytes, msgspec.Meta(max_length=16 << 20)]
_Code = Annotated[str, msgspec.Meta(max_length=64)]


class PdfAsked(msgspec.Struct, frozen=True):
    """Asks for the signatures; the document is the input."""


class LockRead(msgspec.Struct, frozen=True):
    """Which fields a signature says that nobody may change: FieldMDP, or the field's own lock.

    Takes   action: `All`, `Include` or `Exclude`; permission: as of DocMDP, 0 for none.
    """

    action: _Code
    fields: _Names = ()
    permission: int = 0

    def locks(self, name: str) -> bool:
        """Whether it locks the field of this name, or one that has it below."""
        is_named = any(name == one or name.startswith(f"{one}.") for one in self.fields)
        return self.action == "All" or (is_named if self.action == "Include" else not is_named)


class SignatureRead(msgspec.Struct, frozen=True, kw_only=True):
    """A signature dictionary: **nothing of it is verified**.

    Takes   field: full name, empty where no field of the form has it; kind: /Type and sub_filter:
            /SubFilter, without the stroke; byte_range: as many numbers as stand there;
            starts_at: where the object stands, -1 where that is not in the file by itself;
            contents: from the `<` to behind the `>` of /Contents, two zeros where it is not there;
            has_doublets: value, range or sub-filter stands there twice; certificates: /Cert, DER;
            permission: of DocMDP, 0 for none; is_listed: a field of the form has it.
    """

    field: _Name = ""
    kind: _Name = ""
    sub_filter: _Name = ""
    byte_range: Annotated[tuple[int, ...], msgspec.Meta(max_length=16)] = ()
    starts_at: int = -1
    contents: tuple[int, int] = (0, 0)
    has_doublets: bool = False
    certificates: Annotated[tuple[_Entry, ...], msgspec.Meta(max_length=64)] = ()
    reason: _Text = ""
    place: _Text = ""
    signer: _Text = ""
    signed_at: _Text = ""
    permission: int = 0
    locks: Annotated[tuple[LockRead, ...], msgspec.Meta(max_length=16)] = ()
    is_listed: bool = True


class EvidenceRead(msgspec.Struct, frozen=True):
    """An entry of the security store.

    Takes   within: so many octets of the file have it, and what says how it is read; -1 where that
            cannot be told.
    """

    content: _Entry
    within: int


_Evidence = Annotated[tuple[EvidenceRead, ...], msgspec.Meta(max_length=_MOST_ENTRIES)]


class PdfRead(msgspec.Struct, frozen=True, kw_only=True):
    """All of a document.

    Takes   signatures: in no order; certificates, ocsp_responses, crls: of the store and of its
            entries about one signature (VRI); findings: codes of what is odd about the file:
            `structure_damaged`, `too_many_signatures`.
    """

    signatures: Annotated[tuple[SignatureRead, ...], msgspec.Meta(max_length=MOST_SIGNATURES)] = ()
    certificates: _Evidence = ()
    ocsp_responses: _Evidence = ()
    crls: _Evidence = ()
    findings: Annotated[tuple[_Code, ...], msgspec.Meta(max_length=16)] = ()


READ_PDF: Final = Task("signing.parsing.pdf_read:read_pdf", PdfAsked, PdfRead, _MOST_ANSWER_BYTES)
"""Refused: encrypted, not_a_pdf."""
