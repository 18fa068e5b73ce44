"""A document keeps its bytes, and whoever reads it is not believed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.xades_place import EnvelopedPlace, find_enveloped_place, insert
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation, Task
from signing.messages.xml_signature import FoundPlace
from tests.support.isolation import WithoutWalls
from tests.support.xml_documents import DS, encoded_documents
from tests.support.xml_inputs import INPUTS

_WRITTEN = f'<ds:Signature xmlns:ds="{DS}" Id="s">ký</ds:Signature>'


class Liar:
    """An `Isolation` in other hands: what it answers is changed on the way."""

    def __init__(
        self,
        *,
        form: Callable[[bytes], bytes] = lambda form: form,
        **changes: Any,
    ) -> None:
        self._form = form
        self._changes = changes

    def run(self, task: Task, asked: Any, *, inputs: Sequence[Blob] = ()) -> tuple[Any, Blob]:
        """See `Isolation`."""
        answer, output = WithoutWalls().run(task, asked, inputs=inputs)
        changed = msgspec.structs.replace(answer, **self._changes)
        return changed, Blob.of(self._form(output.read()))


def find(raw: bytes, isolation: Isolation, **changes: Any) -> EnvelopedPlace:
    given = {"hash_name": "sha256", "isolation": isolation}
    with Blob.of(raw) as document:
        return find_enveloped_place(document, **(given | changes))


@given(encoded_documents())
def test_the_bytes_around_the_signature_are_those_of_the_document(raw: bytes) -> None:
    isolation = WithoutWalls()
    try:
        place = find(raw, isolation)
    except DocumentRefused as refused:
        assert refused.reason == "signature_is_root"  # noqa: PT017  # all others are a fault
        return
    written = place.written(_WRITTEN)
    with (
        Blob.of(raw) as document,
        insert(
            document,
            offset=place.offset,
            replaced_bytes=place.replaced_bytes,
            written=written,
        ) as made,
    ):
        signed = made.read()
    assert signed[: place.offset] == raw[: place.offset]
    behind = place.offset + place.replaced_bytes
    assert signed.endswith(raw[behind:])
    assert len(signed) == len(raw) - place.replaced_bytes + len(written)
    root = etree.fromstring(signed)
    last = root[-1]
    assert (last.tag, last.get("Id"), last.text) == (f"{{{DS}}}Signature", "s", "ký")
    # what a verifier hashes with the signature taken out again
    assert find(signed, isolation).canonical_digest == place.canonical_digest


@pytest.mark.parametrize(
    ("raw", "digested"),
    [
        (b"<a/>", b"<a></a>"),
        (b'<?xml version="1.0"?>\r\n<a>x</a>\r\n', b"<a>x</a>"),
        (b"\xff\xfe" + "<a>ộ</a>".encode("utf-16-le"), "<a>ộ</a>".encode()),
        (b'<?xml version="1.0" encoding="US-ASCII"?><a>&#7897;</a>', "<a>ộ</a>".encode()),
        (b"<a>x</a><!-- </a> --><?p </a>?>", b"<a>x</a>\n<?p </a>?>"),
    ],
)
def test_the_digest_is_of_the_canonical_form(
    raw: bytes, digested: bytes, isolation: Isolation
) -> None:
    """W3C XML Signature 1.1 §4.4.3.2: nodes are made octets by Canonical XML."""
    assert find(raw, isolation).canonical_digest == hashlib.sha256(digested).digest()


def test_a_place_can_be_stored(isolation: Isolation) -> None:
    place = find(b"<a/>", isolation)
    assert msgspec.json.decode(msgspec.json.encode(place), type=EnvelopedPlace) == place


@pytest.mark.parametrize(
    "liar",
    [
        Liar(form=lambda form: form.replace(b"100", b"900")),
        Liar(form=lambda form: form + b"<b></b>"),
        Liar(form=lambda _form: b""),
        Liar(offset=4),
        Liar(offset=-1),
        Liar(offset=1 << 40),
        Liar(is_empty=True),
        Liar(root="b"),
    ],
)
def test_a_lie_about_a_document_is_found_out(liar: Liar) -> None:
    """Whoever reads may be in other hands; what a person signs may not be what it says."""
    with pytest.raises(ParsingFailed) as refused:
        find(b"<a>100 \xc4\x91</a>", liar)
    assert refused.value.reason == "contradiction"


def test_a_document_that_is_not_what_was_read_is_a_contradiction() -> None:
    class Silent:
        def run(self, task: Task, asked: Any, *, inputs: Sequence[Blob] = ()) -> tuple[Any, Blob]:
            return FoundPlace(offset=0, is_empty=False, root="a", signatures=0), Blob.of(b"")

    with pytest.raises(ParsingFailed):
        find(b"<a>\xff</a>", Silent())
    with pytest.raises(ParsingFailed):
        find(b"<!DOCTYPE a><a/>", Silent())


def test_a_document_has_a_size(isolation: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signing.formats.xades_place.MOST_BYTES", 10)
    with pytest.raises(DocumentRefused) as refused:
        find(b"<a>12345</a>", isolation)
    assert refused.value.reason == "too_large"


def test_an_encoding_that_is_not_taken_is_refused_before_anybody_reads(
    isolation: Isolation,
) -> None:
    with pytest.raises(DocumentRefused) as refused:
        find(b'<?xml version="1.0" encoding="windows-1258"?><a/>', isolation)
    assert refused.value.reason == "encoding_unknown"


def test_the_document_is_left_alone(isolation: Isolation) -> None:
    raw = b"<a>1</a>"
    with (
        Blob.of(raw) as document,
        insert(document, offset=4, replaced_bytes=0, written=b"") as made,
    ):
        assert made.read() == raw
        assert document.read() == raw


@st.composite
def damaged_documents(draw: st.DrawFn) -> bytes:
    """A document of some make with a few of its bytes replaced, dropped, doubled or swapped."""
    raw = bytearray(draw(st.sampled_from([*INPUTS.values()]) | encoded_documents())[:2_000])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        end = at + draw(st.integers(0, 6))
        piece = draw(
            st.sampled_from([b"", b"<", b">", b"&", b'"', b"'", b"/", b" ", b"]]>", b"<!--", b"?>"])
            | st.sampled_from([b"xmlns", b"xmlns:p=''", b"&#0;", b"&#xD800;", b"=", b":", b"\xff"])
            | st.sampled_from(
                [b"\x00", b"<![CDATA[", b"<!DOCTYPE a>", b"<?xml ", b"\xc2\x85", b"%"]
            )
            | st.just(bytes(raw[at:end]) * 2)
            | st.binary(max_size=2)
        )
        raw[at:end] = piece
    return bytes(raw)


@given(damaged_documents())
def test_two_readers_agree_about_damaged_documents(raw: bytes) -> None:
    """Refused with a reason, or read alike: an honest reader never contradicts us."""
    with suppress(DocumentRefused):
        place = find(raw, WithoutWalls())
        assert raw[place.offset :]
