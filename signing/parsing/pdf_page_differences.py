"""What differs between the pages of two revisions of a PDF.

What lives here: pages that came and went, pages that draw something else, and annotations: added,
changed, taken away, or laid over what stood there.
Source: ISO 32000-2 §7.7.3, §12.5; Mainka, Mladenov, Rohlmann, "Shadow Attacks" (2021).
Not here: how it looks (`pdf_pictures`), what is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyhanko.pdf_utils import generic

from signing.messages.pdf_changes import Difference
from signing.parsing.pdf_annotations import covered_share, is_seen, rectangle
from signing.parsing.pdf_lax import dictionary, elements, entry, name, number_of, raw
from signing.parsing.pdf_snapshot import MOST_PAGES

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


def compare_pages(walk: Walk) -> None:
    """The list of pages, then each page from which something that changed is reached."""
    old, new = walk.old, walk.new
    if old.pages != new.pages:
        _compare_lists(walk)
    nodes = old.nodes()
    if nodes & walk.same.changed:
        _compare_nodes(walk, nodes)
    if 0 in old.pages or max(len(old.pages), len(new.pages)) >= MOST_PAGES:
        # a page that is no object by itself, or one that nobody comes to
        walk.is_told = False
        walk.note(Difference(code="not_compared"))
    pages = set(old.pages)
    reached = old.reaching(walk.same.changed - nodes, stops=frozenset(pages)) & pages
    now = {number: at for at, number in enumerate(new.pages)}
    for at, number in enumerate(old.pages):
        if number in reached and number in now:
            walk.to_draw.add(at)
            _compare_page(walk, old.fetch(number), new.fetch(number), at=at)


def _compare_lists(walk: Walk) -> None:
    before, after = walk.old.pages, walk.new.pages
    gone = [at for at, number in enumerate(before) if number not in set(after)]
    come = [at for at, number in enumerate(after) if number not in set(before)]
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
                if key in _INHERITED:
                    walk.note(Difference(code="content_changed"))


def _compare_page(walk: Walk, old: Any, new: Any, *, at: int) -> None:
    if dictionary(old) is None or dictionary(new) is None:
        walk.note(Difference(code="content_changed", pages=(at,)))
        return
    for key in sorted((old.keys() | new.keys()) - _FREE):
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
            _compare_resources(walk, entry(old, key), entry(new, key), at=at)
        else:
            walk.note(Difference(code=_how(walk, before), pages=(at,)))


def _compare_resources(walk: Walk, old: Any, new: Any, *, at: int) -> None:
    """What is there more is drawn only if it is called, and then the pictures differ."""
    for group in dictionary(old) or ():
        before, after = entry(old, group), entry(new, group)
        if dictionary(before) is None:
            continue
        for key in before:
            one, other = raw(before, key), raw(after, key)
            if not walk.same(one, other):
                code = "font_replaced" if group == "/Font" else _how(walk, one)
                walk.note(Difference(code=code, pages=(at,)))


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
        one, other = walk.old.resolve(before[number]), walk.new.resolve(after[number])
        if _is_widget(one) and _is_widget(other):
            continue  # with the form
        if not walk.same(one, other):
            code = "annotation_removed" if dictionary(other) is None else "annotation_changed"
            walk.note(Difference(code=code, pages=(at,), spots=_spots(other, at)))
    for number in after.keys() - before.keys():
        added = walk.new.resolve(after[number])
        if dictionary(added) is None:
            continue
        if not _is_widget(added):
            walk.note(Difference(code="annotation_added", pages=(at,), spots=_spots(added, at)))
        elif not _is_in_form(walk, number, added):
            walk.note(Difference(code="widget_added", pages=(at,), spots=_spots(added, at)))
        _compare_places(walk, added, [walk.old.resolve(one) for one in before.values()], at=at)


def _compare_places(walk: Walk, added: Any, there: list[Any], *, at: int) -> None:
    over = rectangle(added)
    if over is None or not is_seen(added):
        return
    for one in there:
        under = rectangle(one)
        if under is None or not is_seen(one) or name(entry(one, "/Subtype")) in _NOT_LAID_OVER:
            continue
        share = covered_share(over, under)
        if share > _LEAST_SHARE:
            spots = ((at, *over),)
            walk.note(Difference(code="overlapped", pages=(at,), spots=spots, share=share))


def _spots(annotation: Any, at: int) -> tuple[tuple[int, float, float, float, float], ...]:
    box = rectangle(annotation)
    return ((at, *box),) if box is not None and is_seen(annotation) else ()


def _is_widget(annotation: Any) -> bool:
    return name(entry(annotation, "/Subtype")) == "Widget"


def _is_in_form(walk: Walk, number: int, widget: generic.DictionaryObject) -> bool:
    """Whether a field of the form has it, so that the form's comparison says what it is."""
    form = entry(walk.new.root, "/AcroForm")
    fields = {number_of(one) for one in elements(entry(form, "/Fields"))}
    node: Any = widget
    for _ in range(32):
        if number in fields:
            return True
        parent = raw(node, "/Parent")
        number, node = number_of(parent) or 0, walk.new.resolve(parent)
        if dictionary(node) is None:
            return False
    return False
