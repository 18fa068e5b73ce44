"""Why a certificate was revoked, as numbers.

Source: RFC 5280 §5.3.1 (CRLReason).  `unspecified` has none: it is said by saying nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keystore.pki.model import RevocationReason

REASON_CODES: Final[Mapping[RevocationReason, int]] = MappingProxyType(
    {
        RevocationReason.KEY_COMPROMISE: 1,
        RevocationReason.CA_COMPROMISE: 2,
        RevocationReason.AFFILIATION_CHANGED: 3,
        RevocationReason.SUPERSEDED: 4,
        RevocationReason.CESSATION_OF_OPERATION: 5,
        RevocationReason.CERTIFICATE_HOLD: 6,
        RevocationReason.PRIVILEGE_WITHDRAWN: 9,
    }
)
"""The code of a reason in a CRL entry and in an OCSP answer."""
