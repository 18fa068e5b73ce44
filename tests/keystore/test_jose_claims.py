"""The registered claims of a token are what they must be, or the token is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from keystore.errors import ClaimInvalid, TokenExpired, TokenNotYetValid
from tests.keystore.conftest import AUDIENCE, Issuer

_NO_INSTANTS: tuple[object, ...] = (
    True,
    False,
    "1800000000",
    None,
    [1],
    {},
    -1,
    10**400,
    253_402_300_800,
    1e300,
)


@pytest.mark.parametrize(
    "exp",
    [pytest.param(value, id=str(number)) for number, value in enumerate(_NO_INSTANTS)],
)
def test_an_exp_that_is_no_instant_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], exp: object
) -> None:
    """RFC 7519 §2 (NumericDate) and §4.1.4."""
    with pytest.raises(ClaimInvalid) as refused:
        verify(issuer.token(claims | {"exp": exp}))
    assert refused.value.claim == "exp"


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("value", [True, "0", None, [0], 10**40])
def test_other_instants_are_instants_too(
    issuer: Issuer, verify, claims: dict[str, Any], name: str, value: object
) -> None:
    """RFC 7519 §4.1.5 and §4.1.6."""
    with pytest.raises(ClaimInvalid):
        verify(issuer.token(claims | {name: value}))


def test_a_token_without_exp_is_refused(issuer: Issuer, verify, claims: dict[str, Any]) -> None:
    """RFC 8725 §3.8 with RFC 7519 §4.1.4: ours always end."""
    del claims["exp"]
    with pytest.raises(ClaimInvalid, match="exp: missing"):
        verify(issuer.token(claims))


def test_a_claim_that_the_caller_requires_must_be_there(
    issuer: Issuer, verify, claims: dict[str, Any]
) -> None:
    with pytest.raises(ClaimInvalid, match="jti: missing"):
        verify(issuer.token(claims), required=frozenset({"exp", "jti"}))


def test_a_token_ends_at_the_second_of_its_exp(
    issuer: Issuer, verify, claims: dict[str, Any], now: datetime
) -> None:
    """RFC 7519 §4.1.4: "on or after"."""
    token = issuer.token(claims)
    verify(token, now=now + timedelta(seconds=59))
    with pytest.raises(TokenExpired):
        verify(token, now=now + timedelta(seconds=60))
    verify(token, now=now + timedelta(seconds=64), leeway_s=5)
    with pytest.raises(TokenExpired):
        verify(token, now=now + timedelta(seconds=65), leeway_s=5)
    verify(token, now=now + timedelta(days=365), allow_expired=True)


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_token_from_the_future_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], now: datetime, name: str
) -> None:
    """RFC 7519 §4.1.5 and §4.1.6."""
    token = issuer.token(claims | {name: int(now.timestamp()) + 10})
    with pytest.raises(TokenNotYetValid) as refused:
        verify(token)
    assert refused.value.claim == name
    verify(token, leeway_s=10)


def test_fractions_of_a_second_are_allowed(issuer: Issuer, verify, claims: dict[str, Any]) -> None:
    """RFC 7519 §2: "non-integer values can be represented"."""
    assert verify(issuer.token(claims | {"exp": claims["exp"] + 0.5}))


@pytest.mark.parametrize("iss", ["https://portal.example/", "HTTPS://PORTAL.EXAMPLE", "", None])
def test_another_issuer_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], iss: str | None
) -> None:
    """RFC 8725 §3.8: compared character by character."""
    with pytest.raises(ClaimInvalid):
        verify(issuer.token(claims | {"iss": iss}))


def test_a_missing_issuer_or_audience_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any]
) -> None:
    for name in ("iss", "aud"):
        with pytest.raises(ClaimInvalid, match=f"{name}: missing"):
            verify(issuer.token({key: value for key, value in claims.items() if key != name}))


@pytest.mark.parametrize(
    "aud", ["https://other.example", ["https://other.example"], [], [5], 5, None, {}, [[AUDIENCE]]]
)
def test_another_audience_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], aud: object
) -> None:
    """RFC 7519 §4.1.3."""
    with pytest.raises(ClaimInvalid):
        verify(issuer.token(claims | {"aud": aud}))


def test_one_of_several_audiences_is_enough(issuer: Issuer, verify, claims: dict[str, Any]) -> None:
    """RFC 7519 §4.1.3."""
    token = issuer.token(claims | {"aud": ["https://other.example", AUDIENCE]})
    assert verify(token)
    assert verify(token, expected_audience=frozenset({AUDIENCE, AUDIENCE + "/token"}))
    with pytest.raises(ClaimInvalid):
        verify(token, expected_audience=frozenset())


@pytest.mark.parametrize("name", ["sub", "jti", "iss"])
@pytest.mark.parametrize("value", [5, None, ["s"], {}])
def test_string_claims_are_strings(
    issuer: Issuer, verify, claims: dict[str, Any], name: str, value: object
) -> None:
    """RFC 7519 §4.1.1, §4.1.2, §4.1.7."""
    with pytest.raises(ClaimInvalid):
        verify(issuer.token(claims | {name: value}), expected_issuer=None)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "Application/JWT"])
def test_the_type_is_compared_as_a_media_type(
    issuer: Issuer, verify, claims: dict[str, Any], typ: str
) -> None:
    """RFC 7515 §4.1.9."""
    assert verify(issuer.token(claims, typ=typ))


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "text/jwt", "application/x/jwt", "", None])
def test_a_token_of_another_type_is_refused(
    issuer: Issuer, verify, claims: dict[str, Any], typ: str | None
) -> None:
    """RFC 8725 §3.11 and §3.12."""
    with pytest.raises(ClaimInvalid) as refused:
        verify(issuer.token(claims, typ=typ))
    assert refused.value.claim == "typ"
    assert verify(issuer.token(claims, typ=typ), expected_typ=None)


def test_a_token_without_type_passes_only_where_the_caller_says_so(
    issuer: Issuer, verify, claims: dict[str, Any]
) -> None:
    assert verify(issuer.token(claims, typ=None), expected_typ=frozenset({"", "jwt"}))
