"""Keys of persons in software: the contract, and that nothing else opens them."""

from __future__ import annotations

import secrets

import pytest

from keystore.backends.aes_kwp import unwrap_kwp
from keystore.backends.errors import PersonalKekUnknown
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.kek import Kek, KekRing
from tests.support.personal_keys import (
    check_moves_to_another_root_key,
    check_names_an_unknown_root_key,
    check_opens_for_its_record_alone,
    check_refuses_what_it_does_not_sign,
    check_signs_each_digest,
)


def _kek() -> Kek:
    return Kek(secrets.token_bytes(32))


def _backend(*keks: Kek) -> SoftwarePersonalKeys:
    return SoftwarePersonalKeys(KekRing(keks or (_kek(),)))


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256-3072", "RS256"])
@pytest.mark.parametrize("hash_name", ["sha256", "sha512", "sha3_256"])
def test_a_key_signs_each_digest(algorithm: str, hash_name: str) -> None:
    check_signs_each_digest(_backend(), algorithm=algorithm, hash_name=hash_name)


def test_a_key_opens_for_its_record_alone() -> None:
    check_opens_for_its_record_alone(_backend())


def test_what_it_does_not_sign_is_refused() -> None:
    check_refuses_what_it_does_not_sign(_backend())


def test_a_key_moves_to_another_root_key() -> None:
    old, new = _kek(), _kek()
    check_moves_to_another_root_key(_backend(old), _backend(new, old), algorithm="ES256")


def test_an_unknown_root_key_is_named() -> None:
    check_names_an_unknown_root_key(_backend(), foreign=_backend())


def test_within_the_envelope_it_is_wrapped_once_more() -> None:
    """RFC 5649: what a hardware module would take, under a key of its own."""
    kek = _kek()
    made = _backend(kek).make("ES256", context="k1")
    inner = kek.unwrap(made.wrapped, context="personal_key:k1")
    assert inner[:1] != b"\x30"
    label = "personal signing key, AES-KWP 1"
    assert unwrap_kwp(kek.derive(label), wrapped=inner)[:1] == b"\x30"


def test_a_root_key_that_is_no_software_key_wraps_no_software_key() -> None:
    class Foreign:
        kek_id = "00" * 8

        def wrap(self, key: bytes, *, context: str) -> bytes:
            raise AssertionError

        def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
            raise AssertionError

    with pytest.raises(PersonalKekUnknown):
        SoftwarePersonalKeys(KekRing((Foreign(),))).make("ES256", context="k1")


def test_it_shows_nothing() -> None:
    backend = _backend()
    assert repr(backend) == "SoftwarePersonalKeys(…)"
    assert "wrapped" not in repr(backend.make("ES256", context="k1"))
