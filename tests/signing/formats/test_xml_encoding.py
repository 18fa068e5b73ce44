"""The encoding of a document is told by its first bytes, or it is refused."""

from __future__ import annotations

import pytest

from signing.formats.xml_encoding import Encoding, find_encoding


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"<a/>", Encoding("utf-8", 0)),
        (b"", Encoding("utf-8", 0)),
        (b"\xef\xbb\xbf<a/>", Encoding("utf-8", 3)),
        (b'<?xml version="1.0"?><a/>', Encoding("utf-8", 0)),
        (b"<?xml version='1.0' encoding='Utf-8'?><a/>", Encoding("utf-8", 0)),
        (b'<?xml version="1.0" encoding="US-ASCII"?><a/>', Encoding("ascii", 0)),
        (b"\xff\xfe" + "<a/>".encode("utf-16-le"), Encoding("utf-16-le", 2)),
        (
            b"\xfe\xff" + '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16-be"),
            Encoding("utf-16-be", 2),
        ),
    ],
)
def test_encodings_that_are_signed(raw: bytes, expected: Encoding) -> None:
    assert find_encoding(raw) == expected
    assert find_encoding(memoryview(raw)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b'<?xml version="1.0" encoding="windows-1258"?><a/>',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.1"?><a/>',
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-16-be"),
        "<a/>".encode("utf-32"),
        '<?xml version="1.0"?><a/>'.encode("cp037"),
        b'\xef\xbb\xbf<?xml version="1.0" encoding="us-ascii"?><a/>',
        b"\xff\xfe" + '<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16-le"),
    ],
)
def test_others_are_not_guessed(raw: bytes) -> None:
    """W3C XML 1.0 §4.3.3: a declaration that does not say what is there is an error."""
    assert find_encoding(raw) is None


def test_positions_are_in_bytes_behind_the_mark() -> None:
    for codec, mark in (("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-8", b"")):
        text = "<hồ-sơ>\U0001f58b</hồ-sơ>"
        raw = mark + text.encode(codec)
        encoding = find_encoding(raw)
        assert encoding is not None
        assert encoding.decode(raw) == text
        position = encoding.position(text, text.index("</"))
        assert raw[position:] == "</hồ-sơ>".encode(codec)


def test_letters_that_an_encoding_lacks_become_references() -> None:
    assert Encoding("ascii", 0).encode("Giám") == b"Gi&#225;m"
    assert Encoding("utf-16-be", 2).encode("ộ") == b"\x1e\xd9"
