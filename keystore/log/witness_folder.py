"""The folder of a witness: its key, the logs it watches, what it has seen of them.

    key         private keys, mode 0600, made once
    logs        one verifier key per line; the name of the key is the origin of the log
    state/      the last checkpoint cosigned of each log, or that none was yet; a log without that
                is signed no more
    evidence/   what a log signed and could not be shown to follow from what it signed before

What lives here: reading and writing those.  A state is replaced as a whole and synced before the
cosignature leaves.  A key without a state has forgotten what it has seen, for instance because the
disk was replaced: it must never sign again, and a new witness with a new name takes its place.
Source: C2SP tlog-witness (persistence), signed-note (forms of keys).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from keystore.log.errors import NoteMalformed, WitnessStateMissing
from keystore.log.note import from_base64, is_key_name, to_base64
from keystore.log.note_keys import KeyKind, NoteSigner, NoteVerifier, parse_vkey
from keystore.private_files import add_private_file, read_private_file

_PRIVATE: Final = "PRIVATE+KEY+"
_SEED_BYTES: Final = 32
_NEVER_SEEN: Final = b"never seen\n"
_MOST_EVIDENCE: Final = 200
"""Of each kind and log; the first ones are kept."""


class WitnessFolder:
    """One witness on disk; a `WitnessStore`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder

    def create(self, *, name: str) -> tuple[NoteVerifier, ...]:
        """Make keys and an empty state; returns the public keys.

        Raises  NoteMalformed: no name for a key; FileExistsError: there is a witness already.
        """
        if not is_key_name(name):
            raise NoteMalformed("name")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        kinds = (KeyKind.ED25519_COSIGNATURE, KeyKind.MLDSA44_COSIGNATURE)
        lines = [_format_private(name, kind, secrets.token_bytes(_SEED_BYTES)) for kind in kinds]
        (self.path / "state").mkdir(mode=0o700, exist_ok=True)
        if not add_private_file(self.path / "key", "".join(lines).encode()):
            raise FileExistsError(self.path / "key")
        return tuple(one.verifier for one in self.read_signers())

    def read_signers(self) -> tuple[NoteSigner, ...]:
        """The keys of the witness.

        Raises  WitnessStateMissing; NoteMalformed; KekInvalid when others may read the key.
        """
        if not (self.path / "state").is_dir():
            raise WitnessStateMissing
        text = read_private_file(self.path / "key").decode("utf-8", errors="replace")
        return tuple(_parse_private(line) for line in text.splitlines())

    def read_logs(self) -> Mapping[str, tuple[NoteVerifier, ...]]:
        """The logs that are watched, by origin."""
        file = self.path / "logs"
        found: dict[str, tuple[NoteVerifier, ...]] = {}
        for line in file.read_text().splitlines() if file.exists() else ():
            key = parse_vkey(line.strip())
            found[key.name] = (*found.get(key.name, ()), key)
        return found

    def add_logs(self, vkeys: Sequence[str]) -> None:
        """Watch more logs, or know more keys of one.

        Raises  NoteMalformed.
        """
        keys = [parse_vkey(vkey) for vkey in vkeys]
        watched = self.read_logs()
        for origin in {key.name for key in keys} - watched.keys():
            # before it is watched: from then on a state that is gone was lost
            if not self._state_of(origin).exists():
                self._replace(self._state_of(origin), _NEVER_SEEN)
        known = [key for of_log in watched.values() for key in of_log]
        lines = [key.vkey for key in dict.fromkeys((*known, *keys))]
        self._replace(self.path / "logs", "".join(f"{line}\n" for line in lines).encode())

    def find(self, origin: str) -> str | None:
        """See `WitnessStore.find`."""
        try:
            state = self._state_of(origin).read_bytes()
        except FileNotFoundError as lost:
            raise WitnessStateMissing from lost
        if not state:
            raise WitnessStateMissing
        return None if state == _NEVER_SEEN else state.decode()

    def save(self, origin: str, note: str) -> None:
        """See `WitnessStore.save`."""
        self._replace(self._state_of(origin), note.encode())

    def keep_evidence(self, origin: str, *, request: bytes, is_fork: bool) -> None:
        """See `WitnessStore.keep_evidence`."""
        folder = self.path / "evidence"
        folder.mkdir(mode=0o700, exist_ok=True)
        kind = "fork" if is_fork else "unproven"
        begin = f"{kind}-{_name_of(origin)[:16]}-"
        # its text alone names it: one that is sent, or signed, a thousand times is kept once
        checkpoint = request.partition(b"\n\n")[2].partition(b"\n\n")[0]
        file = folder / (begin + hashlib.sha256(checkpoint).hexdigest()[:32])
        if file.exists() or len(list(folder.glob(f"{begin}*"))) >= _MOST_EVIDENCE:
            return
        self._replace(file, request)

    def evidence(self) -> tuple[Path, ...]:
        """What was kept, forks first."""
        return tuple(sorted((self.path / "evidence").glob("*-*")))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process serves this witness meanwhile.

        Raises  BlockingIOError when one does.
        """
        with (self.path / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def _state_of(self, origin: str) -> Path:
        return self.path / "state" / _name_of(origin)

    def _replace(self, file: Path, content: bytes) -> None:
        """The old content or the new one is there, whatever happens, and the new one stays."""
        draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        with draft.open("xb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        draft.rename(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _name_of(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()


def _signer(name: str, kind: KeyKind, seed: bytes) -> NoteSigner:
    if kind is KeyKind.MLDSA44_COSIGNATURE:
        post_quantum = MLDSA44PrivateKey.from_seed_bytes(seed)
        public = post_quantum.public_key().public_bytes_raw()
        return NoteSigner(NoteVerifier(name, kind, public), post_quantum.sign)
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return NoteSigner(NoteVerifier(name, kind, key.public_key().public_bytes_raw()), key.sign)


def _format_private(name: str, kind: KeyKind, seed: bytes) -> str:
    key_id = _signer(name, kind, seed).verifier.key_id.hex()
    return f"{_PRIVATE}{name}+{key_id}+{to_base64(bytes((kind,)) + seed)}\n"


def _parse_private(line: str) -> NoteSigner:
    parts = line.removeprefix(_PRIVATE).split("+", 2)
    if not line.startswith(_PRIVATE) or len(parts) != 3 or not is_key_name(parts[0]):
        raise NoteMalformed("private_key")
    raw = from_base64(parts[2])
    try:
        signer = _signer(parts[0], KeyKind(raw[0]), raw[1:])
    except (ValueError, IndexError) as problem:
        raise NoteMalformed("private_key") from problem
    if signer.verifier.key_id.hex() != parts[1]:
        raise NoteMalformed("private_key")
    return signer
