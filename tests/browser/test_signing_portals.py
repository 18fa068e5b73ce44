"""From a portal's button to the signed file in its owner's hands, right after a first start.

What lives here: the citizen portal's form, signed with a code; the business portal's decision,
signed by its representative and sealed for the organisation.  Printed people, the keys that the
sandbox made for them, and what `pdfsig` says of the file that the portal hands out.
Source: Decree 30/2020/ND-CP (the seal follows the person).
Not here: reading, refusing, running out of time, a first key (`test_signing.py`); passkeys
(`test_passkeys.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.support.invented import Invented
from tests.support.pdf_checkers import Checkers
from tests.support.walk import Walk

_PERSON, _REPRESENTATIVE = "Trần Văn Thử Nghiệm", "Phạm Quốc Mẫu"
"""Nobody else spends their codes."""
_VALID = "Signature is Valid."


def _confirm(walk: Walk, person: Invented, then: str) -> None:
    walk.press("#sign-open", "#sign-confirm")
    walk.type("#otp", person.code())
    walk.press("#sign-confirm", then)


def _take_home(walk: Walk, folder: Path) -> list[str]:
    """Back at the portal, down with the file; what `pdfsig` says of each signature in it."""
    walk.press("#sign-return", "#signed-download")
    with walk.page.expect_download() as started:
        walk.page.click("#signed-download")
    file = folder / "signed.pdf"
    started.value.save_as(file)
    checkers = Checkers(folder, root=folder, at=datetime.now(UTC))
    assert checkers.complaints(file) == []
    return checkers.pdfsig(file)


def test_the_citizens_form_is_signed_with_a_code_but_not_with_that_of_the_sign_in(
    walker, sandbox, tmp_path
):
    person = sandbox.printed_person(_PERSON)
    with walker() as walk:
        walk.go(f"{sandbox.citizen}/", "#login")
        walk.press("#login", "#login-submit")
        walk.sign_in(person, "#otp-submit")
        signed_in = person.code()
        walk.type("#otp", signed_in)
        walk.press("#otp-submit", "#consent-accept")
        walk.press("#consent-accept", "#sign-start")
        walk.press("#sign-start", "#sign-open")
        walk.press("#sign-open", "#sign-confirm")
        walk.type("#otp", signed_in)
        walk.press("#sign-confirm", "#problem")
        walk.type("#otp", person.code())
        walk.press("#sign-confirm", "#sign-signed")
        assert _take_home(walk, tmp_path) == [_VALID]


def test_the_decision_is_signed_by_the_person_and_sealed_for_the_organisation(
    walker, sandbox, tmp_path
):
    """Two codes, two keys, two revisions of one file; nothing before the seal is changed by it."""
    person = sandbox.printed_person(_REPRESENTATIVE)
    with walker() as walk:
        walk.go(f"{sandbox.business}/", "#login")
        walk.press("#login", "#login-submit")
        walk.sign_in(person, "#consent-accept")
        walk.press("#consent-accept", "#sign-start")
        walk.press("#sign-start", "#sign-open")
        assert not walk.page.is_visible(".who")
        _confirm(walk, person, "#sign-open")
        assert "Sen Vàng" in walk.text(".who")
        assert "con dấu" in walk.text(".who")
        _confirm(walk, person, "#sign-signed")
        assert _take_home(walk, tmp_path) == [_VALID, _VALID]
