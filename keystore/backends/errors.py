"""What can go wrong with private keys, as data.

What lives here: the errors of the backends.  None carries a key, a PIN or a digest.
"""

from __future__ import annotations

from typing import ClassVar

from keystore.errors import KeystoreError, SealBroken


class DigestRefused(KeystoreError):
    """A digest that this kind of key does not sign: unknown hash or wrong length.

    Ed25519 and ML-DSA sign messages, and no digest at all.
    """

    code: ClassVar[str] = "digest_refused"

    def __init__(self, *, algorithm: str, hash_name: str) -> None:
        super().__init__(f"{algorithm}: {hash_name}")
        self.algorithm = algorithm
        self.hash_name = hash_name


class KeyDamaged(SealBroken):
    """The stored form of one key does not open; the other keys go on."""

    code: ClassVar[str] = "key_damaged"

    def __init__(self, kid: str) -> None:
        super().__init__(kid)
        self.kid = kid


class KeyKept(KeystoreError):
    """A key that was to be destroyed is where no backend of this process reaches.

    It signs nothing of ours any more, and its private half is still there.
    """

    code: ClassVar[str] = "key_kept"

    def __init__(self, kid: str) -> None:
        super().__init__(kid)
        self.kid = kid


class KeySuccession(KeystoreError):
    """Keys of this purpose follow one another, or stand beside one another; the other was asked."""

    code: ClassVar[str] = "key_succession"

    def __init__(self, purpose: str) -> None:
        super().__init__(purpose)
        self.purpose = purpose


class SignatureBroken(KeystoreError):
    """A signature that we just made does not verify: it never leaves."""

    code: ClassVar[str] = "signature_broken"


class SignatureRefused(KeystoreError):
    """A signature does not verify under the strict rules; `reason` is a lower_snake word."""

    code: ClassVar[str] = "signature_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrapBroken(SealBroken):
    """A wrapped key does not unwrap: other key, changed bytes, or a length that cannot be."""

    code: ClassVar[str] = "wrap_broken"


class PersonalKekUnknown(KeystoreError):
    """A personal key is under a root key that this process does not have; `kek_id` names it."""

    code: ClassVar[str] = "personal_kek_unknown"

    def __init__(self, kek_id: str) -> None:
        super().__init__(kek_id)
        self.kek_id = kek_id


class TokenUnavailable(KeystoreError):
    """The token does not answer as it should; `reason` is a word, the next call tries again.

    library, no_such_key, attributes, or what the binding calls the error.
    """

    code: ClassVar[str] = "token_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenPinRefused(TokenUnavailable):
    """The token refused the PIN.  It is not tried again until the process is started anew."""

    code: ClassVar[str] = "token_pin_refused"
