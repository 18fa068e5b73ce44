"""The timestamps of an evidence record, into what the procedure reads.

What lives here: `stamps_of`: what each timestamp of a record has to be over, and what it proves.
Only the first one of a chain is over what was archived; one that renews another proves that other
one, and nothing else by itself.
Source: RFC 4998 §5.3; RFC 6283 §4.3; ETSI EN 319 102-1 §5.6.2.3 (proofs of existence).
Not here: records themselves (`evidence_record.py`), and what they are about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from signing.validation.cades_proofs import token_certificates, tokens_cover
from signing.validation.content import Content, digest_octets
from signing.validation.evidence_record import RecordStamp
from signing.validation.found import FoundTimestamp, TimestampKind
from signing.validation.timestamp_info import find_info
from signing.validation.verdict import Reason

MOST_STAMPS: Final = 64

Reading = Callable[[], Sequence[Content] | None]
"""What a record is about, made when somebody asks; None when a part of it is not there."""


class Grouped:
    """Several contents that a record knows as one, by the digest of their digests.

    Source  RFC 4998 §4.2, RFC 6283 §3.2.1: sorted, one behind the other, and hashed.
    """

    def __init__(self, contents: Sequence[Content]) -> None:
        self._contents = tuple(contents)

    def digest(self, hash_name: str) -> bytes | None:
        """See `Content`."""
        digests = [one.digest(hash_name) for one in self._contents]
        known = sorted(one for one in digests if one is not None)
        if not known or len(known) != len(digests):
            return None
        return known[0] if len(known) == 1 else digest_octets(b"".join(known), hash_name)

    def chunks(self) -> Iterator[bytes] | None:
        """See `Content`."""
        return None


def stamps_of(
    record: Sequence[RecordStamp],
    *,
    readings: Sequence[Reading],
    covers: frozenset[str],
    identity: str,
    findings: tuple[Reason, ...] = (),
    is_listed: bool = False,
) -> tuple[FoundTimestamp, ...]:
    """The timestamps of a record.

    Takes   readings: of what was archived; where makers read a standard in several ways, each is
            over everything, and the one that the token agrees with is taken;
            covers: identities of what was archived; identity: to which a number is added;
            is_listed: something else says that all of this is what it was, so that what does not
            stand in the tree of a renewal was left out, and not changed.
    """
    return tuple(
        FoundTimestamp(
            f"{identity}{number}",
            TimestampKind.EVIDENCE,
            one.token,
            _digest_of(one, readings, is_listed=is_listed),
            tokens_cover(one.renewed) | (frozenset() if one.earlier else covers),
            token_certificates(one.token),
            findings,
        )
        for number, one in enumerate(record[:MOST_STAMPS], start=1)
    )


def is_over(stamp: RecordStamp, contents: Sequence[Content]) -> bool:
    """Whether a timestamp is over these."""
    info = find_info(stamp.token)
    return info is not None and stamp.imprint(contents) == info.imprint


def _digest_of(
    stamp: RecordStamp, readings: Sequence[Reading], *, is_listed: bool
) -> Callable[[str], bytes | None]:
    def digest_of(named: str) -> bytes | None:
        if named != stamp.hash_name:
            return None
        if stamp.earlier:
            return stamp.imprint(())
        info = find_info(stamp.token)
        first: bytes | None = None
        for reading in readings:
            contents = reading()
            digest = None if contents is None else stamp.imprint(contents)
            if digest is not None and info is not None and digest == info.imprint:
                return digest
            if is_listed and contents is not None and stamp.has_left_out(contents):
                continue
            first = first or digest
        # whatever it is about: a tree that leads elsewhere was never stamped
        return first or stamp.stray_root()

    return digest_of
