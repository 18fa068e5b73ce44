"""How a table says whose data it holds: the words that every table and column must carry.

What lives here: short builders for the `info` of a Table and a Column, so that a declaration
fits on its line.  Source: architecture, "State": retention and legal rules are data.

**A new table about people** takes part in the export of a person's data and in erasing by what it
declares; `tests/house/test_tables.py` refuses one that leaves a question open.

* Which rows are a person's: those whose `account_id` or `account_key` is theirs.  A table without
  such a column, or with several, says `found_by("holder_key", …)`, or
  `found_through("signing_slot", request_id="request_id")` where another table knows; or, with a
  sentence for the person, `not_given("…")`.
* How what is sealed is opened: a column whose name ends in `sealed` has `info=sealed(BASIC,
  "{account_id}:profile")` with the context it was sealed for, made of columns of its row and of
  `account_id`.  What is declared SECRET is named to the person and never given.
* What is left when the person is erased: nothing, their rows are deleted.  A table whose rows the
  law wants kept says `kept_by_law(…)`; one that is emptied in another way says `erased_by("…")`
  and is emptied by `AccountLifecycle.erase`.

Packages that may not import this one write the same words as plain dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

Subject = Literal["person", "organisation", "client", "operator", "none"]
DataClass = Literal["none", "basic", "sensitive", "secret"]
Context = str | Callable[[Mapping[str, Any]], str]

EXPORT: Final = "export"
ERASED: Final = "erased"
SEALED: Final = "sealed"
WITHHELD: Final = "withheld"


def holds(
    subject: Subject, *, purpose: str, retention: str, legal: str, legal_from: str
) -> dict[str, Any]:
    """The declaration of a table; `legal_from` is the date from which the reference applies."""
    return {
        "subject": subject,
        "purpose": purpose,
        "retention": retention,
        "legal": legal,
        "legal_from": legal_from,
    }


NONE: dict[str, Any] = {"data": "none"}
BASIC: dict[str, Any] = {"data": "basic"}
SENSITIVE: dict[str, Any] = {"data": "sensitive"}
SECRET: dict[str, Any] = {"data": "secret"}


def found_by(*columns: str, order: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Part of a Table's `info`: a row is a person's if one of these columns says so.

    Takes   order: columns by which a long table is read, the first of them in an index together
            with the one that finds; the primary key unless told otherwise.
    """
    return {EXPORT: {"by": columns, "order": order}}


def found_through(table: str, **columns: str) -> dict[str, Any]:
    """Part of a Table's `info`: a row is a person's if one of theirs in `table` fits it.

    Takes   columns: of this table, each with the column of the other one that it equals.
    """
    return {EXPORT: {"through": table, "on": columns}}


def not_given(why: str) -> dict[str, Any]:
    """Part of a Table's `info`: no row is given to a person, and the export says why."""
    return {EXPORT: {"not_given": why}}


def kept_by_law(*, what: str, legal: str, until: str) -> dict[str, Any]:
    """Part of a Table's `info`: rows stay when their person is erased.

    Takes   what: of the person stays readable in them; legal: by which rule; until: when they go.
    """
    return {ERASED: {"kept": what, "legal": legal, "until": until}}


def erased_by(how: str) -> dict[str, Any]:
    """Part of a Table's `info`: what erasing does with it instead of deleting rows."""
    return {ERASED: {"otherwise": how}}


def sealed(
    declared: dict[str, Any],
    context: Context,
    *,
    scheme: Literal["personal", "document"] = "personal",
    form: Literal["text", "json", "msgpack", "bytes"] = "text",
) -> dict[str, Any]:
    """The `info` of a column that is sealed.

    Takes   declared: BASIC or SENSITIVE; context: a template over the row, or what makes it;
            scheme: under the person's data key, or under the service's key for documents;
            form: of what is inside.
    """
    return {**declared, SEALED: (scheme, context, form)}


def withheld(declared: dict[str, Any], why: str) -> dict[str, Any]:
    """The `info` of a column that is named to the person and not given, beside secrets."""
    return {**declared, WITHHELD: why}
