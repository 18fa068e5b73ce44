"""What a signature costs through the keyring, beside the bare call of the library.

What lives here: a raw P-256 signature, which is the yardstick of every line of the table, OpenSSL's
own figure for it, a key of the keyring, and a personal key that is unwrapped for one use, in
software and in SoftHSM2 where it is installed.  Everything signs a digest or message of one kind,
and what was signed is verified off the clock.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.costs import Bound, Cost, Measure, Spent, take_turns
from bench.machine import pinned
from keystore.backends import PersonalKeyBackend
from keystore.backends.open_keys import decode_private, open_private
from keystore.backends.personal_pkcs11 import TokenPersonalKeys
from keystore.backends.personal_roots import TokenPersonalRoots
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.backends.token_sessions import TokenPin, TokenSessions
from keystore.kek import Kek, KekRing
from keystore.key_types import get_key_type
from keystore.keyring import Keyring
from keystore.public_keys import load_spki
from keystore.signature_forms import in_der
from keystore.verifying import check_own_signature, verify_digest, verify_signature
from tests.support.softhsm import MODULE, SoftHsm

RAW: Final = "*raw P-256 signature, `cryptography`*"
_OPENSSL: Final = "*`openssl speed ecdsap256`*"
_VERIFIED: Final = "*raw signature and its verification*"
_HELD: Final = "signature, key held open by the keyring"
_UNWRAPPED: Final = "signature, personal key unwrapped for one use"
_UNVERIFIED: Final = "the same without the verification before it leaves"
_TOKEN: Final = "signature, personal key unwrapped in SoftHSM2"
_BOUNDS: Final = {_HELD: Bound(1.3, Measure.TIMES), _UNWRAPPED: Bound(2.5, Measure.TIMES)}
_CONTENT: Final = "jwt:at+jwt"
_MESSAGE: Final = b"m" * 300
"""As long as a token."""
_CONTEXT: Final = "k1"
_SIZE_BYTES: Final = 32
_SPEED: Final = re.compile(r"^\s*256 bits ecdsa \(nistp256\)\s+\S+\s+\S+\s+([\d.]+)", re.MULTILINE)

Call = Callable[[], Any]
Check = Callable[[Any], None]


class RawSigning:
    """The bare call of the library: one key, one message, everything made in advance."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._public = self._private.public_key()
        self._scheme = ec.ECDSA(hashes.SHA256())

    def sign(self) -> bytes:
        """One signature."""
        return self._private.sign(_MESSAGE, self._scheme)

    def sign_and_verify(self) -> bytes:
        """One signature, looked at."""
        signature = self.sign()
        self.check(signature)
        return signature

    def check(self, signature: bytes) -> None:
        """Raises for a wrong one."""
        self._public.verify(signature, _MESSAGE, self._scheme)

    def measure(self, *, seconds: float) -> Spent:
        """The yardstick alone, for a round of something else."""
        return take_turns({RAW: self.sign}, seconds=seconds, check={RAW: self.check})[RAW]


def measure_signatures(
    keyring: Keyring, *, rounds: int, seconds: float, core: int, folder: Path, now: datetime
) -> list[Cost]:
    """All lines about signatures; this thread is on `core` already."""
    raw = RawSigning()
    calls: dict[str, tuple[Call, Check]] = {
        RAW: (raw.sign, raw.check),
        _VERIFIED: (raw.sign_and_verify, raw.check),
        _HELD: _held(keyring, now=now),
        **_unwrapped(SoftwarePersonalKeys(KekRing([Kek(secrets.token_bytes(32))]))),
    }
    if MODULE.exists() and shutil.which("softhsm2-util"):
        calls[_TOKEN] = _personal(_open_token(folder))
    taken = [_take(calls, seconds=seconds, core=core) for _ in range(rounds)]
    return [
        Cost(name, tuple((one[name], one[RAW]) for one in taken), _BOUNDS.get(name))
        for name in taken[0]
    ]


def _take(
    calls: Mapping[str, tuple[Call, Check]], *, seconds: float, core: int
) -> dict[str, Spent]:
    spent = take_turns(
        {name: call for name, (call, _) in calls.items()},
        seconds=seconds,
        check={name: check for name, (_, check) in calls.items()},
    )
    openssl = _ask_openssl(core)
    return spent if openssl is None else {RAW: spent.pop(RAW), _OPENSSL: openssl, **spent}


def _held(keyring: Keyring, *, now: datetime) -> tuple[Call, Check]:
    key = keyring.signing_key("ES256", now=now)

    def sign() -> bytes:
        return keyring.signing_key("ES256", now=now).sign(_MESSAGE, content=_CONTENT)

    def check(signature: bytes) -> None:
        verify_signature(
            key.public_spki,
            algorithm="ES256",
            message=_MESSAGE,
            signature=in_der(signature, size_bytes=_SIZE_BYTES),
        )

    return sign, check


def _unwrapped(backend: SoftwarePersonalKeys) -> dict[str, tuple[Call, Check]]:
    made = backend.make("ES256", context=_CONTEXT)
    digest, kind = hashlib.sha256(_MESSAGE).digest(), get_key_type("ES256")
    public = load_spki(made.public_spki, algorithm="ES256")

    def sign_unverified() -> bytes:
        private = decode_private(backend.open_for_module(made.wrapped, context=_CONTEXT))
        return open_private(private, kind=kind).sign_digest(digest, hash_name="sha256")

    def check(signature: bytes) -> None:
        check_own_signature(public, digest, kind=kind, hash_name="sha256", signature=signature)

    return {
        _UNWRAPPED: _personal(backend),
        _UNVERIFIED: (sign_unverified, check),
    }


def _personal(backend: PersonalKeyBackend) -> tuple[Call, Check]:
    made = backend.make("ES256", context=_CONTEXT)
    digest = hashlib.sha256(_MESSAGE).digest()

    def sign() -> tuple[bytes, ...]:
        return backend.sign_digests(
            made.wrapped,
            algorithm="ES256",
            context=_CONTEXT,
            digests=(digest,),
            hash_name="sha256",
        )

    def check(signatures: tuple[bytes, ...]) -> None:
        (signature,) = signatures
        verify_digest(
            made.public_spki,
            algorithm="ES256",
            digest=digest,
            hash_name="sha256",
            signature=signature,
        )

    return sign, check


def _open_token(folder: Path) -> PersonalKeyBackend:
    hsm = SoftHsm(folder / "softhsm")
    os.environ.update(hsm.environment)
    token = hsm.make_token("bench")
    sessions = TokenSessions(token.module, label=token.label, pin=TokenPin(token.pin))
    roots = TokenPersonalRoots(sessions)
    roots.make()
    return TokenPersonalKeys(KekRing(roots.find()), sessions=sessions)


def _ask_openssl(core: int) -> Spent | None:
    """OpenSSL's own loop; it counts processor time."""
    if shutil.which("openssl") is None:
        return None
    command = [*pinned(core), "openssl", "speed", "-seconds", "1", "ecdsap256"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return read_speed(ran.stdout)


def read_speed(output: str) -> Spent:
    """The signatures in a second that `openssl speed` says it made.

    Raises  ValueError when it says nothing of the kind.
    """
    found = _SPEED.search(output)
    if found is None:
        raise ValueError("openssl_speed")
    ms = 1000 / float(found[1])
    return Spent(ms, ms)
