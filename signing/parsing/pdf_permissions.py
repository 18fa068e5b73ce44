"""Whether a document lets itself be signed once more.

What lives here: what earlier signatures and the field itself forbid, refused before anything is
written, so that no signature is made that a checker then reports as a forbidden change.
Source: ISO 32000-2 §12.8.2.2 (DocMDP), §12.8.2.4 (FieldMDP), §12.7.5.5 (Lock, SV), Table 235.
NOTE: evidence and document timestamps may follow always (ISO 32000-2 Table 257): nothing is asked
here for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import FieldMDPSpec

from signing.errors import DocumentRefused
from signing.parsing.pdf_form import SignatureField
from signing.parsing.pdf_update import entry

_NO_CHANGES: Final = 1
_FILLING_IN: Final = 2
SUB_FILTER: Final = "/ETSI.CAdES.detached"
_SV_SUB_FILTER: Final = 2
_SV_MET_BY_US: Final = _SV_SUB_FILTER
"""Bits of a seed value's /Ff for what we can honour; any other demand is refused."""


def check_new_field(
    earlier: Sequence[SignatureField], *, is_visible: bool, certifies: bool
) -> None:
    """Whether one more signature field may be added and filled.

    1. A certification is the first signature.
    2. A certification that allows nothing, or a lock that does, is the last one.
    3. Behind a certification nothing new may be seen: filling in and signing is what it allows.
    4. Nobody locked all fields.

    Raises  DocumentRefused: not_the_first_signature, no_further_signature, no_new_visible_field.
    """
    # 1, 2
    certified = _check_document(earlier, certifies=certifies)
    # 3
    if certified and is_visible:
        raise DocumentRefused("no_new_visible_field")
    # 4
    if any(lock.is_locked("\0") for lock in _locks(earlier)):
        raise DocumentRefused("no_further_signature")


def check_empty_field(
    field: SignatureField, earlier: Sequence[SignatureField], *, certifies: bool
) -> None:
    """Whether an empty field may be filled.

    1. and 2. as `check_new_field`.
    3. The field is not locked by an earlier signature.
    4. What the field demands is what we write.

    Raises  DocumentRefused: not_the_first_signature, no_further_signature, field_locked,
            field_demands_more.
    """
    # 1, 2
    _check_document(earlier, certifies=certifies)
    # 3
    if any(lock.is_locked(field.name) for lock in _locks(earlier)):
        raise DocumentRefused("field_locked")
    # 4
    seed = entry(field.content, "/SV")
    if isinstance(seed, generic.DictionaryObject):
        _check_seed(seed)


def lock_of(field: SignatureField) -> generic.DictionaryObject | None:
    """What the field says that its signature locks, in the form of a FieldMDP's parameters."""
    lock = entry(field.content, "/Lock")
    if not isinstance(lock, generic.DictionaryObject):
        return None
    parameters: generic.DictionaryObject = FieldMDPSpec.from_pdf_object(lock).as_transform_params()
    if (level := entry(lock, "/P")) is not None:
        parameters["/P"] = level
    return parameters


def _check_document(earlier: Sequence[SignatureField], *, certifies: bool) -> bool:
    if certifies and earlier:
        raise DocumentRefused("not_the_first_signature")
    levels, certified = [], False
    for method, parameters in _transforms(earlier):
        if method == "/DocMDP":
            certified = True
            levels.append(int(entry(parameters, "/P") or _FILLING_IN))
        elif method == "/FieldMDP" and (level := entry(parameters, "/P")) is not None:
            levels.append(int(level))
    if _NO_CHANGES in levels:
        raise DocumentRefused("no_further_signature")
    return certified


def _locks(earlier: Sequence[SignatureField]) -> list[FieldMDPSpec]:
    return [
        FieldMDPSpec.from_pdf_object(parameters)
        for method, parameters in _transforms(earlier)
        if method == "/FieldMDP"
    ]


def _transforms(
    earlier: Sequence[SignatureField],
) -> Iterable[tuple[str, generic.DictionaryObject]]:
    for field in earlier:
        value = field.value
        references = None if value is None else entry(value, "/Reference")
        for each in references or ():
            reference = each.get_object()
            parameters = entry(reference, "/TransformParams")
            if isinstance(parameters, generic.DictionaryObject):
                yield str(entry(reference, "/TransformMethod")), parameters


def _check_seed(seed: generic.DictionaryObject) -> None:
    demanded = int(entry(seed, "/Ff") or 0)
    if demanded & ~_SV_MET_BY_US:
        raise DocumentRefused("field_demands_more")
    allowed = entry(seed, "/SubFilter")
    if demanded & _SV_SUB_FILTER and allowed is not None and SUB_FILTER not in allowed:
        raise DocumentRefused("field_demands_more")
    certificate = entry(seed, "/Cert")
    if isinstance(certificate, generic.DictionaryObject) and entry(certificate, "/Ff"):
        raise DocumentRefused("field_demands_more")
