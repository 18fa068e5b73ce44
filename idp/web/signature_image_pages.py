"""What the page of a person's signature on paper shows, as data.

What lives here: the view-model of `/account/signature-image`.  Ids that automation may rely on:
field `photo`; buttons `signature-image-send`, `signature-image-remove`; picture `signature-image`.
Must not import storage or use cases.
Source: architecture, "Pages"; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from idp.web.pages import Page

Told = Literal["", "set", "removed"]
SignatureImageProblem = Literal[
    "nothing_chosen",
    "too_large",
    "too_many",
    "busy",
    "malformed",
    "photo_not_a_photo",
    "photo_too_large",
    "photo_too_small",
    "photo_damaged",
    "photo_nothing_on_it",
    "photo_too_much_on_it",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureImagePage(Page):
    """The image that there is, if any, and the form for another.

    `image_uri`: a data URI, empty where there is none; `told`: what has just been done.
    No name is shown: the page comes back with a problem, and pages of problems name nobody.
    """

    template: ClassVar[str] = "signature_image.html"
    action: str
    csrf_token: str
    most_mib: int
    image_uri: str = field(default="", repr=False)
    told: Told = ""
    problem: SignatureImageProblem | None = None
