"""The business portal: who acts, and for whom."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.pii_alarm import SEEDED

ORG = {
    "id": "o-1",
    "enterprise_code": SEEDED.enterprise_code,
    "name": SEEDED.organization_name,
    "role": "legal_representative",
    "mandate_id": "m-1",
    "valid_to": "2027-01-31T17:00:00+00:00",
}


def test_signing_in_asks_for_an_organisation(business) -> None:
    url = business.get("/login").headers["Location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["antin_capacity"] == "organisation"
    assert asked["scope"] == "openid profile organization"


def test_person_and_organisation_are_shown_apart(business, rows_of) -> None:
    business.provider.userinfo["org"] = ORG
    page = business.sign_in()
    assert rows_of(page, "organisation") == {
        "org_name": SEEDED.organization_name,
        "org_code": SEEDED.enterprise_code,
        "org_role": "Người đại diện theo pháp luật",
        "org_valid_to": "00:00:00, 01/02/2027",
    }
    assert rows_of(page, "claims")["name"] == SEEDED.name


def test_an_organisation_in_the_id_token_counts_as_well(business, rows_of) -> None:
    business.provider.spoil_claims = lambda claims: claims.update(org=ORG | {"valid_to": None})
    assert "org_valid_to" not in rows_of(business.sign_in(), "organisation")


@pytest.mark.parametrize("said", ["2027-01-31", "forever"])
def test_an_end_that_is_no_instant_is_shown_as_it_came(business, rows_of, said) -> None:
    business.provider.userinfo["org"] = ORG | {"valid_to": said}
    assert rows_of(business.sign_in(), "organisation")["org_valid_to"] == said


def test_a_person_who_acts_for_nobody_is_told_what_to_do(business) -> None:
    page = business.sign_in()
    assert 'id="organisation"' not in page.text
    assert 'id="login"' in page.text
    assert 'id="logout"' in page.text


def test_an_organisation_of_the_wrong_form_is_none(business) -> None:
    business.provider.userinfo["org"] = "o-1"
    assert 'id="organisation"' not in business.sign_in().text
