"""A passkey's assertion as evidence: this person's finger, for exactly this challenge.

What lives here: everything of ours that touches py_webauthn.  The assertion is verified against the
public key that was pinned when the signing key was made, never against what a database or a caller
says today.  Source: WebAuthn Level 3 §7.2; EN 419 241-1 (SCAL2).
Not here: what the challenge is made of (`activation`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from webauthn import verify_authentication_response
from webauthn.helpers import bytes_to_base64url, decode_credential_public_key
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import (
    DecodedEC2PublicKey,
    DecodedOKPPublicKey,
    DecodedRSAPublicKey,
)
from webauthn.helpers.exceptions import InvalidAuthenticationResponse
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    CredentialDeviceType,
)

from keystore.base64url import to_base64url
from keystore.signer.errors import EvidenceRefused
from keystore.signer.evidence import WebauthnEvidence
from keystore.signer.model import PinnedCredential
from keystore.strict_json import read_json_object

_MAX_CLIENT_DATA: Final = 4 * 1024
_MAX_AUTHENTICATOR_DATA: Final = 1024
_MAX_SIGNATURE: Final = 1024
_SHORTEST_AUTHENTICATOR_DATA: Final = 37
_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_SHORTEST_MODULUS: Final = 2048 // 8

_TYPES: Final[Mapping[COSEAlgorithmIdentifier, type]] = {
    COSEAlgorithmIdentifier.ECDSA_SHA_256: DecodedEC2PublicKey,
    COSEAlgorithmIdentifier.EDDSA: DecodedOKPPublicKey,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256: DecodedRSAPublicKey,
}
"""What passkeys sign with in practice; a key is for the one algorithm that it names."""


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """What a good assertion says about the passkey: how often it was used, whether it is synced.

    Takes   is_backup_eligible: whether its private half can be on more than one device.
    """

    sign_count: int
    is_backed_up: bool
    is_backup_eligible: bool
    is_user_verified: bool


def verify_assertion(
    evidence: WebauthnEvidence,
    *,
    expected_challenge: bytes,
    expected_rp_id: str,
    expected_origins: Collection[str],
    credential: PinnedCredential,
    sign_count: int,
    needs_verified_user: bool = True,
) -> VerifiedAssertion:
    """Verify an assertion against a pinned public key.

    1. Its parts are no longer than any authenticator makes them; it is of the pinned credential.
    2. The client data are one JSON object: `webauthn.get`, the challenge, an origin of ours.
    3. Not made inside of a frame of somebody else's page (`crossOrigin`, `topOrigin`).
    4. The authenticator worked for our RP ID, saw the user and, where needed, verified the user.
    5. Its counter, if it counts, is beyond the one it showed before.
    6. The signature verifies under the pinned key.

    Takes   expected_challenge: as it was given out; sign_count: what the passkey showed last, 0
            where the caller judges that; needs_verified_user: False where its user has proven
            another factor besides, and never for a signature.
    Raises  EvidenceRefused (carries a reason word).
    Source  WebAuthn Level 3 §7.2, steps 5 to 25.
    """
    # 1
    if (
        len(evidence.client_data_json) > _MAX_CLIENT_DATA
        or not _SHORTEST_AUTHENTICATOR_DATA
        <= len(evidence.authenticator_data)
        <= _MAX_AUTHENTICATOR_DATA
        or len(evidence.signature) > _MAX_SIGNATURE
    ):
        raise EvidenceRefused("malformed")
    if not hmac.compare_digest(evidence.credential_id, credential.credential_id):
        raise EvidenceRefused("credential")
    # 2 and 3
    _check_client_data(
        evidence.client_data_json, challenge=expected_challenge, origins=expected_origins
    )
    # 4
    _check_authenticator_data(
        evidence.authenticator_data, rp_id=expected_rp_id, needs_verified_user=needs_verified_user
    )
    # 5
    counted = int.from_bytes(evidence.authenticator_data[33:37], "big")
    if (counted or sign_count) and counted <= sign_count:
        raise EvidenceRefused("sign_count")
    # 6, and all of it once more by a library that many others rely on
    response = AuthenticatorAssertionResponse(
        client_data_json=evidence.client_data_json,
        authenticator_data=evidence.authenticator_data,
        signature=evidence.signature,
    )
    asserted = AuthenticationCredential(
        id=bytes_to_base64url(evidence.credential_id),
        raw_id=evidence.credential_id,
        response=response,
    )
    try:
        verified = verify_authentication_response(
            credential=asserted,
            expected_challenge=expected_challenge,
            expected_rp_id=expected_rp_id,
            expected_origin=list(expected_origins),
            credential_public_key=credential.public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=needs_verified_user,
        )
    except InvalidAuthenticationResponse as refusal:
        is_signature = isinstance(refusal.__context__, InvalidSignature)
        raise EvidenceRefused("signature" if is_signature else "malformed") from refusal
    except Exception as failure:
        # the library lets through what CBOR and key parsers raise
        raise EvidenceRefused("malformed") from failure
    return VerifiedAssertion(
        sign_count=verified.new_sign_count,
        is_backed_up=verified.credential_backed_up,
        is_backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        is_user_verified=verified.user_verified,
    )


def verify_pinnable(credential: PinnedCredential) -> None:
    """Refuse a public key that should not decide over anything for years.

    Taken: ES256 on P-256, EdDSA on Ed25519, RS256 with 2048 bits or more.
    Raises  EvidenceRefused("public_key").
    """
    try:
        key = decode_credential_public_key(credential.public_key)
        expected = _TYPES.get(COSEAlgorithmIdentifier(key.alg))
    except Exception as failure:
        raise EvidenceRefused("public_key") from failure
    # an uncompressed point without its algorithm is from the time before CTAP2
    is_bare_point = credential.public_key[:1] == b"\x04"
    if expected is None or not isinstance(key, expected) or is_bare_point:
        raise EvidenceRefused("public_key")
    if isinstance(key, DecodedRSAPublicKey) and len(key.n.lstrip(b"\x00")) < _SHORTEST_MODULUS:
        raise EvidenceRefused("public_key")
    if isinstance(key, DecodedEC2PublicKey) and key.crv != 1:
        raise EvidenceRefused("public_key")
    if isinstance(key, DecodedOKPPublicKey) and key.crv != 6:
        raise EvidenceRefused("public_key")


def _check_client_data(raw: bytes, *, challenge: bytes, origins: Collection[str]) -> None:
    try:
        client_data: dict[str, Any] = read_json_object(raw)
    except ValueError as failure:
        raise EvidenceRefused("malformed") from failure
    if client_data.get("type") != "webauthn.get":
        raise EvidenceRefused("type")
    if client_data.get("challenge") != to_base64url(challenge).decode():
        raise EvidenceRefused("challenge")
    if client_data.get("origin") not in origins:
        raise EvidenceRefused("origin")
    if client_data.get("crossOrigin", False) is not False or "topOrigin" in client_data:
        raise EvidenceRefused("cross_origin")


def _check_authenticator_data(raw: bytes, *, rp_id: str, needs_verified_user: bool) -> None:
    if not hmac.compare_digest(raw[:32], hashlib.sha256(rp_id.encode()).digest()):
        raise EvidenceRefused("rp_id")
    flags = raw[32]
    if not flags & _USER_PRESENT:
        raise EvidenceRefused("user_presence")
    if needs_verified_user and not flags & _USER_VERIFIED:
        raise EvidenceRefused("user_verification")
