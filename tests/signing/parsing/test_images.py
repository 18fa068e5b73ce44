"""PNG of every kind comes out alike; anything else is refused with its own code."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from signing.appearance.rules import BLUE, RED
from signing.errors import DocumentRefused
from signing.messages.appearance import AppearanceRefusal, CheckedImage, CheckImage, InkRule
from signing.parsing import images
from signing.parsing.images import MOST_BYTES, check_image, open_ink
from tests.support.seals import png_chunk, png_header, seal_png, signature_png

_INK = (24, 52, 160, 255)
_CLEAR = (255, 255, 255, 0)


def _saved(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def _square(colour: tuple[int, ...] = _INK, background: tuple[int, ...] = _CLEAR) -> Image.Image:
    """Forty pixels of ink in the middle of a hundred."""
    image = Image.new("RGBA", (100, 100), background)
    ImageDraw.Draw(image).rectangle((30, 30, 69, 69), fill=colour)
    return image


def _palette() -> bytes:
    return _saved(_square().quantize(16, method=Image.Quantize.FASTOCTREE))


def _one_clear_colour() -> bytes:
    return _saved(_square(background=(255, 255, 255, 255)).convert("RGB"), transparency=(255,) * 3)


def _raw(depth: int, kind: int, row: Callable[[int], bytes], *, interlaced: int = 0) -> bytes:
    """A PNG of 100 × 100 written here, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", 100, 100, depth, kind, 0, 0, interlaced)
    data = zlib.compress(b"".join(b"\0" + row(index) for index in range(100)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(name, body) for name, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    )


def _deep() -> bytes:
    """Sixteen bits per channel."""

    def row(index: int) -> bytes:
        return b"".join(
            struct.pack(">4H", *(value * 257 for value in pixel))
            for at in range(100)
            for pixel in [_INK if 30 <= index < 70 and 30 <= at < 70 else _CLEAR]
        )

    return _raw(16, 6, row)


def _interlaced() -> bytes:
    """Adam7: seven smaller images one after the other (PNG §8)."""
    square = _square()
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # fmt: skip  # noqa: E501  a table
    data = b"".join(
        b"\0" + b"".join(bytes(square.getpixel((x, y))) for x in range(left, 100, across))
        for left, top, across, down in passes
        for y in range(top, 100, down)
    )
    header = struct.pack(">IIBBBBB", 100, 100, 8, 6, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, body) for name, body in chunks)


def _deep_with_one_clear_colour() -> bytes:
    """Sixteen bits of red, green and blue, of which white is clear."""

    def row(index: int) -> bytes:
        return b"".join(
            struct.pack(">3H", *(value * 257 for value in pixel[:3]))
            for at in range(100)
            for pixel in [_INK if 30 <= index < 70 and 30 <= at < 70 else _CLEAR]
        )

    raw = _raw(16, 2, row)
    cut = raw.index(b"IDAT") - 4
    return raw[:cut] + png_chunk(b"tRNS", struct.pack(">3H", *[65_535] * 3)) + raw[cut:]


def _animated() -> bytes:
    second = _square((180, 20, 20, 255))
    return _saved(_square(), save_all=True, append_images=[second])


def _check(raw: bytes, ink: InkRule | None = BLUE) -> CheckedImage:
    return check_image(CheckImage(ink), [memoryview(raw)], io.BytesIO())


@pytest.mark.parametrize(
    "make", [_palette, _one_clear_colour, _deep, _deep_with_one_clear_colour, _interlaced]
)
def test_every_kind_of_png_comes_out_alike(make: Callable[[], bytes]) -> None:
    """W3C PNG §11.2: colour types, depths, interlacing and single transparent colours."""
    raw = make()
    assert _check(raw) == CheckedImage(40, 40)
    image = open_ink(memoryview(raw), rule=None)
    assert image.getpixel((20, 20)) == _INK


def test_grey_is_read_rightly_but_is_no_colour() -> None:
    """Sixteen bits of grey with one clear value; eight bits with an alpha channel."""

    def row(index: int) -> bytes:
        return b"".join(
            struct.pack(">H", 20_000 if 30 <= index < 70 and 30 <= at < 70 else 65_535)
            for at in range(100)
        )

    raw = _raw(16, 0, row)
    cut = raw.index(b"IDAT") - 4
    deep = raw[:cut] + png_chunk(b"tRNS", struct.pack(">H", 65_535)) + raw[cut:]
    for grey in (deep, _saved(_square((78, 78, 78, 255)).convert("LA"))):
        assert _check(grey, None) == CheckedImage(40, 40)
        found = open_ink(memoryview(grey), rule=None).getpixel((20, 20))
        assert found in {(77, 77, 77, 255), (78, 78, 78, 255)}
        with pytest.raises(DocumentRefused, match="image_colour_wrong"):
            _check(grey)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + bytes(8),
        b"GIF89a" + bytes(100),
        b"\xff\xd8\xff\xe0" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>" + bytes(100),
        b"\x89PNG\n\x1a\n" + bytes(100),
    ],
)
def test_an_image_that_is_no_png_is_refused(raw: bytes) -> None:
    with pytest.raises(DocumentRefused, match="image_not_png"):
        _check(raw)


@pytest.mark.parametrize(
    "raw",
    [
        png_header(100_000, 100_000),
        png_header(10_001, 1),
        png_header(4_000, 4_000, more=png_chunk(b"IDAT", zlib.compress(bytes(4_000_000)))),
        png_header(2**31 - 1, 2**31 - 1),
        png_header(10, 10) + bytes(MOST_BYTES),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(
    raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "PngImagePlugin", None)
    with pytest.raises(DocumentRefused, match="image_too_large"):
        _check(raw)


@pytest.mark.parametrize(
    "raw",
    [
        signature_png()[:2_000],
        signature_png()[:60],
        png_header(100, 100),
        png_header(0, 0),
        png_header(100, 100, more=png_chunk(b"IDAT", b"nothing")),
        signature_png().replace(b"IHDR", b"IDHR", 1),
        b"".join((signature_png()[:200], b"\xff", signature_png()[201:])),
        png_header(100, 100, more=png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000)))),
    ],
)
def test_a_damaged_png_is_refused(raw: bytes) -> None:
    with pytest.raises(DocumentRefused, match="image_damaged"):
        _check(raw)


def test_an_animated_png_is_refused() -> None:
    """What was seen when it was checked has to be what is drawn."""
    with pytest.raises(DocumentRefused, match="image_animated"):
        _check(_animated())


@pytest.mark.parametrize("alpha", [0, 20])
def test_an_image_without_ink_is_refused(alpha: int) -> None:
    with pytest.raises(DocumentRefused, match="image_empty"):
        _check(_saved(Image.new("RGBA", (100, 100), (24, 52, 160, alpha))), None)


def test_an_image_on_paper_is_refused() -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d, II.8a: transparent background."""
    with pytest.raises(DocumentRefused, match="image_not_transparent"):
        _check(_saved(_square(background=(255, 255, 255, 255))))


@pytest.mark.parametrize(
    ("colour", "rule", "is_right"),
    [
        ((24, 52, 160), BLUE, True),
        ((0, 0, 128), BLUE, True),
        ((70, 120, 220), BLUE, True),
        ((60, 50, 170), BLUE, True),
        ((0, 0, 0), BLUE, False),
        ((90, 90, 100), BLUE, False),
        ((200, 20, 30), BLUE, False),
        ((20, 140, 60), BLUE, False),
        ((214, 20, 32), RED, True),
        ((230, 60, 40), RED, True),
        ((190, 10, 60), RED, True),
        ((24, 52, 160), RED, False),
        ((230, 160, 30), RED, False),
        ((0, 0, 0), RED, False),
    ],
)
def test_blue_is_blue_and_red_is_red(
    colour: tuple[int, int, int], rule: InkRule, *, is_right: bool
) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d (blue), II.8a (red)."""
    raw = _saved(_square((*colour, 255)))
    if is_right:
        assert _check(raw, rule) == CheckedImage(40, 40)
    else:
        with pytest.raises(DocumentRefused, match="image_colour_wrong"):
            _check(raw, rule)
    assert _check(raw, None) == CheckedImage(40, 40)


def test_grey_specks_of_a_scanner_are_no_reason_to_refuse() -> None:
    image = _square()
    ImageDraw.Draw(image).rectangle((30, 30, 69, 33), fill=(90, 90, 90, 255))
    assert _check(_saved(image)) == CheckedImage(40, 40)


def test_the_invented_signature_and_seal_are_the_same_in_every_run() -> None:
    small = {"pixels": 200, "margin": 10}
    assert signature_png() == signature_png.__wrapped__()
    assert seal_png(**small) == seal_png.__wrapped__(**small)
    assert _check(signature_png(), BLUE).width_px > 700
    assert _check(seal_png(), RED).width_px == pytest.approx(900, abs=6)


@given(
    st.sampled_from([_palette(), _one_clear_colour(), _deep(), _interlaced()]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 4)), max_size=4),
)
def test_whatever_is_changed_it_is_an_image_or_refused(
    raw: bytes, changes: list[tuple[float, bytes, int]]
) -> None:
    """Also behind a sum that is right: chunks are put together again."""
    for where, put, cut in changes:
        at = 8 + int(where * (len(raw) - 8))
        raw = raw[:at] + put + raw[at + cut :]
    for damaged in (raw, _with_right_sums(raw)):
        assert _refusal(damaged) in {"", *AppearanceRefusal}


def _refusal(raw: bytes) -> str:
    """Why an image is refused; empty when it is not."""
    try:
        open_ink(memoryview(raw), rule=BLUE)
    except DocumentRefused as refused:
        return refused.reason
    return ""


def _with_right_sums(raw: bytes) -> bytes:
    out, at = raw[:8], 8
    while at + 8 <= len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        if size > len(raw):
            return out + raw[at:]
        out += png_chunk(raw[at + 4 : at + 8], raw[at + 8 : at + 8 + size])
        at += 12 + size
    return out
