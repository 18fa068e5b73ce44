"""Vectors of Wycheproof for AES-KWP, ECDSA P-256, Ed25519 and RSA-PSS, through our doors.

Provenance: C2SP Wycheproof, `aes_kwp_test.json`, `ecdsa_secp256r1_sha256_test.json` (DER),
`ecdsa_secp256r1_sha256_p1363_test.json` (r and s in full), `ed25519_test.json`,
`rsa_pss_2048_sha256_mgf1_32_test.json`.  Each gives its stated result; there are no exceptions.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import pytest

from keystore.backends.aes_kwp import unwrap_kwp, wrap_kwp
from keystore.backends.errors import SignatureRefused, WrapBroken
from keystore.signature_forms import in_der
from keystore.verifying import verify_digest, verify_signature
from tests.vectors.corpus import RawVector, wycheproof_raw

KWP: Final = "aes_kwp_test.json"
P1363: Final = "ecdsa_secp256r1_sha256_p1363_test.json"
SIGNATURES: Final = {
    "ecdsa_secp256r1_sha256_test.json": "ES256",
    P1363: "ES256",
    "ed25519_test.json": "Ed25519",
    "rsa_pss_2048_sha256_mgf1_32_test.json": "PS256",
}


def _vectors(*files: str) -> list[Any]:
    return [
        pytest.param(file, vector, id=f"{file.removesuffix('_test.json')}-{vector.name}")
        for file in files
        for vector in wycheproof_raw(file)
    ]


@pytest.mark.parametrize(("file", "vector"), _vectors(KWP))
def test_a_wrapped_key_gives_the_stated_result(file: str, vector: RawVector) -> None:
    """RFC 5649 §4: wrapping is deterministic, and what is wrong in any way does not unwrap."""
    key, message, wrapped = (vector.values[name] for name in ("key", "msg", "ct"))
    if vector.is_valid:
        assert wrap_kwp(key, key=message) == wrapped
        assert unwrap_kwp(key, wrapped=wrapped) == message
    else:
        with pytest.raises(WrapBroken):
            unwrap_kwp(key, wrapped=wrapped)


def _is_accepted(file: str, vector: RawVector, *, by_digest: bool) -> bool:
    message, signature, algorithm = vector.values["msg"], vector.values["sig"], SIGNATURES[file]
    try:
        if file == P1363:
            signature = in_der(signature, size_bytes=32)
        if by_digest:
            verify_digest(
                vector.public_spki,
                algorithm=algorithm,
                digest=hashlib.sha256(message).digest(),
                hash_name="sha256",
                signature=signature,
            )
        else:
            verify_signature(
                vector.public_spki, algorithm=algorithm, message=message, signature=signature
            )
    except SignatureRefused:
        return False
    return True


@pytest.mark.parametrize(("file", "vector"), _vectors(*SIGNATURES))
def test_a_signature_gives_the_stated_result(file: str, vector: RawVector) -> None:
    """FIPS 186-5 §6.4.2, RFC 8032 §5.1.7, RFC 8017 §8.1.2; of a message and of its digest alike."""
    assert _is_accepted(file, vector, by_digest=False) is vector.is_valid
    if SIGNATURES[file] != "Ed25519":
        assert _is_accepted(file, vector, by_digest=True) is vector.is_valid
