"""Back-channel logout plan: the relying party is told that a session is over."""

from __future__ import annotations

import json

import pytest

from tests.conformance.test_config import check_endpoints_are_https
from tests.relying_party.flow import RelyingParty
from tests.relying_party.person import Arrival
from tests.relying_party.receiver import Posted, Receiver
from tests.relying_party.tokens import check_logout_token, decode_part


@pytest.mark.module("oidcc-backchannel-logout-discovery-endpoint-verification")
def test_discovery(rp: RelyingParty) -> None:
    """The metadata says that back-channel logout and its sid are supported, and where to sign out.

    Back-Channel Logout 1.0 §2.1; RP-Initiated Logout 1.0 §2.1.
    """
    assert rp.metadata["backchannel_logout_supported"] is True
    assert rp.metadata["backchannel_logout_session_supported"] is True
    assert rp.metadata["end_session_endpoint"].startswith("https://")
    check_endpoints_are_https(rp.metadata)


@pytest.mark.module("oidcc-backchannel-rp-initiated-logout")
def test_logout(rp: RelyingParty, receiver: Receiver) -> None:
    """Signing out brings a logout token to the registered address, and the browser back.

    The token is signed and says which session of whom is over; nobody is signed in afterwards.

    Back-Channel Logout 1.0 §2.4, §2.5, §2.8; RP-Initiated Logout 1.0 §2.
    """
    rp = rp.with_client("backchannel")
    done = rp.sign_in()
    sid = done.id_token.claims["sid"]

    def is_ours(posted: Posted) -> bool:
        token = dict(posted.form).get("logout_token", "")
        return token.count(".") == 2 and json.loads(decode_part(token.split(".")[1]))["sid"] == sid

    state = "s" * 128
    parameters = {
        "id_token_hint": done.id_token.raw,
        "post_logout_redirect_uri": rp.client.post_logout_redirect_uri,
        "state": state,
    }
    end = rp.confirm_logout(rp.end_session(parameters))
    posted = receiver.wait_for(is_ours)
    assert rp.client.backchannel_logout_uri == f"{receiver.origin}{posted.path}"
    assert posted.content_type.partition(";")[0] == "application/x-www-form-urlencoded"
    assert [name for name, _ in posted.form] == ["logout_token"]
    token = rp.verify(dict(posted.form)["logout_token"])
    assert token.header.get("typ", "logout+jwt") in {"logout+jwt", "JWT"}
    check_logout_token(
        token,
        issuer=rp.provider.issuer,
        client_id=rp.client.client_id,
        id_token=done.id_token,
    )
    assert isinstance(end, Arrival)
    assert end.fields == {"state": state}
    rp.expect_no_session()
