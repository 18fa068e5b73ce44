"""Every JWS and JWK vector of Wycheproof, through the JOSE door.

Provenance: C2SP Wycheproof, `json_web_signature_test.json`, `json_web_key_test.json` and the JWS
part of `json_web_crypto_test.json`.  Each vector gives its stated result, except the valid ones
that we refuse on purpose: those are listed here by reason, and must be refused.
"""

from __future__ import annotations

import json
from typing import Final

import pytest

from keystore.jose import ALGORITHMS, JoseError, parse_jwks, verify_jws
from tests.vectors.corpus import Vector, wycheproof_jws

FILES: Final = (
    "json_web_signature_test.json",
    "json_web_key_test.json",
    "json_web_crypto_test.json",
)

VECTORS: Final = [
    pytest.param(vector, id=f"{file.removesuffix('_test.json')}-{vector.name}")
    for file in FILES
    for vector in wycheproof_jws(file)
]


def reason_to_refuse(vector: Vector) -> str | None:
    """Why we refuse a vector that its authors call valid."""
    if any(key["kty"] == "oct" for key in vector.keys):
        return "HMAC: who can verify can forge; the door takes public keys only"
    declared = {key.get("alg") for key in vector.keys}
    if "ES521" in declared:
        return "RFC 7518 knows no ES521; the key declares an algorithm that does not exist"
    if vector.group.startswith("rfc7520") and vector.comment == "Figure20":
        return "the key is declared for PS256 and the header says PS384 (RFC 7517 §4.4)"
    return None


def is_accepted(vector: Vector) -> bool:
    """Whether the door takes key and signature."""
    raw = vector.jws if isinstance(vector.jws, str) else json.dumps(vector.jws)
    try:
        keys = parse_jwks({"keys": list(vector.keys)})
        verify_jws(raw, keys=keys, allowed_algorithms=ALGORITHMS)
    except JoseError:
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_gives_the_stated_result_or_is_refused_for_a_reason(vector: Vector) -> None:
    """RFC 7515 §5.2, RFC 7517 §5, RFC 8725 §3."""
    expected = vector.result in {"valid", "acceptable"} and reason_to_refuse(vector) is None
    assert is_accepted(vector) is expected


@pytest.mark.parametrize(("file", "most_refused"), [(FILES[0], 14), (FILES[1], 4), (FILES[2], 2)])
def test_no_more_valid_vectors_are_refused_than_the_reasons_say(
    file: str, most_refused: int
) -> None:
    refused = [
        vector
        for vector in wycheproof_jws(file)
        if vector.result != "invalid" and reason_to_refuse(vector) is not None
    ]
    assert len(refused) <= most_refused
