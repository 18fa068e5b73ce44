"""A token of SoftHSM2 and the way to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from keystore.backends.token_library import get_library
from keystore.backends.token_sessions import TokenPin, TokenSessions
from tests.support.softhsm import MODULE, SoftHsm, SoftToken


@pytest.fixture
def token(soft_hsm: SoftHsm) -> SoftToken:
    """A new, empty token that this process sees."""
    made = soft_hsm.make_token(f"token {secrets.token_hex(6)}")
    library = get_library(MODULE)
    with library.running():
        seen = library.generation
    library.restart(seen=seen)
    return made


@pytest.fixture
def make_sessions(token: SoftToken) -> Callable[[], TokenSessions]:
    """Ways to the token, as several parts of a process have them."""
    return lambda: TokenSessions(token.module, label=token.label, pin=TokenPin(token.pin))


@pytest.fixture
def sessions(make_sessions: Callable[[], TokenSessions]) -> TokenSessions:
    """One way to the token."""
    return make_sessions()
