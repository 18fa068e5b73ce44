"""Where keys were used, through HTTP: every use and every refusal, each with a proof."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli.log import check
from keystore.log.entries import Tree
from keystore.log.note import from_base64
from keystore.log.proof_text import verify_proof
from keystore.purposes import LOG
from keystore.signer import errors
from tests.support import rfc9162
from tests.support.authenticator import Authenticator
from tests.support.certificate_desk import PLACE, CertificateDesk, authority_settings
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, DUNG

_ALL = "/account/signatures"
_PROOF = re.compile(r'id="use-proof-\d+" href="([^"]+)"')


@pytest.fixture
def desk(make_provider: Callable[..., Provider], tmp_path: Path) -> Iterator[CertificateDesk]:
    made = CertificateDesk(make_provider(**authority_settings(tmp_path)), folder=tmp_path)
    yield made
    made.close()


def _integrate(desk: CertificateDesk) -> None:
    desk.services.keyrings.of(LOG).ensure(desk.provider.now)
    desk.services.trust.log.sequencer.run(desk.provider.now)


def _proofs(browser: Browser, place: str = _ALL) -> list[str]:
    return _PROOF.findall(browser.get(place).page)


def test_the_proof_of_a_use_is_checked_without_us_by_three_readers(
    desk: CertificateDesk, tmp_path: Path
) -> None:
    """Ours, `antin log check`, and the steps of RFC 9162 §2.1.3.2 as the tests read them."""
    passkey, key_id = desk.give_key()
    desk.sign(passkey, key_id, owner=ANH.account_id)
    browser = desk.browser()
    (place,) = _proofs(browser)
    assert "Bằng chứng của mục này chưa sẵn sàng" in browser.get(place).page
    _integrate(desk)
    answer = browser.http.get(place, base_url=ISSUER)
    assert "attachment" in answer.headers["Content-Disposition"]
    raw, log = answer.get_data(), desk.services.trust.log
    origin = log.origins[Tree.PUBLIC]
    keys = log.keys.verifiers(origin, now=desk.provider.now)
    verified = verify_proof(raw, expected_origin=origin, log_keys=keys)
    assert verified.event is not None
    event = json.loads(verified.event)
    assert (event["account_id"], event["facts"]["key_id"]) == (ANH.account_id, key_id)
    assert event["personal"]["digests"]
    # the house's own words again, at the command line
    file = tmp_path / "use.proof.txt"
    file.write_bytes(raw)
    said = CliRunner().invoke(
        check, [str(file), "--origin", origin, *(f"--log-key={one.vkey}" for one in keys)]
    )
    assert said.exit_code == 0, said.output
    assert key_id in said.output
    # and the RFC's
    head, note = raw.decode().split("\n\n", 1)
    _, extra, index, *path = head.split("\n")
    _, size, root = note.split("\n")[:3]
    entry = from_base64(json.loads(from_base64(extra.removeprefix("extra ")))["entry"])
    leaf, number = hashlib.sha256(b"\x00" + entry).digest(), int(index.removeprefix("index "))
    hashes = [from_base64(one) for one in path]

    def is_included(leaf_hash: bytes) -> bool:
        return rfc9162.is_included(
            leaf_hash, index=number, size=int(size), path=hashes, root=from_base64(root)
        )

    assert is_included(leaf)
    assert not is_included(hashlib.sha256(leaf).digest())


def test_a_refused_use_is_shown_and_proven_too(desk: CertificateDesk) -> None:
    passkey, key_id = desk.give_key()
    desk.follow_clock()
    wrong = Authenticator(rp_id=passkey.rp_id)
    with pytest.raises(errors.SignerError):
        desk.sign(wrong, key_id, owner=ANH.account_id)
    browser = desk.browser()
    page = browser.get(_ALL).page
    assert "Bị từ chối" in page
    assert 'class="warns"' in page
    _integrate(desk)
    (place,) = _proofs(browser)
    assert browser.get(place).response.mimetype == "text/plain"


def test_a_certificate_shows_the_uses_of_its_own_key(desk: CertificateDesk) -> None:
    first = desk.give_key()
    desk.provider.clock.advance(minutes=1)
    second = desk.give_key()
    for passkey, key_id in (first, second, second):
        desk.sign(passkey, key_id, owner=ANH.account_id)
    browser = desk.browser()
    page = browser.get(PLACE).page
    places = re.findall(r'id="certificate-\d" href="([^"]+)"', page)
    assert [len(_proofs(browser, f"{place}/uses")) for place in places] == [2, 1]
    assert len(_proofs(browser)) == 3
    assert "Cổng portal" in browser.get(_ALL).page
    assert browser.get(_ALL).page.count('href="/account/not-me"') == 3
    assert "Xác nhận bằng khóa truy cập" in browser.get(_ALL).page


def test_pages_of_uses_follow_each_other_without_a_gap(desk: CertificateDesk) -> None:
    passkey, key_id = desk.give_key()
    for _ in range(45):
        desk.sign(passkey, key_id, owner=ANH.account_id)
    browser = desk.browser()
    one = re.search(r'id="certificate-0" href="([^"]+)"', browser.get(PLACE).page)
    assert one is not None
    for place in (_ALL, f"{one[1]}/uses"):
        seen: list[str] = []
        page = browser.get(place)
        for _ in range(4):
            seen += _PROOF.findall(page.page)
            older = re.search(r'id="uses-older"[^>]* href="([^"]+)"', page.page)
            if older is None:
                break
            page = browser.get(older[1].replace("&amp;", "&"))
            assert page.shows("uses-newest")
        assert len(seen) == len(set(seen)) == 45


def test_uses_of_a_seal_are_for_those_who_represent_it(desk: CertificateDesk) -> None:
    passkey, key_id = desk.give_key(DUNG, organisation_id="9900000016")
    (one,) = desk.services.people.representations(DUNG.account_id, now=desk.provider.now)
    desk.sign(passkey, key_id, owner=one.organisation)
    _integrate(desk)
    browser = desk.browser(DUNG)
    assert _proofs(browser) == []
    (place,) = _proofs(browser, f"{_ALL}?owner=1")
    assert browser.get(place).response.mimetype == "text/plain"
    stranger = desk.browser(ANH)
    assert stranger.get(place).response.status_code == 404
    assert stranger.get(f"{_ALL}?owner=1").response.status_code == 404


def test_nothing_but_uses_of_ones_own_keys_is_proven_here(desk: CertificateDesk) -> None:
    """A row of an organisation that tells of something else is not for whoever uses its seal."""
    passkey, key_id = desk.give_key()
    desk.sign(passkey, key_id, owner=ANH.account_id)
    _integrate(desk)
    browser = desk.browser()
    (place,) = _proofs(browser)
    other = re.search(r'href="/account/history/([^"]+)"', browser.get("/account/history").page)
    assert other is not None
    assert browser.get(f"{_ALL}/0/{other[1]}").response.status_code == 404
    assert desk.browser(BINH).get(place).response.status_code == 404
    assert browser.get(f"{_ALL}/0/nobody/1").response.status_code == 404
    assert browser.get(f"{_ALL}?owner=x").response.status_code == 404


@pytest.mark.parametrize(
    "place",
    [f"{_ALL}/0/nobody/{2**63}", f"/account/history/nobody/{2**63}", f"{_ALL}?owner={'1' * 5000}"],
)
def test_a_number_that_no_database_counts_to_is_no_page(desk: CertificateDesk, place: str) -> None:
    """And no failure of ours, of which somebody would be woken."""
    assert desk.browser().get(place).response.status_code == 404
