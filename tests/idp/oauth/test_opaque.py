"""Codes and refresh tokens as strings."""

from __future__ import annotations

import secrets

from hypothesis import given
from hypothesis import strategies as st

from idp.ids import GrantId
from idp.oauth.opaque import OpaqueKind, OpaqueTokens
from tests.support.provider import Provider


def test_a_string_finds_its_grant_and_only_as_what_it_is(provider: Provider) -> None:
    opaque = provider.services.opaque
    grant_id = GrantId("grt_" + secrets.token_hex(16))
    for kind in OpaqueKind:
        made = opaque.make(grant_id, kind=kind)
        found = opaque.find(made.text, kind=kind)
        assert found is not None
        assert (found.grant_id, found.digest) == (grant_id, made.digest)
        other = next(one for one in OpaqueKind if one is not kind)
        assert opaque.find(made.text, kind=other) is None
        assert made.text not in repr(made)


def test_two_are_never_alike(provider: Provider) -> None:
    """RFC 6749 §10.10: 128 bits that cannot be guessed."""
    grant_id = GrantId("grt_" + "0" * 32)
    made = {provider.services.opaque.make(grant_id, kind=OpaqueKind.CODE).text for _ in range(200)}
    assert len(made) == 200


def test_there_is_one_spelling(provider: Provider) -> None:
    """Unused bits, padding, signs that decoders pass over: another string is another token."""
    opaque: OpaqueTokens = provider.services.opaque
    text = opaque.make(GrantId("grt_" + "7" * 32), kind=OpaqueKind.CODE).text
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=!"
    for last in alphabet:
        if last != text[-1]:
            assert opaque.find(text[:-1] + last, kind=OpaqueKind.CODE) is None
    for changed in (text + "=", "=" + text[1:], text.replace("-", "+"), text[:-1] + "\n"):
        if changed != text:
            assert opaque.find(changed, kind=OpaqueKind.CODE) is None


@given(st.text(max_size=100) | st.text("ABCabc012-_", min_size=86, max_size=86))
def test_nothing_made_up_is_taken(provider: Provider, raw: str) -> None:
    for kind in OpaqueKind:
        assert provider.services.opaque.find(raw, kind=kind) is None
