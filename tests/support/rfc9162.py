"""A second opinion on Merkle proofs, written from the numbered steps of RFC 9162 alone.

What lives here: verification as the RFC words it, with its variable names, and the tree head by its
recursive definition.  It shares nothing with the product, which undoes the recursion instead.
Source: RFC 9162 §2.1.1, §2.1.3.2, §2.1.4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def tree_head(entries: Sequence[bytes]) -> bytes:
    """MTH of §2.1.1, by its definition."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + tree_head(entries[:k]) + tree_head(entries[k:])).digest()


def is_included(
    leaf_hash: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """The nine steps of §2.1.3.2."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r).digest()
            if not fn & 1:
                while not (fn & 1 or fn == 0):
                    fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def is_consistent(
    path: Sequence[bytes], *, first: int, second: int, first_hash: bytes, second_hash: bytes
) -> bool:
    """The steps of §2.1.4.2, with the cases before them that it leaves to the caller."""
    if first == second:
        return not path and first_hash == second_hash
    if not path:
        return False
    nodes = list(path)
    if first & (first - 1) == 0:
        nodes.insert(0, first_hash)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = nodes[0]
    for c in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr = sha256(b"\x01" + c + fr).digest()
            sr = sha256(b"\x01" + c + sr).digest()
            if not fn & 1:
                while not (fn & 1 or fn == 0):
                    fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\x01" + sr + c).digest()
        fn, sn = fn >> 1, sn >> 1
    return fr == first_hash and sr == second_hash and sn == 0
