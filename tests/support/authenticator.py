"""A passkey in software: what a phone or a security key does in WebAuthn, right or wrong.

What lives here: `Authenticator`, which makes assertions over whatever challenge it is given; each
part of one can be made wrong by name.  Written from the standard and sharing no code with what
verifies it.  Source: WebAuthn Level 3 §6.1 (authenticator data), §6.3.3, §5.8.1 (client data);
RFC 9053 §2 and §7 (COSE keys).  Not here: attestation by a maker's key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from keystore.signer.evidence import WebauthnEvidence
from keystore.signer.model import PinnedCredential

_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_BACKUP_ELIGIBLE: Final = 0x08
_BACKED_UP: Final = 0x10
_ATTESTED: Final = 0x40


class Authenticator:
    """One passkey of one person at one relying party.

    Takes   kind: ES256, EdDSA or RS256; counts: whether it counts its uses, as hardware does and
            synced passkeys do not.
    """

    def __init__(
        self,
        *,
        rp_id: str = "sign.example",
        origin: str = "https://sign.example",
        kind: str = "ES256",
        counts: bool = True,
        is_synced: bool = False,
        rsa_bits: int = 2048,
    ) -> None:
        self.rp_id = rp_id
        self.origin = origin
        self.kind = kind
        self.counts = counts
        self.is_synced = is_synced
        self.credential_id = secrets.token_bytes(32)
        self.count = 0
        self._key: Any
        if kind == "ES256":
            self._key = ec.generate_private_key(ec.SECP256R1())
        elif kind == "EdDSA":
            self._key = ed25519.Ed25519PrivateKey.generate()
        else:
            self._key = rsa.generate_private_key(65537, rsa_bits)

    @property
    def pinned(self) -> PinnedCredential:
        """What is pinned of it when a signing key is made."""
        return PinnedCredential(self.credential_id, self.public_key)

    @property
    def public_key(self) -> bytes:
        """The COSE key as registration gives it."""
        public = self._key.public_key()
        if self.kind == "ES256":
            numbers = public.public_numbers()
            x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
            return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        if self.kind == "EdDSA":
            return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()})
        numbers = public.public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        return cbor2.dumps({1: 3, 3: -257, -1: modulus, -2: numbers.e.to_bytes(3, "big")})

    def confirm(self, challenge: bytes, **wrong: Any) -> WebauthnEvidence:
        """The assertion of a finger on the sensor.

        Takes   wrong: what to do otherwise: type, origin, rp_id, cross_origin, top_origin, flags,
                count, client_data (bytes, as they are), signed_by (another authenticator).
        """
        if self.counts:
            self.count += 1
        client_data = wrong.get("client_data") or self._client_data(challenge, wrong)
        flags = _USER_PRESENT | _USER_VERIFIED
        if self.is_synced:
            flags |= _BACKUP_ELIGIBLE | _BACKED_UP
        data = (
            hashlib.sha256(wrong.get("rp_id", self.rp_id).encode()).digest()
            + bytes((wrong.get("flags", flags),))
            + wrong.get("count", self.count).to_bytes(4, "big")
        )
        signer: Authenticator = wrong.get("signed_by", self)
        signature = signer.sign(data + hashlib.sha256(client_data).digest())
        return WebauthnEvidence(self.credential_id, client_data, data, signature)

    def register(self, challenge: bytes, **wrong: Any) -> tuple[bytes, bytes]:
        """The client data and the attestation object of a registration; no attestation.

        Takes   wrong: as `confirm`; also fmt, statement (a dict), public_key, credential_id.
        """
        client_data = self._client_data(challenge, {"type": "webauthn.create", **wrong})
        flags = _USER_PRESENT | _USER_VERIFIED | _ATTESTED
        if self.is_synced:
            flags |= _BACKUP_ELIGIBLE | _BACKED_UP
        credential_id = wrong.get("credential_id", self.credential_id)
        data = (
            hashlib.sha256(wrong.get("rp_id", self.rp_id).encode()).digest()
            + bytes((wrong.get("flags", flags),))
            + wrong.get("count", self.count).to_bytes(4, "big")
            + bytes(16)
            + len(credential_id).to_bytes(2, "big")
            + credential_id
            + wrong.get("public_key", self.public_key)
        )
        if wrong.get("fmt") == "packed":
            signature = self.sign(data + hashlib.sha256(client_data).digest())
            statement = {"alg": -7, "sig": signature, **wrong.get("statement", {})}
        else:
            statement = wrong.get("statement", {})
        attestation = {"fmt": wrong.get("fmt", "none"), "attStmt": statement, "authData": data}
        return client_data, cbor2.dumps(attestation)

    def sign(self, message: bytes) -> bytes:
        """The bare signature of the passkey."""
        if self.kind == "ES256":
            return self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        if self.kind == "EdDSA":
            return self._key.sign(message)
        return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def _client_data(self, challenge: bytes, wrong: dict[str, Any]) -> bytes:
        members = {
            "type": wrong.get("type", "webauthn.get"),
            "challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "origin": wrong.get("origin", self.origin),
            "crossOrigin": wrong.get("cross_origin", False),
        }
        if "top_origin" in wrong:
            members["topOrigin"] = wrong["top_origin"]
        return json.dumps(members).encode()
