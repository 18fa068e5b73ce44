"""The pages of password and code: how many may be tried from one address."""

from __future__ import annotations

import pytest

from tests.idp.conftest import MakeProvider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, DUNG


@pytest.mark.parametrize(("allowed", "status"), [(10, 429), (11, 422)])
def test_the_operator_sets_how_many_wrong_passwords_an_address_may_try(
    make_provider: MakeProvider, allowed: int, status: int
) -> None:
    """NIST SP 800-63B-3 §5.2.2; carriers put thousands of people behind one address."""
    browser = Browser(make_provider(source_passwords_per_15min=allowed))
    landing = browser.authorize()
    for number in range(10):
        wrong = {"identifier": f"0050790831{number:02}", "password": "khong-phai-mat-khau"}
        landing = browser.press(landing, "login-submit", wrong)
        assert landing.response.status_code == 422
    typed = {"identifier": ANH.identifier, "password": "khong-phai-mat-khau"}
    assert browser.press(landing, "login-submit", typed).response.status_code == status


@pytest.mark.parametrize(("allowed", "status"), [(5, 429), (6, 422)])
def test_the_operator_sets_how_many_wrong_codes_an_address_may_try(
    make_provider: MakeProvider, allowed: int, status: int
) -> None:
    """NIST SP 800-63B-3 §5.2.2: over all accounts, none of which is at its own limit."""
    provider = make_provider(source_codes_per_15min=allowed)
    answers = []
    for who in (BINH, DUNG):
        browser = Browser(provider)
        landing = browser.log_in(browser.authorize("level2"), who=who)
        for _ in range(3):
            landing = browser.press(landing, "otp-submit", {"otp": "000000"})
            answers.append(landing.response.status_code)
    assert answers == [422] * 5 + [status]
