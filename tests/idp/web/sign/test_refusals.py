"""Seven ways to get something signed that nobody confirmed, each tried at the pages over HTTP.

The same is refused by the signer itself when somebody calls it without any page:

    swapped digest          tests/keystore/signer/test_service.py  test_an_altered_activation_is_refused
    replayed confirmation   tests/keystore/signer/test_service.py  test_a_replayed_activation_is_refused
    extra document          tests/keystore/signer/test_service.py  test_an_altered_activation_is_refused
    other credential        tests/keystore/signer/test_service.py  test_somebody_elses_passkey_confirms_nothing
    other signer            tests/keystore/signer/test_service.py  test_an_activation_of_another_account_is_refused
    after it expired        tests/keystore/signer/test_service.py  test_an_expired_activation_is_refused
    a sign-in code          tests/keystore/second_factor/test_verifier.py  test_a_code_that_signed_in_never_confirms
    and its assertion       tests/keystore/signer/test_webauthn_evidence.py  test_another_challenge_is_refused

A code that signed in goes through the pages of a whole sandbox as well, with the real verifier
behind them: `tests/browser/test_signing_portals.py`.
"""  # noqa: E501 - a table of names

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from idp.web.sign.shown import encode
from idp.web.sign_sentences import SIGN_PROBLEMS
from keystore.purposes import SealPurpose
from signing.authorize import decode_activation
from signing.isolation.blob import Blob
from signing.model import SigningRequest
from signing.new_request import NewDocument
from signing.storage.preparations import find_preparation, signing_preparation
from tests.support.authenticator import Authenticator
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH, BINH
from tests.support.sign_desk import SignDesk, answer, place_of
from tests.support.signer import digests_of, events
from tests.support.signing_house import Somebody


@pytest.fixture
def anh(desk: SignDesk) -> Somebody:
    """Anh, whose key a passkey opens."""
    return desk.give_passkey_key()


@pytest.fixture
def request_of_anh(desk: SignDesk, anh: Somebody) -> SigningRequest:
    """A portal's request to her."""
    return _ask(desk)


def _ask(desk: SignDesk) -> SigningRequest:
    return desk.ask(NewDocument(name="Đơn.txt", content=Blob.of(b"Noi dung de nghi")))


def _open(browser: Browser, request: SigningRequest) -> Landing:
    landing = browser.press(browser.get(place_of(request)), "sign-open")
    assert landing.shows("sign-passkey")
    return landing


def _is_refused(desk: SignDesk, request: SigningRequest, landing: Landing, problem: str) -> None:
    """It is said, nothing was signed, the document is as it was, and the request waits."""
    assert landing.response.status_code == 422, landing.describe()
    assert SIGN_PROBLEMS[problem].sentence in landing.page
    _is_untouched(desk, request)


def _is_untouched(desk: SignDesk, request: SigningRequest) -> None:
    found = desk.house.requests.get(request.request_id)
    assert found.state_at(desk.now).value == "waiting"
    assert found.documents == request.documents
    assert events(desk.house.database, "sign:activation:accepted") == []


@pytest.mark.parametrize("changed", ["swapped digest", "extra document"])
def test_the_window_says_other_documents_than_were_confirmed(
    desk: SignDesk, anh: Somebody, request_of_anh: SigningRequest, changed: str
) -> None:
    """Whoever can write into the database puts other digests where hers were."""
    house, browser = desk.house, desk.browser()
    landing = _open(browser, request_of_anh)
    with house.database.read() as connection:
        found = find_preparation(connection, request_of_anh.request_id, 0, sealer=house.sealer)
    assert found is not None
    activation = decode_activation(found.activation)
    digests = digests_of(1)
    if changed == "extra document":
        digests = (*activation.digests, *digests)
    sealed = house.sealer.seal(
        SealPurpose.DOCUMENT,
        msgspec.msgpack.encode(replace(activation, digests=digests)),
        context=f"signing_preparation:{request_of_anh.request_id}:0:activation",
    )
    with house.database.transaction() as tx:
        tx.connection.execute(update(signing_preparation).values(activation_sealed=sealed))
    # the page shows the challenge of what is stored; she confirmed the one that she was shown
    action, fields = form_of(landing.page, "sign-passkey")
    changed_window = replace(activation, digests=digests).challenge().hex()
    for window in (fields["window"], changed_window):
        given = {**fields, "window": window, **answer(anh, landing)}
        refused = browser.submit(action, given)
        assert refused.response.status_code == 422
    _is_untouched(desk, request_of_anh)


def test_a_confirmation_is_sent_a_second_time(
    desk: SignDesk, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    browser = desk.browser()
    landing = _open(browser, request_of_anh)
    action, fields = form_of(landing.page, "sign-passkey")
    sent = {**fields, **answer(anh, landing)}
    assert browser.submit(action, sent).shows("sign-signed")
    result = desk.house.result(request_of_anh)
    # once more as it was
    assert browser.submit(action, sent).shows("sign-signed")
    assert len(desk.house.door.seen) == 1
    assert desk.house.result(request_of_anh) == result
    # and for the next request, with the window of that one
    other = _ask(desk)
    action, fields = form_of(_open(browser, other).page, "sign-passkey")
    refused = browser.submit(action, {**sent, **fields, **_assertion(sent)})
    assert SIGN_PROBLEMS["evidence_refused"].sentence in refused.page
    assert desk.state(other) == "waiting"
    assert len(events(desk.house.database, "sign:activation:accepted")) == 1


def test_another_passkey_confirms(
    desk: SignDesk, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    """One that nobody knows, under its own name and under that of the right one; then Binh's."""
    binh = desk.give_passkey_key(BINH)
    browser = desk.browser()
    assert anh.passkey is not None
    unknown = Authenticator()
    impostor = Authenticator()
    impostor.credential_id = anh.passkey.credential_id
    for passkey in (unknown, impostor, binh.passkey):
        landing = _open(browser, request_of_anh)
        given = answer(replace(anh, passkey=passkey), landing)
        refused = browser.press(landing, "sign-passkey", given)
        _is_refused(desk, request_of_anh, refused, "evidence_refused")


def test_a_key_of_somebody_else_is_named_when_the_window_is_opened(
    desk: SignDesk, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    binh = desk.give_passkey_key(BINH)
    browser = desk.browser()
    assert binh.passkey is not None
    named = f"{binh.credential.key_id}~{encode(binh.passkey.credential_id)}"
    page = browser.get(place_of(request_of_anh))
    refused = browser.press(page, "sign-open", credential=named)
    _is_refused(desk, request_of_anh, refused, "credential_missing")


def test_somebody_else_confirms_what_was_opened_for_her(
    desk: SignDesk, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    """Binh, signed in as himself, knows the address and the window, and touches his own sensor."""
    binh = desk.give_passkey_key(BINH)
    landing = _open(desk.browser(ANH), request_of_anh)
    _, hers = form_of(landing.page, "sign-passkey")
    browser = desk.browser(BINH)
    page = browser.get(place_of(request_of_anh))
    assert page.shows("sign-other-account")
    assert "Đơn.txt" not in page.page
    _, his = form_of(page.page, "sign-other-account")
    for who in (binh, anh):
        given: dict[str, Any] = {**hers, **his, **answer(who, landing)}
        refused = browser.submit(f"{place_of(request_of_anh)}/confirm", given)
        assert refused.shows("sign-other-account")
    _is_untouched(desk, request_of_anh)
    assert desk.house.door.seen == []


def test_it_comes_after_the_window_has_closed(
    desk: SignDesk, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    browser = desk.browser()
    landing = _open(browser, request_of_anh)
    given = answer(anh, landing)
    desk.pass_time(seconds=300)
    refused = browser.press(landing, "sign-passkey", given)
    _is_refused(desk, request_of_anh, refused, "window_closed")
    assert desk.house.door.seen == []


def test_a_code_that_signed_in_is_typed_where_signing_asks_for_one(desk: SignDesk) -> None:
    desk.give_code_key()
    request = _ask(desk)
    browser = desk.browser(None)
    signed_in = browser.next_code(ANH)
    landing = browser.press(browser.get(place_of(request)), "login-submit", _password())
    if landing.shows("otp-submit"):
        landing = browser.press(landing, "otp-submit", {"otp": signed_in})
    landing = browser.press(landing, "sign-open")
    refused = browser.press(landing, "sign-confirm", {"otp": signed_in})
    _is_refused(desk, request, refused, "wrong_code")


def test_an_assertion_that_was_made_for_something_else_is_given(
    desk: SignDesk, anh: Somebody, request_of_anh: SigningRequest
) -> None:
    """A ceremony of any other act has a challenge of its own (WebAuthn Level 3 §7.2 step 12)."""
    browser = desk.browser()
    landing = _open(browser, request_of_anh)
    assert anh.passkey is not None
    other = anh.passkey.confirm(b"what another ceremony asked for.")
    given = answer(anh, landing) | {
        "client_data_json": encode(other.client_data_json),
        "authenticator_data": encode(other.authenticator_data),
        "signature": encode(other.signature),
    }
    refused = browser.press(landing, "sign-passkey", given)
    _is_refused(desk, request_of_anh, refused, "evidence_refused")


def _assertion(sent: dict[str, Any]) -> dict[str, str]:
    names = ("credential_id", "client_data_json", "authenticator_data", "signature")
    return {name: sent[name] for name in names}


def _password() -> dict[str, str]:
    return {"identifier": ANH.identifier, "password": ANH.password}
