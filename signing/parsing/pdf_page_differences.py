"""What differs between the pages of two revisions of a PDF.

What lives here: pages that came and went, pages that draw something else, and annotations: added,
changed, taken away, or laid over what stood there.
Source: ISO 32000-2 §7.7.3, §12.5; Mainka, Mladenov, Rohlmann, "Shadow Attacks" (2021).
Not here: how it looks (`pdf_pictures`), what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from signing.messages.pdf_changes import Difference
from signing.parsing.pdf_annotations import (
    ACTIONS,
    Box,
    covered_share,
    does_something,
    is_seen,
    rectangle,
)
from signing.parsing.pdf_lax import dictionary, elements, entry, name, number_of, raw
from signing.parsing.pdf_snapshot import Snapshot

if TYPE_CHECKING:
    from signing.parsing.pdf_differences import Walk

_FREE: Final = frozenset({"/Parent", "/Metadata", "/LastModified", "/PieceInfo", "/Tabs", "/Type"})
_STRUCTURE: Final = frozenset({"/StructParents", "/ID", "/Thumb"})
_ANNOTATIONS: Final = "/Annots"
_ACTIONS: Final = "/AA"
_INHERITED: Final = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
_OF_NODES: Final = frozenset({"/Kids", "/Count", "/Parent", "/Type"})
_NOT_LAID_OVER: Final = frozenset({"Link", "Popup"})
_LEAST_SHARE: Final = 0.01
_MOST_OVERLAPS: Final = 1_000_000
_DEEPEST: Final = 64


def compare_pages(walk: Walk) -> None:
    """The list of pages, then each page from which something that changed is reached."""
    old, new = walk.old, walk.new
    if old.pages != new.pages:
        _compare_lists(walk)
    nodes, pages = old.nodes(), set(old.pages)
    reached = old.reaching(walk.same.changed - nodes, stops=frozenset(pages))
    if nodes & (walk.same.changed | reached):
        _compare_nodes(walk, nodes & (walk.same.changed | reached))
    if 0 in old.pages or not (old.has_all_pages and new.has_all_pages):
        # a page that is no object by itself, or one that we do not come to
        walk.is_told = False
        walk.note(Difference(code="not_compared"))
    now = {number: at for at, number in enumerate(new.pages)}
    for at, number in enumerate(old.pages):
        if number in reached and number in now:
            walk.to_draw.add(at)
            _compare_page(walk, old.fetch(number), new.fetch(number), at=at)


def _compare_lists(walk: Walk) -> None:
    before, after = walk.old.pages, walk.new.pages
    known, left = set(before), set(after)
    gone = [at for at, number in enumerate(before) if number not in left]
    come = [at for at, number in enumerate(after) if number not in known]
    walk.is_told = False
    if come:
        is_prepared = any(after[at] in walk.old.places for at in come)
        code = "pages_switched" if is_prepared and gone else "pages_added"
        walk.note(Difference(code=code, pages=tuple(come[:500])))
    if gone:
        walk.note(Difference(code="pages_removed", pages=tuple(gone[:500])))
    if not come and not gone:
        walk.note(Difference(code="pages_moved"))


def _compare_nodes(walk: Walk, nodes: set[int]) -> None:
    """What stands above pages, and what these take from it."""
    pairs = [(entry(walk.old.root, "/Pages"), entry(walk.new.root, "/Pages"))]
    pairs += [(walk.old.fetch(one), walk.new.fetch(one)) for one in sorted(nodes)]
    for before, after in pairs:
        if dictionary(before) is None or dictionary(after) is None:
            continue  # then other pages are there
        for key in (before.keys() | after.keys()) - _OF_NODES:
            if not walk.same(raw(before, key), raw(after, key)):
                walk.is_told = False
                if key == "/Resources":
                    _compare_resources(walk, entry(before, key), entry(after, key))
                elif key in _INHERITED:
                    walk.note(Difference(code="content_changed"))


def _compare_page(walk: Walk, old: Any, new: Any, *, at: int) -> None:
    if dictionary(old) is None or dictionary(new) is None:
        walk.note(Difference(code="content_changed", pages=(at,)))
        return
    _compare_inherited(walk, old, new, at=at)
    inherited = {key for key in _INHERITED if key not in old or key not in new}
    for key in sorted((old.keys() | new.keys()) - _FREE - inherited):
        before, after = raw(old, key), raw(new, key)
        if key == _ANNOTATIONS:
            _compare_annotations(walk, entry(old, key), entry(new, key), at=at)
        elif walk.same(before, after):
            continue
        elif key == _ACTIONS:
            walk.note(Difference(code="action_changed", pages=(at,)))
        elif key in _STRUCTURE:
            continue
        elif key == "/Resources":
            _compare_resources(walk, entry(old, key), entry(new, key), at)
        else:
            walk.note(Difference(code=_how(walk, before), pages=(at,)))


def _compare_inherited(walk: Walk, old: Any, new: Any, *, at: int) -> None:
    """What a page takes from above it: it may begin to have its own, or take it from elsewhere."""
    is_moved = number_of(raw(old, "/Parent")) != number_of(raw(new, "/Parent"))
    for key in _INHERITED:
        own = (key in old) + (key in new)
        if own == 2 or not (own or is_moved):
            continue
        before, after = _effective(walk.old, old, key), _effective(walk.new, new, key)
        if key == "/Resources":
            resolved = walk.old.resolve(before), walk.new.resolve(after)
            _compare_resources(walk, *resolved, at)
        elif not walk.same(before, after):
            walk.note(Difference(code="content_changed", pages=(at,)))


def _effective(snapshot: Snapshot, page: Any, key: str) -> Any:
    """What a page has, or the nearest node above that has it."""
    node = page
    for _ in range(_DEEPEST):
        if dictionary(node) is None or key in node:
            break
        node = snapshot.resolve(raw(node, "/Parent"))
    return raw(node, key)


def _compare_resources(walk: Walk, old: Any, new: Any, *at: int) -> None:
    """What is there more is drawn only if it is called, and then the pictures differ."""
    for group in dictionary(old) or ():
        before, after = entry(old, group), entry(new, group)
        if dictionary(before) is None:
            continue
        for key in before:
            one, other = raw(before, key), raw(after, key)
            if not walk.same(one, other):
                code = "font_replaced" if group == "/Font" else _how(walk, one)
                walk.note(Difference(code=code, pages=at))


def _how(walk: Walk, reference: Any) -> str:
    """How something that draws a page was changed."""
    number = number_of(reference)
    if number is not None and walk.new.places.get(number) is None:
        return "content_freed"
    return "content_changed"


def _compare_annotations(walk: Walk, old: Any, new: Any, *, at: int) -> None:
    before = {number_of(one) or -index: one for index, one in enumerate(elements(old), 1)}
    after = {number_of(one) or -index: one for index, one in enumerate(elements(new), 1)}
    for number in before.keys() - after.keys():
        known = walk.old.resolve(before[number])
        if dictionary(known) is not None and not _is_widget(known):
            walk.note(Difference(code="annotation_removed", pages=(at,)))
        elif dictionary(known) is not None and is_seen(known):
            walk.note(Difference(code="widget_removed", pages=(at,)))
    for number in after.keys() & before.keys():
        _compare_annotation(walk, before[number], after[number], at=at)
    there = [one for one in after if one in before]
    if there != [one for one in before if one in after]:  # what lies over what
        walk.note(Difference(code="annotation_changed", pages=(at,)))
    come = after.keys() - before.keys()
    under = _places(walk, before.values()) if come else []
    if len(under) * len(come) > _MOST_OVERLAPS:
        walk.note(Difference(code="not_compared", pages=(at,)))
        under = []
    for number in come:
        added = walk.new.resolve(after[number])
        if dictionary(added) is None:
            continue
        if not _is_widget(added):
            walk.note(Difference(code="annotation_added", pages=(at,), spots=_spots(added, at)))
        elif number not in walk.new.widgets:
            walk.note(Difference(code="widget_added", pages=(at,), spots=_spots(added, at)))
        if not _is_widget(added) and does_something(added):
            walk.note(Difference(code="action_changed", pages=(at,)))
        over = rectangle(added) if is_seen(added) else None
        share = max((covered_share(over, one) for one in under), default=0.0) if over else 0.0
        if over is not None and share > _LEAST_SHARE:
            spots = ((at, *over),)
            walk.note(Difference(code="overlapped", pages=(at,), spots=spots, share=share))


def _compare_annotation(walk: Walk, before: Any, after: Any, *, at: int) -> None:
    """One that is there in both; widgets of the form are compared with it."""
    one, other = walk.old.resolve(before), walk.new.resolve(after)
    number = number_of(before)
    if number is not None and number == number_of(after) and number not in walk.same.dirty:
        return
    is_widget = _is_widget(one) and _is_widget(other)
    if (is_widget and number in walk.old.widgets) or walk.same(one, other):
        return
    code = "appearance_replaced" if is_widget else "annotation_changed"
    code = "annotation_removed" if dictionary(other) is None else code
    walk.note(Difference(code=code, pages=(at,), spots=_spots(other, at)))
    if any(not walk.same(raw(one, key), raw(other, key)) for key in ACTIONS):
        walk.note(Difference(code="action_changed", pages=(at,)))


def _places(walk: Walk, references: Iterable[Any]) -> list[Box]:
    """Where there is something that must not be laid over."""
    found: list[Box] = []
    for reference in references:
        one = walk.old.resolve(reference)
        is_free = name(entry(one, "/Subtype")) in _NOT_LAID_OVER
        if not is_free and is_seen(one) and (box := rectangle(one)) is not None:
            found.append(box)
    return found


def _spots(annotation: Any, at: int) -> tuple[tuple[int, float, float, float, float], ...]:
    box = rectangle(annotation)
    return ((at, *box),) if box is not None and is_seen(annotation) else ()


def _is_widget(annotation: Any) -> bool:
    return name(entry(annotation, "/Subtype")) == "Widget"
