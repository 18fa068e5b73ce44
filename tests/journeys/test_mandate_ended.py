"""A mandate revoked while the delegate is signed in at a portal.

The representative delegates on the page of the account, the delegate signs in at the sandbox's
business portal and at a tool that refreshes; another press of a button later the tool's refresh is
refused, nobody signs for the organisation, and the portal, which was told, has signed her out.
Source: architecture, J2 and "Mandates"; OpenID Connect Back-Channel Logout 1.0 §2.5.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from clients.sdk import Login, Portal
from clients.sdk.errors import TokenRequestRefused
from idp.signing_people import PortalSigners
from signing.model import Role
from tests.relying_party.browser import Answer, Browser
from tests.relying_party.person import Arrival, Person, Stopped, Visit
from tests.support.invented import Invented
from tests.support.pii_alarm import PiiAlarm
from tests.support.sandbox import Sandbox
from tests.support.servers import wait_until

TOOL = "cong-cu-thu-nghiem"
HOME = "http://localhost:9999/callback"
FIRM = "9900000016"
NAME = "Công ty Trách nhiệm hữu hạn Sen Vàng"
_PLACE = "/account/mandates"


def _own_page(sandbox: Sandbox, browser: Browser, who: Invented, path: str) -> Answer:
    """A page of the account; whatever it takes to sign in is given on the way."""
    person = Person(who.identifier, who.password, who.totp_secret)
    url = f"{sandbox.issuer}{path}"
    found = Visit(browser, person, home="nowhere").follow(browser.get(url))
    assert isinstance(found, Stopped)
    return found.answer


def _press(browser: Browser, answer: Answer, button_id: str, **typed: str) -> Answer:
    page = answer.page()
    button = page.find_button(button_id)
    assert button is not None, f"no {button_id}: {page.headings} {page.text[:300]}"
    ticked = (("scope", "submit"), ("scope", "sign")) if "reference" in typed else ()
    answered = browser.press(page, button, typed, ticked=ticked)
    return browser.get(answered.location) if answered.location else answered


def _delegate(sandbox: Sandbox, browser: Browser, who: Invented, to: Invented) -> None:
    overview = _own_page(sandbox, browser, who, _PLACE)
    (give,) = re.findall(r'href="([^"]+/give)"', overview.text)
    form = _own_page(sandbox, browser, who, give)
    today = datetime.now(UTC).date()
    done = _press(
        browser,
        form,
        "mandate-give",
        number=to.identifier,
        name=to.name,
        valid_to=(today + timedelta(days=30)).isoformat(),
        reference="12/2026/UQ",
        dated=today.isoformat(),
    )
    assert "Đã lập ủy quyền" in done.text


def _sign_in_at_tool(sandbox: Sandbox, browser: Browser, who: Invented) -> tuple[Portal, Login]:
    (client,) = [one for one in sandbox.facts["clients"] if one["client_id"] == TOOL]
    secret = client["client_secret"]
    tool = Portal(sandbox.issuer, client_id=TOOL, client_secret=secret, redirect_uri=HOME)
    started = tool.start_login(scope=("openid", "organization", "offline_access"))
    url = f"{started.url}&antin_capacity={FIRM}"
    person = Person(who.identifier, who.password, who.totp_secret)
    arrival = Visit(browser, person, home=HOME).follow(browser.get(url))
    assert isinstance(arrival, Arrival)
    return tool, tool.finish_login(arrival.fields.items(), started.state_to_keep)


def _sign_in_at_portal(sandbox: Sandbox, browser: Browser, who: Invented) -> None:
    person = Person(who.identifier, who.password, who.totp_secret)
    away = browser.get(f"{sandbox.business}/login").location
    assert away is not None
    arrival = Visit(browser, person, home=f"{sandbox.business}/callback").follow(browser.get(away))
    assert isinstance(arrival, Arrival)
    browser.get(arrival.url)


def _may_sign(sandbox: Sandbox, login: Login) -> bool:
    """Whether the tool could have a document signed for the organisation by her."""
    services = sandbox.services
    signers = PortalSigners(services.database, people=services.people, clients=services.registry)
    found = signers.find_signer(
        login.subject,
        client_id=TOOL,
        role=Role.PERSON,
        enterprise_code=FIRM,
        now=services.time(),
    )
    return found is not None


def test_the_next_refresh_and_signature_are_refused_and_the_portal_has_been_told(
    sandbox: Sandbox, pii_alarm: PiiAlarm
) -> None:
    representative = sandbox.inventor.person(organisations=(FIRM,))
    delegate = sandbox.inventor.person()
    office, hers = Browser(watch=pii_alarm.watch), Browser(watch=pii_alarm.watch)
    _delegate(sandbox, office, representative, delegate)
    tool, login = _sign_in_at_tool(sandbox, hers, delegate)
    for told in (login.claims["org"], tool.userinfo(login)["org"]):
        assert isinstance(told, dict)
        assert (told["role"], told["enterprise_code"]) == ("delegation", FIRM)
    assert _may_sign(sandbox, login)
    _sign_in_at_portal(sandbox, hers, delegate)
    assert NAME in hers.get(f"{sandbox.business}/").text

    page = _own_page(sandbox, office, representative, _PLACE)
    sure = _press(office, page, "mandate-end-0-0")
    done = _press(office, sure, "mandate-confirm")
    assert "Đã chấm dứt ủy quyền" in done.text

    with pytest.raises(TokenRequestRefused):
        tool.refresh(login)
    assert not _may_sign(sandbox, login)
    wait_until(
        lambda: NAME not in hers.get(f"{sandbox.business}/").text,
        what="the portal, which is told, to sign her out",
        timeout_s=120,
    )
    for browser in (office, hers):
        browser.close()
