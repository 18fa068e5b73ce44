"""In, back, out, back again, and told to go: what both portals share."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from clients.sdk import HttpAnswer
from tests.clients.sdk.provider import ISSUER


def cookies(response) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in response.headers.getlist("Set-Cookie")}


def callback(browser, **changes: str):
    return browser.get("/callback", query_string=browser.to_provider() | changes)


def test_cookies_of_two_portals_on_one_host_differ(citizen, business) -> None:
    assert cookies(citizen.get("/login")).keys() == {"citizen_login"}
    assert cookies(business.get("/login")).keys() == {"business_login"}
    assert cookies(callback(citizen)).keys() == {"citizen_session"}
    assert cookies(callback(business)).keys() == {"business_session"}


def test_cookies_cannot_be_read_by_scripts_nor_sent_by_others(citizen) -> None:
    line = cookies(callback(citizen))["citizen_session"]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Secure" not in line


def test_over_https_cookies_are_bound_to_the_host(secure_citizen) -> None:
    line = cookies(callback(secure_citizen))["__Host-citizen_session"]
    assert "Secure" in line
    assert "Path=/" in line
    assert "Domain" not in line
    assert secure_citizen.is_signed_in()
    assert "max-age=" in secure_citizen.get("/").headers["Strict-Transport-Security"]


def test_every_sign_in_gets_a_session_of_its_own(citizen) -> None:
    first = cookies(callback(citizen))["citizen_session"]
    second = cookies(callback(citizen))["citizen_session"]
    assert first != second


def test_the_session_before_is_over_after_a_new_sign_in(citizen) -> None:
    old = cookies(callback(citizen))["citizen_session"].partition(";")[0].partition("=")[2]
    callback(citizen)
    thief = citizen.another()
    thief.http.set_cookie("citizen_session", old)
    assert not thief.is_signed_in()


def test_several_tabs_may_sign_in_at_once(citizen) -> None:
    first, second = citizen.to_provider(), citizen.to_provider()
    assert citizen.get("/callback", query_string=first).status_code == 303
    assert citizen.get("/callback", query_string=second).status_code == 303


def test_a_sign_in_started_in_another_browser_cannot_be_finished_here(citizen) -> None:
    """RFC 6749 §10.12: the pending state is bound to the browser."""
    page = citizen.another().get("/callback", query_string=citizen.to_provider())
    assert page.status_code == 400
    assert 'data-problem="not_this_browser"' in page.text
    assert citizen.provider.count("token") == 0


def test_the_reload_of_a_finished_sign_in_leads_home(citizen) -> None:
    response = citizen.to_provider()
    citizen.get("/callback", query_string=response)
    again = citizen.get("/callback", query_string=response)
    assert (again.status_code, again.headers["Location"]) == (303, "/")


def test_a_sign_in_left_open_too_long_starts_again(citizen, clock) -> None:
    response = citizen.to_provider()
    clock.advance(timedelta(hours=1))
    assert citizen.get("/callback", query_string=response).status_code == 400


def test_a_session_ends_after_eight_hours(citizen, clock) -> None:
    citizen.sign_in()
    clock.advance(timedelta(hours=7, minutes=59))
    assert citizen.is_signed_in()
    clock.advance(timedelta(minutes=1))
    assert not citizen.is_signed_in()


@pytest.mark.parametrize(
    ("error", "status", "problem"),
    [
        ("access_denied", 403, "access_denied"),
        ("login_required", 403, "login_required"),
        ("consent_required", 403, "login_required"),
        ("unmet_authentication_requirements", 403, "level_too_low"),
        ("temporarily_unavailable", 503, "provider_unavailable"),
        ("server_error", 503, "provider_unavailable"),
        ("invalid_scope", 502, "answer_refused"),
    ],
)
def test_a_refusal_is_a_page_with_a_next_step(citizen, error, status, problem) -> None:
    page = callback(citizen, error=error)
    assert page.status_code == status
    assert f'data-problem="{problem}"' in page.text
    assert 'id="login"' in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_outage_is_a_page_in_the_readers_language(citizen, language: str) -> None:
    citizen.provider.is_down = True
    page = citizen.get(f"/login?lang={language}")
    assert page.status_code == 503
    assert ("try again in a few minutes" in page.text) is (language == "en")


def test_an_answer_that_fails_a_check_is_refused(citizen) -> None:
    citizen.provider.spoil_claims = lambda claims: claims.update(aud="other")
    page = callback(citizen)
    assert page.status_code == 502
    assert not citizen.is_signed_in()


def test_a_spent_code_is_told_as_an_old_sign_in(citizen) -> None:
    response = citizen.to_provider()
    citizen.provider.codes.clear()
    page = citizen.get("/callback", query_string=response)
    assert (page.status_code, 'data-problem="not_this_browser"' in page.text) == (400, True)


def test_a_mixed_up_answer_is_refused(citizen) -> None:
    """RFC 9207 §2.4."""
    page = callback(citizen, iss="https://other.example")
    assert page.status_code == 502
    assert citizen.provider.count("token") == 0


def test_a_repeated_parameter_is_refused(citizen) -> None:
    response = citizen.to_provider()
    pairs = [*response.items(), ("iss", ISSUER)]
    assert citizen.get("/callback", query_string=pairs).status_code == 400


def test_signing_out_ends_the_session_here_and_goes_to_the_provider(citizen) -> None:
    citizen.sign_in()
    response = citizen.sign_out()
    assert response.status_code == 303
    url = urlsplit(response.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/logout"
    assert asked["post_logout_redirect_uri"] == "http://localhost:8001/signed-out"
    assert asked["id_token_hint"].count(".") == 2
    assert not citizen.is_signed_in()
    assert 'id="signed-out"' in citizen.get("/signed-out").text


def test_signing_out_works_here_even_when_the_provider_is_away(citizen, clock) -> None:
    citizen.sign_in()
    clock.advance(timedelta(hours=1))
    citizen.provider.is_down = True
    page = citizen.sign_out()
    assert page.status_code == 503
    assert 'data-problem="signed_out_here"' in page.text
    assert not citizen.is_signed_in()


@pytest.mark.parametrize("token", ["", "x", "\u1ea5"])
def test_a_form_of_somebody_else_signs_nobody_out(citizen, token: str) -> None:
    citizen.sign_in()
    page = citizen.post("/logout", data={"csrf_token": token})
    assert page.status_code == 400
    assert citizen.is_signed_in()


def test_signing_out_twice_is_no_mistake(citizen) -> None:
    assert citizen.post("/logout").headers["Location"] == "/signed-out"
    assert citizen.get("/logout").status_code == 405


def test_the_back_channel_ends_the_session_that_it_names(citizen) -> None:
    """OIDC Back-Channel Logout 1.0 §2.7, §2.8."""
    citizen.sign_in()
    other = citizen.another()
    citizen.provider.spoil_claims = lambda claims: claims.update(sid="s-2")
    other.sign_in()
    token = citizen.provider.logout_token(sid="s-1")
    answer = citizen.another().post("/backchannel-logout", data={"logout_token": token})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert not citizen.is_signed_in()
    assert other.is_signed_in()


def test_without_sid_the_back_channel_ends_all_sessions_of_the_person(citizen) -> None:
    citizen.sign_in()
    other = citizen.another()
    other.sign_in()
    token = citizen.provider.logout_token(sid=None)
    assert citizen.post("/backchannel-logout", data={"logout_token": token}).status_code == 200
    assert not citizen.is_signed_in()
    assert not other.is_signed_in()


def test_a_logout_token_of_a_stranger_ends_nothing(citizen) -> None:
    """OIDC Back-Channel Logout 1.0 §2.8: 400."""
    citizen.sign_in()
    for form in (
        {},
        {"logout_token": "x"},
        {"logout_token": citizen.provider.logout_token(aud="a")},
    ):
        answer = citizen.post("/backchannel-logout", data=form)
        assert (answer.status_code, answer.json) == (400, {"error": "invalid_request"})
        assert answer.headers["Cache-Control"] == "no-store"
    assert citizen.is_signed_in()


def test_a_logout_token_that_cannot_be_judged_now_may_come_again(citizen, clock) -> None:
    citizen.sign_in()
    clock.advance(timedelta(hours=1))
    citizen.provider.is_down = True
    form = {"logout_token": citizen.provider.logout_token()}
    assert citizen.post("/backchannel-logout", data=form).status_code == 503
    clock.advance(timedelta(seconds=1))
    citizen.provider.is_down = False
    assert citizen.post("/backchannel-logout", data=form).status_code == 200
    assert not citizen.is_signed_in()


def test_signing_out_at_the_provider_signs_out_of_both(citizen, business) -> None:
    citizen.sign_in()
    business.sign_in()
    for browser in (citizen, business):
        token = browser.provider.logout_token()
        browser.another().post("/backchannel-logout", data={"logout_token": token})
    assert not citizen.is_signed_in()
    assert not business.is_signed_in()


def test_pages_let_nothing_in_from_elsewhere(citizen) -> None:
    headers = citizen.get("/").headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {ISSUER}"
    )
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/signed-out", "/login?lang=en", "/callback"])
def test_no_page_has_script_or_style_of_its_own(citizen, path: str) -> None:
    citizen.provider.answers["metadata"] = HttpAnswer(status=500, headers={}, body=b"")
    text = citizen.get(path).text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", text)


@pytest.mark.parametrize("file", ["portal.css", "seal.svg"])
def test_the_look_is_served_from_here(citizen, file: str) -> None:
    with citizen.get(f"/static/{file}") as answer:
        assert answer.status_code == 200
        assert "no-store" not in answer.headers["Cache-Control"]


def test_an_address_that_is_not_there_is_a_page_too(citizen) -> None:
    page = citizen.get("/nowhere?lang=en")
    assert (page.status_code, "No such page" in page.text) == (404, True)
    assert page.headers["Content-Security-Policy"]


def test_the_language_is_remembered(citizen) -> None:
    assert "Sign in" in citizen.get("/?lang=en").text
    page = citizen.get("/")
    assert 'lang="en"' in page.text
    assert parse_qs(urlsplit(citizen.get("/login").headers["Location"]).query)["ui_locales"] == [
        "en vi"
    ]
    assert "Đăng nhập" in citizen.get("/?lang=vi").text
    assert 'lang="vi"' in citizen.get("/?lang=xx").text


def test_the_english_pages_speak_english(citizen, business) -> None:
    citizen.get("/?lang=en")
    business.get("/?lang=en")
    assert "Hello" in citizen.sign_in().text
    assert "No organisation chosen" in business.sign_in().text
    assert "You are signed out" in citizen.get("/signed-out").text
