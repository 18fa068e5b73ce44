"""What differs between two revisions of a form.

What lives here: fields that came, went, were filled, or say something else than they did; and
signatures whose dictionary or appearance is no longer the one that was signed.
Source: ISO 32000-2 §12.7.3, §12.7.4; Mainka, Mladenov, Rohlmann, "Shadow Attacks" (2021).
Not here: what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pyhanko.pdf_utils import generic

from signing.messages.pdf_changes import MOST_NAME, MOST_SPOTS, Difference, Spot
from signing.parsing.pdf_annotations import does_something, is_seen, rectangle
from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_fields import Field
from signing.parsing.pdf_lax import dictionary, entry, name, number_of, raw, value_of
from signing.parsing.pdf_snapshot import MOST_FIELDS

if TYPE_CHECKING:
    from signing.parsing.pdf_differences import Walk

_OF_FIELDS: Final = "/Fields"
_FREE: Final = frozenset({"/SigFlags"})
_OF_LOOKS: Final = frozenset({"/DR", "/DA", "/Q", "/NeedAppearances"})
_OF_VALUE: Final = frozenset({"/V", "/AP", "/AS", "/I", "/RV", "/TI"})
_OF_LOCKING: Final = frozenset({"/Ff", "/Lock", "/SV", "/Type", "/M", "/DA", "/Q", "/NM"})
_UPWARDS: Final = frozenset({"/Parent", "/P", "/Kids", "/StructParent"})
_OF_FILLING: Final = frozenset({"/DA", "/Q"})
_OF_THE_SIGNED: Final = frozenset({"/Lock", "/SV"})
_LIKE: Final = ("/BG", "/BC", "/CA", "/I")
_MOST_LOOKS: Final = 1 << 16
_EMPTY: Final = frozenset({"", "Off"})
_OF_TEXT: Final = frozenset({"/Tx", "/Ch"})
_SHOWING: Final = re.compile(
    rb"(?:\((?:[^()\\]|\\.)*[^\s()\\](?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]+>)[^()<>]*?(?:Tj|TJ|'|\")"
    rb"|/\S+\s+Do\b|\bBI\b"
)


def compare_forms(walk: Walk, old: Any, new: Any) -> None:
    """The form key by key, then field by field, by their objects: of one name there may be two."""
    if dictionary(new) is None:
        if dictionary(old) is not None:
            walk.note(Difference(code="field_removed"))
        return
    _compare_keys(walk, old, new)
    fields = {one.number or one.name: one for one in walk.old.fields}
    now = {one.number or one.name: one for one in walk.new.fields}
    if max(len(fields), len(now)) >= MOST_FIELDS:
        walk.note(Difference(code="not_compared"))
    for identity in fields.keys() - now.keys():
        gone = fields[identity]
        code = "signature_removed" if _is_signed(gone) else "field_removed"
        walk.note(Difference(code=code, field=gone.name[:MOST_NAME]))
    where = _pages_of(walk)
    for identity, field in now.items():
        if identity not in fields:
            _note_new(walk, field, where)
        else:
            _compare_field(walk, fields[identity], field, where)


def _compare_keys(walk: Walk, old: Any, new: Any) -> None:
    is_drawn_anew = False
    keys = (old.keys() if dictionary(old) is not None else set()) | new.keys()
    for key in sorted(keys - _FREE - {_OF_FIELDS}):
        before, after = raw(old, key), raw(new, key)
        if before is not None and after is not None and walk.same(before, after):
            continue
        if key == "/DR":
            _compare_fonts(walk, entry(old, key), entry(new, key))
        elif key in _OF_LOOKS:
            is_drawn_anew = is_drawn_anew or dictionary(old) is not None
        elif dictionary(old) is not None or key == "/XFA":
            walk.note(Difference(code="form_changed"))
    if is_drawn_anew and entry(new, "/NeedAppearances"):
        walk.is_told = False


def _compare_fonts(walk: Walk, old: Any, new: Any) -> None:
    """More to draw fields with is harmless; what was there must be what it was."""
    for group in dictionary(old) or ():
        before, after = entry(old, group), entry(new, group)
        for key in dictionary(before) or ():
            one, other = raw(before, key), raw(after, key)
            if other is None or not walk.same(one, other):
                walk.is_told = False
                if group == "/Font":
                    walk.note(Difference(code="font_replaced"))


def _note_new(walk: Walk, field: Field, where: Mapping[int, int]) -> None:
    pages, spots = _seen(field, where)
    if field.kind != "/Sig":
        code = "field_added"
    elif field.value is None:
        # one that shows something and is signed by nobody is a note by another name
        shows = spots and any(_has_looks(widget) for _, widget in field.widgets)
        code = "field_added" if shows else "signature_field_added"
    else:
        said = {name(entry(field.value, "/Type")), name(entry(field.value, "/SubFilter"))}
        is_stamp = not spots and bool(said & {"DocTimeStamp", "ETSI.RFC3161"})
        code = "timestamp_added" if is_stamp else "signature_and_field_added"
    if does_something(field.content) or any(does_something(one) for _, one in field.widgets):
        walk.note(Difference(code="action_changed", field=field.name[:MOST_NAME], pages=pages))
    walk.note(Difference(code=code, field=field.name[:MOST_NAME], pages=pages, spots=spots))


def _compare_field(walk: Walk, old: Field, new: Field, where: Mapping[int, int]) -> None:
    numbers = {old.number, number_of(old.raw_value) or 0, *(number for number, _ in old.widgets)}
    if old.number == new.number and old.number and not numbers & walk.same.dirty:
        return
    pages, spots = _seen(new, where)

    def note(code: str) -> None:
        walk.note(Difference(code=code, field=new.name[:MOST_NAME], pages=pages, spots=spots))

    is_value_same = walk.same(old.raw_value, new.raw_value)
    if (old.kind, old.name) != (new.kind, new.name):
        note("field_changed")
    elif old.kind == "/Sig":
        if not is_value_same:
            filled = "signature_replaced" if old.value is not None else "signature_added"
            if old.value is None and not _stand_same(walk, old, new):
                filled = "signature_and_field_added"  # it is not where it was seen to be
            note("signature_removed" if new.value is None else filled)
        elif not _look_same(walk, old, new):
            note("signature_appearance_replaced")
    elif not is_value_same:
        is_new = _is_empty(old.value) and not _shows_text(old)
        note("field_filled" if is_new else "field_replaced")
    elif not _look_same(walk, old, new):
        note("appearance_replaced")
    if len(old.widgets) != len(new.widgets) or not _are_settled(walk, old, new):
        note("field_changed")


def _look_same(walk: Walk, old: Field, new: Field) -> bool:
    if len(old.widgets) != len(new.widgets):
        return False
    for (_, before), (_, after) in zip(old.widgets, new.widgets, strict=True):
        for key in ("/AP", "/AS", "/MK", "/BS"):
            one, other = raw(before, key), raw(after, key)
            if one is None and key == "/AP" and not is_seen(before):
                continue
            if not walk.same(one, other):
                return False
    return True


def _stand_same(walk: Walk, old: Field, new: Field) -> bool:
    pairs = zip(old.widgets, new.widgets, strict=False)
    return all(walk.same(raw(one, "/Rect"), raw(other, "/Rect")) for (_, one), (_, other) in pairs)


def _are_settled(walk: Walk, old: Field, new: Field) -> bool:
    """Whether everything but value, looks and locks is what it was: place, name, actions."""
    pairs = [(old.content, new.content)]
    pairs += [
        (before, after) for (_, before), (_, after) in zip(old.widgets, new.widgets, strict=False)
    ]
    free = _OF_VALUE | _OF_LOCKING | _UPWARDS
    if _is_signed(old):
        free -= _OF_THE_SIGNED
    elif old.kind != "/Sig" and walk.same(old.raw_value, new.raw_value):
        free -= _OF_FILLING  # nobody filled it, and it may look otherwise where it is drawn anew
    for before, after in pairs:
        keys = (before.keys() | after.keys()) - free
        if old.kind == "/Sig" and old.value is None and not is_seen(before):
            keys -= {"/Rect", "/MK", "/F"}
        for key in keys:
            if not walk.same(raw(before, key), raw(after, key)):
                return False
    return True


def _seen(field: Field, where: Mapping[int, int]) -> tuple[tuple[int, ...], tuple[Spot, ...]]:
    """On which pages it stands, and where it is seen, as far as that can be told."""
    spots: list[Spot] = []
    for number, widget in field.widgets:
        page = where.get(number, where.get(number_of(raw(widget, "/P")) or -1))
        box = rectangle(widget)
        if page is not None and box is not None and is_seen(widget):
            spots.append((page, *box))
        if len(spots) == MOST_SPOTS:
            break
    return tuple(sorted({spot[0] for spot in spots})), tuple(spots)


def _pages_of(walk: Walk) -> Mapping[int, int]:
    """The page of each widget on pages that differ, and each page by its own number."""
    found: dict[int, int] = {}
    for at, number in enumerate(walk.new.pages):
        found[number] = at
        if at in walk.to_draw or number in walk.same.added:
            annotations = entry(walk.new.fetch(number), "/Annots")
            if isinstance(annotations, generic.ArrayObject):
                for index in range(len(annotations)):
                    found[number_of(annotations.raw_get(index)) or -1] = at
    return found


def _has_looks(widget: generic.DictionaryObject) -> bool:
    """Whether a reader draws something for it: as it is given, or by what it is said to be like."""
    said = dictionary(entry(widget, "/MK"))
    return "/AP" in widget or any(key in (said or ()) for key in _LIKE)


def _shows_text(field: Field) -> bool:
    """Whether somebody saw something in a field that has no value."""
    for _, widget in field.widgets if field.kind in _OF_TEXT else ():
        looks = entry(entry(widget, "/AP"), "/N")
        if isinstance(looks, generic.StreamObject) and is_seen(widget):
            try:
                if _SHOWING.search(looks.data[:_MOST_LOOKS]):
                    return True
            except DAMAGE:
                return True
    return False


def _is_signed(field: Field) -> bool:
    return field.kind == "/Sig" and field.value is not None


def _is_empty(value: Any) -> bool:
    value = value_of(value)
    if value is None:
        return True
    if isinstance(value, generic.NameObject):
        return name(value) in _EMPTY
    if isinstance(value, generic.ArrayObject):
        return len(value) == 0
    return isinstance(value, str | bytes) and not value.strip()
