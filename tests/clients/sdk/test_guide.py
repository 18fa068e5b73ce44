"""The code in the guide for portal developers runs as it stands there (OIDC Core §3.1)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clients.sdk import AuthorizationRefused, IdTokenInvalid, ProviderUnavailable
from signing.intake import REASONS
from tests.clients.sdk.provider import make_portal
from tests.clients.sdk.signing_api import FakeSigning
from tests.support.pii_alarm import SEEDED
from tests.support.tree import ROOT


@pytest.fixture
def provider(clock) -> FakeSigning:
    return FakeSigning(clock)


@pytest.fixture
def guide(provider: FakeSigning) -> dict[str, Any]:
    text = (ROOT / "docs/guides/portal-developer.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile("\n".join(blocks), "portal-developer.md", "exec"), names)  # noqa: S102  # our own text
    names["portal"] = make_portal(provider)
    return names


def test_the_guide_signs_in_and_out(guide, provider) -> None:
    session: dict[str, Any] = {}
    url = guide["start"](session)
    assert guide["finish"](session, provider.authorize(url).items()) == SEEDED.name
    assert session.keys() == {"subject", "sid", "id_token"}
    assert "id_token_hint=" in guide["sign_out"](session)
    assert session == {}


def test_the_guide_ends_sessions_by_the_back_channel(guide, provider) -> None:
    ended: list[dict[str, Any]] = []
    form = {"logout_token": provider.logout_token()}
    assert guide["backchannel_logout"](form, lambda **who: ended.append(who)) == 200
    assert ended == [{"sid": "s-1", "subject": "p-1"}]


def test_the_guide_tells_refusals_apart(guide) -> None:
    explained = {
        guide["explain"](error)
        for error in (
            AuthorizationRefused("access_denied"),
            AuthorizationRefused("login_required"),
            ProviderUnavailable("token", reason="no_answer"),
            IdTokenInvalid(3, "audience"),
        )
    }
    assert len(explained) == 4


def test_the_guide_has_a_document_signed(guide, provider) -> None:
    session: dict[str, Any] = {"subject": "p-1"}
    url = guide["ask_to_sign"](session, b"%PDF-")
    assert url.endswith(session["signing"])
    assert guide["look"](session) == "waiting"
    provider.finish(session["signing"])
    assert guide["look"](session) == b"%PDF-signed"


def test_the_guide_is_told_of_signatures(guide, provider) -> None:
    noted: list[tuple[str, str]] = []
    token = provider.event_token()
    for status in (202, 202):
        assert guide["signing_event"](token, lambda *said: noted.append(said)) == status
    assert noted == [("sr_1", "signed")]
    assert guide["signing_event"]("x", noted.append) == 400


def test_the_guide_lists_every_code_of_intake() -> None:
    text = (ROOT / "docs/guides/portal-developer.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([a-z_]+)`", text))
    assert listed >= REASONS
