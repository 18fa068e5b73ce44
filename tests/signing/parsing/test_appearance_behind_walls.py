"""Everything is drawn behind real walls too: nothing is opened or imported late."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest

from signing.appearance.anchors import find_anchor
from signing.appearance.general import Details, draw_general
from signing.appearance.note import draw_note
from signing.appearance.person import draw_person
from signing.appearance.rules import RED as RULE_RED
from signing.appearance.seal import draw_seal
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool, Walls
from signing.messages.appearance import CHECK_IMAGE, CheckImage
from tests.support.appearance_pages import LAYOUTS, NAME, TITLE, decision
from tests.support.isolation import WithoutWalls
from tests.support.seals import RED, png_chunk, png_header, seal_png, signature_png

_TASKS = ("signing.messages.appearance", "signing.messages.text_positions")
_PAGE = LAYOUTS[0].page


@pytest.fixture(scope="module")
def walls() -> Iterator[IsolationPool]:
    """One process that knows how to draw."""
    with IsolationPool(Walls(processes=1, seconds=120, start_s=120, modules=_TASKS)) as pool:
        yield pool


def test_what_is_drawn_behind_walls_is_what_is_drawn_without(walls: IsolationPool, now) -> None:
    details = Details(name=NAME, signed_at=now, issuer="Ấn Tín", verify_url="https://v.example/1")
    made = []
    for isolation in (walls, WithoutWalls()):
        with (
            Blob.of(signature_png()) as signature,
            Blob.of(seal_png(pixels=1_400)) as seal,
            Blob.of(decision(LAYOUTS[0])) as document,
        ):
            anchor = find_anchor(isolation, [document], title=TITLE, name=NAME, page=_PAGE)
            person = draw_person(isolation, signature, room=anchor.room, page=_PAGE)
            sealed = draw_seal(
                isolation, seal, width_mm=36, person=person.seen, page=_PAGE, taken=[person.seen]
            )
            note = draw_note(isolation, ["Sao y", "Y Kơ̆ Ƀuôn"], page=_PAGE)
            card = draw_general(isolation, details, page=_PAGE)
        made.append([(one.drawing.read(), one.place) for one in (person, sealed, note, card)])
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"no image at all, and long enough for one", "image_not_png"),
        (png_header(60_000, 60_000), "image_too_large"),
        (signature_png()[:3_000], "image_damaged"),
    ],
)
def test_refusals_come_through_the_walls(raw: bytes, reason: str, walls: IsolationPool) -> None:
    with Blob.of(raw) as image, pytest.raises(DocumentRefused) as caught:
        walls.run(CHECK_IMAGE, CheckImage(), inputs=[image])
    assert caught.value.reason == reason


def test_the_largest_image_that_is_taken_fits_into_the_memory(walls: IsolationPool) -> None:
    side, edge = 3_162, 80
    clear = b"\0" + bytes(4 * side)
    inked = b"\0" + bytes(4 * edge) + bytes((*RED, 255)) * (side - 2 * edge) + bytes(4 * edge)
    rows = zlib.compress(clear * edge + inked * (side - 2 * edge) + clear * edge, 1)
    raw = png_header(side, side, more=png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b""))
    with Blob.of(raw) as image:
        checked, nothing = walls.run(CHECK_IMAGE, CheckImage(RULE_RED), inputs=[image])
    nothing.close()
    assert checked.width_px == side - 2 * edge
