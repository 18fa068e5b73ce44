"""Whether what shall be seen of a signature can be on a document at all, before anybody opens it.

What lives here: `check_possible`, which holds what a portal asks for against the pages and fields
that intake found.  What needs a look at the page itself (a free place, a line of text, an image) is
found out when it is drawn.
Source: ISO 32000-2 §12.7.5.5 (signature fields), §12.8.2 (what earlier signatures forbid).
Not here: drawing (`appear`), reading what is asked for (`wanted`).
"""

from __future__ import annotations

from collections.abc import Sequence

from signing.appearance.geometry import Page, Rectangle
from signing.appearance.visible import check_place
from signing.appearance.wanted import Wanted
from signing.errors import DocumentRefused
from signing.messages.pdf_intake import PdfFacts


def check_possible(wanted: Sequence[Wanted | None], *, facts: PdfFacts) -> None:
    """Refuse what could only be refused once somebody wants to sign.

    1. Signatures that are there allow one that is seen.
    2. The page is there, and the box on it.
    3. The field is there and empty, and nobody who signs before takes it.

    Takes   wanted: of each signer in order; facts: of the document.
    Raises  DocumentRefused(no_new_visible_field, …; no_such_page, appearance_off_page;
            no_such_field, field_filled).
    """
    filled = {one.field for one in facts.signatures}
    for one in wanted:
        if one is None:
            continue
        # 1
        if facts.forbids_visible:
            raise DocumentRefused(facts.forbids_visible)
        # 2
        number = getattr(one, "page", 1)
        number = number - 1 if number > 0 else len(facts.pages) + number
        if not 0 <= number < len(facts.pages):
            raise DocumentRefused("no_such_page")
        box = getattr(one, "box", None)
        if box is not None:
            page = Page.of_shape(facts.pages[number], number=number)
            check_place(Rectangle(*box), page=page)
        # 3
        field = getattr(one, "field", None)
        if field is None:
            continue
        if field in filled:
            raise DocumentRefused("field_filled")
        if field not in facts.empty_fields:
            raise DocumentRefused("no_such_field")
        filled.add(field)
