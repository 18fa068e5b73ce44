"""The first whole journey: two portals, one sign-in, one sign-out; as four people walk it.

What lives here: citizen portal, password and one-time code, consent, claims; business portal
without a second password, capacity, organisation; signing out of both.  Every page passes axe.
Not here: what goes wrong on the way (`test_journey_mishaps.py`).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.invented import Invented
from tests.support.sandbox import BOTH_ORGANISATIONS, Sandbox, process_environ, start_sandbox
from tests.support.servers import wait_until
from tests.support.walk import Walk


def _says_whole(sandbox: Sandbox) -> bool:
    """`antin log verify`, typed beside the sandbox by somebody who was told nothing else."""
    environ = process_environ(sandbox.folder) | {"ANTIN_VAR": str(sandbox.folder / "var")}
    command = [str(Path(sys.executable).with_name("antin")), "log", "verify"]
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    return done.returncode == 0 and "the log is whole" in done.stdout


def _otp_command(identifier: str) -> str:
    command = [str(Path(sys.executable).with_name("antin")), "otp", identifier]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def walk_both_portals(
    walk: Walk,
    sandbox: Sandbox,
    person: Invented,
    *,
    code: str,
    language: str = "vi",
    organisation: str = "Sen Vàng",
    pictures: str = "",
) -> None:
    """The journey, from the first portal's front page to signed out of both."""

    def picture(name: str) -> None:
        if pictures:
            walk.picture(f"{name}-{pictures}")

    walk.go(f"{sandbox.citizen}/?lang={language}", "#login")
    walk.press("#login", "#login-submit")
    assert walk.page.get_attribute("html", "lang") == language
    picture("sign-in")
    walk.sign_in(person, "#otp-submit")
    walk.type("#otp", code)
    picture("one-time-code")
    walk.press("#otp-submit", "#consent-accept")
    picture("consent")
    assert person.name in walk.text("main")
    assert walk.page.locator("input[type=checkbox]:checked").count() == 0
    walk.press("#consent-accept", "#claims")
    assert walk.page.url == f"{sandbox.citizen}/"
    assert walk.claim("name") == person.name
    assert walk.claim("acr") == "2"
    number = person.identifier
    assert walk.claim("personal_id_number") == f"{number[:3]}•••••••{number[-2:]}"
    picture("citizen-portal")

    walk.go(f"{sandbox.business}/?lang={language}", "#login")
    walk.press("#login", "#capacity-0")
    picture("capacity")
    chosen = walk.page.locator("button[id^=capacity-]", has_text=organisation)
    walk.press(f"#{chosen.get_attribute('id')}", "#consent-accept")
    walk.press("#consent-accept", "#organisation")
    assert organisation in walk.claim("org_name")
    assert walk.claim("name") == person.name
    picture("business-portal")
    visited = [url for url in walk.seen if "/interaction/" in url]
    assert sum(url.endswith("/login") for url in visited) == 1, "the password was given once"

    walk.press("#logout", "#logout-confirm")
    picture("sign-out")
    walk.press("#logout-confirm", "#signed-out")
    assert walk.page.url == f"{sandbox.business}/signed-out"
    walk.go(f"{sandbox.business}/", "#login")

    def is_told() -> bool:
        walk.page.goto(f"{sandbox.citizen}/")
        return not walk.page.is_visible("#claims")

    wait_until(is_told, what="the back-channel logout of the other portal")
    walk.see("#login")


def test_one_sign_in_serves_both_portals_on_a_desk(walker, sandbox):
    """With a printed identity and the code that `antin otp` says."""
    person = sandbox.printed_person("Nguyễn Thị Lấp Lánh Ánh")
    with walker() as walk:
        code = _otp_command(person.identifier)
        walk_both_portals(walk, sandbox, person, code=code, pictures="desktop")


def test_one_sign_in_serves_both_portals_on_a_phone(walker, sandbox):
    person = sandbox.inventor.person(organisations=BOTH_ORGANISATIONS)
    with walker(width=360, height=740, is_mobile=True, has_touch=True) as walk:
        walk_both_portals(
            walk, sandbox, person, code=person.code(), language="en", pictures="phone"
        )


def test_one_organisation_is_no_choice(walker, sandbox):
    person = sandbox.inventor.person(organisations=BOTH_ORGANISATIONS[:1])
    with walker() as walk:
        walk.go(f"{sandbox.business}/", "#login")
        walk.press("#login", "#login-submit")
        walk.sign_in(person, "#consent-accept")
        walk.press("#consent-accept", "#organisation")
        assert "Sen Vàng" in walk.claim("org_name")
        assert walk.claim("acr") == "1"


def test_the_journey_by_keyboard_alone(walker, sandbox):
    """WCAG 2.2 §2.1.1 and §2.4.7: Tab, Enter and letters are all that is pressed."""
    person = sandbox.inventor.person(organisations=BOTH_ORGANISATIONS)
    with walker(hand="keyboard") as walk:
        walk_both_portals(walk, sandbox, person, code=person.code(), organisation="Tre Xanh")


def test_the_journey_without_scripts(walker, sandbox):
    person = sandbox.inventor.person(organisations=BOTH_ORGANISATIONS)
    with walker(has_scripts=False, width=360) as walk:
        walk_both_portals(walk, sandbox, person, code=person.code())


def test_the_journey_over_https(walker, tmp_path, pii_alarm):
    """`antin sandbox --tls`: cookies are `__Host-` and Secure, nothing is asked in the clear.

    It has an address of its own, and a signer that wrote rows: commands beside it know of both.
    """
    with start_sandbox(tmp_path, tls=True) as sandbox:
        person = sandbox.inventor.person(organisations=BOTH_ORGANISATIONS)
        with walker(ignore_https_errors=True) as walk:
            walk_both_portals(walk, sandbox, person, code=person.code())
            cookies = [one for one in walk.page.context.cookies() if "antin" in one["name"]]
            assert cookies
            for cookie in cookies:
                assert cookie["name"].startswith("__Host-")
                assert cookie["secure"]
                assert cookie["path"] == "/"
            provider = sandbox.issuer.removeprefix("https://")
            assert not any(url.startswith(f"http://{provider}") for url in walk.seen)
        # what was done last is in a tree, and at the witness, a moment later
        wait_until(lambda: _says_whole(sandbox), what="the whole log", timeout_s=90)
        pii_alarm.watch(sandbox.new_log(), "log of the sandbox")
