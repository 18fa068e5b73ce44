"""What a timestamp token says, whoever made it; **nothing of it is verified**.

What lives here: a reader of TSTInfo that takes more than `signing/formats/timestamps.py`: hashes
that nobody should use any more, tokens without certificates, fields that others write oddly.
Source: RFC 3161 §2.4.2; RFC 5816.
Not here: the signature of the authority (`timestamp_token.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from keystore.pki.der import SEQUENCE
from signing.formats.der import (
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    DerMalformed,
    Element,
    read_oid,
    read_one,
)
from signing.formats.signed_data import TST_INFO
from signing.validation.asn1_times import read_time
from signing.validation.cms_algorithms import hash_name
from signing.validation.signed_parts import SignedParts, read_parts, sequence

_MOST_SECONDS: Final = 10**9


@dataclass(frozen=True, slots=True)
class TimestampInfo:
    """What stands in a token; `hash_name` is empty for a hash that is not known."""

    generated_at: datetime
    accuracy: timedelta
    policy: str
    hash_name: str
    imprint: bytes = field(repr=False)


@lru_cache(maxsize=128)
def read_token_parts(token: bytes) -> SignedParts:
    """The parts of a token.

    Raises  DerMalformed, also for a SignedData about something else.
    """
    parts = read_parts(token)
    if parts.content_type != TST_INFO or parts.content is None:
        raise DerMalformed
    return parts


def read_info(token: bytes) -> TimestampInfo:
    """What a token says.

    Raises  DerMalformed.
    """
    content = read_token_parts(token).content
    if content is None:
        raise DerMalformed
    fields = sequence(read_one(content)).children(most=12)
    if len(fields) < 5 or fields[0].tag != INTEGER or fields[1].tag != OBJECT_IDENTIFIER:
        raise DerMalformed
    named, imprint = sequence(fields[2]).children(most=2)[:2] or (None, None)
    if named is None or imprint is None or imprint.tag != OCTET_STRING:
        raise DerMalformed
    accuracy = next((one for one in fields[5:] if one.tag == SEQUENCE), None)
    return TimestampInfo(
        read_time(fields[4]),
        timedelta(0) if accuracy is None else _accuracy(accuracy),
        read_oid(fields[1]),
        hash_name(bytes(named.whole)),
        bytes(imprint.content),
    )


def find_info(token: bytes) -> TimestampInfo | None:
    """What a token says; None when it cannot be read."""
    try:
        return read_info(token)
    except (DerMalformed, ValueError):
        return None


def _accuracy(element: Element) -> timedelta:
    seconds = millis = micros = 0
    for one in element.children(most=3):
        said = int.from_bytes(one.content[:8], "big")
        if said > _MOST_SECONDS:
            raise DerMalformed
        if one.tag == INTEGER:
            seconds = said
        elif one.tag == 0x80:
            millis = said
        elif one.tag == 0x81:
            micros = said
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)
