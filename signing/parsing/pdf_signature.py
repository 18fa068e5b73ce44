"""A signature is prepared in a PDF.

What lives here: the field, the dictionary of the signature and its appearance, as one increment.
Source: ISO 32000-2 §12.7.5.5, §12.8; ETSI EN 319 142-1 §6.3 (ETSI.CAdES.detached, /M and no
signing-time in the CMS).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta, timezone
from typing import BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import NameObject, NumberObject, TextStringObject, pdf_date

from signing.errors import DocumentRefused
from signing.messages.pdf_signature import HoleAnswered, SignatureAsked
from signing.parsing.pdf_appearance import check_place, drawn_appearance, empty_appearance
from signing.parsing.pdf_form import (
    NOWHERE,
    SignatureField,
    add_field,
    fill_field,
    signature_fields,
)
from signing.parsing.pdf_page_tree import find_page
from signing.parsing.pdf_permissions import (
    SUB_FILTER,
    check_empty_field,
    check_new_field,
    lock_of,
)
from signing.parsing.pdf_sections import Odd
from signing.parsing.pdf_signature_dictionary import SignatureDictionary, SigningDate
from signing.parsing.pdf_unseen import UNSEEN_FIELD, write_unseen
from signing.parsing.pdf_update import Update, entry, open_update

_LARGEST: Final = 8 << 20
"""Of a larger document hardly anything is read, and a copy of it would cost more."""


def add_signature(
    asked: SignatureAsked, inputs: Sequence[memoryview], output: BinaryIO
) -> HoleAnswered:
    """Write the increment of a signature: field, dictionary with a hole, appearance.

    Raises  DocumentRefused: encrypted, damaged, field_filled, field_unknown, no_such_page,
            appearance_off_page, and what `pdf_permissions` says.
    """
    if asked.field is None and asked.certify is None and asked.appearance is None:
        with suppress(Odd):
            return _add_unseen(asked, inputs[: asked.parts], output)
    with open_update(inputs[: asked.parts]) as update:
        fields = signature_fields(update.root)
        earlier = [field for field in fields if field.value is not None]
        signature = _dictionary(asked)
        reference = update.add_object(signature)
        drawn = inputs[asked.parts] if asked.appearance is not None else None
        if asked.field is None:
            name = _sign_new_field(update, asked, earlier=earlier, value=reference, drawn=drawn)
        else:
            field = _empty_field(asked.field, fields)
            check_empty_field(field, earlier, certifies=asked.certify is not None)
            _lock(signature, lock_of(field), root=update.root_ref)
            widget = fill_field(update, field, value=reference, is_first=not earlier)
            if asked.appearance is not None and drawn is not None:
                widget["/AP"] = drawn_appearance(update, drawn, turned=asked.appearance.turned)
            name = field.name
        if asked.certify is not None:
            _certify(update, signature, reference, level=asked.certify)
        update.declare_extension()
        start, end = signature.write_increment(update, output)
    return HoleAnswered(field=name, start=start, end=end)


def _add_unseen(
    asked: SignatureAsked, parts: Sequence[memoryview], output: BinaryIO
) -> HoleAnswered:
    """The same, where nothing has to be made sense of.  Raises Odd."""
    size = sum(map(len, parts))
    if size > _LARGEST:
        raise Odd
    signature = _dictionary(asked)
    increment, at = write_unseen(b"".join(parts), signature.octets())
    start, end = signature.write_around(increment, output, at=at, behind=size)
    return HoleAnswered(field=UNSEEN_FIELD, start=start, end=end)


def _sign_new_field(
    update: Update,
    asked: SignatureAsked,
    *,
    earlier: Sequence[SignatureField],
    value: generic.IndirectObject,
    drawn: memoryview | None,
) -> str:
    check_new_field(earlier, is_visible=drawn is not None, certifies=asked.certify is not None)
    place = asked.appearance
    page = find_page(update.root, 0 if place is None else place.page)
    if place is not None and drawn is not None:
        check_place(page.get_object(), place.rectangle)
        appearance = drawn_appearance(update, drawn, turned=place.turned)
    else:
        appearance = empty_appearance(update)
    field = add_field(
        update,
        page=page,
        rectangle=NOWHERE if place is None else place.rectangle,
        value=value,
        stem="Signature",
        is_first=not earlier,
    )
    field.content["/AP"] = appearance
    return field.name


def _dictionary(asked: SignatureAsked) -> SignatureDictionary:
    signature = SignatureDictionary(kind="/Sig", sub_filter=SUB_FILTER, hole_bytes=asked.hole_bytes)
    zone = timezone(timedelta(minutes=asked.utc_offset_minutes))
    signature["/M"] = SigningDate(pdf_date(asked.signed_at.astimezone(zone)))
    said = {
        "/Name": asked.name,
        "/Reason": asked.reason,
        "/Location": asked.location,
        "/ContactInfo": asked.contact,
    }
    for key, text in said.items():
        if text is not None:
            signature[key] = TextStringObject(text)
    return signature


def _empty_field(name: str, fields: Sequence[SignatureField]) -> SignatureField:
    field = next((one for one in fields if one.name == name), None)
    if field is None:
        raise DocumentRefused("field_unknown")
    if field.value is not None:
        raise DocumentRefused("field_filled")
    return field


def _certify(
    update: Update,
    signature: generic.DictionaryObject,
    reference: generic.IndirectObject,
    *,
    level: int,
) -> None:
    """Say what may follow, in the signature and in the catalogue (ISO 32000-2 §12.8.2.2)."""
    parameters = generic.DictionaryObject({NameObject("/P"): NumberObject(level)})
    parameters["/Type"] = NameObject("/TransformParams")
    parameters["/V"] = NameObject("/1.2")
    _refer(signature, "/DocMDP", parameters)
    permissions = entry(update.root, "/Perms")
    if not isinstance(permissions, generic.DictionaryObject):
        permissions = update.root["/Perms"] = generic.DictionaryObject()
        update.update_root()
    permissions["/DocMDP"] = reference
    update.update_container(permissions)


def _lock(
    signature: generic.DictionaryObject,
    parameters: generic.DictionaryObject | None,
    *,
    root: generic.Reference,
) -> None:
    """Repeat in the signature what its field says that it locks (ISO 32000-2 Table 236)."""
    if parameters is None:
        return
    data = generic.IndirectObject(root.idnum, root.generation, root.pdf)
    _refer(signature, "/FieldMDP", parameters, data=data)


def _refer(
    signature: generic.DictionaryObject,
    method: str,
    parameters: generic.DictionaryObject,
    *,
    data: generic.IndirectObject | None = None,
) -> None:
    reference = generic.DictionaryObject({NameObject("/Type"): NameObject("/SigRef")})
    reference["/TransformMethod"] = NameObject(method)
    reference["/TransformParams"] = parameters
    if data is not None:
        reference["/Data"] = data
    known = signature.setdefault(NameObject("/Reference"), generic.ArrayObject())
    known.append(reference)
