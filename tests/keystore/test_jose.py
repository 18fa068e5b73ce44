"""A JWT is verified as a whole: form, header, key, signature and claims, or it is refused."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from keystore.errors import (
    AlgorithmRefused,
    ClaimInvalid,
    HeaderRefused,
    JoseError,
    JwsMalformed,
    KeyPurposeRefused,
    KeyUnknown,
    SignatureInvalid,
)
from keystore.jose import (
    ALGORITHMS,
    parse_jwks,
    sign_jwt,
    unverified_issuer,
    unverified_kid,
    verify_jws,
)
from keystore.keyring import Keyring
from tests.keystore.conftest import ISSUER, Issuer, b64


@pytest.mark.parametrize(
    ("algorithm", "kid"),
    [
        ("ES256", "ec"),
        ("ES384", "p384"),
        ("RS256", "rsa"),
        ("PS256", "rsa"),
        ("EdDSA", "ed"),
        ("Ed25519", "ed"),
    ],
)
def test_a_right_token_is_verified(
    issuer: Issuer, verify, claims: dict[str, Any], algorithm: str, kid: str
) -> None:
    token = issuer.token(claims, algorithm=algorithm, kid=kid)
    assert verify(token) == claims
    assert verify(token) == claims  # and once more, when its header is known


# --- algorithm and key -------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_alg_none_is_refused(issuer: Issuer, verify, claims: dict[str, Any], alg: str) -> None:
    """RFC 8725 §3.2, RFC 7518 §3.6."""
    token = issuer.token(claims, algorithm=alg)
    for raw in (token, token[: token.rindex(".") + 1]):
        with pytest.raises(AlgorithmRefused):
            verify(raw, allowed_algorithms=ALGORITHMS | {alg})


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_never_taken_for_a_secret(
    issuer: Issuer, verify, claims: dict[str, Any], algorithm: str
) -> None:
    """RFC 8725 §2.1: algorithm confusion, with each spelling of the public key as the secret."""
    public = issuer.rsa.public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(issuer.jwk("rsa")).encode(),
    ):
        header = b64(json.dumps({"alg": algorithm, "kid": "rsa", "typ": "JWT"}).encode())
        message = f"{header}.{b64(json.dumps(claims).encode())}"
        digest = hmac.digest(secret, message.encode(), f"sha{algorithm[2:]}")
        with pytest.raises(AlgorithmRefused):
            verify(f"{message}.{b64(digest)}", allowed_algorithms=ALGORITHMS | {algorithm})


def test_an_algorithm_that_the_caller_did_not_name_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any]
) -> None:
    """RFC 8725 §3.1."""
    keys = issuer.key_set()
    token = issuer.token(claims)
    verify(token, keys=keys)  # its header is known to the set now
    with pytest.raises(AlgorithmRefused):
        verify(token, keys=keys, allowed_algorithms=frozenset({"RS256"}))


@pytest.mark.parametrize("alg", [None, 5, ["ES256"], {"alg": "ES256"}])
def test_an_alg_that_is_no_string_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], alg: object
) -> None:
    """RFC 7515 §4.1.1."""
    with pytest.raises(AlgorithmRefused):
        verify(issuer.token(claims, header={"alg": alg, "kid": "ec"}))


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "ec"), ("ES256", "rsa"), ("ES384", "ec")])
def test_a_key_of_another_type_is_not_tried(
    issuer: Issuer, verify, claims: dict[str, Any], algorithm: str, kid: str
) -> None:
    """RFC 8725 §3.1: one key, one algorithm."""
    with pytest.raises(KeyUnknown):
        verify(issuer.token(claims, algorithm=algorithm, kid=kid))


def test_another_key_under_the_right_name_does_not_verify(
    issuer: Issuer, verify, claims: dict[str, Any]
) -> None:
    """RFC 7515 §5.2 step 8."""
    with pytest.raises(SignatureInvalid):
        verify(Issuer().token(claims))


def test_an_unknown_kid_is_told_to_the_caller(
    issuer: Issuer, verify, claims: dict[str, Any]
) -> None:
    with pytest.raises(KeyUnknown) as unknown:
        verify(issuer.token(claims, kid="rotated"))
    assert unknown.value.kid == "rotated"


@pytest.mark.parametrize("parameter", ["jwk", "jku", "x5u"])
def test_a_key_that_comes_with_the_token_is_refused(
    verify, claims: dict[str, Any], parameter: str
) -> None:
    """RFC 8725 §3.10."""
    attacker = Issuer()
    value = attacker.jwk() if parameter == "jwk" else "https://attacker.example/keys"
    with pytest.raises(HeaderRefused) as refused:
        verify(attacker.token(claims, **{parameter: value}))
    assert refused.value.parameter == parameter


@pytest.mark.parametrize(
    "parameters",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"crit": None},
        {"crit": "b64"},
    ],
)
def test_a_critical_extension_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """RFC 7515 §4.1.11, RFC 7797 §6."""
    header = {"alg": "ES256", "kid": "ec", "typ": "JWT", **parameters}
    with pytest.raises(HeaderRefused):
        verify(issuer.token(claims, header=header))


def test_an_unencoded_payload_is_refused(issuer: Issuer, verify, claims: dict[str, Any]) -> None:
    """RFC 7797 §3: `b64` without `crit` is an error too."""
    with pytest.raises(HeaderRefused):
        verify(issuer.token(claims, b64=False))


# --- form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t + ".",
        lambda t: "." + t,
        lambda t: t.rsplit(".", 1)[0],
        lambda t: t + "." + t,
        lambda t: t + "=",
        lambda t: t + "\n",
        lambda t: " " + t,
        lambda t: t.replace(".", "=.", 1),
        lambda t: t.replace(".", ". ", 1),
        lambda t: t[:-1] + "+",
        lambda t: t + "ấ",
        lambda t: "",
        lambda t: "..",
        lambda t: "Bearer " + t,
    ],
)
def test_another_form_than_the_compact_one_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], change: Callable[[str], str]
) -> None:
    """RFC 7515 §2 (no padding, no white space) and §7.1."""
    with pytest.raises(JwsMalformed):
        verify(change(issuer.token(claims)))


def test_the_json_serialization_is_refused(issuer: Issuer, verify, claims: dict[str, Any]) -> None:
    """RFC 7519 §3: a JWT is compact."""
    header, payload, signature = issuer.token(claims).split(".")
    flattened = {"payload": payload, "protected": header, "signature": signature}
    general = {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
    for raw in (flattened, general):
        with pytest.raises(JwsMalformed):
            verify(json.dumps(raw))


def test_stray_bits_at_the_end_of_a_segment_are_refused(
    issuer: Issuer, verify, claims: dict[str, Any]
) -> None:
    """RFC 4648 §3.5: 64 bytes leave four bits that must be zero."""
    token = issuer.token(claims)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = token[:-1] + letters[letters.index(token[-1]) ^ 1]
    with pytest.raises(JwsMalformed):
        verify(changed)


def test_more_than_16_kib_is_not_looked_at(issuer: Issuer, verify, claims: dict[str, Any]) -> None:
    """RFC 8725 §3.2 asks for limits where inputs come from outside."""
    with pytest.raises(JwsMalformed, match="too_large"):
        verify(issuer.token(claims | {"x": "y" * 13_000}))


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"ES256","alg":"ES256","kid":"ec"}',
        b'{"alg":"HS256","alg":"ES256","kid":"ec"}',
        b'{"alg":"ES256","kid":"ec","kid":"rsa"}',
        b'["ES256"]',
        b'{"alg":"ES256","kid":"\xff"}',
        b'\xef\xbb\xbf{"alg":"ES256"}',
        b"",
        b"{",
    ],
)
def test_a_header_that_is_not_one_plain_object_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], header: bytes
) -> None:
    """RFC 7515 §4: names MUST be unique."""
    with pytest.raises(JwsMalformed):
        verify(issuer.token(claims, header=header))


@pytest.mark.parametrize("parameters", [{"kid": 5}, {"kid": ["ec"]}, {"typ": 5}])
def test_parameters_of_the_wrong_type_are_refused(
    issuer: Issuer, verify, claims: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """RFC 7515 §4.1.4 and §4.1.9."""
    with pytest.raises(HeaderRefused):
        verify(issuer.token(claims, header={"alg": "ES256", "kid": "ec", **parameters}))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"[]", "not_an_object"),
        (b'["exp"]', "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b'{"exp":NaN}', "malformed_json"),
        (b'{"exp":Infinity}', "malformed_json"),
        (b'{"exp":-Infinity}', "malformed_json"),
        (b'{"exp":1e400}', "malformed_json"),
        (b'{"exp":9999999999,"exp":1}', "duplicate_member"),
        (b'{"sub":"\xc3\x28"}', "malformed_json"),
    ],
)
def test_a_payload_that_is_not_one_plain_object_is_refused(
    issuer: Issuer, verify, payload: bytes, reason: str
) -> None:
    """RFC 7519 §7.2 step 10 and §4.  joserfc up to 1.7.4 took NaN and died on a list."""
    with pytest.raises(ClaimInvalid) as refused:
        verify(issuer.token(payload))
    assert refused.value.reason == reason


# --- everything at once ------------------------------------------------------------------------


@given(position=st.integers(min_value=0), letter=st.sampled_from("AZaz09-_.=? é\0"))
def test_no_letter_of_a_token_can_be_changed(
    position: int, letter: str, issuer: Issuer, now: datetime
) -> None:
    issued = int(now.timestamp())
    token = issuer.token({"exp": issued + 60})
    index = position % len(token)
    changed = token[:index] + letter + token[index + 1 :]
    if changed == token:
        return
    with pytest.raises(JoseError):
        verify_jws(changed, keys=issuer.key_set(), allowed_algorithms=ALGORITHMS)


@given(raw=st.text(max_size=80) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}"))
def test_garbage_is_refused_and_nothing_worse(raw: str, issuer: Issuer) -> None:
    with pytest.raises(JoseError):
        verify_jws(raw, keys=issuer.key_set(), allowed_algorithms=ALGORITHMS)
    unverified_kid(raw)
    unverified_issuer(raw)


def test_the_unverified_half_is_read_without_a_key(issuer: Issuer, claims: dict[str, Any]) -> None:
    token = issuer.token(claims)
    assert (unverified_kid(token), unverified_issuer(token)) == ("ec", ISSUER)
    odd = issuer.token({"iss": 5}, header={"alg": "ES256"})
    assert (unverified_kid(odd), unverified_issuer(odd)) == (None, None)


def test_remembered_headers_are_few_and_only_of_tokens_that_verified(
    issuer: Issuer, claims: dict[str, Any]
) -> None:
    keys = parse_jwks({"keys": [issuer.jwk(nonce="a set of its own")]})
    for number in range(100):
        forged = issuer.token(claims, extra=number)[:-8] + "AAAAAAAA"
        with pytest.raises(JoseError):
            verify_jws(forged, keys=keys, allowed_algorithms=ALGORITHMS)
    assert not keys.known
    for number in range(100):
        token = issuer.token(claims, extra=number)
        verify_jws(token, keys=keys, allowed_algorithms=ALGORITHMS)
    assert len(keys.known) == 64


# --- signing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_what_we_sign_verifies_with_what_we_publish(
    make_keyring: Callable[[], Keyring],
    claims: dict[str, Any],
    now: datetime,
    verify,
    algorithm: str,
) -> None:
    """RFC 7515 §5.1, RFC 9068 §2.1 (typ)."""
    keyring = make_keyring()
    keyring.ensure(now)
    key = keyring.signing_key(algorithm, now=now)
    token = sign_jwt(claims | {"name": "Ấn Tín"}, key=key, typ="at+jwt")
    published = parse_jwks(keyring.jwks_bytes(now))
    found = verify(token, keys=published, expected_typ=frozenset({"at+jwt"}))
    assert found["name"] == "Ấn Tín"
    assert unverified_kid(token) == key.kid


def test_a_token_key_refuses_what_it_is_not_for(
    make_keyring: Callable[[], Keyring], now: datetime
) -> None:
    """RFC 8725 §3.11; NIST SP 800-57 part 1 §5.2."""
    keyring = make_keyring()
    keyring.ensure(now)
    key = keyring.signing_key("ES256", now=now)
    with pytest.raises(KeyPurposeRefused):
        sign_jwt({}, key=key, typ="vc+sd-jwt")
    for content in ("document", "certificate", "checkpoint", "", "jwt:"):
        with pytest.raises(KeyPurposeRefused):
            key.sign(b"bytes", content=content)


def test_a_signature_of_es256_is_r_and_s_in_full(
    make_keyring: Callable[[], Keyring], claims: dict[str, Any], now: datetime
) -> None:
    """RFC 7518 §3.4: 64 bytes, also when r or s begins with zeros."""
    keyring = make_keyring()
    keyring.ensure(now)
    key = keyring.signing_key("ES256", now=now)
    lengths = {len(key.sign(bytes([number]), content="jwt:JWT")) for number in range(256)} | {
        len(key.sign(bytes([number, 1]), content="jwt:JWT")) for number in range(256)
    }
    assert lengths == {64}
