"""The person's certificates, through HTTP: held, taken back, revoked, renewed, downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import text

from idp.storage.accounts import find_row
from keystore.pki.model import CertificateState, RevocationReason
from keystore.signer.errors import PersonalKeyDestroyed, PersonalKeySuspended, SignerUnavailable
from tests.support.certificate_desk import PLACE, CertificateDesk, authority_settings, confirmed_by
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, DUNG
from tests.support.racing import race
from tests.support.signer import events


@pytest.fixture
def desk(make_provider: Callable[..., Provider], tmp_path: Path) -> Iterator[CertificateDesk]:
    made = CertificateDesk(make_provider(**authority_settings(tmp_path)), folder=tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["sqlite+sql", "postgresql+redis"])
def desk_on_both(
    make_provider: Callable[..., Provider], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[CertificateDesk]:
    made = CertificateDesk(
        make_provider(request.param, **authority_settings(tmp_path)), folder=tmp_path
    )
    yield made
    made.close()


def _first(browser: Browser) -> str:
    found = re.search(r'id="certificate-0" href="([^"]+)"', browser.get(PLACE).page)
    assert found is not None
    return found[1]


def _record(desk: CertificateDesk):
    return desk.house.pki.certificates.of_account(ANH.account_id)[0]


def _notices(desk: CertificateDesk) -> list[str]:
    with desk.services.database.read() as connection:
        rows = connection.execute(
            text("SELECT payload FROM outbox WHERE payload LIKE '%certificate_changed%'")
        )
        return [one.payload for one in rows]


def test_one_press_holds_a_certificate_and_its_own_passkey_takes_the_hold_back(
    desk_on_both: CertificateDesk,
) -> None:
    desk = desk_on_both
    passkey, key_id = desk.give_key()
    browser = desk.browser()
    page = browser.get(_first(browser))
    held = browser.press(page, "certificate-suspend")
    assert "Đã tạm dừng chứng thư" in held.page
    assert _record(desk).state is CertificateState.SUSPENDED
    assert desk.held() == ()
    desk.work()
    with pytest.raises(PersonalKeySuspended):
        desk.sign(passkey, key_id, owner=ANH.account_id)
    asked = browser.press(held, "certificate-resume")
    assert asked.shows("certificate-passkey")
    back = browser.press(asked, "certificate-passkey", confirmed_by(passkey, asked))
    assert "có hiệu lực trở lại" in back.page
    assert _record(desk).state is CertificateState.GOOD
    desk.sign(passkey, key_id, owner=ANH.account_id)
    assert len(events(desk.services.database, "pki:certificate:suspended")) == 1
    assert len(events(desk.services.database, "pki:certificate:lifted")) == 1
    assert len(_notices(desk)) == 2


def test_a_hold_that_comes_late_to_the_signer_holds_nothing_that_was_taken_back(
    desk: CertificateDesk,
) -> None:
    passkey, key_id = desk.give_key()
    browser = desk.browser()
    held = browser.press(browser.get(_first(browser)), "certificate-suspend")
    asked = browser.press(held, "certificate-resume")
    browser.press(asked, "certificate-passkey", confirmed_by(passkey, asked))
    desk.work()
    desk.sign(passkey, key_id, owner=ANH.account_id)


def test_an_old_sign_in_puts_nothing_on_hold_and_a_new_one_does(desk: CertificateDesk) -> None:
    desk.give_key()
    browser = desk.browser(is_sure=False)
    page = browser.get(_first(browser))
    desk.provider.clock.advance(hours=2)
    assert browser.press(page, "certificate-suspend").shows("login-submit")
    assert _record(desk).state is CertificateState.GOOD


def test_with_one_factor_a_certificate_is_held_and_not_taken_back_nor_revoked(
    desk: CertificateDesk,
) -> None:
    """Architecture, decision 10: nothing is won back or ended with less than two factors."""
    desk.give_key()
    browser = desk.browser(is_sure=False)
    held = browser.press(browser.get(_first(browser)), "certificate-suspend")
    assert _record(desk).state is CertificateState.SUSPENDED
    assert browser.press(held, "certificate-resume").shows("otp")
    assert browser.get(f"{_first(browser)}/revoke").shows("otp")
    assert browser.get(f"{PLACE}/new").shows("otp")


def test_somebody_elses_passkey_takes_no_hold_back(desk: CertificateDesk) -> None:
    desk.give_key()
    browser = desk.browser()
    held = browser.press(browser.get(_first(browser)), "certificate-suspend")
    desk.work()
    asked = browser.press(held, "certificate-resume")
    stranger, _ = desk.give_key(BINH)
    typed = confirmed_by(stranger, asked)
    assert browser.press(asked, "certificate-passkey", typed).response.status_code == 422
    assert browser.press(asked, "certificate-passkey", window="00").response.status_code == 422
    assert _record(desk).state is CertificateState.SUSPENDED


@pytest.mark.parametrize("is_hers_first", [True, False])
def test_what_recovery_put_on_hold_is_not_hers_to_take_back(
    desk: CertificateDesk, *, is_hers_first: bool
) -> None:
    """Architecture, decision 10: suspended until re-proofing, whatever was on hold before."""
    passkey, _ = desk.give_key()
    browser = desk.browser()
    asked = None
    if is_hers_first:
        held = browser.press(browser.get(_first(browser)), "certificate-suspend")
        asked = browser.press(held, "certificate-resume")
    services = desk.services
    means = services.signing_means(log=services.log)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id, is_locked=True)
        assert row is not None
        means.hold(tx, ANH.account_id, data_key=row.data_key, now=desk.provider.now)
    page = browser.get(_first(browser))
    assert not page.shows("certificate-resume")
    assert "không do Ông/Bà tạm dừng" in page.page
    if asked is not None:
        typed = confirmed_by(passkey, asked)
        refused = browser.press(asked, "certificate-passkey", typed)
        assert "không do Ông/Bà tạm dừng" in refused.page
    assert _record(desk).state is CertificateState.SUSPENDED


def test_a_signer_that_is_away_leaves_the_hold_as_it_is(desk: CertificateDesk) -> None:
    passkey, _ = desk.give_key()
    browser = desk.browser()
    held = browser.press(browser.get(_first(browser)), "certificate-suspend")
    asked = browser.press(held, "certificate-resume")
    desk.house.door.failure = SignerUnavailable()
    typed = confirmed_by(passkey, asked)
    assert "Bộ phận giữ khóa ký đang bận" in browser.press(asked, "certificate-passkey", typed).page
    assert _record(desk).state is CertificateState.SUSPENDED


def test_a_revoked_certificate_is_over_and_its_key_is_destroyed(desk: CertificateDesk) -> None:
    passkey, key_id = desk.give_key()
    browser = desk.browser()
    asked = browser.get(f"{_first(browser)}/revoke")
    assert "Chưa chọn lý do" in browser.press(asked, "certificate-revoke-confirm").page
    wrong = browser.press(asked, "certificate-revoke-confirm", reason="certificateHold")
    assert wrong.response.status_code == 422
    done = browser.press(asked, "certificate-revoke-confirm", reason="keyCompromise")
    assert "Đã thu hồi chứng thư" in done.page
    record = _record(desk)
    assert (record.state, record.reason) == (
        CertificateState.REVOKED,
        RevocationReason.KEY_COMPROMISE,
    )
    desk.work()
    with pytest.raises(PersonalKeyDestroyed):
        desk.sign(passkey, key_id, owner=ANH.account_id)
    again = browser.press(asked, "certificate-revoke-confirm", reason="superseded")
    assert "đã bị thu hồi từ trước" in again.page
    assert not again.shows("certificate-suspend")
    assert not again.shows("certificate-revoke")
    assert _record(desk).reason is RevocationReason.KEY_COMPROMISE


def test_two_browsers_put_it_on_hold_once(desk_on_both: CertificateDesk) -> None:
    desk = desk_on_both
    desk.give_key()
    browsers = [desk.browser(), desk.browser()]
    pages = [one.get(_first(one)) for one in browsers]
    found = race(
        [
            partial(one.press, page, "certificate-suspend")
            for one, page in zip(browsers, pages, strict=True)
        ]
    )
    assert sorted("Đã tạm dừng chứng thư" in one.page for one in found) == [False, True]
    assert len(events(desk.services.database, "pki:certificate:suspended")) == 1


def test_another_certificate_is_confirmed_for_itself_and_follows_the_old_one(
    desk: CertificateDesk,
) -> None:
    passkey, key_id = desk.give_key()
    browser = desk.browser()
    first = _first(browser)
    desk.provider.clock.advance(minutes=1)
    desk.follow_clock()
    found = re.search(r'id="certificate-renew" href="([^"]+)"', browser.get(first).page)
    assert found is not None
    asked = browser.press(browser.get(found[1]), "certificate-way-0-0")
    assert browser.press(asked, "certificate-passkey").response.status_code == 422
    issued = browser.press(asked, "certificate-passkey", confirmed_by(passkey, asked))
    assert "Đã cấp chứng thư mới" in issued.page
    new, old = desk.house.pki.certificates.of_account(ANH.account_id)
    assert new.replaces == old.serial
    assert new.kid != old.kid
    assert old.state is CertificateState.GOOD
    assert not browser.get(first).shows("certificate-renew")
    desk.sign(passkey, key_id, owner=ANH.account_id)


def test_what_is_on_hold_is_not_got_round_with_another_certificate(desk: CertificateDesk) -> None:
    """ETSI EN 319 411-1 §6.3.9."""
    desk.give_key()
    browser = desk.browser()
    browser.press(browser.get(_first(browser)), "certificate-suspend")
    assert "Đang có chứng thư bị tạm dừng" in browser.get(f"{PLACE}/new").page


def test_the_files_are_the_certificate_and_its_chain(desk: CertificateDesk) -> None:
    desk.give_key()
    browser = desk.browser()
    place = _first(browser)
    der, pem, chain = (
        browser.http.get(f"{place}/{name}", base_url=ISSUER).get_data()
        for name in ("certificate.der", "certificate.pem", "chain.pem")
    )
    leaf = x509.load_der_x509_certificate(der)
    assert x509.load_pem_x509_certificate(pem) == leaf
    certificates = x509.load_pem_x509_certificates(chain)
    assert certificates[0] == leaf
    leaf.verify_directly_issued_by(certificates[1])
    assert leaf.serial_number == _record(desk).serial


def test_a_certificate_of_somebody_else_does_not_exist(desk: CertificateDesk) -> None:
    desk.give_key()
    place = _first(desk.browser())
    desk.give_key(BINH)
    stranger = desk.browser(BINH)
    for path in ("", "/certificate.pem", "/uses", "/revoke"):
        assert stranger.get(place + path).response.status_code == 404
    page = stranger.get(f"{PLACE}/new")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.page)
    assert token is not None
    for act in ("suspend", "revoke", "resume"):
        form = {"csrf_token": token[1], "reason": "superseded"}
        assert stranger.submit(f"{place}/{act}", form).response.status_code == 404
    assert _record(desk).state is CertificateState.GOOD


def test_without_the_token_of_the_page_nothing_happens(desk: CertificateDesk) -> None:
    desk.give_key()
    browser = desk.browser()
    place = _first(browser)
    for act in ("suspend", "revoke", "resume", "resume/confirm"):
        assert browser.submit(f"{place}/{act}", {}).response.status_code == 403
    assert browser.submit(f"{PLACE}/new", {}).response.status_code == 403


def test_a_seal_is_shown_to_those_who_represent_the_organisation(desk: CertificateDesk) -> None:
    desk.give_key(DUNG, organisation_id="9900000016")
    for who in (DUNG, BINH):
        browser = desk.browser(who)
        held = browser.get(_first(browser))
        assert "con dấu" in held.page
    assert not desk.browser(ANH).get(PLACE).shows("certificate-0")
    done = browser.press(held, "certificate-suspend")
    assert "Đã tạm dừng" in done.page
    (row,) = events(desk.services.database, "pki:certificate:suspended")
    assert BINH.account_id in row["facts"]
