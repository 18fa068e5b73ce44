"""Evidence records: timestamps over hash trees, renewed one after the other.

What lives here: a record in ASN.1, and what each of its timestamps has to be over.
Source: RFC 4998 §3.1 (the record), §4.2 and §4.3 (reduced hash trees), §5.2 and §5.3 (renewal).
Not here: whether the timestamps themselves hold (the procedure), what they prove
(`evidence_stamps.py`), and records in XML (`evidence_record_xml.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.der import OCTET_STRING, DerMalformed, Element, read_one
from signing.validation.cms_algorithms import hash_name
from signing.validation.content import Content, digest_octets
from signing.validation.timestamp_info import find_info

_DIGEST_ALGORITHM: Final = 0xA0
_REDUCED_TREE: Final = 0xA2
_MOST_STAMPS: Final = 64
_MOST_RENEWED: Final = 8 << 20
"""Octets that renewals are over: each further chain is over all that came before."""
_MOST_LISTS: Final = 1_000
_MOST_HASHES: Final = 10_000


@dataclass(frozen=True, slots=True)
class RecordStamp:
    """One timestamp of a record.

    Takes   token: DER; hash_name: of its tree; lists: the reduced tree, empty when the timestamp is
            over the digest itself; earlier: the timestamp that this one renews, or empty;
            sequence: all chains before this one, where it begins a further chain, or empty; both
            in the octets that are hashed; renewed: the tokens in either; is_apart: the digest of
            the sequence is one of the group, and not hashed together with each of the others.
    """

    token: bytes = field(repr=False)
    hash_name: str
    lists: tuple[tuple[bytes, ...], ...] = field(repr=False)
    earlier: bytes = field(default=b"", repr=False)
    sequence: bytes = field(default=b"", repr=False)
    renewed: tuple[bytes, ...] = field(default=(), repr=False)
    is_apart: bool = False

    def imprint(self, contents: Sequence[Content]) -> bytes | None:
        """What the timestamp has to be over; None when it cannot be told.

        A digest that does not stand in the tree leads to another root than the one that was
        stamped, as it has to.
        """
        leaves = self._leaves(contents)
        if leaves is None:
            return None
        if not self.lists:
            return self._node(leaves)
        first = self.lists[0]
        known = frozenset(first)
        return self._root((*first, *(one for one in leaves if one not in known)))

    def has_left_out(self, contents: Sequence[Content]) -> bool:
        """Whether a further chain, sound by itself, is over some of this and over nothing else.

        Then the rest was not changed: whoever renewed the record did not take it along.
        """
        leaves = self._leaves(contents)
        info = find_info(self.token)
        if not self.sequence or leaves is None or info is None or not self.lists:
            return False
        return set(self.lists[0]) < set(leaves) and self._root(self.lists[0]) == info.imprint

    def stray_root(self) -> bytes | None:
        """Where its tree leads, if that is not what was stamped; the digests stand in it."""
        info = find_info(self.token)
        root = self._root(self.lists[0]) if self.lists else None
        return None if info is None or root == info.imprint else root

    def _root(self, first: Sequence[bytes]) -> bytes | None:
        root = self._node(first)
        for one in self.lists[1:]:
            root = None if root is None else self._node((*one, root))
        return root

    def _leaves(self, contents: Sequence[Content]) -> tuple[bytes, ...] | None:
        digests: list[bytes | None] = [one.digest(self.hash_name) for one in contents]
        if self.earlier:
            digests = [self._hashed(self.earlier)]
        elif self.sequence and self.is_apart:
            digests.append(self._hashed(self.sequence))
        elif self.sequence:
            before = self._hashed(self.sequence) or b""
            digests = [None if one is None else self._hashed(one + before) for one in digests]
        found = tuple(one for one in digests if one is not None)
        return found if found and len(found) == len(digests) else None

    def _node(self, hashes: Sequence[bytes]) -> bytes | None:
        """One that stands alone is itself; several are brought in order and hashed together."""
        if len(hashes) == 1:
            return hashes[0]
        return self._hashed(b"".join(sorted(hashes)))

    def _hashed(self, octets: bytes) -> bytes | None:
        return digest_octets(octets, self.hash_name)


def read_record(raw: bytes) -> tuple[RecordStamp, ...] | None:
    """The timestamps of a record in their order; None for what is none."""
    try:
        return tuple(_stamps(raw)) or None
    except DerMalformed:
        return None


def _stamps(raw: bytes) -> Iterator[RecordStamp]:
    fields = read_one(raw).children(most=8)
    if len(fields) < 3 or fields[-1].tag != SEQUENCE:
        raise DerMalformed
    before, size = b"", 0
    tokens: list[bytes] = []
    for chain in fields[-1].children(most=_MOST_STAMPS):
        earlier = b""
        for stamp in chain.children(most=_MOST_STAMPS):
            read = _stamp(stamp, earlier=earlier, sequence=b"" if earlier else before)
            yield replace(read, renewed=(earlier,) if earlier else tuple(tokens))
            earlier = read.token
            tokens.append(earlier)
            if len(tokens) > _MOST_STAMPS:
                raise DerMalformed
        # what a further chain is over: the sequence as it was before
        inside = bytes(read_one(before).content) if before else b""
        before = wrap(SEQUENCE, inside + bytes(chain.whole))
        size += len(before)
        if size > _MOST_RENEWED:
            raise DerMalformed


def _stamp(stamp: Element, *, earlier: bytes, sequence: bytes) -> RecordStamp:
    *optional, token = stamp.children(most=8)
    named = ""
    lists: tuple[tuple[bytes, ...], ...] = ()
    for one in optional:
        if one.tag == _DIGEST_ALGORITHM:
            named = hash_name(wrap(SEQUENCE, bytes(one.content)))
        elif one.tag == _REDUCED_TREE:
            lists = tuple(_hashes(each) for each in one.children(most=_MOST_LISTS))
    whole = bytes(token.whole)
    info = find_info(whole)
    # RFC 4998 §4.1: without one of its own the algorithm is that of the timestamp
    named = named or ("" if info is None else info.hash_name)
    if not named or any(not one for one in lists):
        raise DerMalformed
    return RecordStamp(whole, named, lists, earlier, sequence)


def _hashes(part: Element) -> tuple[bytes, ...]:
    found = part.children(most=_MOST_HASHES)
    if any(one.tag != OCTET_STRING for one in found):
        raise DerMalformed
    return tuple(bytes(one.content) for one in found)
