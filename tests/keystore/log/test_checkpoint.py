"""A checkpoint is believed when the log, and enough witnesses, have signed it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from keystore.log.checkpoint import (
    cosign,
    format_checkpoint,
    parse_head,
    sign_checkpoint,
    verify_checkpoint,
)
from keystore.log.errors import NoteMalformed, NoteNotTrusted
from keystore.log.note import parse_note
from keystore.log.note_keys import NoteSigner, SignedHead, parse_vkey
from keystore.log.witness_folder import WitnessFolder
from tests.support.log_trees import RawLogKeys

_ORIGIN = "log.example/public"
_HEAD = SignedHead(_ORIGIN, 20_852_163, bytes(range(32)))
_VECTORS = Path(__file__).parent / "vectors"


@pytest.fixture
def witness_signer(tmp_path: Path) -> NoteSigner:
    """The Ed25519 key of a witness."""
    folder = WitnessFolder(tmp_path / "w")
    folder.create(name="witness.example/w1")
    return folder.read_signers()[0]


def test_a_checkpoint_is_three_lines() -> None:
    assert format_checkpoint(_HEAD) == (
        "log.example/public\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    )
    assert parse_head(format_checkpoint(_HEAD)) == _HEAD


def test_a_checkpoint_that_another_implementation_signed_with_mldsa_verifies() -> None:
    """tlog-cosignature, ML-DSA-44 signed message; see vectors/README.md."""
    key = parse_vkey((_VECTORS / "mldsa44.vkey").read_text().strip())
    raw = (_VECTORS / "mldsa44.note").read_bytes()
    origin = "example.com/mldsa-log"
    checkpoint = verify_checkpoint(raw, expected_origin=origin, log_keys=[key])
    assert (checkpoint.size, checkpoint.log_keys) == (1, (origin,))
    with pytest.raises(NoteNotTrusted):
        verify_checkpoint(raw.replace(b"\n1\n", b"\n2\n"), expected_origin=origin, log_keys=[key])


def test_both_keys_of_the_log_sign(log_keys: RawLogKeys, now: datetime) -> None:
    signers = log_keys.signers(_ORIGIN, now=now)
    note = sign_checkpoint(_HEAD, signers=signers, now=now)
    assert len(parse_note(note.encode()).signatures) == 2
    for signer in signers:
        found = verify_checkpoint(
            note.encode(), expected_origin=_ORIGIN, log_keys=[signer.verifier]
        )
        assert (found.size, found.root, found.witnesses) == (_HEAD.size, _HEAD.root, ())


def test_it_counts_when_enough_witnesses_have_signed(
    log_keys: RawLogKeys, witness_signer: NoteSigner, now: datetime
) -> None:
    note = sign_checkpoint(_HEAD, signers=log_keys.signers(_ORIGIN, now=now), now=now)
    arguments = {
        "expected_origin": _ORIGIN,
        "log_keys": log_keys.verifiers(_ORIGIN, now=now),
        "witness_keys": [witness_signer.verifier],
        "quorum": 1,
    }
    with pytest.raises(NoteNotTrusted, match="too_few_witnesses"):
        verify_checkpoint(note.encode(), **arguments)
    line = cosign(parse_note(note.encode()), signer=witness_signer, now=now).line
    found = verify_checkpoint((note + line).encode(), **arguments)
    assert found.witnesses == ("witness.example/w1",)
    assert found.witnessed_at == now
    with pytest.raises(NoteNotTrusted, match="too_few_witnesses"):
        verify_checkpoint((note + line + line).encode(), **(arguments | {"quorum": 2}))


def test_a_witness_alone_makes_no_checkpoint(
    log_keys: RawLogKeys, witness_signer: NoteSigner, now: datetime
) -> None:
    text = format_checkpoint(_HEAD)
    note = f"{text}\n{witness_signer.sign(text, head=_HEAD, now=now).line}"
    with pytest.raises(NoteNotTrusted, match="unsigned"):
        verify_checkpoint(
            note.encode(),
            expected_origin=_ORIGIN,
            log_keys=log_keys.verifiers(_ORIGIN, now=now),
            witness_keys=[witness_signer.verifier],
        )


def test_a_checkpoint_of_another_log_is_refused(log_keys: RawLogKeys, now: datetime) -> None:
    note = sign_checkpoint(_HEAD, signers=log_keys.signers(_ORIGIN, now=now), now=now)
    with pytest.raises(NoteMalformed, match="origin"):
        verify_checkpoint(
            note.encode(),
            expected_origin="log.example/private",
            log_keys=log_keys.verifiers(_ORIGIN, now=now),
        )


_ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        f"\n1\n{_ROOT}\n",
        f"a\n\n{_ROOT}\n",
        f"a\n01\n{_ROOT}\n",
        f"a\n-1\n{_ROOT}\n",
        f"a\n+1\n{_ROOT}\n",
        f"a\n1.0\n{_ROOT}\n",
        f"a\n٣\n{_ROOT}\n",
        f"a\n9223372036854775808\n{_ROOT}\n",
        f"a\n1\n{_ROOT[:-1]}\n",
        "a\n1\nAAAA\n",
        f"a\n1\n{_ROOT}\n\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """tlog-checkpoint, "Note text": non-empty lines, a size without zeros, a root of 32 bytes."""
    with pytest.raises(NoteMalformed):
        parse_head(text)


def test_extension_lines_of_others_are_tolerated() -> None:
    """tlog-checkpoint: further lines are opaque and optional."""
    assert parse_head(f"a\n1\n{_ROOT}\nextension\n").size == 1


def test_no_origin_breaks_out_of_its_line() -> None:
    for origin in ("", "a\nb"):
        with pytest.raises(NoteMalformed):
            format_checkpoint(SignedHead(origin, 1, bytes(32)))
