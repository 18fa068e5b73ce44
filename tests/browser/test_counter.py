"""A person and an official at a counter, each in a window of their own, axe watching both.

What lives here: the way through the sandbox.  Not here: each page by itself (the gallery), each
refusal (`tests/idp/web/test_counter.py`).
"""

from __future__ import annotations

from idp.accounts.model import AccountLevel
from idp.accounts.official_duties import Duty


def test_on_a_phone_by_keyboard_the_person_confirms_what_the_official_saw(walker, sandbox):
    """The activation code stands in the person's window alone."""
    official = sandbox.inventor.person()
    person = sandbox.inventor.person(level=AccountLevel.ONE, has_totp=False)
    services = sandbox.services
    services.desks.officials.add(
        official.account_id, duty=Duty.PROOFING, controller_id="phong-dang-ky", now=services.time()
    )
    with walker() as desk, walker(width=360, height=740, hand="keyboard") as own:
        desk.go(f"{sandbox.issuer}/account", "#login-submit")
        desk.sign_in(official, "#account-counter")
        desk.press("#account-counter", "#otp")
        desk.type("#otp", official.code())
        desk.press("#otp-submit", "#counter-find")
        desk.type("#identifier", person.identifier)
        desk.press("#counter-find", "#counter-start")
        desk.page.check("#document-identity_card")
        desk.type("#name", person.name)
        desk.type("#birthdate", "1985")
        desk.page.check("#face")
        desk.press("#counter-start", "#handed-code")
        own.go(f"{sandbox.issuer}/account", "#login-submit")
        own.sign_in(person, "#account-proofing")
        own.press("#account-proofing", "#proofing-confirm")
        assert "Phòng Đăng ký kinh doanh" in own.text("main")
        own.type("#code", "0000-0000")
        own.press("#proofing-confirm", "#problem")
        own.type("#code", desk.text("#handed-code"))
        own.press("#proofing-confirm", "#activation-code")
        assert own.page.evaluate("document.documentElement.scrollWidth") == 360
        desk.press("#person-link", "#counter-start")
        assert own.text("#activation-code") not in desk.text("main")
        own.press("#activation-next", "#activation-submit")
        own.press("#language-en", "#activation-submit")
