"""How people and organisations are written into certificates."""

from __future__ import annotations

import unicodedata

import pytest
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.deployment import SubjectNumbers
from keystore.pki.errors import NameRefused
from keystore.pki.names import (
    OfficialSubject,
    OrganisationSubject,
    PersonalNumber,
    PersonSubject,
    ServiceSubject,
    authority_name,
    shortened,
    split_name,
    subject_name,
)
from tests.support.real_pki import make_deployment

_OPAQUE = "0123456789abcdef0123456789abcdef"
_NUMBER = PersonalNumber("PNO", "003085000217")
_PERSON = PersonSubject("Người Mây Suối", number=_NUMBER)
_COMPANY = OrganisationSubject("Công ty Mây Suối", "NTRVN-9900000013")
_AGENCY = OrganisationSubject("Ủy ban nhân dân xã Mây Suối", "GOVVN-H00.99.01")


def _parts(subject, *, opaque_number: str | None = _OPAQUE, **changes) -> dict[str, object]:
    deployment = make_deployment(**changes)
    name = subject_name(subject, deployment=deployment, opaque_number=opaque_number)
    return {part.rfc4514_attribute_name: part.value for part in name}


def test_a_person_has_both_names_and_an_opaque_number() -> None:
    """ETSI EN 319 412-2 §4.2.4."""
    name = subject_name(_PERSON, deployment=make_deployment(), opaque_number=_OPAQUE)
    assert [(part.oid, part.value) for part in name] == [
        (NameOID.COUNTRY_NAME, "VN"),
        (NameOID.SURNAME, "Người"),
        (NameOID.GIVEN_NAME, "Mây Suối"),
        (NameOID.SERIAL_NUMBER, _OPAQUE),
        (NameOID.COMMON_NAME, "Người Mây Suối"),
    ]


def test_the_number_as_etsi_writes_it() -> None:
    """ETSI EN 319 412-1 §5.1.3."""
    (serial,) = subject_name(
        _PERSON, deployment=make_deployment(numbers=SubjectNumbers.ETSI), opaque_number=None
    ).get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    assert serial.value == f"PNOVN-{_NUMBER.number}"


def test_the_number_as_vietnamese_authorities_put_it() -> None:
    deployment = make_deployment(numbers=SubjectNumbers.VIETNAMESE)

    def user_id(subject) -> object:
        name = subject_name(subject, deployment=deployment, opaque_number=_OPAQUE)
        return name.get_attributes_for_oid(NameOID.USER_ID)[0].value

    assert user_id(_PERSON) == f"CCCD:{_NUMBER.number}"
    assert user_id(_COMPANY) == "MST:9900000013"
    assert user_id(_AGENCY) == "MDD:H00.99.01"
    passport = PersonalNumber("PAS", "Q9904127")
    assert user_id(PersonSubject("Người Gió", number=passport)) == "HC:Q9904127"


def test_by_default_no_identification_number_is_in_a_name() -> None:
    assert _NUMBER.number not in str(_parts(_PERSON))


def test_an_official_has_title_and_organisation() -> None:
    """Decree 23/2025/ND-CP: the certificate states title and organisation."""
    parts = _parts(OfficialSubject(_PERSON, _AGENCY, "Chủ tịch"))
    assert parts["O"] == "Ủy ban nhân dân xã Mây Suối"
    assert parts["2.5.4.12"] == "Chủ tịch"
    assert parts["2.5.4.97"] == "GOVVN-H00.99.01"
    assert parts["CN"] == "Người Mây Suối"


def test_a_service_and_an_authority_stand_under_their_operator() -> None:
    assert _parts(ServiceSubject("reports"))["O"] == "Cơ quan Chứng thực Thử nghiệm"
    sandbox = make_deployment(is_sandbox=True, policy_arc="1.3.6.1.4.1.32473.1")
    name = authority_name("Root CA", deployment=sandbox)
    assert name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "SANDBOX Root CA"


@pytest.mark.parametrize("subject", [_PERSON, _COMPANY, ServiceSubject("reports")])
def test_everything_of_a_sandbox_says_so(subject) -> None:
    parts = _parts(subject, is_sandbox=True, policy_arc="1.3.6.1.4.1.32473.1")
    assert parts["OU"] == "SANDBOX"


def test_a_single_word_is_a_given_name() -> None:
    assert split_name("Suối") == (None, "Suối")
    assert split_name("Người Mây Suối") == ("Người", "Mây Suối")
    assert "2.5.4.4" not in _parts(PersonSubject("Suối"))
    given = PersonSubject("Gió Thu Mây", surname="Gió", given_name="Thu Mây")
    assert _parts(given)["2.5.4.4"] == "Gió"


def test_names_are_normalised() -> None:
    apart = unicodedata.normalize("NFD", "Người  Mây Suối ")
    assert _parts(PersonSubject(apart))["CN"] == "Người Mây Suối"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "missing"),
        ("   ", "missing"),
        ("Người\x00Mây", "control_character"),
        ("Người\nMây", "control_character"),
        ("Người\u202eyâM", "control_character"),
        ("Người\u200bMây", "control_character"),
        ("Người\ud800", "control_character"),
    ],
)
def test_names_that_deceive_a_reader_are_refused(name: str, reason: str) -> None:
    for subject in (PersonSubject(name), OrganisationSubject(name, "NTRVN-9900000013")):
        with pytest.raises(NameRefused) as refused:
            _parts(subject)
        assert refused.value.reason == reason
        assert not name.strip() or name not in str(refused.value)


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        (OrganisationSubject("Công ty", "9900000013"), "organisation_identifier"),
        (OrganisationSubject("Công ty", "NTRVN-"), "organisation_identifier"),
        (OfficialSubject(_PERSON, _AGENCY, "x" * 65), "title"),
        (OfficialSubject(_PERSON, _AGENCY, ""), "title"),
        (PersonSubject("A B", surname="x" * 129, given_name="B"), "surname"),
        (ServiceSubject("x" * 65), "name"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(subject, field: str) -> None:
    with pytest.raises(NameRefused) as refused:
        _parts(subject)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "number",
    [
        None,
        PersonalNumber("XXX", "003085000217"),
        PersonalNumber("PNO", "00 30"),
        PersonalNumber("PNO", "003085000217", country="vn"),
    ],
)
def test_a_deployment_that_writes_numbers_needs_one(number) -> None:
    with pytest.raises(NameRefused) as refused:
        _parts(PersonSubject("Người Mây", number=number), numbers=SubjectNumbers.ETSI)
    assert refused.value.field == "number"
    with pytest.raises(NameRefused):
        _parts(PersonSubject("Người Mây"), opaque_number=None)


def test_long_names_are_abbreviated_as_is_usual_and_stay_whole_where_they_fit() -> None:
    """RFC 5280 appendix A.1: 64 characters, not bytes."""
    fits = "CÔNG TY CỔ PHẦN ĐẦU TƯ XÂY DỰNG VÀ THƯƠNG MẠI MÂY SUỐI NGÀN GIÓ"
    assert len(fits) <= 64 < len(fits.encode())
    assert shortened(fits) == fits
    longer = "Công ty trách nhiệm hữu hạn một thành viên thương mại và dịch vụ Mây Suối"
    assert shortened(longer) == "Công ty TNHH một thành viên thương mại và dịch vụ Mây Suối"
    longest = "Trường Phổ thông dân tộc nội trú Trung học cơ sở và Trung học phổ thông Mây Suối"
    cut = shortened(longest)
    assert len(cut) <= 64
    assert cut.endswith("…")
    assert longest.startswith(cut[:-1])


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1, max_size=120))
def test_every_plain_name_fits_and_is_read_back(name: str) -> None:
    parts = _parts(OrganisationSubject(name, "NTRVN-9900000013"))
    common = parts["CN"]
    assert isinstance(common, str)
    assert len(common) <= 64 or len(unicodedata.normalize("NFC", name)) <= 64


@pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
def test_a_name_of_many_bytes_survives_der() -> None:
    """`cryptography` counts bytes where the standard counts characters."""
    subject = OrganisationSubject("Ủỷỵẵặ " * 10 + "Ủỷỵ", "NTRVN-9900000013")
    name = subject_name(subject, deployment=make_deployment())
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)[0]
    assert len(common.value) == 63
    assert str(common.value).encode() in name.public_bytes()


def test_a_person_with_a_very_long_name_is_cut_after_a_word() -> None:
    name = " ".join(["Mây", "Suối", "Ngàn", "Gió"] * 5)
    parts = _parts(PersonSubject(name))
    common = str(parts["CN"])
    assert len(common) <= 64
    assert common.endswith("…")
    assert name.startswith(common[:-1])
