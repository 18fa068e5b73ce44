"""A signing key as everybody but its backend sees it: a name, a public half, and what it signs.

What lives here: the handle, and the rule that a key signs for its purpose alone.
Source: NIST SP 800-57 part 1 §5.2; RFC 7518 §3.4 (r and s in full), RFC 5480 §2.2.3 (DER).
Not here: which key signs when (`keystore/keyring.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keystore.backends import OpenKey
from keystore.errors import KeyPurposeRefused
from keystore.key_types import KEY_TYPES
from keystore.purposes import KeyPurpose
from keystore.signature_forms import in_full


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A handle: it signs what its purpose allows, and there is no way to the key itself.

    `public_spki` is the DER SubjectPublicKeyInfo.
    """

    kid: str
    algorithm: str
    purpose: KeyPurpose = field(repr=False)
    public_spki: bytes = field(repr=False)
    _open: OpenKey = field(repr=False)

    def sign(self, message: bytes, *, content: str) -> bytes:
        """The signature of `message` as JOSE writes it; do not count on 64 bytes.

        Takes   content: what the message is, in the words of `KeyPurpose.may_sign`.
        Raises  KeyPurposeRefused when this key is not for such a content.
        """
        signature = self.sign_x509(message, content=content)
        size = KEY_TYPES[self.algorithm].size_bytes
        if not size:
            return signature
        return in_full(signature, size_bytes=size)

    def sign_x509(self, message: bytes, *, content: str) -> bytes:
        """The signature of `message` as X.509, CMS and OCSP write it: ECDSA in DER.

        Raises  KeyPurposeRefused.
        """
        if content not in self.purpose.may_sign:
            raise KeyPurposeRefused(kid=self.kid, content=content)
        return self._open.sign(message)

    def sign_digest(self, digest: bytes, *, hash_name: str, content: str) -> bytes:
        """The signature of a digest, in the form of `sign_x509`.

        Takes   hash_name: which hash made it, as `hashlib` calls it.
        Raises  KeyPurposeRefused; DigestRefused: unknown hash, wrong length, or a kind of key that
                signs no digests.
        """
        if content not in self.purpose.may_sign:
            raise KeyPurposeRefused(kid=self.kid, content=content)
        return self._open.sign_digest(digest, hash_name=hash_name)
