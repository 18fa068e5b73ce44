"""What a document may say to be."""

from __future__ import annotations

import pytest

from signing.errors import DocumentRefused
from signing.formats.mime_types import base_type, check_mime_type


@pytest.mark.parametrize("name", [None, "application/pdf", "application/vnd.ms-excel.a+xml"])
def test_a_mime_type_is_taken(name: str | None) -> None:
    assert check_mime_type(name) == name


@pytest.mark.parametrize(
    "name", ["", "pdf", "a/b/c", "text/plain; charset=utf-8", 'a/"b', "a/b\n", "a/" + "b" * 128]
)
def test_anything_else_is_refused(name: str) -> None:
    """RFC 6838 §4.2."""
    with pytest.raises(DocumentRefused) as refused:
        check_mime_type(name)
    assert refused.value.reason == "mime_type"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("text/plain; charset=utf-8", "text/plain"),
        (" Application/PDF", "application/pdf"),
        ("", ""),
        ("; charset=utf-8", ""),
    ],
)
def test_parameters_are_left_out(raw: str, expected: str) -> None:
    """RFC 6838 §4.3: what HTTP clients say beside the type is not about the file."""
    assert base_type(raw) == expected
