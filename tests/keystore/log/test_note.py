"""Signed notes are read in one way only.

The key and note of "PeterNeumann" are the published example of golang.org/x/mod/sumdb/note.
"""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from keystore.log.errors import NoteMalformed
from keystore.log.note import MAX_NOTE_BYTES, is_key_name, parse_note, parse_signature_lines
from keystore.log.note_keys import NoteSigner, SignedHead, parse_vkey

_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
_NO_HEAD = SignedHead("", 0, b"")


def test_the_published_note_is_made_byte_for_byte(now) -> None:
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(_SEED)[1:])
    signer = NoteSigner(parse_vkey(_VKEY), key.sign)
    assert signer.sign(_TEXT, head=_NO_HEAD, now=now).line == _LINE


def test_the_published_note_is_read_and_verifies() -> None:
    note = parse_note(f"{_TEXT}\n{_LINE}".encode())
    assert note.text == _TEXT
    (signature,) = note.signatures
    assert str(note) == f"{_TEXT}\n{_LINE}"
    verified = parse_vkey(_VKEY).verify(signature.signature, text=note.text, head=_NO_HEAD)
    assert (verified.name, verified.signed_at) == ("PeterNeumann", None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"text\n",
        b"text\n\n",
        f"\n\n{_LINE}".encode(),
        f"text\n{_LINE}".encode(),
        f"text\n\n{_LINE[:-1]}".encode(),  # no last newline
        f"text\n\n{_LINE}more\n".encode(),
        f"text\r\n\n{_LINE}".encode(),
        f"te\x00xt\n\n{_LINE}".encode(),
        f"te\txt\n\n{_LINE}".encode(),
        "text\n\n— name\n".encode(),
        "text\n\n— name AAAA\n".encode(),  # three bytes are no key id
        "text\n\n— name AAAAAA==\n".encode(),  # four bytes are no signature
        "text\n\n— na me AAAAAAA=\n".encode(),
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n— name AAAAAAA\n".encode(),  # no padding
        "text\n\n— name AAAAAAB=\n".encode(),  # bits that are lost
        "text\n\n— name AAAA-AA=\n".encode(),
        b"text\n\n- name AAAAAAA=\n",
        b"\xff\n\n" + _LINE.encode(),
        f"text\n\n{_LINE * 33}".encode(),
        b"a" * (MAX_NOTE_BYTES + 1),
    ],
)
def test_what_is_not_exactly_a_note_is_refused(raw: bytes) -> None:
    """signed-note, "Format": UTF-8, no control characters, one form of a signature line."""
    with pytest.raises(NoteMalformed):
        parse_note(raw)


def test_sixteen_signatures_are_taken() -> None:
    """signed-note: verifiers MUST accept at least 16 signatures."""
    assert len(parse_note(f"text\n\n{_LINE * 16}".encode()).signatures) == 16


def test_a_text_may_have_empty_lines() -> None:
    """signed-note: the text ends at the last empty line."""
    assert parse_note(f"a\n\nb\n\n{_LINE}".encode()).text == "a\n\nb\n"


def test_lines_of_a_witness_are_read_alone() -> None:
    assert len(parse_signature_lines(_LINE * 2)) == 2
    for wrong in ("", _LINE[:-1], f"\n{_LINE}", f"{_LINE}\n"):
        with pytest.raises(NoteMalformed):
            parse_signature_lines(wrong)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\x1fb", "a" * 256])
def test_such_a_name_has_no_key(name: str) -> None:
    """signed-note: no Unicode spaces, no plus."""
    assert not is_key_name(name)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for prefix in (b"", "text\n\n— name ".encode()):
        try:
            note = parse_note(prefix + raw)
        except NoteMalformed:
            continue
        assert str(note).encode() == prefix + raw
