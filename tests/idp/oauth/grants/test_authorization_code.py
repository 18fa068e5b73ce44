"""A code becomes tokens, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idp.accounts.lifecycle import AccountLifecycle
from idp.storage.mandates import list_mandates, revoke_mandate
from tests.support.provider import Provider, assert_error, claims_of, header_of
from tests.support.provider_browser import VERIFIER, Browser
from tests.support.provider_seeds import ANH, API, BINH, FOREIGN_API


def test_the_answer_is_that_of_the_specification(provider: Provider, browser: Browser) -> None:
    """RFC 6749 §5.1; OpenID Connect Core §3.1.3.3."""
    landing = browser.sign_in()
    answer = provider.exchange(landing.code, verifier=VERIFIER)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.mimetype == "application/json"
    found = answer.get_json()
    assert set(found) == {
        "access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token",
    }  # fmt: skip
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 300)


def test_a_code_used_twice_revokes_what_it_gave(provider_on_both: Provider) -> None:
    """RFC 6749 §4.1.2: MUST deny the request and SHOULD revoke all tokens."""
    provider = provider_on_both
    landing = Browser(provider).sign_in()
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    assert provider.userinfo(tokens["access_token"]).status_code == 200
    assert_error(provider.exchange(landing.code, verifier=VERIFIER), "invalid_grant")
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert provider.events().count("oauth:grant:code_replayed") == 1


@pytest.mark.parametrize("later", [30, 61, 3600])
def test_a_spent_code_revokes_however_late_it_comes_back(
    provider: Provider, browser: Browser, later: int
) -> None:
    """RFC 6749 §4.1.2, also after the code itself would have expired."""
    landing = browser.sign_in()
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    provider.clock.advance(seconds=later)
    assert_error(provider.exchange(landing.code, verifier=VERIFIER), "invalid_grant")
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")


def test_a_spent_code_with_a_wrong_verifier_revokes_too(
    provider: Provider, browser: Browser
) -> None:
    landing = browser.sign_in()
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    assert_error(provider.exchange(landing.code, verifier="w" * 50), "invalid_grant")
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")


def test_two_exchanges_at_once_give_one_answer(provider_on_both: Provider) -> None:
    """Authlib looks up, saves the token and deletes the code one after another (style §3.7)."""
    provider = provider_on_both
    landing = Browser(provider).sign_in()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _n: provider.exchange(landing.code, verifier=VERIFIER), range(8))
        )
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) == 1
    assert provider.userinfo(good[0].get_json()["access_token"]).status_code == 401


def test_another_client_neither_gets_nor_burns_the_code(
    provider: Provider, browser: Browser
) -> None:
    """RFC 6749 §4.1.3: ensure that the code was issued to the authenticated client."""
    landing = browser.sign_in()
    other = provider.exchange(
        landing.code,
        client_id="sibling",
        verifier=VERIFIER,
        redirect_uri="https://portal.example/callback",
    )
    assert_error(other, "invalid_grant")
    assert provider.exchange(landing.code, verifier=VERIFIER).status_code == 200


def test_another_client_that_brings_a_spent_code_revokes_nothing(
    provider: Provider, browser: Browser
) -> None:
    landing = browser.sign_in()
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    assert_error(provider.exchange(landing.code, client_id="sibling"), "invalid_grant")
    assert provider.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    "uri", ["https://portal.example/with?kept=1&also=%20", "https://evil.example/", ""]
)
def test_the_redirect_uri_has_to_be_the_same(
    provider: Provider, browser: Browser, uri: str
) -> None:
    """RFC 6749 §4.1.3: their values MUST be identical."""
    landing = browser.sign_in()
    answer = provider.exchange(landing.code, verifier=VERIFIER, redirect_uri=uri)
    assert_error(answer, "invalid_grant")
    assert provider.exchange(landing.code, verifier=VERIFIER).status_code == 200


def test_a_code_lives_a_minute_and_half_a_minute_for_legacy_portals(
    provider: Provider, browser: Browser
) -> None:
    """RFC 6749 §4.1.2: a short life; architecture, profiles."""
    landing = browser.sign_in()
    provider.clock.advance(seconds=60)
    assert_error(provider.exchange(landing.code, verifier=VERIFIER), "invalid_grant")
    none: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
    for age, status in ((29, 200), (30, 400)):
        code = browser.sign_in("legacy", scope="openid vnconnect", **none).code
        provider.clock.advance(seconds=age)
        assert provider.exchange(code, client_id="legacy").status_code == status


@pytest.mark.parametrize("code", ["", "x", "A" * 86, "ă" * 86, "A" * 5000, "%00"])
def test_a_made_up_code_is_unknown(provider: Provider, code: str) -> None:
    answer = provider.exchange(code, verifier=VERIFIER)
    assert answer.status_code == 400
    assert answer.get_json()["error"] in {"invalid_grant", "invalid_request"}


def test_a_code_with_one_changed_sign_is_unknown_and_revokes_nothing(
    provider: Provider, browser: Browser
) -> None:
    landing = browser.sign_in()
    code = landing.code
    tokens = provider.exchange(code, verifier=VERIFIER).get_json()
    for place in (0, 30, 50, 85):
        changed = code[:place] + ("A" if code[place] != "A" else "B") + code[place + 1 :]
        assert_error(provider.exchange(changed, verifier=VERIFIER), "invalid_grant")
    assert provider.refresh(tokens["refresh_token"]).status_code == 200


def test_a_refresh_token_is_no_code(provider: Provider, browser: Browser) -> None:
    tokens = browser.tokens()
    answer = provider.exchange(tokens["refresh_token"], verifier=VERIFIER)
    assert_error(answer, "invalid_grant")
    assert provider.refresh(tokens["refresh_token"]).status_code == 200


def test_a_client_that_may_not_refresh_gets_no_refresh_token(browser: Browser) -> None:
    assert "refresh_token" not in browser.tokens("narrow")


def test_a_locked_account_gets_no_tokens(provider: Provider, browser: Browser) -> None:
    landing = browser.sign_in()
    services = provider.services
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    lifecycle.lock(ANH.account_id, reason="test", now=provider.now)
    assert_error(provider.exchange(landing.code, verifier=VERIFIER), "invalid_grant")


def end_mandates(provider: Provider) -> None:
    with provider.services.database.transaction() as tx:
        for mandate in list_mandates(tx.connection, BINH.account_id):
            revoke_mandate(tx, mandate.mandate_id, now=provider.now)


def test_a_mandate_that_ended_before_the_exchange_gives_nothing(
    provider_on_both: Provider,
) -> None:
    provider = provider_on_both
    landing = Browser(provider).sign_in(
        who=BINH, scope="openid organization", antin_capacity=BINH.organisations[0]
    )
    end_mandates(provider)
    assert_error(provider.exchange(landing.code, verifier=VERIFIER), "invalid_grant")


def test_a_mandate_that_ends_later_ends_refresh_and_userinfo(
    provider_on_both: Provider,
) -> None:
    provider = provider_on_both
    tokens = Browser(provider).tokens(
        who=BINH, scope="openid organization", antin_capacity=BINH.organisations[0]
    )
    assert provider.userinfo(tokens["access_token"]).status_code == 200
    end_mandates(provider)
    provider.clock.advance(seconds=5)
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")


def test_a_session_that_ended_meanwhile_gives_nothing(provider: Provider, browser: Browser) -> None:
    landing = browser.sign_in()
    page = browser.get("/logout")
    browser.press(page, "logout-confirm")
    assert_error(provider.exchange(landing.code, verifier=VERIFIER), "invalid_grant")


def test_the_grant_lives_no_longer_than_the_session(provider: Provider, browser: Browser) -> None:
    """Without offline_access everything ends with the session, also where no worker runs."""
    browser.tokens()
    provider.clock.advance(hours=11, minutes=58)
    tokens = browser.tokens()
    provider.clock.advance(minutes=1)
    assert provider.userinfo(tokens["access_token"]).status_code == 200
    again = provider.refresh(tokens["refresh_token"]).get_json()
    provider.clock.advance(minutes=2)
    assert provider.userinfo(again["access_token"]).status_code == 401
    assert_error(provider.refresh(again["refresh_token"]), "invalid_grant")


# -- resource --------------------------------------------------------------------------------------


def test_another_resource_at_the_exchange_is_refused_and_spends_nothing(
    provider: Provider, browser: Browser
) -> None:
    """RFC 8707 §2.2: within the resources of the original grant, else invalid_target."""
    landing = browser.sign_in(resource=API)
    answer = provider.exchange(landing.code, verifier=VERIFIER, resource=FOREIGN_API)
    assert_error(answer, "invalid_target")
    answer = provider.exchange(landing.code, verifier=VERIFIER, resource=API)
    assert claims_of(answer.get_json()["access_token"])["aud"] == API
    landing = browser.sign_in()
    answer = provider.exchange(landing.code, verifier=VERIFIER, resource=API)
    assert_error(answer, "invalid_target")


def test_the_resource_names_the_person_in_its_own_sector(
    provider_on_both: Provider,
) -> None:
    """Architecture, "Tokens": the sector of the `aud` gives the `sub`."""
    provider = provider_on_both
    browser = Browser(provider)
    near = browser.tokens(resource=API)
    far = browser.tokens(resource=FOREIGN_API)
    elsewhere = claims_of(browser.tokens("other")["id_token"])["sub"]
    sub = claims_of(near["id_token"])["sub"]
    assert claims_of(near["access_token"])["sub"] == sub
    assert claims_of(far["id_token"])["sub"] == sub
    assert claims_of(far["access_token"])["sub"] == elsewhere != sub
    again = provider.refresh(far["refresh_token"]).get_json()
    assert claims_of(again["access_token"])["sub"] == elsewhere
    said = provider.introspect(far["access_token"], client_id="api-tax")
    assert (said["active"], said["sub"]) == (True, elsewhere)


# -- the request -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
        ({"grant_type": "lap-lanh-unknown"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_a_request_without_a_grant_says_which_part_is_wrong(
    provider: Provider, form: dict[str, str], error: str
) -> None:
    """RFC 6749 §5.2."""
    answer = provider.token("portal", **form)
    assert_error(answer, error)
    assert "lap-lanh" not in answer.get_data(as_text=True)


def test_a_parameter_sent_twice_is_refused(provider: Provider, browser: Browser) -> None:
    """RFC 6749 §3.2: request parameters MUST NOT be included more than once."""
    headers, _ = provider.credentials("portal")
    raw = b"grant_type=authorization_code&code=a&code=b"
    assert_error(provider.post("/token", raw, headers=headers), "invalid_request")


@pytest.mark.parametrize("raw", [b"grant_type=%ff", b"a=%00", b"x" * 40_000])
def test_a_body_that_cannot_be_read_is_refused(provider: Provider, raw: bytes) -> None:
    answer = provider.post("/token", raw)
    assert answer.status_code in {400, 413}
    assert answer.get_json()["error"] == "invalid_request"


def test_parameters_of_the_query_are_not_read(provider: Provider) -> None:
    """RFC 6749 §2.3.1: MUST NOT be included in the request URI."""
    headers, _ = provider.credentials("portal")
    answer = provider.post("/token?grant_type=client_credentials", {}, headers=headers)
    assert_error(answer, "invalid_request")


def test_only_post_is_taken(provider: Provider) -> None:
    """RFC 6749 §3.2: the client MUST use POST."""
    assert provider.http.get("/token", base_url="https://dang-nhap.example").status_code == 405


def test_json_is_not_a_form(provider: Provider) -> None:
    answer = provider.http.post(
        "/token", base_url="https://dang-nhap.example", json={"grant_type": "client_credentials"}
    )
    assert_error(answer, "invalid_request")


def test_the_registered_algorithm_signs_the_id_token(browser: Browser) -> None:
    """OpenID Connect Registration §2 id_token_signed_response_alg."""
    assert header_of(browser.tokens("rs256")["id_token"])["alg"] == "RS256"
    assert header_of(browser.tokens("portal")["id_token"])["alg"] == "ES256"


def test_a_code_of_an_expired_minute_can_be_made_again(
    provider: Provider, browser: Browser
) -> None:
    landing = browser.sign_in()
    provider.clock.now += timedelta(minutes=2)
    assert_error(provider.exchange(landing.code, verifier=VERIFIER), "invalid_grant")
    assert provider.exchange(browser.sign_in().code, verifier=VERIFIER).status_code == 200
