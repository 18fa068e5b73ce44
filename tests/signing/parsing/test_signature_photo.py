"""A signature is found on the paper, whatever pen and light; what is no such picture is told."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from signing.appearance.rules import PERSON
from signing.errors import DocumentRefused
from signing.messages.signature_photo import CutOut, CutSignature, PhotoRefusal
from signing.parsing.images import open_ink
from signing.parsing.signature_photo import MOST_BYTES, cut_signature
from tests.support.photographs import photograph

_INK = CutSignature(29, 60, 153)


def _cut(raw: bytes) -> tuple[CutOut, bytes]:
    out = io.BytesIO()
    return cut_signature(_INK, [memoryview(raw)], out), out.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        photograph(),
        photograph(ink=(30, 50, 140)),
        photograph(ink=(150, 30, 40), is_shaded=False),
        photograph(ink=(130, 130, 140), pen=6),
        photograph(pen=2),
        photograph(kind="PNG"),
    ],
    ids=["black in the shade", "blue", "red", "pencil", "thin", "png"],
)
def test_every_pen_comes_out_in_blue_on_nothing(raw: bytes) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d: blue, on a clear background; as wide as it was written."""
    cut, png = _cut(raw)
    made = open_ink(memoryview(png), rule=PERSON.ink)
    assert (cut.width_px, cut.height_px) == pytest.approx((450, 122), abs=14)
    assert made.size == pytest.approx((cut.width_px, cut.height_px), abs=3)
    alpha = made.getchannel("A").histogram()
    assert 0.01 < sum(alpha[128:]) / sum(alpha) < 0.25
    assert made.convert("RGB").getcolors() == [(made.width * made.height, (29, 60, 153))]


def test_a_picture_is_turned_as_the_camera_was_held() -> None:
    """Exif 2.3, Orientation: else half of all signatures would stand upright."""
    straight, _ = _cut(photograph())
    turned, _ = _cut(photograph(is_turned=True))
    assert (turned.width_px, turned.height_px) == pytest.approx(
        (straight.width_px, straight.height_px), abs=4
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (photograph(pen=0), PhotoRefusal.NOTHING_ON_IT),
        (photograph(ink=(215, 212, 205)), PhotoRefusal.NOTHING_ON_IT),
        (photograph(is_page_of_text=True), PhotoRefusal.TOO_MUCH_ON_IT),
        (photograph(size=(120, 50)), PhotoRefusal.TOO_SMALL),
        (b"%PDF-1.7\n", PhotoRefusal.NOT_A_PHOTO),
        (b"", PhotoRefusal.NOT_A_PHOTO),
        (b"GIF89a" + bytes(40), PhotoRefusal.NOT_A_PHOTO),
        (photograph()[:2_000], PhotoRefusal.DAMAGED),
        (photograph(kind="PNG")[:2_000], PhotoRefusal.DAMAGED),
        (photograph() + bytes(MOST_BYTES), PhotoRefusal.TOO_LARGE),
    ],
    ids=[
        "paper", "paler than pencil", "a page of text", "a stamp", "a pdf", "nothing", "a gif",
        "half a jpeg", "half a png", "too many octets",
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_apart(raw: bytes, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        _cut(raw)
    assert refused.value.reason == reason


def test_a_picture_that_is_drawn_a_thousand_times_is_refused() -> None:
    """ISO/IEC 10918-1 §G: a progressive JPEG may say the same again, and nobody sees it."""
    out = io.BytesIO()
    Image.open(io.BytesIO(photograph())).save(out, "JPEG", progressive=True)
    once = out.getvalue()
    assert _cut(once)
    last = once.rindex(b"\xff\xda")
    with pytest.raises(DocumentRefused) as refused:
        _cut(once[:last] + 150 * once[last:-2] + once[-2:])
    assert refused.value.reason == PhotoRefusal.DAMAGED


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_would_fill_the_memory_is_not_unpacked(kind: str) -> None:
    """Its size is what the file says of itself: looked at first."""
    raw = bytearray(photograph(size=(100, 100), kind=kind))
    side = struct.pack(">H", 30_000)
    if kind == "JPEG":
        at = raw.index(b"\xff\xc0") + 5
        raw[at : at + 4] = side + side
    else:
        raw[16:24] = struct.pack(">II", 30_000, 30_000)
    with pytest.raises(DocumentRefused) as refused:
        _cut(bytes(raw))
    assert refused.value.reason in {PhotoRefusal.TOO_LARGE, PhotoRefusal.DAMAGED}


_GOOD = photograph(size=(120, 90), pen=3)


@given(st.integers(2, len(_GOOD) - 1), st.binary(min_size=1, max_size=8))
def test_damage_is_refused_or_still_a_picture(at: int, junk: bytes) -> None:
    raw = bytearray(_GOOD)
    raw[at : at + len(junk)] = junk
    try:
        _, png = _cut(bytes(raw))
    except DocumentRefused:
        return
    with Image.open(io.BytesIO(png)) as made:
        made.load()
        assert made.mode == "RGBA"
