"""Keys of persons under a token: the contract, and what the objects in the token are."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partialmethod
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from keystore.backends.aes_kwp import unwrap_kwp
from keystore.backends.errors import DigestRefused, PersonalKekUnknown, TokenUnavailable
from keystore.backends.personal_pkcs11 import TokenPersonalKeys
from keystore.backends.personal_roots import TokenPersonalRoots
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.backends.token_signing import generate_pair
from keystore.errors import SealBroken
from keystore.kek import Kek, KekRing
from keystore.key_types import get_key_type
from tests.support.personal_keys import (
    check_moves_to_another_root_key,
    check_names_an_unknown_root_key,
    check_opens_for_its_record_alone,
    check_refuses_what_it_does_not_sign,
    check_signs_each_digest,
    digests,
)


@pytest.fixture
def roots(sessions: TokenSessions) -> TokenPersonalRoots:
    """A token with one personal root key."""
    made = TokenPersonalRoots(sessions)
    made.make()
    return made


@pytest.fixture
def ring(roots: TokenPersonalRoots) -> KekRing:
    """The root keys of the token, found again when one is missing."""
    return KekRing(roots.find(), source=roots.find)


@pytest.fixture
def backend(ring: KekRing, sessions: TokenSessions) -> TokenPersonalKeys:
    """Personal keys under it."""
    return TokenPersonalKeys(ring, sessions=sessions)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256-3072", "RS256"])
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_a_key_signs_each_digest(
    backend: TokenPersonalKeys, algorithm: str, hash_name: str
) -> None:
    check_signs_each_digest(backend, algorithm=algorithm, hash_name=hash_name)


def test_a_key_opens_for_its_record_alone(backend: TokenPersonalKeys) -> None:
    check_opens_for_its_record_alone(backend)


def test_what_it_does_not_sign_is_refused(backend: TokenPersonalKeys) -> None:
    check_refuses_what_it_does_not_sign(backend)


@pytest.mark.parametrize("algorithm", ["ES256", "PS256-3072"])
def test_a_key_moves_to_another_root_key(
    backend: TokenPersonalKeys,
    roots: TokenPersonalRoots,
    make_sessions: Callable[[], TokenSessions],
    algorithm: str,
) -> None:
    new = roots.make()
    ring = KekRing(roots.find(), source=roots.find)
    ring.use(new.kek_id)
    check_moves_to_another_root_key(
        backend, TokenPersonalKeys(ring, sessions=make_sessions()), algorithm=algorithm
    )


def test_an_unknown_root_key_is_named(
    backend: TokenPersonalKeys, roots: TokenPersonalRoots, sessions: TokenSessions
) -> None:
    foreign = TokenPersonalKeys(KekRing((roots.make(),)), sessions=sessions)
    made = foreign.make("ES256", context="k1")
    assert roots.destroy(made.kek_id)
    assert not roots.destroy(made.kek_id)
    check_names_an_unknown_root_key(backend, foreign=_Returned(made))
    assert len(roots.find()) == 1


class _Returned:
    """A backend whose root key is not in the token any more, and a key that it made."""

    def __init__(self, made: Any) -> None:
        self.make = lambda _algorithm, *, context: made


def test_a_root_key_that_was_added_later_is_found(
    backend: TokenPersonalKeys, roots: TokenPersonalRoots, ring: KekRing
) -> None:
    made = roots.make()
    ring.use(made.kek_id)
    assert backend.make("ES256", context="k1").kek_id == made.kek_id
    assert backend.kek_ids()[0] == made.kek_id


def test_a_root_key_of_software_wraps_no_key_of_a_token(sessions: TokenSessions) -> None:
    backend = TokenPersonalKeys(KekRing((Kek(bytes(32)),)), sessions=sessions)
    with pytest.raises(PersonalKekUnknown):
        backend.make("ES256", context="k1")


def test_an_envelope_opens_under_its_root_key_alone(roots: TokenPersonalRoots) -> None:
    (one,) = roots.find()
    other = roots.make()
    assert one.unwrap(one.wrap(b"key", context="a"), context="a") == b"key"
    with pytest.raises(SealBroken):
        other.unwrap(one.wrap(b"key", context="a"), context="a")
    with pytest.raises(SealBroken):
        one.unwrap(one.wrap(b"key", context="a"), context="b")
    assert repr(one) == "TokenPersonalRoot(…)"


def test_root_keys_never_come_out(backend: TokenPersonalKeys, sessions: TokenSessions) -> None:
    def look(opened: OpenSession) -> list[tuple[Any, ...]]:
        wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY}
        asked = (
            Attribute.KEY_TYPE,
            Attribute.EXTRACTABLE,
            Attribute.SENSITIVE,
            Attribute.ENCRYPT,
            Attribute.DECRYPT,
            Attribute.WRAP,
            Attribute.UNWRAP,
            Attribute.SIGN,
        )
        found = list(opened.session.get_objects(wanted))
        return sorted(tuple(key[name] for name in asked) for key in found)

    assert sessions.run(look) == [
        (KeyType.GENERIC_SECRET, False, True, False, False, False, False, True),
        (KeyType.AES, False, True, False, False, True, True, False),
    ]


def test_an_unwrapped_key_is_sensitive_and_not_extractable_and_gone_afterwards(
    backend: TokenPersonalKeys, sessions: TokenSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Architecture §5.13."""
    seen: list[tuple[bool, ...]] = []
    unwrap = TokenPersonalKeys._unwrap

    def look(self: TokenPersonalKeys, *given: Any, **named: Any) -> Any:
        key = unwrap(self, *given, **named)
        asked = (Attribute.EXTRACTABLE, Attribute.SENSITIVE, Attribute.TOKEN)
        seen.append(tuple(key[name] for name in asked))
        return key

    monkeypatch.setattr(TokenPersonalKeys, "_unwrap", look)
    made = backend.make("ES256", context="k1")
    backend.sign_digests(
        made.wrapped, algorithm="ES256", context="k1", digests=digests(2), hash_name="sha256"
    )
    assert seen == [(False, True, False)]
    assert sessions.run(_private_keys) == 0


def _private_keys(opened: OpenSession) -> int:
    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    return len(list(opened.session.get_objects(wanted)))


def test_no_private_object_is_left_after_making_and_rewrapping(
    backend: TokenPersonalKeys, sessions: TokenSessions
) -> None:
    made = backend.make("ES256", context="k1")
    backend.rewrap(made.wrapped, context="k1")
    assert sessions.run(_private_keys) == 0


def test_the_token_wraps_as_rfc_5649_says(
    backend: TokenPersonalKeys, sessions: TokenSessions
) -> None:
    """A module's name for the mechanism does not say which standard it means."""
    backend.make("ES256", context="k1")
    known = secrets.token_bytes(32)

    def wrap(opened: OpenSession) -> tuple[Any, bytes]:
        kek = opened.session.create_object(
            {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.TOKEN: False,
                Attribute.WRAP: True,
                Attribute.VALUE: known,
            }
        )
        public, private = generate_pair(
            opened.session,
            kind=get_key_type("ES256"),
            key_id=b"",
            private={Attribute.TOKEN: False, Attribute.EXTRACTABLE: True},
        )
        try:
            return public, bytes(kek.wrap_key(private, mechanism=backend._mechanism))
        finally:
            private.destroy()

    public, wrapped = sessions.run(wrap)
    raw = unwrap_kwp(known, wrapped=wrapped)
    # NOTE: SoftHSM 2.6 fills the PKCS #8 with zeros to whole blocks before it wraps
    private = load_der_private_key(raw[: raw[1] + 2], password=None)
    assert not any(raw[raw[1] + 2 :])
    assert private.public_key() == public


def test_threads_use_personal_keys_at_the_same_time(backend: TokenPersonalKeys) -> None:
    made = {name: backend.make("ES256", context=name) for name in "abcd"}

    def sign(number: int) -> None:
        name = "abcd"[number % 4]
        backend.sign_digests(
            made[name].wrapped,
            algorithm="ES256",
            context=name,
            digests=digests(2),
            hash_name="sha256",
        )

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(sign, range(200)))) == 200


def test_an_unwrapped_key_that_could_come_out_signs_nothing(
    backend: TokenPersonalKeys, sessions: TokenSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token may take a template and do something else."""
    made = backend.make("ES256", context="k1")
    unwrap = TokenPersonalKeys._unwrap
    loose = partialmethod(unwrap, may_come_out=True)
    monkeypatch.setattr(TokenPersonalKeys, "_unwrap", loose)
    with pytest.raises(TokenUnavailable, match="attributes"):
        backend.sign_digests(
            made.wrapped, algorithm="ES256", context="k1", digests=digests(1), hash_name="sha256"
        )
    assert sessions.run(_private_keys) == 0


def test_hashes_that_a_token_cannot_name_are_refused(backend: TokenPersonalKeys) -> None:
    made = backend.make("RS256", context="k1")
    with pytest.raises(DigestRefused):
        backend.sign_digests(
            made.wrapped,
            algorithm="RS256",
            context="k1",
            digests=digests(1, hash_name="sha3_256"),
            hash_name="sha3_256",
        )


def test_a_token_without_key_wrap_says_so(
    backend: TokenPersonalKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backend.make("ES256", context="k1")
    monkeypatch.setattr(backend, "_mechanism", Mechanism.AES_KEY_WRAP_KWP)
    with pytest.raises(TokenUnavailable, match="mechanism"):
        backend.make("ES256", context="k1")
    with pytest.raises(TokenUnavailable, match="mechanism"):
        backend.rewrap(made.wrapped, context="k1")
