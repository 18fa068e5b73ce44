"""Evidence records in XML, as they were made and as they were renewed.

What lives here: `read_xml_record` for a file, `read_record_element` for one inside of a signature,
in plain Python.  What a renewal is over is a canonical form of what stood there before.
Source: RFC 6283 §2.1 (the record), §3.2 (hash trees), §4.2.1 (new timestamps), §4.2.2 (new trees).
Not here: what the timestamps prove (`evidence_stamps.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from signing.errors import ParsingFailed
from signing.formats.xml_encoding import find_text
from signing.formats.xml_node_sets import NodeSet
from signing.formats.xml_tree import Element, Tree, read_tree
from signing.validation.evidence_record import RecordStamp
from signing.validation.xml_algorithms import hash_name_of
from signing.validation.xml_keys import octets_of
from signing.validation.xml_transforms import Unavailable, prefixes_of, written

_NAMESPACE: Final = "urn:ietf:params:xml:ns:ers"
RECORD: Final = (_NAMESPACE, "EvidenceRecord")
_RFC_3161: Final = "RFC3161"
_MOST_STAMPS: Final = 64
_MOST_WRITTEN: Final = 2 << 20
"""Octets that renewals are over: each further chain is over all that came before."""
_MOST_LISTS: Final = 1_000
_MOST_HASHES: Final = 10_000


def read_xml_record(raw: bytes) -> tuple[RecordStamp, ...] | None:
    """The timestamps of a record that is a file, in their order; None for what is none."""
    text = find_text(raw)
    if text is None:
        return None
    try:
        tree = read_tree(text)
    except ParsingFailed:
        return None
    return read_record_element(tree, tree.root)


def read_record_element(tree: Tree, record: Element) -> tuple[RecordStamp, ...] | None:
    """The timestamps of a record in their order; None for what is none."""
    if record.name != RECORD:
        return None
    try:
        return tuple(_stamps(tree, record)) or None
    except (ValueError, Unavailable):
        return None


def find_canonicalization(raw: bytes) -> str:
    """The same of a record that is a file; empty for what is none."""
    text = find_text(raw)
    try:
        return "" if text is None else canonicalization_in(read_tree(text).root)
    except ParsingFailed:
        return ""


def canonicalization_in(record: Element) -> str:
    """How the first chain of a record has XML written before it is hashed; empty for nothing."""
    method = next(iter(_below(_chains(record), "CanonicalizationMethod")), None)
    return "" if method is None else method.get("Algorithm")


def _chains(record: Element) -> list[Element]:
    return _below([record], "ArchiveTimeStampSequence", "ArchiveTimeStampChain")


def _stamps(tree: Tree, record: Element) -> Iterator[RecordStamp]:
    """Raises  ValueError, Unavailable."""
    [sequence] = _below([record], "ArchiveTimeStampSequence")
    chains = _in_order(_chains(record))
    tokens: list[bytes] = []
    size = 0
    for place, chain in enumerate(chains):
        [method] = _below([chain], "DigestMethod")
        forms = _below([chain], "CanonicalizationMethod")
        before = b""
        if place:
            # what a further chain is over: the sequence as it was before
            later = frozenset(one.number for one in chains[place:])
            before = _written(NodeSet(tree, sequence, left_out=later), forms)
        earlier: Element | None = None
        for stamp in _in_order(_below([chain], "ArchiveTimeStamp")):
            [inside] = _below([stamp], "TimeStamp")
            token = _token(inside)
            renewed = b"" if earlier is None else _written(NodeSet(tree, earlier), forms)
            size += len(before) + len(renewed)
            if len(tokens) == _MOST_STAMPS or size > _MOST_WRITTEN:
                raise ValueError("stamps")
            yield RecordStamp(
                token,
                _hash_name(method),
                tuple(_lists(stamp)),
                renewed,
                before if earlier is None else b"",
                tuple(tokens if earlier is None else tokens[-1:]),
                # RFC 6283 §4.2.2: in the first list, beside the digests of what is archived
                is_apart=True,
            )
            tokens.append(token)
            earlier = inside


def _token(inside: Element) -> bytes:
    """Raises  ValueError."""
    [element] = _below([inside], "TimeStampToken")
    token = octets_of(element)
    if element.get("Type") != _RFC_3161 or not token:
        raise ValueError("token")
    return token


def _hash_name(method: Element) -> str:
    """Raises  ValueError."""
    named = hash_name_of(method)
    if not named:
        raise ValueError("hash")
    return named


def _lists(stamp: Element) -> Iterator[tuple[bytes, ...]]:
    """Raises  ValueError: a list of nothing."""
    sequences = _in_order(_below([stamp], "HashTree", "Sequence")[:_MOST_LISTS])
    for one in sequences:
        found = tuple(octets_of(each) for each in _below([one], "DigestValue")[:_MOST_HASHES])
        if not found:
            raise ValueError("list")
        yield found


def _written(nodes: NodeSet, forms: list[Element]) -> bytes:
    """Raises  Unavailable; ValueError."""
    [form] = forms
    return written(nodes, form.get("Algorithm"), prefixes=prefixes_of(form))


def _in_order(elements: list[Element]) -> list[Element]:
    """By the number that each has (RFC 6283 §3.1.1).

    Raises  ValueError.
    """
    return sorted(elements, key=lambda one: int(one.get("Order")))


def _below(elements: list[Element], *names: str) -> list[Element]:
    """Elements by the way down to them."""
    for name in names:
        elements = [one for each in elements for one in each.named((_NAMESPACE, name))]
    return elements
