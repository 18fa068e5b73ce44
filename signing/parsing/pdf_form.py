"""The form of a PDF, as far as signatures need it.

What lives here: finding the form and its signature fields, making a form where there is none, and
adding a field to it with its widget.
Source: ISO 32000-2 §12.7.3 (interactive form dictionary), §12.7.5.5 (signature fields).
Not here: whether a field may be added or filled (`pdf_permissions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.form_tools import enumerate_fields_in
from pyhanko.pdf_utils.generic import NameObject, NumberObject

from signing.errors import DocumentRefused
from signing.parsing.pdf_page_tree import add_annotation
from signing.parsing.pdf_update import Update, entry

_SIGNATURES_EXIST: Final = 1
_APPEND_ONLY: Final = 2
_PRINTED_AND_LOCKED: Final = 4 | 128
Rectangle = tuple[float, float, float, float]
NOWHERE: Final[Rectangle] = (0.0, 0.0, 0.0, 0.0)
"""The rectangle of a signature that is not seen."""


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A field for a signature."""

    name: str
    reference: generic.IndirectObject

    @property
    def content(self) -> generic.DictionaryObject:
        """The dictionary of the field."""
        return self.reference.get_object()

    @property
    def is_filled(self) -> bool:
        """Whether it has a value; which is not read, as signatures are long to read."""
        return not isinstance(self.content.get("/V", generic.NullObject()), generic.NullObject)

    @property
    def value(self) -> generic.DictionaryObject | None:
        """The dictionary of the signature, None where the field is empty."""
        value = entry(self.content, "/V")
        return value if isinstance(value, generic.DictionaryObject) else None


def signature_fields(root: generic.DictionaryObject) -> list[SignatureField]:
    """Every signature field of the document, filled or empty."""
    form = entry(root, "/AcroForm")
    fields = entry(form, "/Fields") if isinstance(form, generic.DictionaryObject) else None
    if not fields:
        return []
    found = enumerate_fields_in(fields, refs_seen=set(), target_field_type="/Sig")
    return [SignatureField(str(name), reference) for name, _, reference in found]


def add_field(
    update: Update,
    *,
    page: generic.IndirectObject,
    rectangle: Rectangle,
    value: generic.IndirectObject,
    stem: str,
    is_first: bool,
) -> SignatureField:
    """Add a field that is filled, with its widget on a page.

    Takes   stem: what its name begins with, a free number follows; is_first: no signature is in
            the document, so that the form's own entries may change.
    """
    form = _open_form(update, is_first=is_first)
    fields = entry(form, "/Fields")
    if not isinstance(fields, generic.ArrayObject):
        fields = form["/Fields"] = generic.ArrayObject()
        update.update_container(form)
    taken = {str(entry(each.get_object(), "/T")) for each in fields if _is_field(each)}
    name = next(free for n in range(1, len(taken) + 2) if (free := f"{stem}{n}") not in taken)
    content = generic.DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Widget"),
            NameObject("/FT"): NameObject("/Sig"),
            NameObject("/T"): generic.TextStringObject(name),
            NameObject("/F"): NumberObject(_PRINTED_AND_LOCKED),
            NameObject("/Rect"): generic.ArrayObject(map(_number, rectangle)),
            NameObject("/P"): page,
            NameObject("/V"): value,
        }
    )
    reference = update.add_object(content)
    fields.append(reference)
    update.update_container(fields)
    add_annotation(update, page=page, annotation=reference)
    return SignatureField(name, reference)


def fill_field(
    update: Update, field: SignatureField, *, value: generic.IndirectObject, is_first: bool
) -> generic.DictionaryObject:
    """Fill an empty field.

    Takes   is_first: as `add_field`.
    Returns its widget.
    Raises  DocumentRefused: damaged, when it has none or several.
    """
    field.content["/V"] = value
    update.mark_update(field.reference)
    _mark_form(update, entry(update.root, "/AcroForm"), is_first=is_first)
    kids = entry(field.content, "/Kids")
    if kids is None:
        return field.content
    if len(kids) != 1:
        raise DocumentRefused("damaged")
    update.mark_update(kids.raw_get(0))
    return kids[0]


def _open_form(update: Update, *, is_first: bool) -> generic.DictionaryObject:
    form = entry(update.root, "/AcroForm")
    if not isinstance(form, generic.DictionaryObject):
        form = generic.DictionaryObject({NameObject("/Fields"): generic.ArrayObject()})
        form["/SigFlags"] = NumberObject(_SIGNATURES_EXIST | _APPEND_ONLY)
        update.root["/AcroForm"] = update.add_object(form)
        update.update_root()
        return form
    _mark_form(update, form, is_first=is_first)
    return form


def _mark_form(update: Update, form: generic.DictionaryObject, *, is_first: bool) -> None:
    """Say that there are signatures; behind a signature nothing of it is changed any more."""
    if not is_first:
        return
    flags = entry(form, "/SigFlags") or 0
    wanted = int(flags) | _SIGNATURES_EXIST | _APPEND_ONLY
    if wanted != flags or "/NeedAppearances" in form:
        form["/SigFlags"] = NumberObject(wanted)
        # a reader that draws the fields anew would change what was signed
        form.pop("/NeedAppearances", None)
        update.update_container(form)


def _is_field(reference: generic.PdfObject) -> bool:
    return isinstance(reference.get_object(), generic.DictionaryObject)


def _number(value: float) -> generic.FloatObject:
    return generic.FloatObject(round(value, 4))
