"""What can go wrong with the log as a whole, as data.

What lives here: errors of notes, checkpoints, proofs, trees and witnesses.  What is wrong with a
single chain of rows is `LogChainBroken` in `keystore/errors.py`.
"""

from __future__ import annotations

from typing import ClassVar

from keystore.errors import KeystoreError, SealBroken


class LogError(KeystoreError):
    """Root of what the trees, their checkpoints and their witnesses refuse."""

    code: ClassVar[str] = "log_error"


class NoteMalformed(LogError):
    """Not a signed note, a checkpoint, a key or a proof as C2SP writes them; `reason` says why."""

    code: ClassVar[str] = "note_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoteNotTrusted(LogError):
    """The text has too few signatures of keys that are known, or one of them does not verify.

    `reason` is one of: unsigned, signature, too_few_witnesses.
    """

    code: ClassVar[str] = "note_not_trusted"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProofInvalid(LogError):
    """A Merkle proof that does not lead to the root it should; `reason` says how it fails."""

    code: ClassVar[str] = "log_proof_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EntryUnknown(LogError):
    """There is no such entry, or no tree of that size; `what` repeats what was asked for."""

    code: ClassVar[str] = "log_entry_unknown"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class EntryPending(LogError):
    """The entry is recorded, and no checkpoint that counts covers it yet; ask again."""

    code: ClassVar[str] = "log_entry_pending"


class ProofForbidden(LogError):
    """Whoever asks may not see proofs about this entry."""

    code: ClassVar[str] = "log_proof_forbidden"


class TreeDamaged(LogError):
    """What is stored of a tree does not fit together; `where` names the tile or the size.

    Nothing is signed over it: find out with `antin log verify` what was done.
    """

    code: ClassVar[str] = "log_tree_damaged"

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class ChainStuck(LogError):
    """Rows that do not fit their chains or were not recorded; `rows` names them, `writer/number`.

    All the others are integrated.  `antin log verify` says what is wrong with each.
    """

    code: ClassVar[str] = "log_chain_stuck"

    def __init__(self, rows: tuple[str, ...]) -> None:
        super().__init__(" ".join(rows))
        self.rows = rows


class RowNotAcceptable(LogError):
    """An operator cannot vouch for this row; `reason` says why.

    recorded: one of ours recorded it, nothing is to be accepted; changed: it is not what its hash
    says; unlinked: it does not stand on the row before it.
    """

    code: ClassVar[str] = "log_row_not_acceptable"

    def __init__(self, row: str, *, reason: str) -> None:
        super().__init__(f"{row}: {reason}")
        self.row = row
        self.reason = reason


class EventDiffers(SealBroken):
    """The event of a row opens, and is not the one that its leaf stands for."""

    code: ClassVar[str] = "log_event_differs"


class LogKeyMissing(LogError):
    """The key with which a signer marks its rows is not in its folder any more."""

    code: ClassVar[str] = "log_key_missing"

    def __init__(self, file: str) -> None:
        super().__init__(
            f"{file} is gone, the key of this signer's rows in the log: put it back from a copy, "
            "or make another with `antin log signer-key --new` and name its public half in "
            "ANTIN_SIGNER_LOG_KEYS, beside the one before"
        )
        self.file = file


class HeadsUnusable(LogError):
    """What was signed last cannot be looked up or remembered; nothing is signed meanwhile."""

    code: ClassVar[str] = "log_heads_unusable"

    def __init__(self, where: str, *, reason: str) -> None:
        super().__init__(f"{where}: {reason}; its folder must belong to the user of `antin work`")
        self.where = where
        self.reason = reason


class WitnessStateMissing(LogError):
    """A witness without what it has seen would sign anything: it is retired, never restarted."""

    code: ClassVar[str] = "witness_state_missing"


class WitnessRefused(LogError):
    """The witness does not cosign; `status` is what it answers, `size` what it has seen if told.

    400 malformed, 403 no signature of the log, 404 unknown log, 409 another size, 422 no proof.
    """

    code: ClassVar[str] = "witness_refused"

    def __init__(self, status: int, *, size: int | None = None) -> None:
        super().__init__(f"{status}" if size is None else f"{status}: {size}")
        self.status = status
        self.size = size


class WitnessUnreachable(LogError):
    """The witness did not answer."""

    code: ClassVar[str] = "witness_unreachable"
