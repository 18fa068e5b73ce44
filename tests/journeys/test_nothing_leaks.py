"""A person known to the alarm goes every way there is, and nothing of them is found anywhere.

What lives here: the whole sandbox with its logs at DEBUG, its metrics, its files at rest, after
sign-ins that worked, failed and broke.  Every other journey goes through the same alarm; this one
puts the seeded data into every field that a person can fill.
Source: architecture §3, ground rules of the data; style.md calls it the PII alarm.
"""

from __future__ import annotations

import secrets

import pytest

from clients.sdk import Portal
from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import AccountKind, AccountLevel, Address, Gender, IdentifierKind, Profile
from tests.relying_party.browser import Browser
from tests.relying_party.person import Arrival, Person, Visit
from tests.support.pii_alarm import SEEDED, PiiAlarm
from tests.support.sandbox import Sandbox

TOOL = "cong-cu-thu-nghiem"
HOME = "http://localhost:9999/callback"
EVERYTHING = ("openid", "profile", "email", "phone", "address", "identity", "offline_access")


def open_seeded_account(sandbox: Sandbox) -> None:
    """The alarm's own person, with everything that a profile can hold."""
    services = sandbox.services
    number = ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, SEEDED.citizen_number)
    if services.people.find_by_identifier(number) is not None:
        return
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    lifecycle.open(
        make_account(
            kind=AccountKind.CITIZEN,
            level=AccountLevel.TWO,
            profile=Profile(
                name=SEEDED.name,
                birthdate=Birthdate(1983, 2, 17),
                gender=Gender.FEMALE,
                nationality="VNM",
                email=SEEDED.email,
                phone=SEEDED.phone,
                address=Address(formatted=SEEDED.address),
            ),
            identifiers=[number],
            now=services.time(),
        ),
        password=sandbox.inventor.hash(SEEDED.password),
    )


@pytest.fixture
def portal(sandbox: Sandbox) -> Portal:
    """The client for outside tools, on the SDK."""
    (client,) = [one for one in sandbox.facts["clients"] if one["client_id"] == TOOL]
    return Portal(
        sandbox.issuer,
        client_id=TOOL,
        client_secret=client["client_secret"],
        redirect_uri=HOME,
    )


def test_nothing_of_the_seeded_person_is_found_where_it_must_not_be(
    sandbox: Sandbox, portal: Portal, pii_alarm: PiiAlarm
) -> None:
    open_seeded_account(sandbox)
    browser = Browser(watch=pii_alarm.watch)
    person = Person(SEEDED.citizen_number, SEEDED.password)
    hidden = []

    # a sign-in that works, refreshed, asked about, revoked
    started = portal.start_login(scope=EVERYTHING, prompt=("consent",))
    arrival = Visit(browser, person, home=HOME).follow(browser.get(started.url))
    assert isinstance(arrival, Arrival), arrival.page.text[:300]
    login = portal.finish_login(arrival.fields.items(), started.state_to_keep)
    assert portal.userinfo(login)["name"] == SEEDED.name
    refreshed = portal.refresh(login)
    for tokens in (login.tokens, refreshed.tokens):
        hidden += [one.reveal() for one in (tokens.access_token, tokens.id_token)]
        hidden += [tokens.refresh_token.reveal()] if tokens.refresh_token else []
    hidden += [arrival.fields["code"], *browser.cookies_for(sandbox.issuer).values()]

    # what is refused, with the seeded data in the wrong places
    other = Browser(watch=pii_alarm.watch)
    page = other.get(portal.start_login(scope=EVERYTHING, prompt=("login",)).url)
    while page.location is not None:
        page = other.get(page.location)
    for typed in (
        {"identifier": SEEDED.citizen_number, "password": SEEDED.name},
        {"identifier": SEEDED.name, "password": SEEDED.password},
        {"identifier": SEEDED.email, "password": SEEDED.phone},
        {"identifier": SEEDED.passport, "password": SEEDED.old_number},
        {"identifier": SEEDED.enterprise_code, "password": SEEDED.password},
    ):
        shown = page.page()
        button = shown.find_button("login-submit")
        assert button is not None
        page = other.press(shown, button, typed)
        assert page.status in {422, 429}
    for path in ("/authorize", "/token", "/userinfo", "/revoke", "/introspect", "/logout"):
        answer = other.post(
            sandbox.issuer + path,
            {
                "client_id": SEEDED.name,
                "client_secret": SEEDED.client_secret,
                "login_hint": SEEDED.citizen_number,
                "code": hidden[-1],
                "token": hidden[0],
                "id_token_hint": hidden[0][::-1],
                "state": SEEDED.address,
                "grant_type": SEEDED.password,
            },
            headers={"X-Request-Id": SEEDED.phone, "User-Agent": SEEDED.name.encode().hex()},
        )
        assert 400 <= answer.status < 500, path
        pii_alarm.watch(answer.text, f"error page of {path}")
        for name, value in answer.headers.items():
            pii_alarm.watch(value, f"header {name}")
    used_again = portal.start_login()
    other.get(f"{sandbox.citizen}/callback?code={secrets.token_hex(8)}&state=planted")
    other.get(used_again.url)

    # tokens, codes and cookies may be in no log; the fixture looks at logs and metrics last
    for number, value in enumerate(one for one in hidden if len(one) > 20):
        pii_alarm.seed(value, kind=f"token, code or cookie {number}")
    for file in (sandbox.folder / "var").rglob("*"):
        # the two lists of the sandbox's own people and secrets are meant to be read
        if file.is_file() and file.suffix != ".json":
            pii_alarm.watch_bytes(file.read_bytes(), where=f"{file.name} at rest")
