"""One-time codes: right for ninety seconds, and only once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from idp.accounts.credentials import Totp
from idp.accounts.totp import (
    code_at,
    make_secret,
    normalise_code,
    otpauth_uri,
    secret_text,
    spend_code,
)
from idp.errors import StorageUnavailable
from idp.ids import AccountId

ME = AccountId("acc_me")
_SHA1_SECRET = b"12345678901234567890"


@pytest.fixture
def totp(now: datetime) -> Totp:
    return Totp("otp_1", make_secret(), now)


@pytest.mark.parametrize(
    ("epoch_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_published_vectors_hold(epoch_s, code) -> None:
    """RFC 6238 appendix B (SHA-1), the last six of eight digits."""
    assert code_at(_SHA1_SECRET, now=datetime.fromtimestamp(epoch_s, UTC)) == code


def test_a_code_works_once(totp, quick_store, now) -> None:
    """RFC 6238 §5.2: the verifier MUST NOT accept the second attempt of the OTP."""
    code = code_at(totp.secret, now=now)
    assert spend_code((totp,), code, account_id=ME, store=quick_store, now=now)
    assert not spend_code((totp,), code, account_id=ME, store=quick_store, now=now)
    later = now + timedelta(seconds=30)
    assert not spend_code((totp,), code, account_id=ME, store=quick_store, now=later)


def test_the_library_alone_takes_a_code_twice(totp, now) -> None:
    """Why the mark is ours: this is the trap that the test above closes."""
    library = pyotp.TOTP(secret_text(totp.secret))
    code = library.at(now)
    assert library.verify(code, for_time=now)
    assert library.verify(code, for_time=now)


def test_of_many_at_once_one_succeeds(totp, quick_store, now) -> None:
    code = code_at(totp.secret, now=now)

    def enter(_: int) -> bool:
        return bool(spend_code((totp,), code, account_id=ME, store=quick_store, now=now))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(enter, range(32))) == 1


@pytest.mark.parametrize(
    ("drift_s", "is_taken"), [(-60, False), (-30, True), (30, True), (60, False)]
)
def test_one_step_of_drift_is_taken(totp, quick_store, now, drift_s, is_taken) -> None:
    """RFC 6238 §5.2: at most one time step."""
    code = code_at(totp.secret, now=now + timedelta(seconds=drift_s))
    taken = spend_code((totp,), code, account_id=ME, store=quick_store, now=now)
    assert bool(taken) is is_taken


def test_the_codes_of_neighbouring_steps_are_each_good_once(totp, quick_store, now) -> None:
    for drift_s in (0, -30, 30):
        code = code_at(totp.secret, now=now + timedelta(seconds=drift_s))
        assert spend_code((totp,), code, account_id=ME, store=quick_store, now=now)


def test_any_authenticator_of_the_person_will_do(quick_store, now) -> None:
    two = (Totp("otp_1", make_secret(), now), Totp("otp_2", make_secret(), now))
    for totp in two:
        code = code_at(totp.secret, now=now)
        assert spend_code(two, code, account_id=ME, store=quick_store, now=now)
    assert not spend_code((), "000000", account_id=ME, store=quick_store, now=now)


@pytest.mark.parametrize("raw", ["12345", "1234567", "12345a", "", "१२३४५६७", "1" * 100, "²²²²²²x"])
def test_what_is_no_code_is_wrong(totp, quick_store, now, raw) -> None:
    assert normalise_code(raw) == ""
    assert not spend_code((totp,), raw, account_id=ME, store=quick_store, now=now)


def test_a_code_may_be_typed_with_blanks() -> None:
    assert normalise_code(" 123 456 ") == "123456"
    assert normalise_code("１２３４５６") == "123456"


def test_without_the_mark_no_code_is_taken(totp, now) -> None:
    class Down:
        def first_use(self, *_args, **_named):
            raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        spend_code((totp,), code_at(totp.secret, now=now), account_id=ME, store=Down(), now=now)


def test_the_uri_is_what_apps_read(totp) -> None:
    uri = urlsplit(otpauth_uri(totp.secret, label="•••017", issuer="Ấn Tín"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [secret_text(totp.secret)]
    assert parse_qs(uri.query)["issuer"] == ["Ấn Tín"]


def test_a_secret_has_160_bits_and_does_not_show() -> None:
    """RFC 4226 §4 (R6)."""
    secret = make_secret()
    assert len(secret) == 20
    assert repr(secret) not in repr(Totp("otp_1", secret, datetime(2026, 1, 1, tzinfo=UTC)))
