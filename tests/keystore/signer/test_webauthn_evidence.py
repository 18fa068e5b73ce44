"""An assertion counts when every part of it is right.  WebAuthn Level 3 §7.2."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.base64url import to_base64url
from keystore.signer.errors import EvidenceRefused
from keystore.signer.evidence import WebauthnEvidence
from keystore.signer.model import PinnedCredential
from keystore.signer.webauthn_evidence import verify_assertion, verify_pinnable
from tests.support.authenticator import Authenticator

_CHALLENGE = bytes(range(32))
_ORIGIN = "https://sign.example"


def _verify(evidence: WebauthnEvidence, passkey: Authenticator, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "expected_challenge": _CHALLENGE,
        "expected_rp_id": "sign.example",
        "expected_origins": frozenset({_ORIGIN}),
        "credential": passkey.pinned,
        "sign_count": 0,
    }
    return verify_assertion(evidence, **(given | changes))


@pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
def test_a_right_assertion_says_how_often_the_passkey_was_used(kind: str) -> None:
    passkey = Authenticator(kind=kind)
    verified = _verify(passkey.confirm(_CHALLENGE), passkey)
    assert verified.sign_count == 1
    assert not verified.is_backed_up


def test_a_synced_passkey_says_so_and_does_not_count() -> None:
    passkey = Authenticator(counts=False, is_synced=True)
    verified = _verify(passkey.confirm(_CHALLENGE), passkey)
    assert verified.is_backed_up
    assert verified.sign_count == 0


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"type": "webauthn.create"}, "type"),
        ({"origin": "https://evil.example"}, "origin"),
        ({"origin": "https://sign.example/"}, "origin"),
        ({"origin": "http://sign.example"}, "origin"),
        ({"cross_origin": True}, "cross_origin"),
        ({"cross_origin": "no"}, "cross_origin"),
        ({"top_origin": "https://evil.example"}, "cross_origin"),
        ({"rp_id": "evil.example"}, "rp_id"),
        ({"flags": 0x04}, "user_presence"),
        ({"flags": 0x01}, "user_verification"),
        ({"flags": 0x00}, "user_presence"),
        ({"client_data": b"{}"}, "type"),
        ({"client_data": b"not json"}, "malformed"),
        ({"client_data": b"[1]"}, "malformed"),
        ({"client_data": b" " * 5000}, "malformed"),
        ({"signed_by": Authenticator()}, "signature"),
        ({"flags": 0x05 | 0x40}, "malformed"),
    ],
)
def test_whatever_is_wrong_with_it_is_named(wrong: dict[str, Any], reason: str) -> None:
    passkey = Authenticator()
    with pytest.raises(EvidenceRefused) as refused:
        _verify(passkey.confirm(_CHALLENGE, **wrong), passkey)
    assert refused.value.reason == reason


def test_another_challenge_is_refused() -> None:
    """§7.2 step 12."""
    passkey = Authenticator()
    with pytest.raises(EvidenceRefused, match="challenge"):
        _verify(passkey.confirm(bytes(32)), passkey)


def test_a_challenge_in_another_spelling_is_refused() -> None:
    passkey = Authenticator()
    client_data = {
        "type": "webauthn.get",
        "challenge": to_base64url(_CHALLENGE).decode() + "=",
        "origin": _ORIGIN,
    }
    evidence = passkey.confirm(_CHALLENGE, client_data=json.dumps(client_data).encode())
    with pytest.raises(EvidenceRefused, match="challenge"):
        _verify(evidence, passkey)


def test_client_data_with_two_challenges_is_refused() -> None:
    """Parsers take the first or the last: RFC 8259 §4."""
    passkey = Authenticator()
    right, wrong = (to_base64url(one).decode() for one in (_CHALLENGE, bytes(32)))
    twice = f'"challenge":"{wrong}","challenge":"{right}"'
    raw = f'{{"type":"webauthn.get",{twice},"origin":"{_ORIGIN}"}}'
    with pytest.raises(EvidenceRefused, match="malformed"):
        _verify(passkey.confirm(_CHALLENGE, client_data=raw.encode()), passkey)


@pytest.mark.parametrize(("shown", "before"), [(5, 5), (4, 5), (0, 5)])
def test_a_counter_that_is_not_beyond_the_last_is_refused(shown: int, before: int) -> None:
    """§7.2 step 22."""
    passkey = Authenticator()
    with pytest.raises(EvidenceRefused, match="sign_count"):
        _verify(passkey.confirm(_CHALLENGE, count=shown), passkey, sign_count=before)


@given(place=st.integers(0, 2000), bit=st.integers(0, 7), part=st.integers(0, 2))
def test_a_changed_bit_anywhere_is_refused(place: int, bit: int, part: int) -> None:
    passkey = Authenticator(kind="EdDSA")
    whole = passkey.confirm(_CHALLENGE)
    parts = [
        bytearray(one)
        for one in (whole.client_data_json, whole.authenticator_data, whole.signature)
    ]
    parts[part][place % len(parts[part])] ^= 1 << bit
    changed = WebauthnEvidence(whole.credential_id, *(bytes(one) for one in parts))
    with pytest.raises(EvidenceRefused):
        _verify(changed, passkey)


@given(data=st.binary(max_size=200), signature=st.binary(max_size=80))
def test_garbage_is_refused_and_nothing_else_happens(data: bytes, signature: bytes) -> None:
    passkey = Authenticator()
    head = passkey.confirm(_CHALLENGE).authenticator_data[:33]
    evidence = WebauthnEvidence(
        passkey.credential_id,
        passkey.confirm(_CHALLENGE).client_data_json,
        head + data,
        signature,
    )
    with pytest.raises(EvidenceRefused):
        _verify(evidence, passkey)


@pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
def test_keys_of_real_passkeys_can_be_pinned(kind: str) -> None:
    verify_pinnable(Authenticator(kind=kind).pinned)


@pytest.mark.parametrize(
    "public_key",
    [
        b"\x00",
        b"\x04" + bytes(64),
        cbor2.dumps({}),
        cbor2.dumps({1: 2, 3: -7}),
        cbor2.dumps({1: 2, 3: -7, -1: 2, -2: bytes(48), -3: bytes(48)}),
        cbor2.dumps({1: 2, 3: -8, -1: 1, -2: bytes(32), -3: bytes(32)}),
        cbor2.dumps({1: 1, 3: -7, -1: 6, -2: bytes(32)}),
        cbor2.dumps({1: 1, 3: -8, -1: 7, -2: bytes(57)}),
        cbor2.dumps({1: 3, 3: -65535, -1: b"\xff" * 256, -2: b"\x01\x00\x01"}),
        cbor2.dumps({1: 3, 3: -257, -1: b"\xff" * 128, -2: b"\x01\x00\x01"}),
        cbor2.dumps({1: 3, 3: -257, -1: bytes(200) + b"\xff" * 128, -2: b"\x01\x00\x01"}),
        cbor2.dumps({1: 4, 3: 5, -1: bytes(32)}),
    ],
)
def test_a_key_that_should_decide_over_nothing_is_not_pinned(public_key: bytes) -> None:
    with pytest.raises(EvidenceRefused, match="public_key"):
        verify_pinnable(PinnedCredential(b"id", public_key))
