"""The citizen portal: asks for two factors, shows what was shared, and no number in full."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from clients.portals.claims import local_time, mask_number
from tests.support.pii_alarm import SEEDED


def test_the_first_page_offers_to_sign_in(citizen) -> None:
    page = citizen.get("/")
    assert page.status_code == 200
    assert 'id="login"' in page.text
    assert 'lang="vi"' in page.text
    assert citizen.provider.requests == []


def test_signing_in_asks_for_two_factors_and_says_the_language(citizen) -> None:
    url = citizen.get("/login").headers["Location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["acr_values"] == "urn:vn:auth:2"
    assert asked["scope"] == "openid profile identity"
    assert asked["redirect_uri"] == "http://localhost:8001/callback"
    assert asked["ui_locales"] == "vi"


def test_what_was_shared_is_shown(citizen, rows_of) -> None:
    page = citizen.sign_in()
    assert rows_of(page, "claims") == {
        "name": SEEDED.name,
        "personal_id_number": "003•••••••51",
        "acr": "2",
        "account_level": "2",
        "auth_time": "10:03:55, 21/11/2026",
    }
    assert SEEDED.citizen_number not in page.text


def test_what_was_not_shared_is_said_so(citizen, rows_of) -> None:
    citizen.provider.userinfo = {"sub": "p-1"}
    shown = rows_of(citizen.sign_in(), "claims")
    assert shown["name"] == shown["personal_id_number"] == "không được chia sẻ"


def test_a_name_cannot_write_the_page(citizen) -> None:
    citizen.provider.userinfo["name"] = "<script>x</script>"
    assert "<script>" not in citizen.sign_in().text


def test_a_sign_in_of_one_factor_is_not_let_in(citizen) -> None:
    citizen.provider.spoil_claims = lambda claims: claims.update(acr="urn:vn:auth:1")
    page = citizen.get("/callback", query_string=citizen.to_provider())
    assert page.status_code == 403
    assert 'data-problem="level_too_low"' in page.text
    assert not citizen.is_signed_in()


@pytest.mark.parametrize(
    ("number", "masked"),
    [(None, None), ("003183027451", "003•••••••51"), ("12345678", "123•••78"), ("123", "•••")],
)
def test_numbers_are_masked(number, masked) -> None:
    assert mask_number(number) == masked


def test_an_instant_nobody_stated_is_not_made_up() -> None:
    assert local_time(None) is None
