"""Merkle trees: hashes, roots and the two proofs, over any source of node hashes.

What lives here: the arithmetic of the tree alone.  A *node* is the root of a perfect subtree:
(level, index) stands for the 2^level leaves from index · 2^level on.  Everything else (a root, a
proof) is put together from nodes, so that it costs a logarithm wherever the nodes are kept.  The
two `verify_` functions undo the recursion by which the proofs are defined; they trust nothing and
end after 64 steps at most.
Source: RFC 9162 §2.1 (the same trees as RFC 6962).  Not here: storage, signatures.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NoReturn

from keystore.log.errors import ProofInvalid

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root of a tree without leaves (§2.1.1)."""
MAX_SIZE: Final = 2**63 - 1

Nodes = Callable[[int, int], bytes]
"""(level, index) → 32 bytes."""

_sha256 = hashlib.sha256


def hash_leaf(entry: bytes) -> bytes:
    """The hash of a leaf (§2.1.1)."""
    return _sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (§2.1.1)."""
    return _sha256(b"\x01" + left + right).digest()


def hash_row(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above a row of siblings; an odd one at the end has no parent yet and is left out.

    The work of filling a tile, hence a loop without calls of ours.
    """
    return [
        _sha256(b"\x01" + hashes[index] + hashes[index + 1]).digest()
        for index in range(0, len(hashes) - 1, 2)
    ]


def find_root(size: int, *, nodes: Nodes) -> bytes:
    """The root of the first `size` leaves."""
    return EMPTY_ROOT if size == 0 else _hash_range(0, size, nodes=nodes)


def prove_inclusion(index: int, *, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """The audit path of one leaf, from its sibling up to the child of the root (§2.1.3.1).

    Raises  ProofInvalid("range") when the tree has no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofInvalid("range")
    path: list[bytes] = []
    start = 0
    while size > 1:
        left = _split(size)
        if index - start < left:
            path.append(_hash_range(start + left, size - left, nodes=nodes))
            size = left
        else:
            path.append(_hash_range(start, left, nodes=nodes))
            start, size = start + left, size - left
    return tuple(reversed(path))


def prove_consistency(old: int, *, new: int, nodes: Nodes) -> tuple[bytes, ...]:
    """That the tree of `new` leaves begins with the tree of `old` leaves (§2.1.4.1).

    Empty for equal sizes, and for `old` 0, with which everything is consistent.
    Raises  ProofInvalid("range").
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise ProofInvalid("range")
    if old in {0, new}:
        return ()
    path: list[bytes] = []
    start, is_known = 0, True
    while old != new:
        left = _split(new)
        if old <= left:
            path.append(_hash_range(start + left, new - left, nodes=nodes))
            new = left
        else:
            path.append(_hash_range(start, left, nodes=nodes))
            start, old, new, is_known = start + left, old - left, new - left, False
    if not is_known:
        path.append(_hash_range(start, new, nodes=nodes))
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Refuse a path that does not lead from this leaf hash, at this place, to this root.

    Source  RFC 9162 §2.1.3.
    Raises  ProofInvalid.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofInvalid("range")
    hashes = iter(proof)
    found = _climb(leaf, index=index, size=size, hashes=hashes)
    _check_end(hashes)
    if not hmac.compare_digest(found, root):
        raise ProofInvalid("root")


def verify_consistency(
    proof: Sequence[bytes], *, old: int, old_root: bytes, new: int, new_root: bytes
) -> None:
    """Refuse a proof unless both roots follow from it: nothing of the old tree is another.

    Source  RFC 9162 §2.1.4.  A proof from 0 is empty and proves nothing but that `old_root` is
            the root of nothing.
    Raises  ProofInvalid.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise ProofInvalid("range")
    hashes = iter(proof)
    if old == 0:
        found = (EMPTY_ROOT, new_root)
    else:
        found = _both_roots(old, new, known=old_root, hashes=hashes)
    _check_end(hashes)
    if not hmac.compare_digest(found[0], old_root):
        raise ProofInvalid("old_root")
    if not hmac.compare_digest(found[1], new_root):
        raise ProofInvalid("new_root")


def find_peaks(size: int) -> tuple[tuple[int, int], ...]:
    """The nodes of which a tree of `size` leaves consists, the largest first."""
    peaks = []
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append((level, start >> level))
            start += 1 << level
    return tuple(peaks)


class Frontier:
    """The right edge of a growing tree: what is needed to add leaves and to tell the root.

    Takes   peaks: of a tree of `size` leaves, in the order of `find_peaks`.
    """

    def __init__(self, size: int = 0, *, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, peaks = self.size, self._peaks
        while size & 1:
            leaf = _sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root of all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = hash_children(peak, found)
        return found


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (§2.1.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _hash_range(start: int, size: int, *, nodes: Nodes) -> bytes:
    """MTH over `size` leaves from `start`, where `start` is a multiple of every left part."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, start >> level)
    left = _split(size)
    return hash_children(
        _hash_range(start, left, nodes=nodes), _hash_range(start + left, size - left, nodes=nodes)
    )


def _climb(leaf: bytes, *, index: int, size: int, hashes: Iterator[bytes]) -> bytes:
    if size == 1:
        return leaf
    left = _split(size)
    if index < left:
        below = _climb(leaf, index=index, size=left, hashes=hashes)
        return hash_children(below, _next_hash(hashes))
    below = _climb(leaf, index=index - left, size=size - left, hashes=hashes)
    return hash_children(_next_hash(hashes), below)


def _both_roots(
    old: int, new: int, *, known: bytes | None, hashes: Iterator[bytes]
) -> tuple[bytes, bytes]:
    """Old and new root of a subtree; `known` while the old tree is a whole left part of it."""
    if old == new:
        same = _next_hash(hashes) if known is None else known
        return same, same
    left = _split(new)
    if old <= left:
        old_root, new_root = _both_roots(old, left, known=known, hashes=hashes)
        return old_root, hash_children(new_root, _next_hash(hashes))
    old_root, new_root = _both_roots(old - left, new - left, known=None, hashes=hashes)
    shared = _next_hash(hashes)
    return hash_children(shared, old_root), hash_children(shared, new_root)


def _next_hash(hashes: Iterator[bytes]) -> bytes:
    found = next(hashes, None)
    if found is None:
        _refuse("too_short")
    if len(found) != HASH_BYTES:
        _refuse("hash_length")
    return found


def _check_end(hashes: Iterator[bytes]) -> None:
    if next(hashes, None) is not None:
        _refuse("too_long")


def _refuse(reason: str) -> NoReturn:
    raise ProofInvalid(reason)
