"""The kinds of certificate, as data: one table, nothing of them anywhere else.

What lives here: what each kind may be used for, how long it lives, whose it is and under which
rule.  A new kind is a new line.  Source: Decree 23/2025/ND-CP (lifetimes; title and organisation of
an official); ETSI EN 319 412-2 §4.3.2 and 412-3 (a key that commits does nothing else), EN 319 422
§6 and RFC 3161 §2.3 (timestamping), RFC 6960 §4.2.2.2 (OCSP).  Not here: how it is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keystore.pki.errors import ProfileRefused
from keystore.pki.names import (
    OfficialSubject,
    OrganisationSubject,
    PersonSubject,
    ServiceSubject,
    Subject,
)

_DAY: Final = timedelta(days=1)
_YEAR: Final = 365 * _DAY


class Profile(StrEnum):
    """The names of the kinds, as they are stored."""

    ROOT = "root"
    ISSUING = "issuing"
    CITIZEN = "citizen"
    SEAL = "seal"
    OFFICIAL = "official"
    TIMESTAMP = "timestamp"
    OCSP = "ocsp"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRules:
    """One kind of certificate.

    `number`: its policy under the deployment's arc, never reused; `longest`: the longest life;
    `renew_before`: how long before its end a service's certificate is replaced;
    `key_lifetime`: how long the private key may be used, where that is shorter;
    `usages`: key usages, always critical; `purpose`: the only extended key usage, critical;
    `has_status`: names CRL and OCSP, otherwise says `nocheck`; `qc_type`: the statement of ETSI
    EN 319 412-5 §4.2.3 that a qualified one carries; `is_natural`: the subject is a person;
    `legal`, `legal_from`: the rule behind `longest`.
    """

    profile: Profile
    number: int
    subject: type[Subject] | None
    longest: timedelta
    usages: frozenset[str]
    purpose: x509.ObjectIdentifier | None = None
    is_authority: bool = False
    has_status: bool = True
    is_natural: bool = False
    renew_before: timedelta = timedelta(days=30)
    key_lifetime: timedelta | None = None
    qc_type: x509.ObjectIdentifier | None = None
    legal: str
    legal_from: str

    def check_subject(self, subject: Subject) -> None:
        """Refuse a subject of another kind.

        Raises  ProfileRefused.
        """
        if self.subject is None or not isinstance(subject, self.subject):
            raise ProfileRefused(self.profile, reason="subject")


_DECREE: Final = "Decree 23/2025/ND-CP"
_DECREE_FROM: Final = "2025-04-10"
_COMMITMENT: Final = frozenset({"content_commitment"})
_SIGNATURE: Final = frozenset({"digital_signature"})
_AUTHORITY: Final = frozenset({"key_cert_sign", "crl_sign"})
_QC_SIGNATURE: Final = x509.ObjectIdentifier("0.4.0.1862.1.6.1")
_QC_SEAL: Final = x509.ObjectIdentifier("0.4.0.1862.1.6.2")

_TABLE: Final = (
    ProfileRules(
        profile=Profile.ROOT,
        number=1,
        subject=None,
        longest=25 * _YEAR,
        usages=_AUTHORITY,
        is_authority=True,
        has_status=False,
        legal=_DECREE,
        legal_from=_DECREE_FROM,
    ),
    ProfileRules(
        profile=Profile.ISSUING,
        number=2,
        subject=None,
        longest=10 * _YEAR,
        usages=_AUTHORITY,
        is_authority=True,
        legal=_DECREE,
        legal_from=_DECREE_FROM,
    ),
    ProfileRules(
        profile=Profile.CITIZEN,
        number=3,
        subject=PersonSubject,
        longest=3 * _YEAR,
        usages=_COMMITMENT,
        is_natural=True,
        qc_type=_QC_SIGNATURE,
        legal=_DECREE,
        legal_from=_DECREE_FROM,
    ),
    ProfileRules(
        profile=Profile.SEAL,
        number=4,
        subject=OrganisationSubject,
        longest=3 * _YEAR,
        usages=_COMMITMENT,
        qc_type=_QC_SEAL,
        legal=_DECREE,
        legal_from=_DECREE_FROM,
    ),
    ProfileRules(
        profile=Profile.OFFICIAL,
        number=5,
        subject=OfficialSubject,
        longest=3 * _YEAR,
        usages=_COMMITMENT,
        is_natural=True,
        qc_type=_QC_SIGNATURE,
        legal=_DECREE,
        legal_from=_DECREE_FROM,
    ),
    ProfileRules(
        profile=Profile.TIMESTAMP,
        number=6,
        subject=ServiceSubject,
        longest=5 * _YEAR,
        usages=_SIGNATURE,
        purpose=ExtendedKeyUsageOID.TIME_STAMPING,
        key_lifetime=_YEAR + 60 * _DAY,
        legal=_DECREE,
        legal_from=_DECREE_FROM,
    ),
    ProfileRules(
        profile=Profile.OCSP,
        number=7,
        subject=ServiceSubject,
        longest=90 * _DAY,
        usages=_SIGNATURE,
        purpose=ExtendedKeyUsageOID.OCSP_SIGNING,
        has_status=False,
        renew_before=30 * _DAY,
        legal="RFC 6960 section 4.2.2.2.1: cannot be revoked, therefore short-lived",
        legal_from="2013-06-01",
    ),
    ProfileRules(
        profile=Profile.SERVICE,
        number=8,
        subject=ServiceSubject,
        longest=3 * _YEAR,
        usages=_SIGNATURE,
        renew_before=180 * _DAY,
        legal=_DECREE,
        legal_from=_DECREE_FROM,
    ),
)

PROFILES: Final[Mapping[Profile, ProfileRules]] = MappingProxyType(
    {rules.profile: rules for rules in _TABLE}
)
PERSONAL_PROFILES: Final = frozenset({Profile.CITIZEN, Profile.SEAL, Profile.OFFICIAL})
"""Issued to people and organisations, on request; the others the deployment gives itself."""
