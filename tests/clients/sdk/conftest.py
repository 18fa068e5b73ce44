"""Fixtures of the SDK's tests: `provider` in memory, and a `portal` that trusts it."""

from __future__ import annotations

import pytest

from clients.sdk import Portal
from tests.clients.sdk.provider import FakeProvider, make_portal


@pytest.fixture
def provider(clock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
def portal(provider: FakeProvider) -> Portal:
    return make_portal(provider)
