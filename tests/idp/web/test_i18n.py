"""The language of a page, the switch, and that no English sentence is missing or stale."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.web.i18n import choose_language, local_clock, local_moment, set_ui_locales
from idp.web.pages import HelpPage, render
from tests.support.pages import SPECIMENS, make_gallery
from tests.support.translations import english, said

_VIETNAMESE = re.compile(r"[ăâđêôơưĂÂĐÊÔƠƯ\u1ea0-\u1ef9]")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def choose(**given_values) -> str:
    silent = {"switched_to": "", "ui_locales": (), "cookie": "", "accept_language": ""}
    return choose_language(**{**silent, **given_values})


def test_no_english_sentence_is_missing_fuzzy_or_stale():
    catalogue = english()
    entries = [message for message in catalogue if message.id]
    assert {message.id for message in entries} == said()
    assert not catalogue.obsolete
    assert [message.id for message in entries if message.fuzzy or not message.string] == []


def test_english_sentences_keep_the_placeholders():
    for message in english():
        if message.id:
            vietnamese, translated = str(message.id), str(message.string)
            wanted = set(_PLACEHOLDER.findall(vietnamese))
            assert set(_PLACEHOLDER.findall(translated)) == wanted, vietnamese
            assert "%" not in _PLACEHOLDER.sub("", vietnamese + translated)


def test_register_is_impersonal_or_polite():
    assert [one for one in said() if re.search(r"\b[Bb]ạn\b", one)] == []


@pytest.mark.parametrize(
    ("given_values", "language"),
    [
        ({}, "vi"),
        ({"accept_language": "en-US,en;q=0.9"}, "en"),
        ({"accept_language": "fr, en;q=0.4, vi;q=0.8"}, "vi"),
        ({"accept_language": "en;q=0, vi"}, "vi"),
        ({"accept_language": "en;q=nan"}, "vi"),
        ({"accept_language": "fr"}, "vi"),
        ({"cookie": "en", "accept_language": "vi"}, "en"),
        ({"ui_locales": ("en-GB",), "cookie": "vi"}, "en"),
        ({"ui_locales": ("fr", "vi_VN", "en"), "cookie": "en"}, "vi"),
        ({"ui_locales": ("fr-CA",), "cookie": "en"}, "en"),
        ({"ui_locales": ("en",), "cookie": "vi.en"}, "vi"),
        ({"ui_locales": ("vi",), "cookie": "vi.en"}, "vi"),
        ({"ui_locales": ("en",), "cookie": "xx.en"}, "en"),
        ({"switched_to": "vi", "ui_locales": ("en",)}, "vi"),
        ({"switched_to": "../en", "accept_language": "vi"}, "vi"),
    ],
)
def test_language_is_chosen_in_order(given_values, language):
    """OpenID Connect Core 1.0 §3.1.2.1: no error for a locale that is not supported."""
    assert choose(**given_values) == language


@given(st.text(), st.tuples(st.text(), st.text()), st.text(), st.text())
def test_any_input_gives_a_language(switched_to, ui_locales, cookie, accept_language):
    chosen = choose_language(
        switched_to=switched_to,
        ui_locales=ui_locales,
        cookie=cookie,
        accept_language=accept_language,
    )
    assert chosen in {"vi", "en"}


def test_wish_of_the_portal_and_then_the_reader_switches():
    app = make_gallery()

    @app.get("/asked")
    def asked() -> str:
        set_ui_locales(("en",))
        return render(HelpPage())

    client = app.test_client()
    assert '<html lang="en">' in client.get("/asked").text
    assert '<html lang="vi">' in client.get("/asked?lang=vi").text
    assert '<html lang="vi">' in client.get("/asked").text, "the choice holds on the next page"
    assert '<html lang="vi">' in client.get("/help").text


def test_answer_names_its_language_and_vietnamese_is_the_default():
    client = make_gallery().test_client()
    assert client.get("/help").headers["Content-Language"] == "vi"
    answer = client.get("/help", headers={"Accept-Language": "en"})
    assert answer.headers["Content-Language"] == "en"
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)
    assert "Set-Cookie" not in answer.headers


def test_cookie_of_the_choice_is_bound_to_the_host_when_the_issuer_is_https():
    """RFC 6265bis §4.1.3.2: `__Host-` needs Secure, Path=/ and no Domain."""
    said = make_gallery(is_secure=True).test_client().get("/help?lang=en").headers["Set-Cookie"]
    assert said.startswith("__Host-antin_lang=en;")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in said
    assert "Domain" not in said
    plain = make_gallery().test_client().get("/help?lang=en").headers["Set-Cookie"]
    assert plain.startswith("antin_lang=en;")
    assert "Secure" not in plain


def test_unknown_language_is_not_kept():
    answer = make_gallery().test_client().get("/help?lang=xx")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("name", ["help", "accessibility", "home"])
def test_english_page_holds_no_vietnamese_sentence(name):
    with make_gallery().test_request_context("/?lang=en"):
        html = render(SPECIMENS[name])
    for proper in ("Ấn Tín", "Tiếng Việt"):
        html = html.replace(proper, "")
    assert _VIETNAMESE.findall(html) == []


def test_times_are_those_of_viet_nam():
    moment = datetime(2026, 11, 21, 17, 0, 0, tzinfo=UTC)
    assert local_moment(moment) == "22/11/2026 00:00:00 +07:00"
    assert local_clock(moment) == "00:00"
