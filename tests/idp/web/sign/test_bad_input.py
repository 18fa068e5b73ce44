"""What goes wrong between a portal's upload and the signature, over HTTP: at the pages and the API.

What lives here: a document changed at rest, a code used before, a mandate that ended a second ago,
a revoked certificate, authority or signer away.  Each has a sentence of its own, the portal reads a
true state and a code, the document is what was handed over, and nothing is half signed.
Not here: what is refused with the request (`tests/signing/web/test_bad_input.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from sqlalchemy import func, select

from idp.web.sign_sentences import SIGN_PROBLEMS, sentence_of_waiting
from keystore.signer.errors import SignerUnavailable
from signing.errors import TimestampUnavailable
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import SigningRequest
from signing.new_request import NewDocument
from signing.storage.evidence import signature_evidence
from tests.support.portal_api import Api
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH
from tests.support.sign_desk import CLIENT, SignDesk, place_of
from tests.support.signatory import AbsentStatus
from tests.support.signer import events

_CONTENT = b"Noi dung de nghi"


class _NoTimestamps:
    """An authority that does not answer; later it does."""

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        """See `Timestamps`."""
        raise TimestampUnavailable


def _ask(desk: SignDesk, level: Level = Level.B) -> SigningRequest:
    return desk.ask(NewDocument(name="Đơn.txt", content=Blob.of(_CONTENT)), level=level)


def _open(browser: Browser, request: SigningRequest) -> Landing:
    return browser.press(browser.get(place_of(request)), "sign-open")


def _confirm(browser: Browser, landing: Landing, code: str = "246810") -> Landing:
    return browser.press(landing, "sign-confirm", {"otp": code})


def _says(landing: Landing, problem: str) -> bool:
    return SIGN_PROBLEMS[problem].sentence in landing.page


def _is_unsigned(
    desk: SignDesk, request: SigningRequest, *, state: str = "waiting", reason: str = ""
) -> None:
    """What the portal reads, and what is kept: the document as it was, and nothing beside it."""
    api = Api(desk.house, desk.now, portals=(CLIENT,))
    found = api.call("GET", f"/{request.request_id}").get_json()
    assert (found["state"], found.get("reason", "")) == (state, reason), found
    early = api.call("GET", f"/{request.request_id}/documents/0")
    assert (early.status_code, early.get_json()["error"]) == (409, "not_signed")
    assert desk.house.requests.get(request.request_id).documents == request.documents
    with desk.house.database.read() as connection:
        kept = connection.execute(select(func.count()).select_from(signature_evidence))
        assert kept.scalar_one() == 0


def _is_intact(desk: SignDesk, request: SigningRequest) -> None:
    original = desk.house.requests.get(request.request_id).documents[0].original_id
    assert original is not None
    with desk.house.documents.open(original) as blob:
        assert blob.read() == _CONTENT


@pytest.mark.parametrize("when", ["before it is opened", "after it was opened"])
def test_a_document_that_changed_between_upload_and_confirmation(desk: SignDesk, when: str) -> None:
    desk.give_code_key()
    request = _ask(desk)
    (file,) = desk.document_files()
    browser = desk.browser()
    landing = None if when == "before it is opened" else _open(browser, request)
    damaged = bytearray(file.read_bytes())
    damaged[-20] ^= 1
    file.write_bytes(damaged)
    if landing is None:
        assert _says(_open(browser, request), "document_changed")
        _is_unsigned(desk, request)
        assert desk.house.door.seen == []
    else:
        # the key was used over what she read; there is nothing left that it could be put into
        done = _confirm(browser, landing)
        assert done.shows("sign-failed")
        assert _says(done, "document_changed")
        found = desk.house.requests.get(request.request_id)
        assert (found.state, found.reason) == ("failed", "document_changed")
        assert found.documents[0].result is None


def test_a_code_that_was_used_before(desk: SignDesk) -> None:
    desk.give_code_key()
    first, second = _ask(desk), _ask(desk)
    browser = desk.browser()
    assert _confirm(browser, _open(browser, first)).shows("sign-signed")
    accepted = len(events(desk.house.database, "sign:activation:accepted"))
    refused = _confirm(browser, _open(browser, second))
    assert _says(refused, "code_used")
    assert desk.state(second) == "waiting"
    assert len(events(desk.house.database, "sign:activation:accepted")) == accepted
    _is_intact(desk, second)


def test_a_mandate_that_ended_a_second_ago(desk: SignDesk) -> None:
    desk.give_code_key()
    request = _ask(desk)
    browser = desk.browser()
    landing = _open(browser, request)
    desk.house.people.ended.add(ANH.account_id)
    assert _says(_confirm(browser, landing), "mandate_ended")
    _is_unsigned(desk, request)
    _is_intact(desk, request)
    assert desk.house.door.seen == []


def _revoked(desk: SignDesk) -> None:
    credential = desk.credentials.of[ANH.account_id][0]
    certificate = x509.load_der_x509_certificate(credential.signatory.certificate)
    desk.use(status=desk.house.pki.status(revoked=[certificate.serial_number]))


def test_a_certificate_that_was_revoked_before_it_is_opened(desk: SignDesk) -> None:
    """TT 15/2025/TT-BKHCN Art. 5."""
    desk.give_code_key()
    credential = desk.credentials.of[ANH.account_id][0]
    certificate = x509.load_der_x509_certificate(credential.signatory.certificate)
    revoked = desk.house.pki.status(revoked=[certificate.serial_number])
    desk.use(status=revoked, at_opening=revoked)
    request = _ask(desk)
    refused = _open(desk.browser(), request)
    assert _says(refused, "revoked")
    assert desk.house.door.seen == []
    _is_unsigned(desk, request)
    _is_intact(desk, request)


def test_a_certificate_that_was_revoked_while_it_was_being_confirmed(desk: SignDesk) -> None:
    """The key was used, and what came of it goes nowhere: the request ends, and says why."""
    desk.give_code_key()
    _revoked(desk)
    request = _ask(desk)
    browser = desk.browser()
    done = _confirm(browser, _open(browser, request))
    assert done.shows("sign-failed")
    assert _says(done, "revoked")
    found = desk.house.requests.get(request.request_id)
    assert (found.state, found.reason) == ("failed", "revoked")
    assert found.documents[0].result is None
    api = Api(desk.house, desk.now, portals=(CLIENT,))
    answer = api.call("GET", f"/{request.request_id}").get_json()
    assert (answer["state"], answer["reason"]) == ("failed", "revoked")


def test_the_signer_is_away(desk: SignDesk) -> None:
    desk.give_code_key()
    request = _ask(desk)
    browser = desk.browser()
    landing = _open(browser, request)
    desk.house.door.failure = SignerUnavailable()
    assert _says(_confirm(browser, landing), "signer_away")
    _is_unsigned(desk, request, reason="signer_unavailable")
    _is_intact(desk, request)


@pytest.mark.parametrize(
    ("away", "reason"),
    [
        (lambda desk: desk.use(status=desk.house.pki.status(), timestamps=_NoTimestamps()),
         "timestamp_unavailable"),
        (lambda desk: desk.use(status=AbsentStatus()), "status_unavailable"),
    ],
)  # fmt: skip
def test_the_authority_is_away_once_it_was_confirmed(
    desk: SignDesk, away: Callable[[SignDesk], None], reason: str
) -> None:
    """It is honestly confirmed and not signed, says what it waits for, and is finished later."""
    desk.give_code_key()
    away(desk)
    request = _ask(desk, Level.T if reason == "timestamp_unavailable" else Level.B)
    browser = desk.browser()
    page = _confirm(browser, _open(browser, request))
    assert page.shows("sign-under-way")
    assert sentence_of_waiting(reason) in page.page
    _is_unsigned(desk, request, state="confirmed", reason=reason)
    _is_intact(desk, request)
    desk.use(status=desk.house.pki.status(), timestamps=desk.house.pki.timestamps(now=desk.now))
    done = desk.house.signing.finish(request.request_id, 0, now=desk.now + timedelta(minutes=1))
    assert done.state == "signed"
    assert len(desk.house.door.seen) == 1
