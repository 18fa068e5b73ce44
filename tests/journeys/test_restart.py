"""The sandbox stopped and started again: who was signed in still is, what was issued still holds.

What lives here: one restart of everything in the same folder.  Not here: a process that is killed
(`tests/resilience`).  Source: architecture §3 (nothing that was acknowledged is lost).
"""

from __future__ import annotations

from pathlib import Path

from clients.sdk import Login, Portal
from tests.relying_party.browser import Browser
from tests.relying_party.person import Arrival, Person, Visit
from tests.support.pii_alarm import PiiAlarm
from tests.support.ports import three_free_ports
from tests.support.sandbox import Sandbox, start_sandbox

TOOL = "cong-cu-thu-nghiem"
HOME = "http://localhost:9999/callback"


def make_portal(sandbox: Sandbox) -> Portal:
    """The client for outside tools."""
    (client,) = [one for one in sandbox.facts["clients"] if one["client_id"] == TOOL]
    return Portal(
        sandbox.issuer, client_id=TOOL, client_secret=client["client_secret"], redirect_uri=HOME
    )


def sign_in(portal: Portal, browser: Browser, person: Person) -> tuple[Login, tuple[str, ...]]:
    """A sign-in, and the pages that were filled in on the way."""
    started = portal.start_login(scope=("openid", "profile"))
    arrival = Visit(browser, person, home=HOME).follow(browser.get(started.url))
    assert isinstance(arrival, Arrival), arrival.page.text[:300]
    return portal.finish_login(arrival.fields.items(), started.state_to_keep), arrival.asked


def test_a_restart_signs_nobody_out_and_forgets_nothing(
    tmp_path: Path, pii_alarm: PiiAlarm
) -> None:
    port = three_free_ports()
    browser = Browser(watch=pii_alarm.watch)
    with start_sandbox(tmp_path, port=port) as sandbox:
        invented = sandbox.inventor.person()
        person = Person(invented.identifier, invented.password)
        portal = make_portal(sandbox)
        before, asked = sign_in(portal, browser, person)
        assert asked == ("login", "consent")
        secrets_before = {
            one["client_id"]: one["client_secret"] for one in sandbox.facts["clients"]
        }
        browser.close()
    with start_sandbox(tmp_path, port=port) as sandbox:
        # the portal was not restarted: it holds the same tokens, metadata and keys
        assert portal.userinfo(before)["name"] == invented.name
        refreshed = portal.refresh(before)
        assert refreshed.subject == before.subject
        after, asked = sign_in(make_portal(sandbox), browser, person)
        assert asked == ()
        assert after.subject == before.subject
        assert after.authenticated_at == before.authenticated_at
        assert secrets_before == {
            one["client_id"]: one["client_secret"] for one in sandbox.facts["clients"]
        }
        pii_alarm.watch(sandbox.new_log(), "log of the sandbox")
