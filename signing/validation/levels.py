"""Which level a signature has, by what it brings along.

What lives here: B-B to B-LTA for those that are AdES signatures, a word of the format for others.
Source: ETSI EN 319 122-1 §6, 319 132-1 §6, 319 142-1 §6 (baseline levels); TS 119 182-1 §6.
Not here: whether what it brings along is any good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from signing.formats.material import Level
from signing.validation.found import Form, FoundSignature, FoundTimestamp, TimestampKind

_PROVING: Final = frozenset(
    {
        TimestampKind.SIGNATURE,
        TimestampKind.ARCHIVE,
        TimestampKind.DOCUMENT,
        TimestampKind.CONTAINER,
    }
)
_PLAIN: Final = frozenset({Form.PKCS7, Form.CMS, Form.XMLDSIG})
_LONG_LASTING: Final = frozenset(
    {TimestampKind.ARCHIVE, TimestampKind.DOCUMENT, TimestampKind.CONTAINER}
)


def level_of(found: FoundSignature) -> str:
    """The level as far as everything for it is there.

    1. What names no certificate among what is signed is no AdES signature: its form is its level.
    2. With a timestamp over the signature it is B-T, with evidence B-LT.
    3. With a timestamp made after the one that first proved it, over that evidence, B-LTA.
    """
    # 1
    if found.references is None or found.form in _PLAIN:
        return found.form.value
    # 2
    proving = [one for one in found.timestamps if one.kind in _PROVING]
    if not proving:
        return Level.B.value
    if not found.is_long_term:
        return Level.T.value
    # 3
    return Level.LTA.value if _is_archived(found, proving) else Level.LT.value


def _is_archived(found: FoundSignature, proving: Sequence[FoundTimestamp]) -> bool:
    if found.form is not Form.PADES:
        return any(one.kind in _LONG_LASTING for one in proving)
    # a document timestamp may be the one that first proves it; over evidence, it is an archive's
    evidence = found.evidence_identities
    return any(one.kind in _LONG_LASTING and not one.covers.isdisjoint(evidence) for one in proving)
