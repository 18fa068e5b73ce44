"""The key of statements is made once, opens under its root key alone, and signs nothing else."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from keystore.errors import KekInvalid, KeyPurposeRefused
from keystore.jose import parse_jwks
from keystore.kek import Kek, KekRing
from keystore.second_factor.statement_key import open_statement_key, public_key_set

_RING = KekRing([Kek(bytes(range(32)))])


def test_it_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    key = open_statement_key(tmp_path, ring=_RING)
    again = open_statement_key(tmp_path, ring=_RING)
    assert again.kid == key.kid
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    published = json.loads(public_key_set(key))
    assert not {"d", "k"} & published["keys"][0].keys()
    assert parse_jwks(public_key_set(key)).find(kid=key.kid, algorithm="ES256")


def test_another_root_key_opens_nothing_and_overwrites_nothing(tmp_path: Path) -> None:
    open_statement_key(tmp_path, ring=_RING)
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()
    with pytest.raises(KekInvalid, match="does_not_open"):
        open_statement_key(tmp_path, ring=KekRing([Kek(bytes(32))]))
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"!", b"AAAA", b"A" * 400])
def test_a_damaged_file_is_said(tmp_path: Path, damage: bytes) -> None:
    open_statement_key(tmp_path, ring=_RING)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    with pytest.raises(KekInvalid, match="does_not_open"):
        open_statement_key(tmp_path, ring=_RING)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_statement_key(tmp_path, ring=_RING)
    (file,) = tmp_path.iterdir()
    file.chmod(0o640)
    with pytest.raises(KekInvalid, match="readable_by_others"):
        open_statement_key(tmp_path, ring=_RING)


def test_it_signs_statements_and_nothing_else(tmp_path: Path) -> None:
    """NIST SP 800-57 part 1 §5.2."""
    key = open_statement_key(tmp_path, ring=_RING)
    assert len(key.sign(b"statement", content="jwt:second-factor+jwt")) == 64
    for content in ("jwt:at+jwt", "jwt:id", "tsa:token"):
        with pytest.raises(KeyPurposeRefused):
            key.sign(b"something else", content=content)
