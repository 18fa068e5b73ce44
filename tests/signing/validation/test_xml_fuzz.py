"""Whatever is done to the parts of a signed document: an answer, and never a wrong yes.

What is done: elements left out, doubled and exchanged; texts and values of attributes replaced by
what readers stumble over.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.formats.material import Level
from signing.validation.found import FoundSignature
from tests.support.signatory import SigningPki
from tests.support.xades_hands import sign_xml
from tests.support.xml_found import find_in, holds, only

_ELEMENT = re.compile(rb"<([\w:-]+)[^<>]*>[^<]*</\1>")
_TEXT = re.compile(rb">[^<>]+<")
_VALUE = re.compile(rb'="[^"]*"')
_TEXTS = st.sampled_from(
    [b"", b"x", b"-1", b"9" * 40, b"AAAA", b"MAA=", b"&#0;", b"&#xD800;", b"&b;", b"\xff", b"<a/>"]
)
_VALUES = st.sampled_from(
    [
        b"",
        b"#",
        b"x",
        b"#xpointer(/)",
        b"#xpointer(id(''))",
        b"http://www.w3.org/2000/09/xmldsig#base64",
        b"http://www.w3.org/2000/09/xmldsig#Manifest",
        b"http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        b"http://www.w3.org/TR/1999/REC-xpath-19991116",
        b"http://www.w3.org/2001/10/xml-exc-c14n#",
        b"http://uri.etsi.org/01903#SignedProperties",
    ]
)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["leave out", "double", "exchange", "text", "value"]),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
        _TEXTS,
        _VALUES,
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def signed(signing_pki: SigningPki) -> bytes:
    """A signature with everything that we write."""
    return sign_xml(signing_pki.citizen, pki=signing_pki, level=Level.LT).xml


def changed_by(xml: bytes, kind: str, first: int, second: int, text: bytes, value: bytes) -> bytes:
    pattern = {"text": _TEXT, "value": _VALUE}.get(kind, _ELEMENT)
    found = list(pattern.finditer(xml))
    if not found:
        return xml
    one, other = found[first % len(found)], found[second % len(found)]
    before, behind = xml[: one.start()], xml[one.end() :]
    if kind == "leave out":
        return before + behind
    if kind == "double":
        return before + one[0] * 2 + behind
    if kind == "text":
        return before + b">" + text + b"<" + behind
    if kind == "value":
        return before + b'="' + value + b'"' + behind
    if one.start() < other.start():
        return before + other[0] + xml[one.end() : other.start()] + one[0] + xml[other.end() :]
    return xml


@settings(max_examples=150, deadline=None)
@given(steps=_STEPS)
def test_an_answer_and_never_a_wrong_yes(
    signed: bytes, steps: list[tuple[str, int, int, bytes, bytes]]
) -> None:
    xml = signed
    for step in steps:
        xml = changed_by(xml, *step)
    found = find_in(xml)
    original = only(signed)
    for one in found.signatures:
        for stamp in one.timestamps:
            stamp.digest_of("sha256")
        if holds(one) and not found.malformed:
            assert _meaning(one) == _meaning(original)


def _meaning(found: FoundSignature) -> object:
    assert found.value is not None
    return (
        found.value.octets,
        found.value.value,
        [one.actual for one in found.objects],
        found.claimed_time,
        found.claimed_roles,
        found.references,
    )
