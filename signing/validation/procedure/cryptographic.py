"""Cryptographic verification.

Source: ETSI EN 319 102-1 §5.2.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from signing.validation.found import FoundSignature, ObjectKind
from signing.validation.verdict import (
    Conclusion,
    SubIndication,
    because,
    failed,
    indeterminate,
    weightiest,
)
from signing.validation.verify_value import is_computable, is_value_of

_ABOUT_ITSELF: Final = frozenset(
    {ObjectKind.SIGNED_PROPERTIES, ObjectKind.KEY_INFO, ObjectKind.MANIFEST}
)
"""A list stands for what it lists: an empty one for nothing."""
_MOST_NAMED: Final = 20
"""Reasons of one kind; a manifest can list thousands of files."""


def verify_cryptographically(
    found: FoundSignature, *, key: bytes | None, is_identified: bool = True
) -> Conclusion:
    """Whether what was signed is what is there, and the key signed it.

    1. Signed data that is not there is INDETERMINATE, SIGNED_DATA_NOT_FOUND; so is a signature that
       stands for nothing but itself.
    2. A digest that differs is FAILED, HASH_FAILURE.
    3. A value that the key did not make is FAILED, SIG_CRYPTO_FAILURE.  An algorithm that cannot be
       computed here proves nothing either way, nor does a key of which it is open whether it is the
       signer's: then it is INDETERMINATE, NO_SIGNING_CERTIFICATE_FOUND.

    Takes   key: DER SubjectPublicKeyInfo of the signing certificate; None without one;
            is_identified: whether that is the signing certificate for sure (§5.2.3).
    """
    value = _check_value(found, key=key, is_identified=is_identified)
    return weightiest((*_check_objects(found), *value))


def _check_objects(found: FoundSignature) -> Iterator[Conclusion]:
    # 1
    missing = [one for one in found.objects if not one.is_found]
    for one in missing[:_MOST_NAMED]:
        reason = because("signed_data_missing", name=one.name, kind=one.kind.value)
        yield indeterminate(SubIndication.SIGNED_DATA_NOT_FOUND, reason)
    if not found.malformed and all(one.kind in _ABOUT_ITSELF for one in found.objects):
        yield indeterminate(SubIndication.SIGNED_DATA_NOT_FOUND, because("nothing_signed"))
    # 2
    changed = [one for one in found.objects if one.is_found and not one.is_intact]
    for one in changed[:_MOST_NAMED]:
        reason = because("signed_data_changed", name=one.name, kind=one.kind.value)
        yield failed(SubIndication.HASH_FAILURE, reason)


def _check_value(
    found: FoundSignature, *, key: bytes | None, is_identified: bool
) -> Iterator[Conclusion]:
    # 3
    if found.value is None:
        if not found.malformed:
            yield failed(SubIndication.SIG_CRYPTO_FAILURE, because("no_signature_value"))
        return
    if key is None:
        yield indeterminate(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, because("no_key"))
        return
    if not is_computable(found.value.algorithm):
        reason = because("unknown_algorithm", algorithm=found.value.algorithm.name)
        yield indeterminate(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, reason)
    elif not is_value_of(key, signed=found.value):
        reason = because("signature_value_wrong", algorithm=found.value.algorithm.name)
        if is_identified:
            yield failed(SubIndication.SIG_CRYPTO_FAILURE, reason)
        else:
            yield indeterminate(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, reason)
