"""python-jose, another implementation of JOSE, verifies what our provider signs.

Source: OpenID Connect Core §3.1.3.7; RFC 9068 §2, §4; RFC 7515 §5.2.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jwt
from jose.exceptions import JWTError

from tests.relying_party.flow import RelyingParty, SignIn
from tests.relying_party.providers import Provider


def _sign_in(provider: Provider, name: str) -> tuple[RelyingParty, SignIn]:
    rp = RelyingParty(provider, provider.clients[name])
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    request = rp.request(
        scope="openid profile",
        code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        code_challenge_method="S256",
    )
    done = rp.sign_in(request, code_verifier=verifier)
    rp.browser.close()
    return rp, done


def _published(rp: RelyingParty, raw: str) -> dict[str, Any]:
    """The key that the header names; python-jose does not choose by kid itself."""
    kid = jwt.get_unverified_header(raw)["kid"]
    published = rp.keys()
    (key,) = [one for one in published if one["kid"] == kid]
    return dict(key)


def _foreign(algorithm: str) -> Any:
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(65537, 2048)
    )
    return jwk.construct(key.public_key(), algorithm)


@pytest.mark.parametrize("name", ["main", "default-algorithm"])
def test_python_jose_verifies_the_id_token(antin: Provider, name: str) -> None:
    """Signature, audience, issuer, times and at_hash hold; with another key nothing does."""
    rp, done = _sign_in(antin, name)
    raw, algorithm = done.id_token.raw, rp.client.algorithm
    expected = {"audience": rp.client.client_id, "issuer": antin.issuer}
    access_token = done.tokens.access_token
    key = _published(rp, raw)
    claims = jwt.decode(raw, key, algorithms=[algorithm], access_token=access_token, **expected)
    assert claims["nonce"] == done.request["nonce"]
    assert claims["sub"] == done.userinfo["sub"]
    for wrong in ({"audience": "somebody-else"}, {"issuer": "https://elsewhere.example"}):
        with pytest.raises(JWTError):
            jwt.decode(
                raw, key, algorithms=[algorithm], access_token=access_token, **{**expected, **wrong}
            )
    with pytest.raises(JWTError):
        jwt.decode(raw, _foreign(algorithm), algorithms=[algorithm], **expected)


def test_python_jose_verifies_the_access_token(antin: Provider) -> None:
    """The access token is a JWT of RFC 9068: typed, short-lived, without personal data."""
    rp, done = _sign_in(antin, "main")
    raw = done.tokens.access_token
    header = jwt.get_unverified_header(raw)
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    audience = jwt.get_unverified_claims(raw)["aud"]
    assert isinstance(audience, str)
    key = _published(rp, raw)
    claims = jwt.decode(raw, key, algorithms=["ES256"], audience=audience, issuer=antin.issuer)
    assert {"exp", "iat", "jti", "sub", "client_id"} <= set(claims)
    assert claims["sub"] == done.id_token.claims["sub"]
    assert claims["client_id"] == rp.client.client_id
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert set(claims["scope"].split()) == {"openid", "profile"}
    assert not {"name", "email", "birthdate", "phone_number", "address"} & set(claims)
    with pytest.raises(JWTError):
        jwt.decode(raw, _foreign("ES256"), algorithms=["ES256"], audience=audience)
    middle = raw.split(".")[1]
    changed = raw.replace(middle, middle[:-2] + ("AA" if middle[-2:] != "AA" else "BB"))
    with pytest.raises(JWTError):
        jwt.decode(changed, key, algorithms=["ES256"], audience=audience)
