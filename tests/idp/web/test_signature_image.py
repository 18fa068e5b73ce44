"""The person's signature on paper, through HTTP: sent as a photograph, seen, replaced, removed."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from idp.signature_images import SignatureImages
from idp.web.account.signature_image import PLACE
from keystore.log.events import EventType
from signing.appearance.rules import PERSON
from signing.isolation.task import Isolation
from signing.parsing.images import open_ink
from tests.support.certificate_desk import authority_settings
from tests.support.photographs import photograph
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH, BINH, Somebody
from tests.support.signer import events

_HOUR = timedelta(hours=1)


@pytest.fixture
def provider(
    make_provider: Callable[..., Provider], tmp_path: Path, isolation: Isolation
) -> Provider:
    """One that signs, and has photographs read by the process that all tests share."""
    made = make_provider(**authority_settings(tmp_path))
    services = made.services
    assert services.signing is not None
    images = SignatureImages(
        services.database, sealer=services.sealer, log=services.log, isolation=isolation
    )
    signing = replace(services.signing, images=images)
    return Provider(replace(services, signing=signing), made.clock, made.keys)


def _browser(provider: Provider, who: Somebody = ANH) -> Browser:
    browser = Browser(provider)
    browser.answer_all(browser.get(PLACE), who=who)
    return browser


def _send(browser: Browser, page: Landing, *, button: str, photo: bytes | None = None) -> Landing:
    action, fields = form_of(page.page, button)
    response = _post(browser, fields, photo=photo, place=action)
    return browser.follow(response, place=action)


def _post(
    browser: Browser, fields: Mapping[str, str], *, photo: bytes | None, place: str = PLACE
) -> TestResponse:
    """As a browser sends it, a field without a file included."""
    edge = "----WebKitFormBoundarykhongcogi"
    head = "".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    name = "" if photo is None else "IMG_2031.jpg"
    head += (
        f'--{edge}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return browser.http.post(
        place,
        base_url=ISSUER,
        data=b"".join((head.encode(), photo or b"", f"\r\n--{edge}--\r\n".encode())),
        content_type=f"multipart/form-data; boundary={edge}",
    )


def _shown(page: Landing) -> bytes:
    _, _, rest = page.page.partition('src="data:image/png;base64,')
    return b64decode(rest.partition('"')[0])


def test_a_photograph_becomes_the_image_and_goes_again(provider: Provider) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.7d."""
    browser = _browser(provider)
    page = browser.get(PLACE)
    assert not page.shows("signature-image")
    page = _send(browser, page, button="signature-image-send", photo=photograph())
    assert page.place == f"{PLACE}?told=set", page.describe()
    assert "Đã lưu hình chữ ký" in page.page
    assert open_ink(memoryview(_shown(page)), rule=PERSON.ink).width > 400
    images = provider.services.signing
    assert images is not None
    kept = images.images.find_image(ANH.account_id)
    assert kept is not None
    assert kept.png == _shown(page)
    page = _send(browser, page, button="signature-image-remove")
    assert page.place == f"{PLACE}?told=removed", page.describe()
    assert not page.shows("signature-image")
    assert images.images.find_image(ANH.account_id) is None
    database = provider.services.database
    assert len(events(database, EventType.SIGNATURE_IMAGE_SET)) == 1
    assert len(events(database, EventType.SIGNATURE_IMAGE_REMOVED)) == 1
    assert "Đặt hình chữ ký" in browser.get("/account/history").page


@pytest.mark.parametrize(
    ("photo", "says", "status"),
    [
        (None, "Chưa chọn ảnh", 400),
        (photograph(pen=0), "Không tìm thấy chữ ký", 400),
        (b"%PDF-1.7\n", "không phải ảnh", 400),
        (photograph() + bytes(13 << 20), "lớn hơn 12 MB", 413),
    ],
    ids=["nothing", "paper", "a pdf", "too large"],
)
def test_what_is_not_taken_leaves_what_was_there(
    provider: Provider, photo: bytes | None, says: str, status: int
) -> None:
    browser = _browser(provider)
    before = _send(browser, browser.get(PLACE), button="signature-image-send", photo=photograph())
    page = _send(browser, before, button="signature-image-send", photo=photo)
    assert says in page.page
    assert page.response.status_code == status
    assert ANH.name not in page.page
    assert _shown(page) == _shown(before)


def test_a_password_alone_neither_sees_nor_sets_it(provider: Provider) -> None:
    browser = Browser(provider)
    page = browser.log_in(browser.get("/account"))
    assert browser.get(PLACE).shows("otp-submit")
    sent = _post(browser, {}, photo=photograph())
    assert sent.status_code == 303
    assert page.response.status_code == 200
    assert not events(provider.services.database, EventType.SIGNATURE_IMAGE_SET)


def test_a_form_of_another_site_sets_nothing(provider: Provider) -> None:
    """OWASP ASVS 3.5.1; another person's token opens nothing either."""
    browser, other = _browser(provider), _browser(provider, BINH)
    _, fields = form_of(other.get(PLACE).page, "signature-image-send")
    for token in ("", fields["csrf_token"]):
        answer = _post(browser, {"csrf_token": token}, photo=photograph())
        assert answer.status_code == 403
    assert not events(provider.services.database, EventType.SIGNATURE_IMAGE_SET)


def test_nobody_has_photographs_read_without_end(provider: Provider) -> None:
    browser = _browser(provider)
    page = browser.get(PLACE)
    for _ in range(20):
        provider.services.ephemeral.count(
            f"signature_image:{ANH.account_id}",
            window=_HOUR,
            now=provider.services.time(),
        )
    refused = _send(browser, page, button="signature-image-send", photo=photograph())
    assert refused.response.status_code == 429
    assert "quá nhiều ảnh" in refused.page
