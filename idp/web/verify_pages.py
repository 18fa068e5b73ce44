"""What the pages of checking documents show, as data.

What lives here: the view-models of `/verify`.  Ids and names that automation may rely on: fields
`file` (several), `content` (several), `revision`; buttons `verify-submit`, `signed-show-<n>`,
`signed-download-<n>`; elements `verify-valid`, `verify-invalid`, `verify-undetermined`,
`verify-unsigned`, `verify-unreadable` (one for each file); links `report-pdf-<n>`,
`report-json-<n>`, `report-xml-<n>`, `verify-again`.  No form of these carries a `csrf_token`: they
belong to nobody, and nothing is done in anybody's name.
Source: architecture, J4 and "Pages"; TT 15/2025/TT-BKHCN Art. 6; WCAG 2.2 AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from idp.web.pages import Page
from idp.web.verify.told import ToldDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPage(Page):
    """To choose files.  `problem` is a key of `verify_sentences.VERIFY_PROBLEMS`."""

    template: ClassVar[str] = "verify.html"
    action: str
    most_mib: int
    most_files: int
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownResult:
    """One file; `report_url` without its ending, None where the report is not kept for a while."""

    number: int
    told: ToldDocument
    size: str
    report_url: str | None
    has_pdf: bool
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResultPage(Page):
    """What came out, for one file or for several."""

    template: ClassVar[str] = "verify_result.html"
    results: tuple[ShownResult, ...]
    signed_action: str
    report_minutes: int
    again_url: str = "/verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRevisionPage(Page):
    """What a signature signed: the first pages of that revision, as pictures."""

    template: ClassVar[str] = "verify_signed.html"
    name: str
    pictures: tuple[str, ...]
    pages: int
    again_url: str = "/verify"
