"""Every page: its ids and names, its errors, its escaping, and nothing inline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_args

import pytest
from flask import Flask

import idp.web
from idp.web.pages import (
    ConsentPage,
    ErrorKind,
    LoginPage,
    LoginProblem,
    OtpPage,
    Page,
    mask_number,
    render,
)
from tests.support.pages import SPECIMENS, make_gallery

IDS = {
    "login_everything": ("login-submit", "login-vneid", "login-forgot", "login-cancel"),
    "otp_step_up": ("otp-submit", "otp-enrol"),
    "activation": ("activation-submit", "activation-cancel"),
    "enrol": ("totp-enrol-submit", "totp-secret"),
    "select_account": ("account-continue", "account-other"),
    "capacity": ("capacity-0", "capacity-1", "capacity-2", "capacity-cancel"),
    "consent": ("consent-accept", "consent-deny"),
    "information": ("information-continue", "information-cancel"),
    "receipt": ("receipt-print", "receipt-return"),
    "consents": ("consent-withdraw-0", "consent-receipt-0", "consent-receipt-2"),
    "logout": ("logout-confirm", "logout-stay"),
    "verify": ("file", "content", "digest", "verify-submit"),
    "verify_invalid": ("verify-invalid", "report-pdf-1", "report-xml-1", "signed-show-1-1"),
    "verify_several": ("verify-valid-1", "verify-invalid-2", "verify-unreadable-3"),
    "sign": ("sign-open", "sign-refuse", "sign-download-0"),
    "sign_many": ("credential-0", "credential-1", "sign-open"),
    "sign_first_certificate": ("sign-enrol", "way-0", "way-1"),
    "sign_confirm": ("sign-confirm", "sign-refuse", "sign-page"),
    "sign_confirm_passkey": ("sign-passkey", "sign-refuse", "passkey-problem"),
    "sign_certificate": ("certificate-confirm", "sign-back"),
    "sign_refuse": ("sign-refuse-confirm", "sign-back"),
    "sign_other_account": ("sign-other-account",),
    "sign_signed": ("sign-return", "sign-signed-0"),
    "sign_under_way": ("sign-reload",),
    "logged_out": ("logout-return",),
    "error_interaction_expired": ("error-reference", "error-return"),
    "form_post": ("form-post-continue",),
}
FIELDS = {
    "login": ("identifier", "password"),
    "otp": ("otp",),
    "activation": ("activation_code",),
    "enrol": ("otp",),
    "sign_confirm": ("otp",),
    "sign_certificate": ("otp",),
}


class Element:
    """A start tag and what it says."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes

    def __getitem__(self, name: str) -> str | None:
        return self.attributes.get(name)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        self.elements.append(Element(tag, dict(attrs)))


def elements(html: str, tag: str = "", **wanted: str) -> list[Element]:
    reader = _Reader()
    reader.feed(html)
    return [
        element
        for element in reader.elements
        if (not tag or element.tag == tag)
        and all(element[name.rstrip("_")] == value for name, value in wanted.items())
    ]


@pytest.fixture(scope="module")
def gallery() -> Flask:
    return make_gallery()


@pytest.fixture(params=["vi", "en"])
def show(request: pytest.FixtureRequest, gallery: Flask) -> Iterator[Any]:
    """Render a page in one language, then in the other."""
    with gallery.test_request_context(f"/somewhere?lang={request.param}"):
        yield render


def subclasses(page: type[Page]) -> set[type[Page]]:
    found = [one.name for one in iter_modules(idp.web.__path__) if one.name.endswith("pages")]
    modules = [import_module(f"idp.web.{name}") for name in found]
    named = {name: one for module in modules for name, one in vars(module).items()}
    # what several pages share is no page
    return {one for one in named.values() if is_page(one, page) and "template" in vars(one)}


def is_page(candidate: object, page: type[Page]) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, page) and candidate is not page


def test_every_page_has_a_specimen():
    assert {type(page) for page in SPECIMENS.values()} == subclasses(Page)


@pytest.mark.parametrize("name", SPECIMENS)
def test_page_is_whole_and_has_nothing_inline(name, show):
    """Content Security Policy Level 3 §6.7.3: neither inline script nor inline style."""
    html = show(SPECIMENS[name])
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert len(elements(html, "h1")) == 1
    assert len(elements(html, "main")) == 1
    for element in elements(html):
        assert element.tag != "style"
        assert element["style"] is None
        assert not any(attribute.startswith("on") for attribute in element.attributes)
        assert element.tag != "script" or str(element["src"]).startswith("/static/")
    ids = [element["id"] for element in elements(html) if element["id"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", SPECIMENS)
def test_every_field_has_a_label_and_every_description_exists(name, show):
    html = show(SPECIMENS[name])
    labelled = {element["for"] for element in elements(html, "label")}
    ids = {element["id"] for element in elements(html)}
    for element in elements(html, "input"):
        if element["type"] != "hidden":
            assert element["id"] in labelled
    for element in elements(html):
        described = (element["aria-describedby"] or "").split()
        assert set(described + (element["aria-labelledby"] or "").split()) <= ids


# nobody is signed in where documents are checked, and nothing is done in anybody's name
@pytest.mark.parametrize(
    "name", [one for one in SPECIMENS if one != "form_post" and not one.startswith("verify")]
)
def test_every_form_posts_the_token(name, show):
    html = show(SPECIMENS[name])
    forms = elements(html, "form")
    assert all(form["method"] == "post" for form in forms)
    assert len(elements(html, "input", name="csrf_token")) == len(forms)


@pytest.mark.parametrize("name", IDS)
def test_ids_that_automation_relies_on(name, show):
    html = show(SPECIMENS[name])
    for wanted in IDS[name]:
        assert len(elements(html, id=wanted)) == 1


@pytest.mark.parametrize("name", FIELDS)
def test_fields_are_named_like_their_ids(name, show):
    html = show(SPECIMENS[name])
    for wanted in FIELDS[name]:
        assert [element["name"] for element in elements(html, "input", id=wanted)] == [wanted]


def test_password_managers_and_one_time_codes_are_told(show):
    """WCAG 2.2 §1.3.5: the purpose of a field can be determined."""
    html = show(SPECIMENS["login"]) + show(SPECIMENS["otp"])
    assert elements(html, "input", name="identifier", autocomplete="username")
    assert elements(html, "input", name="password", autocomplete="current-password")
    assert elements(html, "input", name="otp", autocomplete="one-time-code", inputmode="numeric")


@pytest.mark.parametrize("problem", get_args(LoginProblem))
def test_problem_is_announced_and_takes_the_focus(problem, show):
    """WCAG 2.2 §3.3.1 and §4.1.3: the error is in words, at its field, and announced."""
    html = show(SPECIMENS[f"login_{problem}"])
    assert len(elements(html, role="alert", id="problem")) == 1
    wrong = [element for element in elements(html) if element["aria-invalid"] == "true"]
    focused = [element for element in elements(html) if "autofocus" in element.attributes]
    if problem in {"too_many_attempts", "session_expired", "passkey_refused"}:
        assert (wrong, focused) == ([], [])
    else:
        assert len(wrong) == len(focused) == 1
        assert "problem" in str(wrong[0]["aria-describedby"]).split()


def test_title_says_the_page_the_service_and_that_there_is_an_error(gallery):
    with gallery.test_request_context("/"):
        assert "<title>Đăng nhập – Ấn Tín</title>" in render(SPECIMENS["login"])
        assert "<title>Lỗi: Đăng nhập – Ấn Tín</title>" in render(
            SPECIMENS["login_wrong_credentials"]
        )


def test_password_is_never_given_back(show):
    """The identifier is kept for a second try, the password is not."""
    html = show(SPECIMENS["login_wrong_credentials"])
    assert elements(html, "input", name="identifier", value="003190001118")
    assert elements(html, "input", name="password")[0]["value"] is None


def test_time_to_try_again_is_rounded_up_and_local(gallery):
    page = OtpPage(
        client_name="x",
        action="/",
        csrf_token="t",
        problem="too_many_attempts",
        retry_at=datetime(2026, 11, 21, 8, 41, 1, tzinfo=UTC),
    )
    with gallery.test_request_context("/"):
        assert "15:42" in render(page)
        assert "sau ít phút" in render(replace(page, retry_at=None))


def test_what_waits_for_days_is_told_with_its_day(gallery):
    """Three days are waited after codes were switched off: an hour alone would be today's."""
    at = datetime(2026, 11, 23, 23, 59, 1, tzinfo=UTC)
    page = replace(SPECIMENS["contacts_switched_off"], retry_at=at)
    with gallery.test_request_context("/"):
        assert "24/11/2026 07:00" in render(page)


def test_attempts_left_are_told(show):
    assert "4" in show(SPECIMENS["otp_wrong"]).split('role="alert"')[1].split("</div>")[0]


def test_names_are_escaped(show):
    """A portal's name is data, in sentences and in attributes alike."""
    hostile = "\"><script>alert(1)</script>&amp;'%(x)s"
    login = LoginPage(client_name=hostile, action=hostile, csrf_token=hostile, identifier=hostile)
    specimens: tuple[tuple[str, dict[str, Any]], ...] = (
        ("consent", {"client_name": hostile, "controller": hostile}),
        ("capacity", {"client_name": hostile, "name": hostile}),
        ("form_post", {"fields": ((hostile, hostile),)}),
        ("logged_out", {"return_name": hostile}),
        ("select_account", {"name": hostile}),
    )
    for page in (login, *(replace(SPECIMENS[name], **facts) for name, facts in specimens)):
        html = show(page)
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" in html


def test_what_is_not_given_is_not_shown(show):
    html = show(LoginPage(client_name="x", action="/", csrf_token="t"))
    for absent in ("login-vneid", "login-forgot", "login-cancel"):
        assert not elements(html, id=absent)


def test_consent_ticks_nothing_beforehand(show):
    """Law 91/2025/QH15 Art 9: silence is not consent."""
    html = show(SPECIMENS["consent"])
    boxes = elements(html, "input", type="checkbox")
    assert [box["value"] for box in boxes] == ["phone", "email"]
    assert all(box["name"] == "share" and "checked" not in box.attributes for box in boxes)


def test_consent_names_controller_purpose_retention_rights_and_sensitive_data(gallery):
    """Law 91/2025/QH15 Art 9; Decree 356/2025 Art 6."""
    with gallery.test_request_context("/"):
        html = render(SPECIMENS["consent"])
    for said in (
        "Sở Xây dựng thành phố Tưởng Tượng",
        "Giải quyết hồ sơ cấp giấy phép xây dựng",
        "5 năm kể từ khi có kết quả",
        "Đây là dữ liệu cá nhân nhạy cảm.",
        "rút lại sự đồng ý bất cứ lúc nào",
    ):
        assert said in html


def test_statutory_purpose_asks_for_no_consent(gallery):
    page = SPECIMENS["consent_mixed"]
    assert isinstance(page, ConsentPage)
    with gallery.test_request_context("/"):
        html = render(page)
    assert "không cần sự đồng ý của Ông/Bà" in html
    assert "Nghị định 01/2021/NĐ-CP" in html
    assert not elements(html, "input", type="checkbox")


def test_masked_number_is_read_aloud_by_its_ends(show):
    html = show(SPECIMENS["select_account"])
    assert "003•••••••18" in html
    assert elements(html, "span", class_="visually-hidden")


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("003190001118", "003•••••••18"),
        ("Q9904127", "••••••••"),
        ("9900831740", "990•••••40"),
        ("", ""),
    ],
)
def test_number_is_masked_without_giving_most_of_it_away(number, masked):
    assert mask_number(number) == masked


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_error_page_says_what_happened_what_to_do_and_the_reference(kind, show):
    html = show(SPECIMENS[f"error_{kind}"])
    assert "req_7f3a91c204de55b8" in html
    assert len(elements(html, "h2")) == 2


def test_error_page_speaks_both_languages_and_echoes_nothing_of_the_request(gallery):
    """A parameter may hold personal data; an error page repeats none."""
    for language, other in (("vi", "en"), ("en", "vi")):
        with gallery.test_request_context(
            f"/authorize?login_hint=heard&state=seen&lang={language}"
        ):
            html = render(SPECIMENS["error_storage_unavailable"])
        assert elements(html, "section", lang=other)
        assert "Hệ thống đang gián đoạn" in html
        assert "The service is interrupted" in html
        assert "heard" not in html
        assert "seen" not in html


def test_popup_is_compact(show):
    """OpenID Connect Core 1.0 §3.1.2.1 `display`."""
    assert elements(show(SPECIMENS["login_popup"]), "body", class_="compact")
    assert not elements(show(SPECIMENS["login"]), "body", class_="compact")
