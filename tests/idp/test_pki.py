"""From settings to an authority, and from accounts to subjects."""

from __future__ import annotations

import pytest

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import make_account
from idp.accounts.model import AccountKind, IdentifierKind, Profile
from idp.errors import SettingsInvalid
from idp.pki import pki_deployment, subject_of
from idp.services import Services
from idp.settings import Settings
from idp.settings_loading import load_settings
from keystore.pki.deployment import SubjectNumbers
from keystore.pki.errors import NameRefused
from keystore.pki.names import OfficialSubject, OrganisationSubject, PersonSubject
from tests.support.invented import Inventor
from tests.support.provider import Provider

_WHOLE = {
    "ANTIN_PKI_ORGANISATION": "Cơ quan Chứng thực Thử nghiệm",
    "ANTIN_PKI_ORGANISATION_IDENTIFIER": "GOVVN-H00.99",
    "ANTIN_PKI_POLICY_ARC": "1.3.6.1.4.1.99999.1",
}


def _settings(**changes: str) -> Settings:
    return load_settings({"ANTIN_ISSUER": "https://dang-nhap.example", **_WHOLE, **changes})


def test_without_an_organisation_there_is_no_authority() -> None:
    assert pki_deployment(_settings(ANTIN_PKI_ORGANISATION=""), is_sandbox=False) is None


def test_addresses_are_the_issuers_unless_told_otherwise() -> None:
    made = pki_deployment(_settings(), is_sandbox=False)
    assert made is not None
    assert made.base_url == "https://dang-nhap.example"
    told = pki_deployment(
        _settings(ANTIN_PKI_BASE_URL="http://pki.antin.vn", ANTIN_PKI_SUBJECT_NUMBERS="etsi"),
        is_sandbox=False,
    )
    assert told is not None
    assert (told.base_url, told.numbers) == ("http://pki.antin.vn", SubjectNumbers.ETSI)


def test_a_sandbox_has_an_authority_that_says_so_whatever_is_set() -> None:
    made = pki_deployment(Settings(), is_sandbox=True)
    assert made is not None
    assert made.is_sandbox
    assert "SANDBOX" in made.organisation
    arc = pki_deployment(_settings(), is_sandbox=True)
    assert arc is not None
    assert arc.policy_arc != _WHOLE["ANTIN_PKI_POLICY_ARC"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ANTIN_PKI_POLICY_ARC", ""),
        ("ANTIN_PKI_POLICY_ARC", "2.999.1"),
        ("ANTIN_PKI_ORGANISATION_IDENTIFIER", "nobody"),
        ("ANTIN_PKI_BASE_URL", "http://pki.antin.vn/path"),
        ("ANTIN_PKI_CA_NAME", ""),
        ("ANTIN_PKI_CPS_URL", "http://pki.antin.vn/cps"),
        ("ANTIN_PKI_QUALIFIED_IN", "Vietnam"),
    ],
)
def test_what_is_wrong_is_named_as_the_operator_wrote_it(setting: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        pki_deployment(_settings(**{setting: value}), is_sandbox=False)
    assert refused.value.name == setting


def test_a_number_of_shards_and_a_kind_of_numbers_are_bounded_by_the_settings() -> None:
    for setting, value in (
        ("ANTIN_PKI_CRL_SHARDS", "4097"),
        ("ANTIN_PKI_SUBJECT_NUMBERS", "all"),
    ):
        with pytest.raises(SettingsInvalid) as refused:
            _settings(**{setting: value})
        assert refused.value.name == setting


@pytest.fixture
def services(provider: Provider) -> Services:
    return provider.services


def test_an_account_is_called_by_its_registered_name_and_number(services: Services) -> None:
    person = Inventor(services).person()
    assert person.account_id is not None
    account = services.people.find_account(person.account_id)
    assert account is not None
    subject = subject_of(account)
    assert isinstance(subject, PersonSubject)
    assert subject.name == person.name
    assert subject.number is not None
    assert (subject.number.kind, subject.number.number) == ("PNO", person.identifier)
    assert person.name not in repr(subject)
    for given in ({"title": "Chủ tịch"}, {"organisation": account, "title": "Chủ tịch"}):
        with pytest.raises(NameRefused, match="organisation"):
            subject_of(account, **given)


def test_an_organisation_and_its_official(services: Services, make_organisation) -> None:
    person = Inventor(services).person()
    assert person.account_id is not None
    account = services.people.find_account(person.account_id)
    organisation = make_organisation()
    assert account is not None
    seal = subject_of(organisation)
    assert isinstance(seal, OrganisationSubject)
    assert seal.identifier.startswith("NTRVN-99")
    official = subject_of(account, organisation=organisation, title="Chủ tịch")
    assert isinstance(official, OfficialSubject)
    assert official.organisation == seal
    with pytest.raises(NameRefused, match="title"):
        subject_of(account, organisation=organisation)


@pytest.fixture
def make_organisation(now):
    def make(kind: IdentifierKind | None = IdentifierKind.ENTERPRISE_CODE):
        numbers = [] if kind is None else [ParsedIdentifier(kind, "9900000013")]
        return make_account(
            kind=AccountKind.ORGANISATION,
            level=None,
            profile=Profile(name="Công ty Mây Suối"),
            identifiers=numbers,
            now=now,
        )

    return make


def test_an_organisation_without_a_code_cannot_be_named(make_organisation) -> None:
    with pytest.raises(NameRefused, match="organisation_identifier"):
        subject_of(make_organisation(None))
