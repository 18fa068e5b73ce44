"""The device cookie: known only for whom and for what it was proven."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp.accounts.devices import LIFETIME, MAX_TAGS, Devices
from idp.model import Factor

ME = "003091000017"
OTHER = "005091000018"


def known(devices, cookie, *, subject=ME, factor=Factor.PASSWORD, now):
    return devices.find_known(cookie, subject=subject, factor=factor, now=now) is not None


@pytest.fixture
def devices(sealer) -> Devices:
    return Devices(sealer)


def remembered(devices, now, *, cookie=None, subject=ME, factor=Factor.PASSWORD) -> str:
    return devices.remember(cookie, subject=subject, factor=factor, now=now)


def test_a_device_is_known_for_its_person_and_factor_only(devices, now) -> None:
    cookie = remembered(devices, now)
    assert known(devices, cookie, now=now)
    assert not known(devices, cookie, subject=OTHER, now=now)
    assert not known(devices, cookie, factor=Factor.OTP, now=now)


def test_several_people_share_a_browser(devices, now) -> None:
    cookie = remembered(devices, now, cookie=remembered(devices, now), subject=OTHER)
    assert known(devices, cookie, now=now)
    assert known(devices, cookie, subject=OTHER, now=now)


def test_the_oldest_tag_goes_first_and_the_cookie_stays_small(devices, now) -> None:
    cookie = remembered(devices, now)
    for number in range(MAX_TAGS):
        cookie = remembered(devices, now, cookie=cookie, subject=f"other{number}")
    assert not known(devices, cookie, now=now)
    assert known(devices, cookie, subject=f"other{MAX_TAGS - 1}", now=now)
    assert len(cookie) < 400


def test_signing_in_again_renews_the_tag_in_its_place(devices, now) -> None:
    cookie = remembered(devices, now)
    later = now + LIFETIME - timedelta(days=1)
    again = remembered(devices, later, cookie=cookie)
    assert again.count("~") == 1
    assert known(devices, again, now=now + LIFETIME)
    assert not known(devices, cookie, now=now + LIFETIME)


def test_the_cookie_names_nobody(devices, now) -> None:
    assert ME not in remembered(devices, now)


def test_two_devices_have_counters_of_their_own(devices, now) -> None:
    first, second = remembered(devices, now), remembered(devices, now)
    names = {
        devices.find_known(cookie, subject=ME, factor=Factor.PASSWORD, now=now)
        for cookie in (first, second)
    }
    assert len(names) == 2


@pytest.mark.parametrize("position", [2, 10, 30, -1])
def test_a_changed_cookie_is_a_stranger(devices, now, position) -> None:
    cookie = remembered(devices, now)
    sign = "A" if cookie[position] != "A" else "Q"
    end = cookie[position + 1 :] if position != -1 else ""
    assert not known(devices, cookie[:position] + sign + end, now=now)


@pytest.mark.parametrize(
    "cookie", [None, "", "1", "1.x", "2." + "A" * 22, "1." + "A" * 22, "x" * 5000, "1.\n"]
)
def test_rubbish_is_a_stranger_and_gives_a_fresh_cookie(devices, now, cookie) -> None:
    assert not known(devices, cookie, now=now)
    assert known(devices, remembered(devices, now, cookie=cookie), now=now)
