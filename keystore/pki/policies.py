"""Certificate policies: what a certificate says about how its holder was proofed and who can sign.

What lives here: the object identifiers under the deployment's arc that a certificate gets.

    <arc>.1.<n>  the profile           <arc>.3.<n>  sole control: SCAL1 or SCAL2
    <arc>.2.<n>  the proofing level    <arc>.9      SANDBOX: means nothing to anybody

Source: RFC 5280 §4.2.1.4; CEN EN 419241-1 (sole control assurance levels); Decree 69/2024/ND-CP,
Article 7 (levels).  Not here: what each profile demands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509

_PROFILE: Final = 1
_PROOFING: Final = 2
_SOLE_CONTROL: Final = 3
_SANDBOX: Final = 9

ANY_POLICY: Final = x509.ObjectIdentifier("2.5.29.32.0")


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What the policies of a certificate say.

    `proofing_level` is 1 or 2, `scal` is 1 or 2; None where the certificate is no person's, or the
    key is not one that we keep.
    """

    profile_number: int
    proofing_level: int | None = None
    scal: int | None = None
    is_sandbox: bool = False


@lru_cache(maxsize=256)
def policies_extension(
    facts: PolicyFacts, *, arc: str, cps_url: str | None = None
) -> x509.CertificatePolicies:
    """The extension; the first policy is the profile's and names the practice statement."""
    numbers = [f"{_PROFILE}.{facts.profile_number}"]
    if facts.proofing_level is not None:
        numbers.append(f"{_PROOFING}.{facts.proofing_level}")
    if facts.scal is not None:
        numbers.append(f"{_SOLE_CONTROL}.{facts.scal}")
    if facts.is_sandbox:
        numbers.append(str(_SANDBOX))
    return x509.CertificatePolicies(
        [
            x509.PolicyInformation(
                x509.ObjectIdentifier(f"{arc}.{number}"),
                [cps_url] if cps_url is not None and position == 0 else None,
            )
            for position, number in enumerate(numbers)
        ]
    )
