"""Every step of OIDC Core §3.1.3.7 refuses what it is there for; one spoiled thing per test."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from clients.sdk import IdTokenInvalid, Portal
from tests.clients.sdk.provider import (
    CLIENT_ID,
    FakeProvider,
    compact,
    mac_key,
    make_portal,
    sign_in,
)


def refused(portal: Portal, provider: FakeProvider, **wishes: Any) -> tuple[int, str]:
    with pytest.raises(IdTokenInvalid) as caught:
        sign_in(portal, provider, **wishes)
    return caught.value.step, caught.value.reason


def with_claims(provider: FakeProvider, **changes: Any) -> None:
    """Change claims of the next tokens; None takes a claim away."""

    def spoil(claims: dict[str, Any]) -> None:
        claims.update(changes)
        for name, value in changes.items():
            if value is None:
                del claims[name]

    provider.spoil_claims = spoil


def with_token(provider: FakeProvider, change: Callable[[str], str]) -> None:
    def spoil(answer: dict[str, Any]) -> None:
        answer["id_token"] = change(answer["id_token"])

    provider.spoil_answer = spoil


def test_a_good_token_is_a_sign_in(portal, provider) -> None:
    login = sign_in(portal, provider, acr_values=["urn:vn:auth:2"], max_age=timedelta(minutes=5))
    assert (login.subject, login.sid, login.acr) == ("p-1", "s-1", "urn:vn:auth:2")
    assert login.authenticated_at == provider.clock() - timedelta(seconds=10)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_portal_registered_for_rsa_takes_rsa(provider, algorithm: str) -> None:
    provider.keys = {"r1": RSAKey.generate_key(2048)}
    provider.signer = (algorithm, None)
    provider.answers["jwks"] = provider.json({"keys": [provider.public("r1") | {"alg": algorithm}]})
    assert sign_in(make_portal(provider, id_token_alg=algorithm), provider).subject == "p-1"


def test_step_1_an_encrypted_token_is_refused(portal, provider) -> None:
    """OIDC Core §3.1.3.7 step 1: no encryption was registered."""
    with_token(provider, lambda token: "e30.AAAA.AAAA.AAAA.AAAA")
    assert refused(portal, provider) == (1, "encrypted")


@pytest.mark.parametrize("issuer", ["https://other.example", "https://dang-nhap.example/", 7])
def test_step_2_another_issuer_is_refused(portal, provider, issuer: object) -> None:
    """OIDC Core §3.1.3.7 step 2: `iss` MUST exactly match."""
    with_claims(provider, iss=issuer)
    assert refused(portal, provider)[0] == 2


@pytest.mark.parametrize(
    "audience", ["other", ["other"], [CLIENT_ID, "other"], [], [CLIENT_ID, CLIENT_ID], {"a": 1}]
)
def test_step_3_another_or_one_more_audience_is_refused(portal, provider, audience) -> None:
    """OIDC Core §3.1.3.7 step 3: additional audiences that are not trusted MUST be rejected."""
    with_claims(provider, aud=audience)
    assert refused(portal, provider) == (3, "audience")


def test_step_3_a_list_of_one_is_right(portal, provider) -> None:
    with_claims(provider, aud=[CLIENT_ID])
    assert sign_in(portal, provider).subject == "p-1"


@pytest.mark.parametrize("party", ["other", "", ["cong-thu-nghiem"]])
def test_step_5_another_authorized_party_is_refused(portal, provider, party) -> None:
    """OIDC Core §3.1.3.7 steps 4, 5: an `azp` that is there has to be this portal."""
    with_claims(provider, azp=party)
    assert refused(portal, provider) == (5, "authorized_party")


def test_step_6_the_signature_of_another_key_is_refused(portal, provider) -> None:
    """OIDC Core §3.1.3.7 step 6: keys MUST be those of the issuer."""
    provider.signer = ("ES256", ECKey.generate_key("P-256"))
    assert refused(portal, provider) == (6, "signature")


def test_step_6_a_changed_claim_breaks_the_signature(portal, provider) -> None:
    def raise_level(token: str) -> str:
        head, _, signature = token.split(".")
        payload = json.dumps(provider.id_claims(acr="urn:vn:auth:4")).encode()
        return f"{head}.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.{signature}"

    with_token(provider, raise_level)
    assert refused(portal, provider) == (6, "signature")


def test_step_6_a_key_inside_the_token_is_not_used(portal, provider) -> None:
    """RFC 7515 §4.1.3: `jwk` in a header proves nothing."""
    stranger = ECKey.generate_key("P-256")
    provider.signer = ("ES256", stranger)
    provider.spoil_header = lambda header: header.update(jwk=stranger.as_dict(private=False))
    assert refused(portal, provider) == (6, "signature")


def test_step_6_an_unknown_kid_is_refused(portal, provider) -> None:
    provider.spoil_header = lambda header: header.update(kid="nobody")
    assert refused(portal, provider) == (6, "key_unknown")


def test_step_6_a_token_without_signature_is_refused(portal, provider) -> None:
    with_token(provider, lambda token: token.rpartition(".")[0] + ".")
    assert refused(portal, provider) == (6, "signature")


def test_step_7_alg_none_is_refused(portal, provider) -> None:
    """OIDC Core §3.1.3.7 step 7; RFC 8725 §3.2."""
    provider.signer = ("none", None)
    assert refused(portal, provider) == (7, "algorithm")


def test_step_7_rs256_where_es256_was_registered_is_refused(portal, provider) -> None:
    """OIDC Core §3.1.3.7 step 7: even under a key that the provider publishes."""
    provider.keys["r1"] = RSAKey.generate_key(2048)
    provider.signer = ("RS256", None)
    assert refused(portal, provider) == (7, "algorithm")


@pytest.mark.parametrize("alg", [None, 7, ["ES256"], "es256"])
def test_step_7_an_alg_that_is_none_of_ours_is_refused(portal, provider, alg) -> None:
    def change(token: str) -> str:
        header = base64.urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=").decode()
        return header + "." + token.partition(".")[2]

    with_token(provider, change)
    assert refused(portal, provider) == (7, "algorithm")


def test_step_8_the_portals_secret_signs_nothing(portal, provider) -> None:
    """OIDC Core §3.1.3.7 step 8: MAC algorithms are not in use."""
    provider.signer = ("HS256", mac_key())
    assert refused(portal, provider) == (8, "algorithm")


def test_step_8_the_public_key_is_no_mac_key(portal, provider) -> None:
    """RFC 8725 §2.1: algorithm confusion."""
    from joserfc.jwk import OctKey  # noqa: PLC0415  # only this attack needs it

    public = provider.keys["k1"].as_pem(private=False)
    header = {"alg": "HS256", "kid": "k1"}
    # made by hand: joserfc itself refuses to use a PEM as a MAC key
    key = OctKey.import_key(base64.b64encode(public))
    with_token(provider, lambda token: compact(header, provider.id_claims(), key))
    assert refused(portal, provider) == (8, "algorithm")


def test_step_9_an_expired_token_is_refused(portal, provider) -> None:
    """OIDC Core §3.1.3.7 step 9."""
    with_claims(provider, exp=provider.clock().timestamp() - 5)
    assert refused(portal, provider) == (9, "expired")


def test_step_9_clocks_may_be_apart_as_far_as_the_leeway_says(portal, provider) -> None:
    with_claims(provider, exp=provider.clock().timestamp() - 4)
    assert sign_in(portal, provider).subject == "p-1"


def test_step_9_a_token_of_later_is_refused(portal, provider) -> None:
    with_claims(provider, nbf=provider.clock().timestamp() + 60)
    assert refused(portal, provider) == (9, "not_yet")


@pytest.mark.parametrize("exp", ["soon", True, [1], 10**30])
def test_step_9_an_exp_that_is_no_time_is_refused(portal, provider, exp) -> None:
    with_claims(provider, exp=exp)
    assert refused(portal, provider) == (9, "exp_not_a_date")


@pytest.mark.parametrize("auth_time", [253_402_300_800, -1, "today", False])
def test_step_13_an_auth_time_that_is_no_time_is_refused(portal, provider, auth_time) -> None:
    """RFC 7519 §2: a NumericDate, also where nobody asked how old it is."""
    with_claims(provider, auth_time=auth_time)
    assert refused(portal, provider) == (13, "auth_time_not_a_date")


@pytest.mark.parametrize("exp", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_an_exp_beyond_json_is_refused(portal, provider, exp: str) -> None:
    claims = json.dumps(provider.id_claims()).encode()
    payload = claims[:-1] + b', "exp": ' + exp.encode() + b"}"
    payload = payload.replace(b'"exp": %d, ' % provider.id_claims()["exp"], b"")
    header = {"alg": "ES256", "kid": "k1"}
    with_token(provider, lambda token: compact(header, payload, provider.keys["k1"]))
    assert refused(portal, provider) == (0, "not_json")


@pytest.mark.parametrize(
    ("shift_s", "reason"), [(6, "issued_in_the_future"), (-606, "issued_too_long_ago")]
)
def test_step_10_a_token_issued_far_off_is_refused(portal, provider, shift_s, reason) -> None:
    """OIDC Core §3.1.3.7 step 10."""
    with_claims(provider, iat=provider.clock().timestamp() + shift_s)
    assert refused(portal, provider) == (10, reason)


@pytest.mark.parametrize("nonce", [None, "other", "", 7, "\ud800"])
def test_step_11_a_missing_or_foreign_nonce_is_refused(portal, provider, nonce) -> None:
    """OIDC Core §3.1.3.7 step 11: `nonce` MUST be present and the same."""
    with_claims(provider, nonce=nonce)
    assert refused(portal, provider) == (11, "nonce")


@pytest.mark.parametrize("acr", [None, "urn:vn:auth:1", "LoA1", "2", 2, "urn:other:5"])
def test_step_12_a_level_too_low_is_refused(portal, provider, acr) -> None:
    """OIDC Core §3.1.3.7 step 12."""
    with_claims(provider, acr=acr)
    assert refused(portal, provider, acr_values=["urn:vn:auth:2"]) == (12, "acr")


@pytest.mark.parametrize("acr", ["urn:vn:auth:2", "urn:vn:auth:3", "urn:vn:auth:4"])
def test_step_12_a_higher_level_is_enough(portal, provider, acr: str) -> None:
    with_claims(provider, acr=acr)
    assert sign_in(portal, provider, acr_values=["urn:vn:auth:2"]).acr == acr


def test_step_12_the_lowest_level_asked_for_is_enough(portal, provider) -> None:
    with_claims(provider, acr="urn:vn:auth:1")
    assert sign_in(portal, provider, acr_values=["urn:vn:auth:2", "urn:vn:auth:1"])


@pytest.mark.parametrize(
    ("ago_s", "reason"), [(66, "auth_time_too_old"), (None, "auth_time_missing")]
)
def test_step_13_an_old_sign_in_is_refused(portal, provider, ago_s, reason) -> None:
    """OIDC Core §3.1.3.7 step 13, §2: with max_age `auth_time` is REQUIRED."""
    now_s = provider.clock().timestamp()
    with_claims(provider, auth_time=None if ago_s is None else now_s - ago_s)
    assert refused(portal, provider, max_age=timedelta(seconds=60)) == (13, reason)


def test_step_13_prompt_login_taken_out_of_the_url_is_noticed(portal, provider) -> None:
    """OIDC Core §3.1.2.1: with `prompt=login` the person SHOULD be asked again."""
    assert refused(portal, provider, prompt=["login"]) == (13, "not_authenticated_again")


def test_step_13_prompt_login_is_not_believed_without_a_time(portal, provider) -> None:
    """OIDC Core §3.1.2.1: nothing said is no proof that the person was asked again."""
    with_claims(provider, auth_time=None)
    assert refused(portal, provider, prompt=["login"]) == (13, "auth_time_missing")


def test_step_14_a_swapped_access_token_is_refused(portal, provider) -> None:
    """OIDC Core §3.1.3.8."""
    provider.spoil_answer = lambda answer: answer.update(access_token="another")
    assert refused(portal, provider) == (14, "at_hash")


def test_step_14_at_hash_is_optional_in_the_code_flow(portal, provider) -> None:
    with_claims(provider, at_hash=None)
    assert sign_in(portal, provider).subject == "p-1"


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat"])
def test_a_token_without_a_required_claim_is_refused(portal, provider, name: str) -> None:
    """OIDC Core §2: five claims are REQUIRED."""
    with_claims(provider, **{name: None})
    assert refused(portal, provider) == (0, f"{name}_missing")


@pytest.mark.parametrize("sub", ["", "x" * 256, "đ", 7])
def test_a_subject_of_the_wrong_form_is_refused(portal, provider, sub) -> None:
    """OIDC Core §2: at most 255 ASCII characters."""
    with_claims(provider, sub=sub)
    assert refused(portal, provider) == (0, "sub")


@pytest.mark.parametrize("typ", ["logout+jwt", "at+jwt"])
def test_another_token_of_the_same_provider_is_no_id_token(portal, provider, typ) -> None:
    """RFC 8725 §3.11."""
    provider.spoil_header = lambda header: header.update(typ=typ)
    assert refused(portal, provider) == (0, "typ")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "not_compact"),
        ("a.b", "not_compact"),
        ("..", "not_base64url"),
        ("e30=.e30=.AA", "not_base64url"),
        ("W10.e30.AA", "not_json"),
        ("e30.W10.AA", "not_json"),
        ("eyJhIjoxLCJhIjoyfQ.e30.AA", "not_json"),
        ("eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiYjY0Il19.e30.AA", "crit_not_understood"),
        ("W" * 17_000, "too_large"),
        (base64.urlsafe_b64encode(b"[" * 9_000).decode() + ".e30.AA", "not_json"),
    ],
)
def test_what_is_no_jwt_is_refused(portal, provider, token: str, reason: str) -> None:
    """RFC 7515 §5.2, §4.1.11; RFC 7519 §4."""
    with_token(provider, lambda _: token)
    if not token:
        provider.spoil_answer = lambda answer: answer.update(id_token=".")
        reason = "not_compact"
    assert refused(portal, provider) == (0, reason)
