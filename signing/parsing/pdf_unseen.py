"""A signature that is not seen, in a PDF of which there is one reading: word for word.

What lives here: the increment of such a signature, written by `write_unseen` and known again by
`is_unseen`.  The catalogue and one page are repeated octet for octet, the one with a form, the
other with an annotation that has no extent; nothing else is touched, and nobody referred to what is
new.  So every page shows what it showed, whoever reads it, and none has to be drawn.
Source: ISO 32000-2 §7.5.6 (increments), §12.5.2, §12.7.5.5 (the rectangle of a signature that is
not seen has no extent); docs/adr/0042.
Not here: signatures that are seen, fields that were there, documents with several revisions: a
library writes these (`pdf_signature`), and pages are drawn (`grey_pages`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from signing.parsing.pdf_plain import PlainPdf, Whole, check_whole, read_plain
from signing.parsing.pdf_sections import Odd, number_in, reference_in

_DEEPEST: Final = 8
_FIRST_KID: Final = re.compile(rb"\[[\t\n\r ]*(\d{1,10})[\t\n\r ]+0[\t\n\r ]+R")
_NEW: Final = 4
"""The signature, its appearance, the form, the field: in this order."""
_OF_CATALOG: Final = frozenset(
    {"/AcroForm", "/DSS", "/Extensions", "/OCProperties", "/Perms", "/Version"}
)
"""With one of these more would have to be thought about."""
_NOTES: Final = re.compile(rb"\[(?:[\t\n\r ]*\d{1,10}[\t\n\r ]+0[\t\n\r ]+R)*[\t\n\r ]*\]")
_WORDS: Final = (b"FreeText", b"Linearized", b"ObjStm", b"Redact", b"Widget", b"XRef")
"""Fields that wait for a form, notes that may be written as a form says, and what is not plain."""
_KIND: Final = re.compile(rb"/Subtype(?![\t\n\r ]*/)")
"""A kind that is no name, or stands elsewhere."""
_MARKS: Final = (b"obj", b"stream", b"trailer", b"xref")
"""What a reader looks for that mends a file; it may do so in a text."""
_MOST_STRAY: Final = 1_000
_HEADING: Final = re.compile(rb"(\d{1,10})[\x00\t\n\f\r ]+\d{1,10}[\x00\t\n\f\r ]+\Z")
_HEADING_BYTES: Final = 64
_AS_A_PAGE: Final = re.compile(
    rb"(?:/(?:P|Pg|Dest|D)[\t\n\r ]*|\[[\t\n\r ]*|[\t\n\r ]R[\t\n\r ]*)\Z"
)
"""What stands before a page that is meant as one: a key, or an array of pages or of a place."""
_IDENTITY: Final = re.compile(rb"\[[\t\n\r ]*(<[0-9A-Fa-f]+>)[\t\n\r ]*<[0-9A-Fa-f]+>[\t\n\r ]*\]")
_IDENTITY_BYTES: Final = 16
_PAGE: Final = re.compile(rb"\n?(\d{1,10}) 0 obj\n<<")
_TEXT: Final = rb"\((?:[\x20-\x27\x2a-\x5b\x5d-\x7e]|\\[0-7]{3})*+\)"
_SIGNATURE: Final = re.compile(
    rb"\d+ 0 obj\n(<<\n/Type /Sig\n/Filter /Adobe\.PPKLite\n/SubFilter /ETSI\.CAdES\.detached\n"
    rb"/M \(D:\d{14}(?:Z|[+-]\d\d'\d\d')\)\n"
    rb"(?:/(?:Name|Reason|Location|ContactInfo) " + _TEXT + rb"\n){0,4}"
    rb"/ByteRange \[0 \d+ \d+ \d+\] *\n/Contents <0++>\n>>)\nendobj\n"
)
_NEW_IDENTITY: Final = re.compile(rb"trailer\n<<\n/ID \[ (<[0-9A-Fa-f]+>) (<[0-9A-Fa-f]{32}>) \]\n")
_APPEARANCE: Final = (
    b"<<\n/Type /XObject\n/Subtype /Form\n/BBox [ 0 0 0 0 ]\n/Resources <<\n>>\n/Length 0\n>>\n"
    b"stream\n\nendstream"
)
_FORM: Final = b"<<\n/Fields [ %d 0 R ]\n/SigFlags 3\n>>"
UNSEEN_FIELD: Final = "Signature1"
"""The name of the field, of which there is no other."""
_FIELD: Final = (
    b"<<\n/Type /Annot\n/Subtype /Widget\n/FT /Sig\n/T (Signature1)\n/F 132\n/Rect [ 0 0 0 0 ]\n"
    b"/P %d 0 R\n/V %d 0 R\n/AP <<\n/N %d 0 R\n>>\n>>"
)
_EXTENSIONS: Final = (
    b"/Extensions <<\n/ESIC <<\n/Type /DeveloperExtensions\n/BaseVersion /1.7\n/ExtensionLevel 5\n"
    b">>\n>>\n"
)
"""As `pdf_update` declares them."""


_TRAILER: Final = (
    b"trailer\n<<\n/ID [ %b %b ]\n%b/Root %d 0 R\n/Size %d\n/Prev %d\n>>\nstartxref\n%d\n%%%%EOF\n"
)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Where a signature goes that is not seen: `page` is the number of an object."""

    document: PlainPdf
    page: int

    def before(self) -> tuple[bytes, bytes]:
        """The page and the catalogue, as they stand, and with what is added.

        Raises  Odd: there is more to think about.
        """
        document = self.document
        catalog, page = document.entries(document.root), document.entries(self.page)
        if catalog.get("/Type") != b"/Catalog" or catalog.keys() & _OF_CATALOG:
            raise Odd
        if page.get("/Type") != b"/Page" or "/Kids" in page:
            raise Odd
        reference_in(catalog, "/Pages")
        if "/Info" in document.trailer:
            document.place(reference_in(document.trailer, "/Info"))
        line = b"" if document.data.endswith((b"\r", b"\n")) else b"\n"
        annotated = _annotated(
            document.octets(self.page), page.get("/Annots"), b"%d 0 R" % (document.size + 3)
        )
        with_form = b"%b\n%b/AcroForm %d 0 R\n%b>>" % (
            document.octets(document.root)[:-2],
            b"/Version /1.7\n" if document.version < b"1.7" else b"",
            document.size + 2,
            _EXTENSIONS if document.version < b"2" else b"",
        )
        return line + _object(self.page, annotated), _object(document.root, with_form)

    def increment(
        self, before: tuple[bytes, bytes], signature: bytes, identities: tuple[bytes, bytes]
    ) -> bytes:
        """All of it.

        Takes   before: these two; signature: its dictionary.
        """
        document = self.document
        number = document.size
        parts = (
            *before,
            _object(number, signature),
            _object(number + 1, _APPEARANCE),
            _object(number + 2, _FORM % (number + 3)),
            _object(number + 3, _FIELD % (self.page, number, number + 1)),
        )
        places, place = [], len(document.data)
        for part in parts:
            places.append(place)
            place += len(part)
        places[0] += parts[0].startswith(b"\n")
        old = sorted(((self.page, places[0]), (document.root, places[1])))
        table = [b"xref\n0 1\n0000000000 65535 f \n"]
        table += [b"%d 1\n%010d 00000 n \n" % one for one in old]
        table += [b"%d %d\n" % (number, _NEW), *(b"%010d 00000 n \n" % one for one in places[2:])]
        said = (
            *identities,
            b"/Info %b\n" % document.trailer["/Info"] if "/Info" in document.trailer else b"",
            document.root,
            number + _NEW,
            document.start,
            place,
        )
        return b"".join((*parts, *table)) + _TRAILER % said


def write_unseen(data: bytes, signature: bytes) -> tuple[bytes, int]:
    """The increment of a signature on the first page, and where its dictionary begins in it.

    Takes   signature: its dictionary, with a hole.
    Raises  Odd: the document has to be read by somebody who makes sense of more.
    """
    document = read_plain(data)
    unseen = Unseen(document, _first_page(document))
    before = unseen.before()
    new = b"<%b>" % os.urandom(_IDENTITY_BYTES).hex().encode()
    increment = unseen.increment(before, signature, (_identity(document) or new, new))
    return increment, sum(map(len, before)) + len(b"%d 0 obj\n" % document.size)


def is_unseen(data: bytes, increment: bytes) -> bool:
    """Whether an increment is that, and the document shows the same with it to everybody.

    1. Of the document there is one reading, and nothing in it goes on behind its end.
    2. Catalogue and page are there once, also for who looks for objects and not for tables; the
       numbers of what is new were nobody's, and nobody referred to them.
    3. No field waits for a form, and nothing else looks as a form says.
    4. The increment is what it would be if it had been written here.
    """
    try:
        # 1
        document = read_plain(data)
        whole = check_whole(document)
        # 2
        page = _PAGE.match(increment)
        unseen = Unseen(document, 0 if page is None else int(page[1]))
        _check_numbers(unseen, whole)
        # 3
        if any(word in whole.inside for word in _WORDS) or _KIND.search(whole.inside):
            return False
        # 4
        before = unseen.before()
        signature = _SIGNATURE.match(increment, sum(map(len, before)))
        if signature is None or any(mark in signature[1] for mark in _MARKS):
            return False
        said = _NEW_IDENTITY.search(increment, signature.end())
        if said is None or said[1] != (_identity(document) or said[1]):
            return False
        return increment == unseen.increment(before, signature[1], (said[1], said[2]))
    except Odd:
        return False


def _first_page(document: PlainPdf) -> int:
    """The number of its object.  Raises Odd."""
    number = reference_in(document.entries(document.root), "/Pages")
    for _ in range(_DEEPEST):
        node = document.entries(number)
        if "/Kids" not in node:
            return number
        kid = _FIRST_KID.match(node["/Kids"])
        if kid is None or number_in(node, "/Count") < 1:
            raise Odd
        number = int(kid[1])
    raise Odd


def _identity(document: PlainPdf) -> bytes | None:
    """The first half of /ID, which stays; None where there is none.  Raises Odd."""
    if "/ID" not in document.trailer:
        return None
    hit = _IDENTITY.fullmatch(document.trailer["/ID"])
    if hit is None:
        raise Odd
    return hit[1]


def _check_numbers(unseen: Unseen, whole: Whole) -> None:
    """Nobody refers to what is new, and nobody finds another catalogue or page anywhere.

    Neither is the catalogue a part of something, nor the page but as a page: the names of their
    entries could be those of fonts or of colours, and one entry more is then one of these more.
    """
    document = unseen.document
    new = range(document.size, document.size + _NEW)
    named = b"|".join(b"%d" % one for one in (document.root, *new))
    is_named = re.search(rb"(?<!\d)0*(?:%b)[\t\n\r ]+0[\t\n\r ]+R" % named, whole.inside)
    if is_named:
        raise Odd
    for there in re.finditer(rb"(?<!\d)0*%d[\t\n\r ]+0[\t\n\r ]+R" % unseen.page, whole.inside):
        at = there.start()
        if _AS_A_PAGE.search(whole.inside, max(0, at - _HEADING_BYTES), at) is None:
            raise Odd
    # the word stands in an object twice; where there are more of it, they are in what it holds
    data, stray = document.data, document.data.count(b"obj") - 2 * whole.objects
    if stray > _MOST_STRAY:
        raise Odd
    once = {
        document.root: document.place(document.root),
        unseen.page: document.place(unseen.page),
        **dict.fromkeys(new, -1),
    }
    at = data.find(b"obj") if stray else -1
    while at >= 0:
        hit = _HEADING.search(data, max(0, at - _HEADING_BYTES), at)
        if hit is not None and once.get(int(hit[1]), hit.start()) != hit.start():
            raise Odd
        at = data.find(b"obj", at + 1)


def _annotated(page: bytes, notes: bytes | None, field: bytes) -> bytes:
    """A page with one annotation more, behind those that it has.  Raises Odd."""
    if notes is None:
        return b"%b\n/Annots [ %b ]\n>>" % (page[:-2], field)
    if page.count(b"/Annots") != 1 or _NOTES.fullmatch(notes) is None:
        raise Odd
    end = page.index(notes, page.index(b"/Annots")) + len(notes) - 1
    return b"%b %b %b" % (page[:end], field, page[end:])


def _object(number: int, content: bytes) -> bytes:
    return b"%d 0 obj\n%b\nendobj\n" % (number, content)
