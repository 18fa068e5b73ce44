"""What a certificate is for, where it says so.

Source: ETSI EN 319 102-1 §5.2.6.4 (chain constraints); RFC 5280 §4.2.1.3; RFC 3161 §2.3;
TT 15/2025/TT-BKHCN, Annex II (scope of use).
"""

from __future__ import annotations

from typing import Final

from signing.validation.certificates import find_certificate
from signing.validation.policy import ValidationPolicy
from signing.validation.verdict import (
    PASSED,
    Conclusion,
    Indication,
    SubIndication,
    because,
    indeterminate,
)

TIMESTAMPING: Final = "timestamping"
_EXTENDED_KEY_USAGE: Final = "2.5.29.37"
_KEY_PURPOSE: Final = "1.3.6.1.5.5.7.3."
_TIME_STAMPING: Final = f"{_KEY_PURPOSE}8"
_FOR_CLIENTS: Final = frozenset({f"{_KEY_PURPOSE}2"})
"""What many certificates of people say who sign documents: it tells nothing against that."""
_FOR_OTHERS: Final = _FOR_CLIENTS | frozenset(f"{_KEY_PURPOSE}{one}" for one in (1, 3, 8, 9))
"""Servers, programs, timestamps and status (RFC 5280 §4.2.1.12)."""


def check_purpose(certificate: bytes, *, purpose: str, policy: ValidationPolicy) -> Conclusion:
    """Whether a certificate of interest may do what it did.

    1. A signer's key is for signing, where the certificate says what it is for, and not for
       servers, programs, timestamps or status alone.
    2. An authority's for timestamps; that it is for nothing else, critically, is warned about.

    Takes   certificate: DER; purpose: `signing` or `timestamping`.
    """
    parsed = find_certificate(certificate)
    if parsed is None:
        return _refused("certificate_unreadable")
    # 1
    is_for_signing = parsed.may("digitalSignature") or parsed.may("nonRepudiation")
    if policy.needs_signing_purpose and not is_for_signing:
        return _refused("key_usage")
    purposes = parsed.extensions.purposes or frozenset()
    # 2
    if purpose != TIMESTAMPING:
        is_for_others = purposes <= _FOR_OTHERS and not purposes <= _FOR_CLIENTS
        is_refused = policy.needs_signing_purpose and is_for_others
        return _refused("extended_key_usage") if is_refused else PASSED
    if _TIME_STAMPING not in purposes:
        return _refused("extended_key_usage")
    if _EXTENDED_KEY_USAGE not in parsed.extensions.critical or len(purposes) > 1:
        return Conclusion(Indication.PASSED, warnings=(because("timestamping_not_alone"),))
    return PASSED


def _refused(code: str) -> Conclusion:
    return indeterminate(SubIndication.CHAIN_CONSTRAINTS_FAILURE, because(code))
