"""What the pages of a sandbox show beside its first one, as data.

What lives here: view-models; what makes them is `idp/sandbox`, which production lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message that was sent to somebody; of a text message `subject` is empty."""

    at: datetime
    is_mail: bool
    address: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPage(Page):
    """The messages of a sandbox, the newest first.

    Each is an `article` of class `message`; link `outbox-again` loads the page once more.
    """

    template: ClassVar[str] = "sandbox_outbox.html"
    messages: tuple[ShownMessage, ...]
