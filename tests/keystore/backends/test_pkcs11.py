"""Keys in a token: made there, never out, and back by themselves after every fault."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pkcs11 import Attribute, ObjectClass

from keystore.backends import pkcs11
from keystore.backends.errors import (
    DigestRefused,
    SignatureBroken,
    TokenPinRefused,
    TokenUnavailable,
)
from keystore.backends.pkcs11 import TokenBackend
from keystore.backends.token_library import get_library
from keystore.backends.token_sessions import OpenSession, TokenPin, TokenSessions
from keystore.errors import KeyUnavailable, SealBroken
from keystore.public_keys import spki_of
from keystore.verifying import verify_digest, verify_signature
from tests.support.softhsm import SoftToken

_KINDS = ["ES256", "ES384", "Ed25519", "RS256", "PS256", "PS256-3072"]


@pytest.mark.parametrize("algorithm", _KINDS)
def test_a_key_of_each_kind_signs_in_the_token(sessions: TokenSessions, algorithm: str) -> None:
    backend = TokenBackend(sessions)
    made = backend.make_key(algorithm=algorithm)
    opened = backend.open_key(kid=made.kid, algorithm=algorithm, stored=made.stored)
    verify_signature(
        spki_of(made.public_jwk),
        algorithm=algorithm,
        message=b"message",
        signature=opened.sign(b"message"),
    )


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS256", "PS256"])
@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
def test_a_digest_of_any_hash_is_signed(
    sessions: TokenSessions, algorithm: str, hash_name: str
) -> None:
    backend = TokenBackend(sessions)
    made = backend.make_key(algorithm=algorithm)
    opened = backend.open_key(kid=made.kid, algorithm=algorithm, stored=made.stored)
    digest = hashlib.new(hash_name, b"document").digest()
    verify_digest(
        spki_of(made.public_jwk),
        algorithm=algorithm,
        digest=digest,
        hash_name=hash_name,
        signature=opened.sign_digest(digest, hash_name=hash_name),
    )


def test_what_is_no_digest_is_refused_before_the_token_sees_it(sessions: TokenSessions) -> None:
    backend = TokenBackend(sessions)
    for algorithm, hash_name, length in (
        ("ES256", "sha256", 31),
        ("ES256", "md5", 16),
        ("RS256", "sha3_256", 32),
        ("Ed25519", "sha512", 64),
    ):
        made = backend.make_key(algorithm=algorithm)
        opened = backend.open_key(kid=made.kid, algorithm=algorithm, stored=made.stored)
        with pytest.raises(DigestRefused):
            opened.sign_digest(bytes(length), hash_name=hash_name)


def test_a_resident_key_is_sensitive_and_never_extractable(sessions: TokenSessions) -> None:
    made = TokenBackend(sessions).make_key(algorithm="ES256")

    def look(opened: OpenSession) -> list[bool]:
        key = opened.private_key(made.stored[2:18])
        return [
            key[name]
            for name in (
                Attribute.EXTRACTABLE,
                Attribute.SENSITIVE,
                Attribute.NEVER_EXTRACTABLE,
                Attribute.ALWAYS_SENSITIVE,
                Attribute.TOKEN,
                Attribute.DECRYPT,
                Attribute.UNWRAP,
                Attribute.DERIVE,
            )
        ]

    assert sessions.run(look) == [False, True, True, True, True, False, False, False]


def test_kinds_that_tokens_do_not_make_are_refused(sessions: TokenSessions) -> None:
    for algorithm in ("ML-DSA-44", "none"):
        with pytest.raises(KeyUnavailable):
            TokenBackend(sessions).make_key(algorithm=algorithm)


def test_a_reference_that_was_swapped_does_not_open(sessions: TokenSessions) -> None:
    backend = TokenBackend(sessions)
    one, other = (backend.make_key(algorithm="ES256") for _ in range(2))
    with pytest.raises(SealBroken):
        backend.open_key(kid=one.kid, algorithm="ES256", stored=other.stored)
    with pytest.raises(SealBroken):
        backend.open_key(kid=one.kid, algorithm="ES256", stored=one.stored[:-1])


def test_another_key_under_the_same_reference_signs_nothing(sessions: TokenSessions) -> None:
    """A signature that does not verify never leaves."""
    backend = TokenBackend(sessions)
    one, other = (backend.make_key(algorithm="ES256") for _ in range(2))
    mixed = one.stored[:2] + other.stored[2:18] + one.stored[18:]
    opened = backend.open_key(kid=one.kid, algorithm="ES256", stored=mixed)
    with pytest.raises(SignatureBroken):
        opened.sign(b"message")
    with pytest.raises(SignatureBroken):
        opened.sign_digest(bytes(32), hash_name="sha256")


def test_a_destroyed_key_is_gone_from_the_token_and_again_is_no_error(
    make_sessions: Callable[[], TokenSessions],
) -> None:
    backend = TokenBackend(make_sessions())
    made = backend.make_key(algorithm="ES256")
    opened = backend.open_key(kid=made.kid, algorithm="ES256", stored=made.stored)
    opened.sign(b"")
    backend.destroy_key(made.stored)
    backend.destroy_key(made.stored)
    with pytest.raises(TokenUnavailable):
        opened.sign(b"")
    other = TokenBackend(make_sessions())
    with pytest.raises(TokenUnavailable, match="no_such_key"):
        other.open_key(kid=made.kid, algorithm="ES256", stored=made.stored).sign(b"")


def test_threads_sign_at_the_same_time_and_every_signature_is_right(
    sessions: TokenSessions,
) -> None:
    backend = TokenBackend(sessions)
    made = backend.make_key(algorithm="ES256")
    opened = backend.open_key(kid=made.kid, algorithm="ES256", stored=made.stored)
    spki = spki_of(made.public_jwk)

    def sign(number: int) -> None:
        message = str(number).encode()
        verify_signature(spki, algorithm="ES256", message=message, signature=opened.sign(message))

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(sign, range(400)))) == 400


def test_a_token_that_was_removed_and_is_back_signs_again(
    sessions: TokenSessions, token: SoftToken, tmp_path: Path
) -> None:
    backend = TokenBackend(sessions)
    made = backend.make_key(algorithm="ES256")
    opened = backend.open_key(kid=made.kid, algorithm="ES256", stored=made.stored)
    opened.sign(b"")
    shutil.move(token.folder, tmp_path / "away")
    with pytest.raises(TokenUnavailable):
        opened.sign(b"")
    with pytest.raises(TokenUnavailable):
        backend.make_key(algorithm="ES256")
    shutil.move(tmp_path / "away", token.folder)
    sessions._restarted_at = None  # a second has passed
    verify_signature(
        spki_of(made.public_jwk), algorithm="ES256", message=b"m", signature=opened.sign(b"m")
    )


def test_a_wrong_pin_is_tried_once_and_shows_nowhere(token: SoftToken) -> None:
    """A few wrong PINs lock a token for good."""
    wrong = TokenSessions(token.module, label=token.label, pin=TokenPin("not the pin"))
    for _ in range(30):
        with pytest.raises(TokenPinRefused) as refused:
            TokenBackend(wrong).make_key(algorithm="ES256")
        assert "not the pin" not in repr(refused.value) + repr(wrong) + repr(wrong._pin)
    right = TokenSessions(token.module, label=token.label, pin=TokenPin(token.pin))
    assert TokenBackend(right).make_key(algorithm="ES256").kid


def test_a_library_that_is_none_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "none.so").write_bytes(b"nothing")
    for module in (tmp_path / "none.so", tmp_path / "absent.so"):
        sessions = TokenSessions(module, label="x", pin=TokenPin("1"))
        with pytest.raises(TokenUnavailable, match="library"):
            TokenBackend(sessions).make_key(algorithm="ES256")


def test_a_token_that_is_not_there_is_an_error_of_ours(token: SoftToken) -> None:
    sessions = TokenSessions(token.module, label="another", pin=TokenPin("1"))
    with pytest.raises(TokenUnavailable):
        TokenBackend(sessions).make_key(algorithm="ES256")


def test_a_token_that_makes_a_key_that_may_come_out_is_not_trusted(
    sessions: TokenSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token may take a template and do something else."""
    monkeypatch.setitem(pkcs11.RESIDENT, Attribute.EXTRACTABLE, True)
    with pytest.raises(TokenUnavailable, match="attributes"):
        TokenBackend(sessions).make_key(algorithm="ES256")
    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    assert sessions.run(lambda opened: list(opened.session.get_objects(wanted))) == []


def test_for_one_key_that_is_gone_the_library_is_not_started_anew(
    sessions: TokenSessions, token: SoftToken
) -> None:
    """It would stop everybody who signs with another key meanwhile."""
    backend = TokenBackend(sessions)
    gone, other = (backend.make_key(algorithm="ES256") for _ in range(2))
    opened = backend.open_key(kid=gone.kid, algorithm="ES256", stored=gone.stored)
    backend.destroy_key(gone.stored)
    generation = get_library(token.module).generation
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="no_such_key"):
            opened.sign(b"")
    assert get_library(token.module).generation is generation
    backend.open_key(kid=other.kid, algorithm="ES256", stored=other.stored).sign(b"")


def test_a_session_that_is_lost_is_opened_again(sessions: TokenSessions) -> None:
    backend = TokenBackend(sessions)
    made = backend.make_key(algorithm="ES256")
    opened = backend.open_key(kid=made.kid, algorithm="ES256", stored=made.stored)
    spki = spki_of(made.public_jwk)
    for _ in range(2):
        signature = opened.sign(b"message")
        verify_signature(spki, algorithm="ES256", message=b"message", signature=signature)
        assert sessions._idle
        for idle in sessions._idle:
            idle.session.close()


def test_while_some_sign_the_library_may_be_started_again(
    sessions: TokenSessions, token: SoftToken
) -> None:
    """Nobody is in the library when it stops, and nobody notices."""
    backend = TokenBackend(sessions)
    made = backend.make_key(algorithm="ES256")
    opened = backend.open_key(kid=made.kid, algorithm="ES256", stored=made.stored)
    library = get_library(token.module)

    def act(number: int) -> None:
        if number % 25 == 7:
            library.restart(seen=library.generation)
        else:
            opened.sign(b"message")

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(act, range(400)))) == 400


def test_an_error_of_ours_is_no_error_of_the_token(sessions: TokenSessions) -> None:
    def refuse(_opened: OpenSession) -> None:
        raise SealBroken

    with pytest.raises(SealBroken):
        sessions.run(refuse)
    assert len(sessions._idle) == 1
