"""Every profile as the linters of the trade see it, and what the rules say about each.

pkilint judges RFC 5280 (`lint_pkix_cert`) and ETSI EN 319 412 (`lint_etsi_cert`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.storage.database import Database
from keystore.keyring import Keyring
from keystore.pki.deployment import PkiDeployment, SubjectNumbers
from keystore.pki.names import (
    OfficialSubject,
    OrganisationSubject,
    PersonalNumber,
    PersonSubject,
    ServiceSubject,
)
from keystore.pki.profiles import PERSONAL_PROFILES, PROFILES, Profile
from keystore.pki.service_certificates import ServiceCertificates
from keystore.purposes import OCSP, TIMESTAMP
from tests.support.real_pki import RealPki, make_deployment, make_real_pki, new_spki
from tests.support.status import lint

_NUMBER = "005085000217"
_PERSON = PersonSubject("Người Mây Suối", number=PersonalNumber("PNO", _NUMBER))
_COMPANY = OrganisationSubject(
    "CÔNG TY TRÁCH NHIỆM HỮU HẠN MỘT THÀNH VIÊN THƯƠNG MẠI DỊCH VỤ XUẤT NHẬP KHẨU MÂY SUỐI GIÓ",
    "NTRVN-9900000013",
)
_AGENCY = OrganisationSubject("Ủy ban nhân dân xã Mây Suối", "GOVVN-H00.99.01")
_NATURAL = ("lint_etsi_cert", "-t", "NCP-NATURAL-PERSON-CERTIFICATE")
_LEGAL = ("lint_etsi_cert", "-t", "NCP-LEGAL-PERSON-CERTIFICATE")
_QUALIFIED = ("lint_etsi_cert", "-t", "QCP-N-QSCD-NON-EIDAS-FINAL-CERTIFICATE")
_PKIX = ("lint_pkix_cert",)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """One database is enough: what is judged are bytes."""
    opened = Database(sqlite_url, pool_size=4)
    yield opened
    opened.close()


def _certificate(real: RealPki, profile: Profile, now: datetime) -> bytes:
    if profile in (Profile.ROOT, Profile.ISSUING):
        return real.authorities.get(f"{profile}-1").certificate
    if profile in (Profile.TIMESTAMP, Profile.OCSP):
        purpose = {Profile.TIMESTAMP: TIMESTAMP, Profile.OCSP: OCSP}[profile]
        service = ServiceCertificates(
            real.database,
            profile=profile,
            keyring=Keyring(real.database, real.sealer, log=real.log, purpose=purpose),
            authorities=real.authorities,
            certificates=real.certificates,
        )
        service.renew_due(now)
        return service.signer(now)[1][0]
    subjects = {
        Profile.CITIZEN: {"subject": _PERSON, "scal": 2},
        Profile.OFFICIAL: {"subject": OfficialSubject(_PERSON, _AGENCY, "Chủ tịch"), "scal": 1},
        Profile.SEAL: {"subject": _COMPANY, "scal": 1, "proofing_level": None},
        Profile.SERVICE: {
            "subject": ServiceSubject("Verification reports"),
            "scal": None,
            "proofing_level": None,
            "account_id": None,
            "data_key": None,
        },
    }
    request = real.request(profile=profile, public_spki=new_spki(), **subjects[profile])
    return real.certificates.issue(request, now=now).der


_ETSI = {"numbers": SubjectNumbers.ETSI}
_VIETNAMESE = {"numbers": SubjectNumbers.VIETNAMESE}
_IN_LAW = {
    "numbers": SubjectNumbers.ETSI,
    "qualified_in": "VN",
    "pds_url": "https://pki.antin.vn/pds-en.pdf",
    "cps_url": "https://pki.antin.vn/cps",
}


@pytest.mark.parametrize(
    ("changes", "profile", "linters"),
    [
        ({}, Profile.ROOT, (_PKIX,)),
        ({}, Profile.ISSUING, (_PKIX,)),
        ({}, Profile.CITIZEN, (_PKIX, _NATURAL)),
        ({}, Profile.SEAL, (_PKIX, _LEGAL)),
        ({}, Profile.OFFICIAL, (_PKIX, _NATURAL)),
        ({}, Profile.TIMESTAMP, (_PKIX,)),
        ({}, Profile.OCSP, (_PKIX,)),
        ({}, Profile.SERVICE, (_PKIX, _LEGAL)),
        (_ETSI, Profile.CITIZEN, (_NATURAL,)),
        (_ETSI, Profile.OFFICIAL, (_NATURAL,)),
        (_VIETNAMESE, Profile.CITIZEN, (_PKIX, _NATURAL)),
        (_VIETNAMESE, Profile.SEAL, (_LEGAL,)),
        (_IN_LAW, Profile.CITIZEN, (_PKIX, _QUALIFIED)),
        (_IN_LAW, Profile.OFFICIAL, (_QUALIFIED,)),
        (_IN_LAW, Profile.SEAL, (_LEGAL,)),
        ({"shards": 16}, Profile.CITIZEN, (_PKIX,)),
    ],
)
@pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
def test_the_linters_find_no_fault(
    database, sealer, log, now, tmp_path: Path, changes, profile, linters
) -> None:
    real = _pki(database, sealer, log, now=now, deployment=make_deployment(**changes))
    file = tmp_path / "certificate.der"
    file.write_bytes(_certificate(real, profile, now))
    for command, *arguments in linters:
        # ETSI recommends its own policy identifier beside ours: claimed by whoever was audited
        found = [
            line
            for line in lint(command, *arguments, file=file)
            if "recommended_certificate_type_policy_identifier_missing" not in line
        ]
        assert not found, "\n".join(found)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
def test_a_sandbox_fails_only_by_its_addresses(
    database, sealer, log, now, tmp_path: Path, profile: Profile
) -> None:
    real = _pki(database, sealer, log, now=now, deployment=_sandbox())
    file = tmp_path / "certificate.der"
    der = _certificate(real, profile, now)
    file.write_bytes(der)
    etsi = {
        Profile.CITIZEN: _NATURAL,
        Profile.OFFICIAL: _NATURAL,
        Profile.SEAL: _LEGAL,
        Profile.SERVICE: _LEGAL,
    }
    for command, *arguments in (_PKIX, etsi.get(profile, _PKIX)):
        found = lint(command, *arguments, file=file)
        # a root names no address at all
        assert bool(found) is (profile is not Profile.ROOT)
        assert all("localhost" in line for line in found), "\n".join(found)
    assert b"SANDBOX" in der


def _sandbox() -> PkiDeployment:
    arc = "1.3.6.1.4.1.32473.1"
    return make_deployment(base_url="http://localhost:8000", is_sandbox=True, policy_arc=arc)


def _pki(database, sealer, log, *, now: datetime, deployment: PkiDeployment) -> RealPki:
    return make_real_pki(database, sealer=sealer, log=log, now=now, deployment=deployment)


def test_lifetimes_are_those_of_the_decree() -> None:
    """Decree 23/2025/ND-CP: subscribers 3 years, timestamping 5, public authorities 10, root 25."""
    years = {
        Profile.ROOT: 25,
        Profile.ISSUING: 10,
        Profile.CITIZEN: 3,
        Profile.SEAL: 3,
        Profile.OFFICIAL: 3,
        Profile.TIMESTAMP: 5,
    }
    for profile, most in years.items():
        assert PROFILES[profile].longest <= most * timedelta(days=365)


def test_every_profile_is_a_line_of_the_table_with_a_policy_of_its_own() -> None:
    assert set(PROFILES) == set(Profile)
    numbers = [rules.number for rules in PROFILES.values()]
    assert len(numbers) == len(set(numbers))
    assert all(rules.legal and rules.legal_from for rules in PROFILES.values())


@pytest.mark.parametrize("profile", sorted(PERSONAL_PROFILES))
def test_a_key_that_commits_does_nothing_else(real, now: datetime, profile: Profile) -> None:
    """ETSI EN 319 412-2 §4.3.2: nonRepudiation is not mixed with other usages."""
    certificate = x509.load_der_x509_certificate(_certificate(real, profile, now))
    found = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert found.critical
    assert found.value.content_commitment
    assert not found.value.digital_signature
    assert not found.value.key_cert_sign


def test_a_timestamp_certificate_has_one_critical_purpose(real, now: datetime) -> None:
    """RFC 3161 §2.3: only one extended key usage, and it is critical."""
    certificate = x509.load_der_x509_certificate(_certificate(real, Profile.TIMESTAMP, now))
    found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert found.critical
    assert list(found.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def test_an_ocsp_certificate_says_nocheck_and_names_no_list(real, now: datetime) -> None:
    """RFC 6960 §4.2.2.2.1."""
    extensions = x509.load_der_x509_certificate(_certificate(real, Profile.OCSP, now)).extensions
    extensions.get_extension_for_class(x509.OCSPNoCheck)
    with pytest.raises(x509.ExtensionNotFound):
        extensions.get_extension_for_class(x509.CRLDistributionPoints)
