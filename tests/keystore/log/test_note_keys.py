"""Keys of notes: their text, their signatures, and what a signature binds."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from keystore.log.checkpoint import format_checkpoint
from keystore.log.errors import NoteMalformed, NoteNotTrusted
from keystore.log.note import NoteSignature, UnverifiedNote, to_base64
from keystore.log.note_keys import (
    KeyKind,
    NoteSigner,
    NoteVerifier,
    SignedHead,
    parse_vkey,
    verify_signatures,
)

_HEAD = SignedHead("log.example/public", 7, bytes(range(32)))
_TEXT = format_checkpoint(_HEAD)
_PUBLISHED = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def _signer(kind: KeyKind, name: str = "log.example/public") -> NoteSigner:
    if kind is KeyKind.MLDSA44_COSIGNATURE:
        quantum = MLDSA44PrivateKey.generate()
        return NoteSigner(
            NoteVerifier(name, kind, quantum.public_key().public_bytes_raw()), quantum.sign
        )
    key = Ed25519PrivateKey.generate()
    return NoteSigner(NoteVerifier(name, kind, key.public_key().public_bytes_raw()), key.sign)


@pytest.mark.parametrize("kind", list(KeyKind))
def test_a_signature_verifies_under_its_key_and_no_other(kind: KeyKind, now: datetime) -> None:
    signer, other = _signer(kind), _signer(kind)
    line = signer.sign(_TEXT, head=_HEAD, now=now)
    verified = signer.verifier.verify(line.signature, text=_TEXT, head=_HEAD)
    assert verified.signed_at == (now if kind.is_timestamped else None)
    with pytest.raises(NoteNotTrusted, match="signature"):
        other.verifier.verify(line.signature, text=_TEXT, head=_HEAD)


@pytest.mark.parametrize("kind", list(KeyKind))
@pytest.mark.parametrize("changed", [{"origin": "other.example"}, {"size": 8}, {"root": bytes(32)}])
def test_another_head_is_not_what_was_signed(
    kind: KeyKind, changed: dict[str, object], now: datetime
) -> None:
    signer = _signer(kind)
    line = signer.sign(_TEXT, head=_HEAD, now=now)
    head = replace(_HEAD, **changed)
    with pytest.raises(NoteNotTrusted):
        signer.verifier.verify(line.signature, text=format_checkpoint(head), head=head)


@pytest.mark.parametrize("kind", [KeyKind.ED25519_COSIGNATURE, KeyKind.MLDSA44_COSIGNATURE])
def test_the_time_of_a_cosignature_is_signed(kind: KeyKind, now: datetime) -> None:
    """tlog-cosignature: the timestamp is part of the signed message."""
    signer = _signer(kind)
    line = signer.sign(_TEXT, head=_HEAD, now=now)
    moved = (int(now.timestamp()) + 1).to_bytes(8, "big") + line.signature[8:]
    for wrong in (moved, line.signature[8:], line.signature[:7], b"\xff" * 8 + line.signature[8:]):
        with pytest.raises(NoteNotTrusted):
            signer.verifier.verify(wrong, text=_TEXT, head=_HEAD)


def test_an_mldsa_cosignature_binds_the_name_of_the_cosigner(now: datetime) -> None:
    """tlog-cosignature: `cosigner_name` is part of the message."""
    signer = _signer(KeyKind.MLDSA44_COSIGNATURE, "witness.example/w1")
    line = signer.sign(_TEXT, head=_HEAD, now=now)
    renamed = replace(signer.verifier, name="witness.example/w2")
    with pytest.raises(NoteNotTrusted):
        renamed.verify(line.signature, text=_TEXT, head=_HEAD)


def test_a_timestamp_of_zero_says_nothing_about_the_time() -> None:
    """tlog-cosignature, ML-DSA-44: the timestamp may be zero."""
    signer = _signer(KeyKind.MLDSA44_COSIGNATURE)
    line = signer.sign(_TEXT, head=_HEAD, now=datetime(1970, 1, 1, tzinfo=UTC))
    assert signer.verifier.verify(line.signature, text=_TEXT, head=_HEAD).signed_at is None


def test_vkeys_are_read_and_written() -> None:
    assert parse_vkey(_PUBLISHED).vkey == _PUBLISHED
    for kind in KeyKind:
        verifier = _signer(kind).verifier
        assert parse_vkey(verifier.vkey) == verifier


def test_a_part_of_a_vkey_or_another_letter_in_it_is_refused() -> None:
    for start in range(len(_PUBLISHED)):
        with pytest.raises(NoteMalformed):
            parse_vkey(_PUBLISHED[start + 1 :])
        with pytest.raises(NoteMalformed):
            parse_vkey(_PUBLISHED[:start])
        letter = chr(ord(_PUBLISHED[start]) + 1)
        with pytest.raises(NoteMalformed):
            parse_vkey(_PUBLISHED[:start] + letter + _PUBLISHED[start + 1 :])


@pytest.mark.parametrize(("kind", "length"), [(1, 31), (1, 33), (4, 0), (6, 32), (2, 32), (0, 32)])
def test_a_vkey_of_another_kind_or_length_is_refused(kind: int, length: int) -> None:
    class _Kind(int):
        pass

    public = secrets.token_bytes(length)
    key_id = NoteVerifier("n", _Kind(kind), public).key_id.hex()
    with pytest.raises(NoteMalformed):
        parse_vkey(f"n+{key_id}+{to_base64(bytes((kind,)) + public)}")


def test_signatures_of_unknown_keys_are_passed_over(now: datetime) -> None:
    """signed-note: verifiers MUST ignore signatures from unknown keys."""
    known, unknown = _signer(KeyKind.ED25519), _signer(KeyKind.ED25519)
    lines = tuple(one.sign(_TEXT, head=_HEAD, now=now) for one in (unknown, known))
    shares_the_id = NoteSignature("other", known.verifier.key_id, b"nothing")
    note = UnverifiedNote(_TEXT, (*lines, shares_the_id))
    verified = verify_signatures(note, head=_HEAD, keys=[known.verifier])
    assert [one.name for one in verified] == [known.verifier.name]


def test_one_false_signature_of_a_known_key_spoils_the_note(now: datetime) -> None:
    """signed-note: if a signature from a known key fails to verify, reject the whole note."""
    signer = _signer(KeyKind.ED25519)
    right = signer.sign(_TEXT, head=_HEAD, now=now)
    wrong = replace(right, signature=bytes(64))
    with pytest.raises(NoteNotTrusted):
        verify_signatures(UnverifiedNote(_TEXT, (right, wrong)), head=_HEAD, keys=[signer.verifier])


def test_a_key_shows_no_key_material() -> None:
    signer = _signer(KeyKind.ED25519)
    assert base64.b64encode(signer.verifier.public).decode() not in repr(signer)


def test_a_name_too_long_for_the_structure_is_refused(now: datetime) -> None:
    signer = _signer(KeyKind.MLDSA44_COSIGNATURE, "w" * 256)
    with pytest.raises(NoteMalformed, match="name_length"):
        signer.sign(_TEXT, head=_HEAD, now=now + timedelta(seconds=1))
