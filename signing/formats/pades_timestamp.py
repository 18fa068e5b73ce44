"""A timestamp over a whole PDF.

What lives here: asking for the field, stamping everything but the hole, filling it.
Source: ETSI EN 319 142-1 §5.4.3; ISO 32000-2 §12.8.5; RFC 3161 §2.4.2.
"""

from __future__ import annotations

from typing import Final

from signing.errors import TimestampUnavailable
from signing.formats.pades_revisions import Revisions, fill_hole
from signing.formats.pades_room import MeasuredTimestamps
from signing.formats.timestamps import VerifiedTimestamp, verify_timestamp
from signing.isolation.task import Isolation
from signing.messages.pdf_signature import ADD_TIMESTAMP, TimestampAsked

_ATTEMPTS: Final = 2
"""A token that outgrew those before it was measured, and the next hole is large enough."""


def append_timestamp(
    revisions: Revisions,
    *,
    isolation: Isolation,
    timestamps: MeasuredTimestamps,
    hash_name: str = "sha256",
    roots: tuple[bytes, ...] = (),
) -> VerifiedTimestamp:
    """Append the increment of a document timestamp over everything before it.

    Takes   roots: DER, to complete the chain of who stamped.
    Raises  DocumentRefused; ParsingFailed; TimestampUnavailable.
    """
    for _ in range(_ATTEMPTS):
        hole_bytes = timestamps.token_bytes(hash_name)
        with revisions.blobs() as blobs:
            asked = TimestampAsked(parts=len(blobs), hole_bytes=hole_bytes)
            hole, written = isolation.run(ADD_TIMESTAMP, asked, inputs=blobs)
            with written:
                increment = revisions.take(written, beside=2 * hole_bytes)
        revisions.check_hole(hole, increment=increment, hole_bytes=hole_bytes)
        digest = revisions.digest_around(hole, increment=increment, hash_name=hash_name)
        token = timestamps.stamp(digest, hash_name=hash_name)
        if len(token) <= hole_bytes:
            revisions.append(fill_hole(increment, start=hole.start, end=hole.end, content=token))
            return verify_timestamp(token, digest=digest, hash_name=hash_name, roots=roots)
    raise TimestampUnavailable("too_large")
