"""What the law says about how a signature looks, as data.

What lives here: the rules of NĐ 30/2020/NĐ-CP for a person, a seal, an attachment and a copy, each
with its reference and the date from which it holds; how far a colour or size may be off before an
image is refused (that is ours: the decree names colours, not numbers).
Source: NĐ 30/2020/NĐ-CP Art. 5, 13, Annex I Part II.I, II.7d, II.8, III.1d.
Not here: how anything is drawn or placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta, timezone
from enum import StrEnum
from typing import Final

from signing.messages.appearance import InkRule, Typeface


class Kind(StrEnum):
    """What a visible signature can look like."""

    PERSON = "person"
    SEAL = "seal"
    ATTACHMENT = "attachment"
    COPY = "copy"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """Where a rule stands, and when it holds; without `until` it still does."""

    reference: str
    since: date
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on this day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class PersonRule:
    """A person's handwritten signature: centred between the title and the full name.

    Takes   most_width_mm, most_height_mm: larger than this it is never drawn, whatever room there
            is; least_height_mm: with less room than this it would not be a signature;
            gap_mm: what stays free below the title and above the name.
    """

    basis: LegalBasis
    ink: InkRule
    most_width_mm: float
    most_height_mm: float
    least_height_mm: float
    gap_mm: float


@dataclass(frozen=True, slots=True)
class SealRule:
    """An organisation's seal: as large as the real one, over a part of the person's signature.

    Takes   share: of the width of the person's image that it covers, on its left;
            least_mm, most_mm: a real seal is not smaller or larger.
    """

    basis: LegalBasis
    ink: InkRule
    share: float
    least_mm: float
    most_mm: float


@dataclass(frozen=True, slots=True)
class NoteRule:
    """Text without an image in the upper right corner of the first page.

    Takes   from_top_mm, from_right_mm: where its corner is; it stays in the upper margin (20 to
            25 mm), so that it covers neither the country's name nor the agency's.
    """

    basis: LegalBasis
    face: Typeface
    size_pt: float
    from_top_mm: float
    from_right_mm: float
    most_width_mm: float


VIETNAM: Final = timezone(timedelta(hours=7))
"""The country has one time zone and no summer time."""

BLUE: Final = InkRule(hue_from=190, hue_to=270)
RED: Final = InkRule(hue_from=335, hue_to=25)
"""From scarlet to crimson, with room for what scanners and ink pads do."""

_SINCE: Final = date(2020, 3, 5)

PERSON: Final = PersonRule(
    basis=LegalBasis("NĐ 30/2020/NĐ-CP, Phụ lục I, Phần I, II.7d", _SINCE),
    ink=BLUE,
    most_width_mm=55,
    most_height_mm=30,
    least_height_mm=6,
    gap_mm=1,
)
SEAL: Final = SealRule(
    basis=LegalBasis("NĐ 30/2020/NĐ-CP, Phụ lục I, Phần I, II.8a", _SINCE),
    ink=RED,
    share=1 / 3,
    least_mm=15,
    most_mm=60,
)
ATTACHMENT: Final = NoteRule(
    basis=LegalBasis("NĐ 30/2020/NĐ-CP, Phụ lục I, Phần I, II.8b, III.1d", _SINCE),
    face=Typeface.SERIF,
    size_pt=10,
    from_top_mm=6,
    from_right_mm=15,
    most_width_mm=95,
)
COPY: Final = NoteRule(
    basis=LegalBasis("NĐ 30/2020/NĐ-CP, Phụ lục I, Phần II.I", _SINCE),
    face=Typeface.SERIF,
    size_pt=10,
    from_top_mm=6,
    from_right_mm=15,
    most_width_mm=95,
)


class CopyForm(StrEnum):
    """The forms in which an agency makes copies; the values are those of the API."""

    DUPLICATE = "sao_y"
    RE_ISSUE = "sao_luc"
    EXTRACT = "trich_sao"

    @property
    def words(self) -> str:
        """As it stands on the copy."""
        return _COPY_WORDS[self]


_COPY_WORDS: Final = {
    CopyForm.DUPLICATE: "Sao y",
    CopyForm.RE_ISSUE: "Sao lục",
    CopyForm.EXTRACT: "Trích sao",
}
