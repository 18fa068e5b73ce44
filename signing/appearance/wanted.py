"""What a portal asks for when a signature shall be seen.

What lives here: one struct per kind, told apart by `kind`, and `read_wanted`, which takes JSON from
outside.  Rectangles are those of the page as it is seen: left, bottom, right, top in points from
its lower left corner.  Pages are counted from 1, and from the end with -1.
Not here: carrying it out (`appear`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.appearance.rules import CopyForm
from signing.errors import RequestRefused
from signing.plain_text import check_text

_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_FieldName = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
_LONGEST: Final = 500
_Box = tuple[float, float, float, float]


class _Kind(msgspec.Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """What all have in common."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"  # titles and names are about people


class PersonWanted(_Kind, frozen=True, tag="person"):
    """The image of the person's signature between a title and a name, in a box or in a field.

    Exactly one of the three: `title` with `name`, `box`, `field`.
    """

    page: int = -1
    title: _Line | None = None
    name: _Line | None = None
    box: _Box | None = None
    field: _FieldName | None = None


class SealWanted(_Kind, frozen=True, tag="seal"):
    """The seal over a third of a person's signature: of the field `over`, or of the only one."""

    page: int = -1
    over: _FieldName | None = None


class AttachmentWanted(_Kind, frozen=True, tag="attachment"):
    """Number and symbol of the document to which this one is attached, and the time."""

    number: _Line


class CopyWanted(_Kind, frozen=True, tag="copy"):
    """The form of the copy, the agency that makes it, and the time."""

    form: CopyForm
    agency: _Line


class GeneralWanted(_Kind, frozen=True, tag="general"):
    """Name, time, reason and QR code; in a free place unless a box or a field is named."""

    page: int = -1
    box: _Box | None = None
    field: _FieldName | None = None


Wanted = PersonWanted | SealWanted | AttachmentWanted | CopyWanted | GeneralWanted

_DECODER: Final = msgspec.json.Decoder(Wanted | list[Wanted | None])


def read_wanted(raw_json: bytes, *, signers: int) -> tuple[Wanted | None, ...]:
    """What a portal asks for, for each signer in order; None where nothing shall be seen.

    Takes   raw_json: one object for all signers, or an array with one or null for each; empty for
            nothing at all.
    Raises  RequestRefused(appearance), with what it is about.
    """
    if not raw_json:
        return (None,) * signers
    try:
        found: Wanted | list[Wanted | None] = _DECODER.decode(raw_json)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestRefused("appearance", part="appearance") from error
    each = found if isinstance(found, list) else [found] * signers
    if len(each) != signers:
        raise RequestRefused("appearance", part="appearance")
    for wanted in each:
        _check(wanted)
    return tuple(each)


def _check(wanted: Wanted | None) -> None:
    if isinstance(wanted, PersonWanted):
        has_lines = wanted.title is not None and wanted.name is not None
        ways = [has_lines, wanted.box is not None, wanted.field is not None]
        if (wanted.title is None) != (wanted.name is None) or ways.count(True) != 1:
            raise RequestRefused("appearance", part="appearance.title")
    for part in ("title", "name", "number", "agency", "field", "over"):
        text = getattr(wanted, part, None)
        check_text(text or "", part=f"appearance.{part}", most=_LONGEST)
    if isinstance(wanted, GeneralWanted) and wanted.box is not None and wanted.field is not None:
        raise RequestRefused("appearance", part="appearance.field")
    if getattr(wanted, "page", 1) == 0:
        raise RequestRefused("appearance", part="appearance.page")
