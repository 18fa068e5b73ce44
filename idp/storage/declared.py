"""How a table says whose data it holds: the words that every table and column must carry.

What lives here: short builders for the `info` of a Table and a Column, so that a declaration
fits on its line.  Source: architecture, "State": retention and legal rules are data.
"""

from __future__ import annotations

from typing import Any, Literal

Subject = Literal["person", "organisation", "client", "operator", "none"]
DataClass = Literal["none", "basic", "sensitive", "secret"]


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
