"""Evidence records in a CMS: over all of it, themselves left out.

What lives here: `read_evidence`, and `without_attributes`: a CMS as it was before attributes came.
Source: RFC 4998 appendix A (attributes, what they are over); ETSI TS 119 122-3 §5 (CAdES-E-ERS).
Not here: records themselves (`evidence_record.py`), what their timestamps prove
(`evidence_stamps.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from signing.formats.der import DerMalformed, header
from signing.validation.ber import to_definite, written_element
from signing.validation.cades_proofs import cms_covers, tokens_cover
from signing.validation.content import Content, Octets
from signing.validation.evidence_record import read_record
from signing.validation.evidence_stamps import Reading, stamps_of
from signing.validation.found import FoundTimestamp, object_identity
from signing.validation.signed_parts import EVIDENCE_RECORDS, SignedParts, Signer
from signing.validation.timestamp_info import find_info

_EXTERNAL: Final = "1.2.840.113549.1.9.16.2.50"
_MOST_RECORDS: Final = 16
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_WAY: Final = (1, 0, -1)
"""From ContentInfo to signerInfos."""


def read_evidence(
    parts: SignedParts,
    signer: Signer,
    *,
    content: Content | None,
    values: Sequence[bytes],
    identity: str,
) -> tuple[tuple[FoundTimestamp, ...], bool]:
    """The timestamps of all records that a signature bears, and whether all of them were read.

    1. What a record is over: the CMS without this record and those that came after it, as it is
       written, or with definite lengths (TS 119 122-3); for an external one the content, too.
    2. What that proves: everything in it.

    Takes   content: what was signed; values: of the signature, in all forms that may be asked for;
            identity: of the signature.
    """
    places = [at for at, one in enumerate(signer.unsigned) if one.kind in EVIDENCE_RECORDS]
    if not places:
        return (), True
    # one that countersigns stands inside of another, and is over nothing but its value
    own = next((at for at, one in enumerate(parts.signers) if one is signer), None)
    if own is None or not parts.whole:
        return (), False
    found: list[FoundTimestamp] = []
    is_whole, number = True, 0
    # in a set they do not stand in the order in which they came
    times = {place: _time_of(signer.unsigned[place].values) for place in places}
    for place in sorted(places, key=lambda one: times[one]):
        attribute = signer.unsigned[place]
        if number >= _MOST_RECORDS:
            return tuple(found), False
        # 1
        later = frozenset(one for one in places if (times[one], one) >= (times[place], place))
        forms = _forms(parts.whole, signer=own, later=later)
        # a content that stands inside is covered with all the rest
        is_beside = attribute.kind == _EXTERNAL and parts.content_size is None
        beside = (content,) if is_beside else ()
        readings = [_reading(form, beside) for form in forms]
        # 2
        covers = frozenset(map(object_identity, values))
        covers |= cms_covers(forms[0]) if forms else frozenset()
        covers |= tokens_cover(one.token for one in found)
        for value in attribute.values:
            record = read_record(value)
            number += 1
            if record is None or number > _MOST_RECORDS:
                is_whole = False
                continue
            found += stamps_of(
                record,
                readings=readings,
                covers=covers,
                identity=f"{identity}-R{number}.",
            )
    return tuple(found), is_whole


def _time_of(values: Sequence[bytes]) -> datetime:
    """When the first timestamp of the first record was made; never, for what is none."""
    record = read_record(values[0]) if values else None
    info = None if record is None else find_info(record[0].token)
    return _NEVER if info is None else info.generated_at


def without_attributes(whole: bytes, *, signer: int, places: frozenset[int]) -> bytes:
    """A CMS in its own encoding without some unsigned attributes; lengths around them are adapted.

    Takes   signer: which SignerInfo; places: of the attributes, counted from 0.
    Raises  DerMalformed.
    """
    view = memoryview(whole)
    return _without(view, 0, len(view), (*_WAY, signer, -1), places)


def _forms(whole: bytes, *, signer: int, later: frozenset[int]) -> list[bytes]:
    """The CMS before some attributes came, as it was written and with definite lengths."""
    try:
        plain = without_attributes(whole, signer=signer, places=later)
        return list(dict.fromkeys((plain, to_definite(plain))))
    except (DerMalformed, ValueError, IndexError):
        return []


def _reading(form: bytes, beside: Sequence[Content | None]) -> Reading:
    own = Octets(form)

    def read() -> Sequence[Content] | None:
        known = [one for one in beside if one is not None]
        return (own, *known) if len(known) == len(beside) else None

    return read


def _without(
    view: memoryview, at: int, end: int, way: Sequence[int], places: frozenset[int]
) -> bytes:
    """One element; nothing when nothing is left in the last one of the way."""
    tag, is_open, children = written_element(view, at, end)
    if way:
        place = way[0] % len(children)
        start, stop = children[place]
        inner = [bytes(view[first:last]) for first, last in children]
        inner[place] = _without(view, start, stop, way[1:], places)
    else:
        inner = [
            bytes(view[first:last])
            for number, (first, last) in enumerate(children)
            if number not in places
        ]
        if not inner:
            return b""
    content = b"".join(inner)
    if is_open:
        return bytes((tag, 0x80)) + content + b"\0\0"
    return header(tag, len(content)) + content
