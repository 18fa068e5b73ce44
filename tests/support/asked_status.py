"""The state of a certificate, asked the short way.

What lives here: a root, an authority and somebody below it, and what evidence says of them.
Not here: anything that the product imports.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from keystore.pki.der import wrap
from signing.validation.model import RevocationState
from signing.validation.revocation import (
    CertificateStatus,
    Evidence,
    StatusSettings,
    find_status,
)
from tests.support.certificate_paths import AT, Extension, Party, person, purposes
from tests.support.judged_paths import CA, path_of

GOOD: Final = RevocationState.GOOD
REVOKED: Final = RevocationState.REVOKED
HELD: Final = RevocationState.ON_HOLD
NOBODY_KNOWS: Final = RevocationState.UNKNOWN
LEAF: Final = person("A", by=CA)
DAY: Final = timedelta(days=1)
OCSP_SIGNING: Final = purposes("1.3.6.1.5.5.7.3.9")
NO_CHECK: Final = Extension("1.3.6.1.5.5.7.48.1.5", b"\x05\x00")
RESPONDER: Final = person("Responder", OCSP_SIGNING, NO_CHECK, by=CA)
POINT: Final = wrap(0x86, b"http://crl.example/1")


def status(
    *lists: bytes,
    answers: tuple[bytes, ...] = (),
    leaf: Party = LEAF,
    others: tuple[Party, ...] = (),
    at: datetime = AT,
    **given: Any,
) -> CertificateStatus:
    """Of a certificate right below the CA.

    Takes   others: whose certificates lie in the heap; given: settings.
    """
    evidence = Evidence(
        certificates=[one.der for one in others], crls=lists, ocsp_responses=answers
    )
    return find_status(
        path_of(leaf, CA), evidence=evidence, at=at, settings=StatusSettings(**given)
    )


def codes(found: CertificateStatus) -> set[str]:
    """Why evidence does not count."""
    return {one.code for one in found.findings}
