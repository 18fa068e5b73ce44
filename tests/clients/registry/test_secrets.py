"""Client secrets: made, compared, and gone in time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.registry import ClientSecret, NewSecret, is_live_secret
from clients.registry.secrets import hash_secret, make_secret

_HOUR = timedelta(hours=1)


def test_a_secret_has_256_bits_and_shows_nothing_of_itself() -> None:
    secret = make_secret()
    assert len(secret.raw) == 43
    assert secret.raw not in repr(secret)
    assert make_secret().raw != secret.raw


def test_a_kept_secret_shows_nothing_of_itself(now: datetime) -> None:
    digest = hash_secret("x" * 43)
    assert digest.hex()[:8] not in repr(ClientSecret(digest=digest, created_at=now))
    assert repr(digest) not in repr(ClientSecret(digest=digest, created_at=now))


def test_each_of_two_live_secrets_opens_and_no_other_does(now: datetime) -> None:
    known = (
        ClientSecret(digest=hash_secret("first"), created_at=now, expires_at=now + _HOUR),
        ClientSecret(digest=hash_secret("second"), created_at=now),
    )
    assert is_live_secret("first", known=known, now=now)
    assert is_live_secret("second", known=known, now=now)
    assert not is_live_secret("third", known=known, now=now)
    assert not is_live_secret("", known=known, now=now)
    assert not is_live_secret("first", known=(), now=now)


@pytest.mark.parametrize(("after", "opens"), [(-1, True), (0, False), (1, False)])
def test_a_secret_ends_at_the_stored_instant(now: datetime, after: int, *, opens: bool) -> None:
    known = (ClientSecret(digest=hash_secret("old"), created_at=now, expires_at=now + _HOUR),)
    at = now + _HOUR + timedelta(microseconds=after)
    assert is_live_secret("old", known=known, now=at) is opens


@given(raw=st.text(max_size=200))
def test_any_text_may_be_presented(raw: str) -> None:
    """Lone surrogates included: what comes in is compared, never decoded on trust."""
    assert len(hash_secret(raw)) == 32
    assert hash_secret("\ud800") != hash_secret(raw) or raw == "\ud800"


def test_two_secrets_in_clear_are_equal_only_as_values() -> None:
    assert NewSecret(raw="a") == NewSecret(raw="a")
