"""Forms: the same reading as werkzeug's, or none; and never much of one in memory."""

from __future__ import annotations

import io
import tracemalloc
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Request

from signing.errors import RequestRefused
from signing.web.form_parts import read_parts

_EDGE = "b0"
_MIB = 1 << 20

_Found = list[tuple[str, str | None, bytes]]


class _Slowly(io.BytesIO):
    """A body that comes in small pieces, as a network brings it."""

    def __init__(self, body: bytes, *, pieces: int) -> None:
        super().__init__(body)
        self._pieces = pieces

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self._pieces, size or self._pieces))


def _request(body: bytes, *, pieces: int = _MIB, edge: str = _EDGE, size: int = -1) -> Request:
    return Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": f"multipart/form-data; boundary={edge}",
            "CONTENT_LENGTH": str(len(body) if size < 0 else size),
            "wsgi.input": _Slowly(body, pieces=pieces),
        }
    )


def _ours(request: Request, **bounds: Any) -> _Found:
    given = {"max_bytes": 1 << 30, "most_text": _MIB, "most_parts": 20} | bounds
    with ExitStack() as held:
        return [
            (one.name, None, one.text.encode())
            if one.content is None
            else (one.name, one.file_name, one.content.read())
            for one in read_parts(request, held=held, **given)
        ]


def _theirs(body: bytes) -> _Found:
    parser = FormDataParser(stream_factory=lambda **_: io.BytesIO(), silent=False)
    _, texts, files = parser.parse(
        io.BytesIO(body), "multipart/form-data", len(body), {"boundary": _EDGE}
    )
    found: _Found = [(name, None, text.encode()) for name, text in texts.items(multi=True)]
    for name, one in files.items(multi=True):
        found.append((name, one.filename, one.stream.read()))
    return found


def _head(text: str) -> bytes:
    return f"--{_EDGE}\r\n{text}\r\n\r\n".encode()


_NAMED = _head('Content-Disposition: form-data; name="a"')
_FILE = _head('Content-Disposition: form-data; name="f"; filename="x.pdf"')
_END = f"\r\n--{_EDGE}--\r\n".encode()


@dataclass(frozen=True)
class _Part:
    name: str
    file_name: str | None
    content: bytes

    def raw(self) -> bytes:
        said = f'Content-Disposition: form-data; name="{self.name}"'
        if self.file_name is not None:
            said += f'; filename="{self.file_name}"\r\nContent-Type: application/pdf'
        return _head(said) + self.content + b"\r\n"


_names = st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"\\%\r\n\0'), max_size=9)
# much that may be the beginning of a boundary, and never one
_contents = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"--b", b"b0", b"0", b"x", b"\0"]),
    max_size=20,
).map(b"".join).filter(lambda raw: b"--b0" not in raw)  # fmt: skip
_parts = st.lists(
    st.builds(_Part, _names.filter(bool), _names, _contents)
    | st.builds(_Part, _names.filter(bool), st.none(), _contents),
    max_size=4,
)


def _whole(parts: list[_Part]) -> bytes:
    return b"".join(one.raw() for one in parts) + f"--{_EDGE}--\r\n".encode()


@settings(max_examples=100)
@given(parts=_parts, pieces=st.integers(1, 40) | st.just(_MIB))
def test_what_is_well_formed_is_read_as_it_was_written(parts: list[_Part], pieces: int):
    body = _whole(parts)
    # in the order of the form, where werkzeug gives the texts first
    expected = [(one.name, one.file_name, one.content) for one in parts]
    assert _ours(_request(body, pieces=pieces)) == expected
    assert sorted(_theirs(body), key=repr) == sorted(expected, key=repr)


@settings(max_examples=200)
@given(data=st.data(), parts=_parts)
def test_whatever_is_taken_werkzeug_reads_as_well(data: st.DataObject, parts: list[_Part]):
    body = bytearray(_whole(parts))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        end = at + data.draw(st.integers(0, 6))
        body[at:end] = data.draw(
            st.sampled_from(
                [b"", b"\r", b"\n", b"\r\n", b"--b0", b"--b0--", b":", b" ", b'"', b";"]
            )
            | st.binary(max_size=3)
        )
    raw = bytes(body)
    try:
        found = _ours(_request(raw, pieces=data.draw(st.integers(1, 40))))
    except RequestRefused:
        return
    assert sorted(found, key=repr) == sorted(_theirs(raw), key=repr)


@example("name=\"a\"; filename*=UTF-8''%e1%ba%a3.pdf")
@example("name=a; filename=b.pdf")
@example(r'name="a\"b"; filename="c\\d"')
@example('name="a%22b"')
@given(said=st.text(alphabet='nameli=";\\%2*b ', max_size=30))
def test_names_are_read_as_werkzeug_reads_them(said: str):
    body = _head(f"Content-Disposition: form-data; {said}") + b"x" + _END
    try:
        found = _ours(_request(body))
    except RequestRefused:
        return
    assert found == _theirs(body)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\r\n", b"x", _NAMED, _NAMED + b"x",
        b"before\r\n" + _NAMED + b"x" + _END,
        _NAMED + b"x" + _END + b"after",
        _NAMED + b"x" + _END[:-3],
        _NAMED.replace(b"\r\n", b"\n") + b"x" + _END,
        _NAMED + b"x\n--b0--\r\n",
        _NAMED + b"x\r\n--b0x\r\n\r\ny" + _END,
        _NAMED + b"x\r\n--b0 \r\n\r\n\r\ny" + _END,
        _NAMED + b"in --b0 it" + _END,
        b"--b0\r\n\r\nx" + _END,
        _head("Content-Type: text/plain") + b"x" + _END,
        _head("Content-Disposition: form-data") + b"x" + _END,
        _head('Content-Disposition: form-data; name=""') + b"x" + _END,
        _head('Content-Disposition: attachment; name="a"') + b"x" + _END,
        _head('Content-Disposition: form-data; name="a"\r\ncontent-disposition: x') + b"x" + _END,
        _head('Content-Disposition: form-data;\r\n name="a"') + b"x" + _END,
        _head('Content-Disposition : form-data; name="a"') + b"x" + _END,
        _head('Content-Disposition: form-data; name="a"\r\nnothing') + b"x" + _END,
        _NAMED + b"\xff" + _END,
        _NAMED.replace(b"a", b"\xff") + b"x" + _END,
    ],
)  # fmt: skip
def test_what_has_two_readings_or_none_is_malformed(body: bytes):
    """RFC 2046 §5.1.1; RFC 7578 §4.2."""
    with pytest.raises(RequestRefused, match="malformed"):
        _ours(_request(body))


@pytest.mark.parametrize(
    "said",
    ['name="a"; name="b"', "name=\"a\"; name*=UTF-8''b", 'name*0="a"; name*1="b"', "NAME=a;name=b"],
)
def test_a_part_with_two_names_is_malformed(said: str):
    """RFC 7578 §4.2: some take the first one, some the last one, and some both."""
    with pytest.raises(RequestRefused, match="malformed"):
        _ours(_request(_head(f"Content-Disposition: form-data; {said}") + b"x" + _END))
    plain = _head('Content-Disposition: form-data; name="; name=b; name=c"')
    assert _ours(_request(plain + b"x" + _END)) == [("; name=b; name=c", None, b"x")]


def test_a_form_with_two_boundaries_is_malformed():
    """RFC 2046 §5.1.1."""
    with pytest.raises(RequestRefused, match="malformed"):
        _ours(_request(_NAMED + b"x" + _END, edge="b1; boundary=b0"))


@pytest.mark.parametrize("edge", ["", "a" * 201, "a ", "ả"])
def test_a_boundary_that_is_none_is_malformed(edge: str):
    """RFC 2046 §5.1.1."""
    body = _END.replace(b"b0", edge.encode())
    with pytest.raises(RequestRefused, match="malformed"):
        _ours(_request(body, edge=f'"{edge}"'))


@pytest.mark.parametrize("edge", ["-" * 32 + "1" * 40, "*****", "a@b", "a b", "(x)"])
def test_a_boundary_may_be_one_that_the_standard_does_not_have(edge: str):
    """RFC 2046 §5.1.1; werkzeug's own client makes some of seventy-two letters."""
    body = (_NAMED + b"x" + _END).replace(_EDGE.encode(), edge.encode())
    assert _ours(_request(body, edge=f'"{edge}"')) == [("a", None, b"x")]


def test_a_form_that_was_cut_off_is_not_taken():
    """A server may cut a body short and hand it on as if it were whole."""
    body = _FILE + b"x" * 100 + _END
    with pytest.raises(RequestRefused, match="malformed"):
        _ours(_request(body, size=len(body) + 1))
    assert _ours(_request(body + b"more", size=len(body))) == [("f", "x.pdf", b"x" * 100)]


@pytest.mark.parametrize(
    ("body", "bounds"),
    [
        (_NAMED + b"x" * 101 + _END, {"most_text": 100}),
        (_NAMED + b"x\r\n" + _NAMED + b"x" + _END, {"most_parts": 1}),
        (_NAMED + b"x" + _END, {"max_bytes": 10}),
        (_head("X: " + "y" * 9_000) + b"x" + _END, {}),
    ],
)
def test_what_is_beyond_the_bounds_is_not_read(body: bytes, bounds: dict[str, int]):
    """RFC 9110 §15.5.14."""
    with pytest.raises(RequestEntityTooLarge):
        _ours(_request(body, pieces=50), **bounds)


def test_what_comes_after_the_end_is_not_read():
    body = _Slowly(_NAMED + b"x" + _END + bytes(1_000), pieces=50)
    request = _request(b"", size=len(body.getvalue()))
    request.environ["wsgi.input"] = body
    with pytest.raises(RequestRefused, match="malformed"):
        _ours(request)
    assert body.tell() < 200


def test_a_text_has_the_charset_that_it_says():
    """RFC 7578 §5.1.2."""
    said = (
        'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=ISO-8859-1'
    )
    assert _ours(_request(_head(said) + b"\xe9" + _END)) == [("a", None, "é".encode())]


def test_of_a_large_file_little_is_held_at_a_time():
    content = bytes(range(256)) * (8 * _MIB // 256)
    request = _request(_FILE + content + _END)
    with ExitStack() as held:
        tracemalloc.start()
        try:
            (one,) = read_parts(request, max_bytes=1 << 30, most_text=1, most_parts=1, held=held)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert one.content is not None
        assert one.content.read() == content
    assert most < 4 * _MIB
