"""Evidence records in XML, as far as they were never renewed.

What lives here: `read_xml_record`, in plain Python.  What a renewal is over is a canonical form of
what stood there before; a record with one is left to whoever names what is not judged.
Source: RFC 6283 §2.1 (the record), §3.2 (hash trees).
"""

from __future__ import annotations

from typing import Final

from signing.errors import ParsingFailed
from signing.formats.xml_encoding import find_text
from signing.formats.xml_tree import Element, read_tree
from signing.validation.evidence_record import RecordStamp
from signing.validation.xml_algorithms import hash_name_of
from signing.validation.xml_keys import octets_of

_NAMESPACE: Final = "urn:ietf:params:xml:ns:ers"
_RFC_3161: Final = "RFC3161"
_MOST_LISTS: Final = 1_000
_MOST_HASHES: Final = 10_000


def read_xml_record(raw: bytes) -> tuple[RecordStamp, ...] | None:
    """The only timestamp of a record; None for what is none, or was renewed."""
    text = find_text(raw)
    if text is None:
        return None
    try:
        root = read_tree(text).root
    except ParsingFailed:
        return None
    chains = _below([root], "ArchiveTimeStampSequence", "ArchiveTimeStampChain")
    stamps = _below(chains, "ArchiveTimeStamp")
    tokens = _below(stamps, "TimeStamp", "TimeStampToken")
    methods = _below(chains, "DigestMethod")
    is_single = len(chains) == len(stamps) == len(tokens) == len(methods) == 1
    if root.name != (_NAMESPACE, "EvidenceRecord") or not is_single:
        return None
    token, named = octets_of(tokens[0]), hash_name_of(methods[0])
    sequences = _below(stamps, "HashTree", "Sequence")
    lists = tuple(
        tuple(octets_of(each) for each in _below([one], "DigestValue")[:_MOST_HASHES])
        for one in sequences[:_MOST_LISTS]
    )
    if tokens[0].get("Type") != _RFC_3161 or not token or not named or not all(lists):
        return None
    return (RecordStamp(token, named, lists),)


def _below(elements: list[Element], *names: str) -> list[Element]:
    """Elements by the way down to them."""
    for name in names:
        elements = [one for each in elements for one in each.named((_NAMESPACE, name))]
    return elements
