"""XML signatures as the service reads them, for tests: in one call, and whether one holds.

What lives here: reading in the test's own process, and what "holds" means for what was read: value,
every object, nothing malformed.  Not here: any trust in a certificate.
"""

from __future__ import annotations

from collections.abc import Sequence

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.certificates import find_certificate
from signing.validation.detached import Detached
from signing.validation.found import FoundDocument, FoundSignature
from signing.validation.verify_value import is_value_of
from signing.validation.xml import read_xml
from tests.support.isolation import WithoutWalls


def find_in(
    xml: bytes, *, beside: Sequence[Detached] = (), isolation: Isolation | None = None
) -> FoundDocument:
    """What is found in a document."""
    with Blob.of(xml) as blob:
        return read_xml(blob, detached=beside, isolation=isolation or WithoutWalls())


def only(xml: bytes, *, beside: Sequence[Detached] = ()) -> FoundSignature:
    """The only signature."""
    found = find_in(xml, beside=beside)
    assert len(found.signatures) == 1, found
    return found.signatures[0]


def holds(found: FoundSignature) -> bool:
    """Whether its value is its key's, and everything that it stands for is what it was."""
    key = found.key
    certificate = None if found.candidate is None else find_certificate(found.candidate)
    if certificate is not None:
        key = certificate.key
    return (
        not found.malformed
        and bool(found.objects)
        and all(one.is_intact for one in found.objects)
        and found.value is not None
        and key is not None
        and is_value_of(key, signed=found.value)
    )


def all_hold(xml: bytes, *, beside: Sequence[Detached] = ()) -> bool:
    """Whether there are signatures and every one holds."""
    found = find_in(xml, beside=beside)
    return bool(found.signatures) and not found.malformed and all(map(holds, found.signatures))


def said_of(found: FoundDocument) -> set[str]:
    """Every code that is said about a document and its signatures."""
    reasons = [*found.malformed, *found.findings]
    for one in found.signatures:
        reasons += [*one.malformed, *one.doubts]
        reasons += [reason for stamp in one.timestamps for reason in stamp.findings]
    return {one.code for one in reasons}
