"""What a certificate is for, where it says so.

Source: ETSI EN 319 102-1 §5.2.6.4 (chain constraints); RFC 5280 §4.2.1.3; RFC 3161 §2.3;
TT 15/2025/TT-BKHCN, Annex II (scope of use).
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.formats.chains import find_extension, parse_certificate
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


def check_purpose(certificate: bytes, *, purpose: str, policy: ValidationPolicy) -> Conclusion:
    """Whether a certificate of interest may do what it did.

    1. A signer's key is for signing, where the certificate says what it is for.
    2. An authority's for timestamps; that it is for nothing else, critically, is warned about.

    Takes   certificate: DER; purpose: `signing` or `timestamping`.
    """
    try:
        parsed = parse_certificate(certificate)
        usage = find_extension(parsed, x509.KeyUsage)
        # 1
        is_for_signing = (
            usage is None or usage.value.digital_signature or usage.value.content_commitment
        )
        if policy.needs_signing_purpose and not is_for_signing:
            return _refused("key_usage")
        # 2
        if purpose != TIMESTAMPING:
            return PASSED
        purposes = find_extension(parsed, x509.ExtendedKeyUsage)
    except ValueError:
        return _refused("certificate_unreadable")
    if purposes is None or ExtendedKeyUsageOID.TIME_STAMPING not in purposes.value:
        return _refused("extended_key_usage")
    if not purposes.critical or len(purposes.value) > 1:
        warning = because("timestamping_not_alone")
        return Conclusion(Indication.PASSED, warnings=(warning,))
    return PASSED


def _refused(code: str) -> Conclusion:
    return indeterminate(SubIndication.CHAIN_CONSTRAINTS_FAILURE, because(code))
