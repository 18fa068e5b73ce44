"""The specimens are those that the code draws, and may be used as they are."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from idp.sandbox.specimens import SEAL_WIDTH_MM, seal_specimen, signature_specimen
from signing.appearance.rules import BLUE, RED, SEAL
from signing.messages.appearance import CheckImage, InkRule
from signing.parsing.images import check_image
from tests.support.seals import seal_png, signature_png


@pytest.mark.parametrize(
    ("kept", "drawn", "rule"),
    [
        (signature_specimen(), signature_png(width=720, height=336), BLUE),
        (seal_specimen(), seal_png(pixels=720, margin=12), RED),
    ],
)
def test_a_specimen_is_what_the_code_draws(kept: bytes, drawn: bytes, rule: InkRule) -> None:
    """Pixel by pixel: how a file is compressed may change with the library."""
    with Image.open(io.BytesIO(kept)) as one, Image.open(io.BytesIO(drawn)) as other:
        assert one.mode == other.mode == "RGBA"
        assert one.tobytes() == other.tobytes()
    assert check_image(CheckImage(rule), [memoryview(kept)], io.BytesIO()).height_px > 200


def test_the_seal_has_a_seals_size() -> None:
    assert SEAL.least_mm < SEAL_WIDTH_MM < SEAL.most_mm
