"""Pages off the main road pass axe in both languages: what was not found, refused, or is over.

What lives here: one visit per page, on a desk and on a phone; every link on it leads somewhere.
Not here: pages on the way of a sign-in (`test_journey.py`, `test_journey_mishaps.py`).
"""

from __future__ import annotations

import pytest
import urllib3

ERRORS = {
    "/there-is-no-such-page": 404,
    "/authorize": 400,
    "/authorize?client_id=a&client_id=b": 400,
    "/authorize?client_id=cong-dich-vu-cong&redirect_uri=https://elsewhere.example/": 400,
    "/authorize?client_id=%FF%FE": 400,
    "/authorize?client_id=" + "a" * 20_000: 413,
    "/interaction/int_00000000000000000000000000000000": 410,
    "/logout?post_logout_redirect_uri=https://elsewhere.example/": 400,
    "/logout?id_token_hint=not-a-token": 400,
}
PLAIN = ("/logout", "/logout/done", "/help", "/accessibility", "/")


@pytest.mark.parametrize(("locale", "width"), [("vi-VN", 1280), ("en-US", 360)])
def test_refusals_are_pages_in_the_language_of_the_reader(walker, sandbox, locale, width):
    with walker(locale=locale, width=width) as walk:
        for path, status in ERRORS.items():
            walk.go(sandbox.issuer + path, "h1")
            assert walk.status == status, path[:60]
            assert walk.page.get_attribute("html", "lang") == locale[:2]
            assert walk.page.is_visible("#error-reference")
            for hidden in ("Traceback", "elsewhere.example", "not-a-token", "aaaaaaaaaa"):
                assert hidden not in walk.page.content(), path


@pytest.mark.parametrize(("locale", "width"), [("vi-VN", 360), ("en-US", 1280)])
def test_standing_pages_and_what_they_link_to(walker, sandbox, locale, width):
    links = set()
    with walker(locale=locale, width=width) as walk:
        for path in PLAIN:
            walk.go(sandbox.issuer + path, "h1")
            assert walk.status == 200, path
            assert walk.page.get_attribute("html", "lang") == locale[:2]
            links |= set(walk.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)"))
    with urllib3.PoolManager(retries=False, timeout=120) as pool:
        ours = {link.partition("#")[0] for link in links if link.startswith("http://localhost")}
        answers = {link: pool.request("GET", link).status for link in ours}
    asks_who_it_is = {f"{sandbox.issuer}/counter": 303, f"{sandbox.issuer}/helpdesk": 303}
    assert {link: status for link, status in answers.items() if status != 200} == asks_who_it_is


@pytest.mark.parametrize("language", ["vi", "en"])
def test_pages_of_the_portals_off_the_road(walker, sandbox, language):
    with walker(width=360) as walk:
        for portal in (sandbox.citizen, sandbox.business):
            walk.go(f"{portal}/signed-out?lang={language}", "#signed-out")
            walk.go(f"{portal}/there-is-no-such-page", "#problem")
            assert walk.status == 404
            walk.go(f"{portal}/callback?code=x&state=planted", "#problem")
            assert walk.status == 400
            assert walk.page.get_attribute("html", "lang") == language
