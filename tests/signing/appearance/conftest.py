"""An invented signature, an invented seal, and a page that looks the same however it is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signing.isolation.blob import Blob
from tests.support.appearance_pages import LAYOUTS, Layout
from tests.support.seals import seal_png, signature_png


@pytest.fixture
def signature_image() -> Iterator[Blob]:
    """A handwritten signature in blue."""
    with Blob.of(signature_png()) as blob:
        yield blob


@pytest.fixture
def seal_image() -> Iterator[Blob]:
    """A round seal in red."""
    with Blob.of(seal_png()) as blob:
        yield blob


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.name)
def each_layout(request: pytest.FixtureRequest) -> Layout:
    """Plain, turned, cropped, scaled."""
    assert isinstance(request.param, Layout)
    return request.param
