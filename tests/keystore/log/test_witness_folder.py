"""What a witness has on its disk, and when it refuses to go on."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from keystore.errors import KekInvalid
from keystore.log.errors import NoteMalformed, WitnessStateMissing
from keystore.log.note_keys import KeyKind, parse_vkey
from keystore.log.witness_folder import WitnessFolder


@pytest.fixture
def folder(tmp_path: Path) -> WitnessFolder:
    """A new witness."""
    made = WitnessFolder(tmp_path / "w")
    made.create(name="witness.example/w1")
    return made


def test_a_witness_has_two_keys_for_itself_alone(folder: WitnessFolder) -> None:
    first, second = folder.read_signers()
    assert first.verifier.kind is KeyKind.ED25519_COSIGNATURE
    assert second.verifier.kind is KeyKind.MLDSA44_COSIGNATURE
    assert stat.S_IMODE((folder.path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert "PRIVATE" not in repr(first)


def test_a_key_is_made_once(folder: WitnessFolder) -> None:
    before = (folder.path / "key").read_bytes()
    with pytest.raises(FileExistsError):
        folder.create(name="witness.example/w2")
    assert (folder.path / "key").read_bytes() == before


def test_a_witness_that_forgot_what_it_saw_signs_no_more(folder: WitnessFolder) -> None:
    (folder.path / "state").rmdir()
    with pytest.raises(WitnessStateMissing):
        folder.read_signers()


def test_a_key_that_others_can_read_is_refused(folder: WitnessFolder) -> None:
    (folder.path / "key").chmod(0o640)
    with pytest.raises(KekInvalid, match="readable_by_others"):
        folder.read_signers()


@pytest.mark.parametrize(
    "key",
    [
        "PRIVATE+KEY+w+00000000+BAAA\n",
        "PRIVATE+KEY+w\n",
        "nothing\n",
        "PRIVATE+KEY+w+00000000+" + "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" + "\n",
    ],
)
def test_a_damaged_key_is_refused(folder: WitnessFolder, key: str) -> None:
    (folder.path / "key").write_text(key)
    with pytest.raises(NoteMalformed):
        folder.read_signers()


def test_a_name_with_a_space_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoteMalformed):
        WitnessFolder(tmp_path).create(name="a witness")


def test_logs_are_added_key_by_key(folder: WitnessFolder) -> None:
    vkeys = [one.verifier.vkey for one in folder.read_signers()]
    folder.add_logs(vkeys[:1])
    folder.add_logs(vkeys)
    assert list(folder.read_logs()) == ["witness.example/w1"]
    assert folder.read_logs()["witness.example/w1"] == tuple(map(parse_vkey, vkeys))
    with pytest.raises(NoteMalformed):
        folder.add_logs(["no key"])


def test_evidence_of_one_kind_is_kept_once_and_not_without_end(folder: WitnessFolder) -> None:
    for number in range(250):
        for old in (0, 1):
            request = f"old {old}\n\nnote {number}\n\n— signed {old}".encode()
            folder.keep_evidence("log", request=request, is_fork=False)
    assert len(folder.evidence()) == 200
    folder.keep_evidence("log", request=b"old 1\n\nfork", is_fork=True)
    assert folder.evidence()[0].name.startswith("fork-")


def test_one_process_at_a_time(folder: WitnessFolder) -> None:
    with folder.alone(), pytest.raises(BlockingIOError), folder.alone():
        pass


def test_a_log_whose_state_is_lost_is_not_one_that_was_never_seen(folder: WitnessFolder) -> None:
    vkeys = [one.verifier.vkey for one in folder.read_signers()]
    folder.add_logs(vkeys[:1])
    origin = "witness.example/w1"
    assert folder.find(origin) is None
    folder.save(origin, "seen\n")
    folder.add_logs(vkeys)
    assert folder.find(origin) == "seen\n"
    (state,) = (folder.path / "state").iterdir()
    for lose in (lambda: state.write_bytes(b""), state.unlink):
        lose()
        folder.add_logs(vkeys)  # to trust it again brings nothing back
        with pytest.raises(WitnessStateMissing):
            folder.find(origin)
