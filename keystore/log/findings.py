"""What a verification of the log finds.

What lives here: the kinds of findings and their collection.  Source: architecture, "State".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_MOST_FINDINGS: Final = 1_000


class FindingKind(StrEnum):
    """What was found; never changed, only added to."""

    CHANGED = "changed"
    """A row, or a hash of a tree, is not what it was."""
    REMOVED = "removed"
    ADDED = "added"
    """A row that was not recorded, or that the trees should have and have not."""
    UNLINKED = "unlinked"
    """A row does not stand on the row before it."""
    STUCK = "stuck"
    """A row that cannot be integrated, because it does not fit its chain."""
    FORGED = "forged"
    """A row that does not open, or whose event is not the one behind its leaf."""
    CHECKPOINT = "checkpoint"
    """A checkpoint is not what it was, or not signed as it should be."""
    REWRITTEN = "rewritten"
    """Entries are not those that a checkpoint speaks of."""
    ROLLED_BACK = "rolled_back"
    """The tree is smaller than a checkpoint that somebody keeps."""
    RENAMED = "renamed"
    """A tree has another name than the one under which the deployment is known."""
    UNREADABLE = "unreadable"
    """A row that nobody of this service would write: what it says cannot be read."""
    UNWITNESSED = "unwitnessed"
    """Entries that witnesses should have seen long ago, and have not."""


class RemarkKind(StrEnum):
    """What whoever verifies should know, and is not wrong; never changed, only added to."""

    ACCEPTED = "accepted"
    """A row that an operator vouched for, because its mark was of nobody that is known."""
    MARKED = "marked"
    """Rows of before there were marks, which an operator vouched for."""
    CLOSED = "closed"
    """A row of a signer that is sealed to another key than that of its account."""
    AWAITING = "awaiting"
    """Entries that no witness has seen yet, since a backup was restored or the log begun anew."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One of them; `entry` and `detail` as in a `Finding`."""

    kind: RemarkKind
    entry: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Takes   entry: `<tree>:<position>`, `<writer>/<seq>`, or a range of positions;
            detail: what tells more, for instance the row at a place.
    """

    kind: FindingKind
    entry: str
    detail: str = ""


@dataclass(slots=True)
class Findings:
    """What was found so far; the first thousand are kept and all are counted."""

    kept: list[Finding] = field(default_factory=list)
    count: int = 0
    remarks: list[Remark] = field(default_factory=list)
    remark_count: int = 0

    def add(self, kind: FindingKind, entry: str, *, detail: str = "") -> None:
        """Note one."""
        self.count += 1
        if len(self.kept) < _MOST_FINDINGS:
            self.kept.append(Finding(kind, entry, detail))

    def remark(self, kind: RemarkKind, entry: str, *, detail: str = "") -> None:
        """Note something that is not wrong."""
        self.remark_count += 1
        # the last of them decides how much is shown, and there are a few of it at most
        if len(self.remarks) < _MOST_FINDINGS or kind is RemarkKind.AWAITING:
            self.remarks.append(Remark(kind, entry, detail))
