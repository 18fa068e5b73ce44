"""Timestamp validation.

Source: ETSI EN 319 102-1 §5.4; RFC 3161 §2.4.2.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing.validation.context import Context
from signing.validation.found import FoundTimestamp, ReadToken, TimestampKind
from signing.validation.procedure.acceptance import accept_algorithms, use_of_hash
from signing.validation.procedure.basic import Basic, validate_basic
from signing.validation.procedure.x509_validation import Purpose
from signing.validation.timestamp_token import read_token
from signing.validation.verdict import (
    PASSED,
    Conclusion,
    Indication,
    Reason,
    SubIndication,
    because,
    failed,
    indeterminate,
)

OVER_SIGNATURE: Final = frozenset(
    {
        TimestampKind.SIGNATURE,
        TimestampKind.ARCHIVE,
        TimestampKind.DOCUMENT,
        TimestampKind.CONTAINER,
    }
)
"""Kinds that by what they are prove that the signature value existed."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A timestamp as it is now.

    Takes   imprint: whether it is over what it has to be over; basic: of the authority's signature.
    """

    found: FoundTimestamp
    token: ReadToken
    imprint: Conclusion
    basic: Basic

    @property
    def generated_at(self) -> datetime | None:
        """When it says to have been made."""
        return self.token.generated_at


def validate_timestamp(found: FoundTimestamp, *, context: Context) -> Stamp:
    """A timestamp as it is now.

    1. The token is a basic signature of an authority for timestamps (§5.3).
    2. The hash of its imprint was good enough, and those of a list in between, as further
       algorithms of that signature.
    3. Its imprint is the digest of what it has to be over: else FAILED, HASH_FAILURE; where that
       cannot be told, INDETERMINATE, SIGNED_DATA_NOT_FOUND.
    4. What its format says against it makes it FAILED, FORMAT_FAILURE; files of a container that a
       manifest lists count as what it is over.
    """
    # 1, 2
    token, basic = context.once(("token", found.token), lambda: _token(found, context=context))
    for name in sorted(found.hash_names - {token.hash_name}):
        basic = _with_hash(basic, name, context=context)
    # 3
    return Stamp(found, token, _check_imprint(found, token), basic)


def _token(found: FoundTimestamp, *, context: Context) -> tuple[ReadToken, Basic]:
    token = read_token(
        found.token,
        among=(*found.certificates, *context.pool.certificates),
        identity=found.identity,
    )
    basic = validate_basic(token.signature, context=context, purpose=Purpose.TIMESTAMPING)
    return token, _with_hash(basic, token.hash_name, context=context)


def _with_hash(basic: Basic, name: str, *, context: Context) -> Basic:
    use = use_of_hash("timestamp", name, table=context.policy.algorithms)
    return basic.with_use(use, accepted=accept_algorithms((use,), at=context.now))


def _check_imprint(found: FoundTimestamp, token: ReadToken) -> Conclusion:
    # 4
    if found.findings:
        return _spoken_against(found.findings)
    # 3
    if not token.imprint:
        return PASSED if token.signature.malformed else _not_found()
    digest = found.digest_of(token.hash_name)
    if digest is None:
        return _not_found()
    if not hmac.compare_digest(digest, token.imprint):
        reason = because("timestamp_imprint_differs", kind=found.kind.value)
        return failed(SubIndication.HASH_FAILURE, reason)
    return Conclusion(Indication.PASSED)


def _spoken_against(findings: tuple[Reason, ...]) -> Conclusion:
    codes = {one.code for one in findings}
    if not codes <= {"signed_object_changed", "signed_object_missing"}:
        return failed(SubIndication.FORMAT_FAILURE, *findings)
    if "signed_object_changed" in codes:
        return failed(SubIndication.HASH_FAILURE, *findings)
    return indeterminate(SubIndication.SIGNED_DATA_NOT_FOUND, *findings)


def _not_found() -> Conclusion:
    return indeterminate(SubIndication.SIGNED_DATA_NOT_FOUND, because("timestamped_data_missing"))
