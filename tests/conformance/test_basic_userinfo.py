"""Basic plan: userinfo, and the claims that scopes and the claims parameter ask for."""

from __future__ import annotations

import json
from typing import Final

import pytest

from tests.relying_party.flow import RelyingParty, SignIn

_CLAIMS_OF: Final = {
    "profile": frozenset(
        {
            *("name", "given_name", "family_name", "middle_name", "nickname"),
            *("preferred_username", "profile", "picture", "website", "gender"),
            *("birthdate", "zoneinfo", "locale", "updated_at"),
        }
    ),
    "email": frozenset({"email", "email_verified"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
    "address": frozenset({"address"}),
}
"""OpenID Connect Core §5.4."""
_LEAST: Final = {
    "profile": frozenset({"name"}),
    "email": frozenset({"email"}),
    "phone": frozenset({"phone_number"}),
    "address": frozenset({"address"}),
}
"""What the person of the tests has at every provider."""


def _sign_in_with(rp: RelyingParty, *scopes: str) -> SignIn:
    """Sign in with these scopes; check that userinfo gives what they stand for and nothing else."""
    assert set(scopes) <= set(rp.metadata["scopes_supported"])
    done = rp.sign_in(rp.request(scope=" ".join(("openid", *scopes))))
    asked = frozenset[str]().union(*(_CLAIMS_OF[scope] for scope in scopes))
    least = frozenset[str]().union(*(_LEAST[scope] for scope in scopes))
    everything = frozenset[str]().union(*_CLAIMS_OF.values())
    given = set(done.userinfo) & everything
    assert least <= given, f"not given: {sorted(least - given)}"
    assert given <= asked, f"given without being asked for: {sorted(given - asked)}"
    # §5.4: with an access token, what the scopes ask for comes from userinfo.
    assert not set(done.id_token.claims) & everything
    return done


@pytest.mark.module("oidcc-userinfo-get", form_post=True)
def test_userinfo_get(rp: RelyingParty) -> None:
    """GET with the access token in the Authorization header gives the sub of the ID token.

    OpenID Connect Core §5.3.1, §5.3.2.
    """
    done = rp.sign_in()
    answer = rp.call_userinfo(done.tokens.access_token, how="get")
    rp.read_userinfo(answer, sub=done.id_token.claims["sub"])


@pytest.mark.module("oidcc-userinfo-post-header", form_post=True)
def test_userinfo_post_header(rp: RelyingParty) -> None:
    """POST with the access token in the Authorization header does the same.

    OpenID Connect Core §5.3.1, RFC 6750 §2.1.
    """
    done = rp.sign_in()
    answer = rp.call_userinfo(done.tokens.access_token, how="post_header")
    rp.read_userinfo(answer, sub=done.id_token.claims["sub"])


@pytest.mark.module("oidcc-userinfo-post-body", form_post=True)
def test_userinfo_post_body(rp: RelyingParty) -> None:
    """POST with the access token as a form field does the same.

    OpenID Connect Core §5.3.1, RFC 6750 §2.2 (optional there; offered by us).
    """
    done = rp.sign_in()
    answer = rp.call_userinfo(done.tokens.access_token, how="post_body")
    rp.read_userinfo(answer, sub=done.id_token.claims["sub"])


@pytest.mark.module("oidcc-scope-profile", form_post=True)
def test_scope_profile(rp: RelyingParty) -> None:
    """Scope profile gives the profile claims, well typed.

    OpenID Connect Core §5.1, §5.4.
    """
    done = _sign_in_with(rp, "profile")
    missing = (_CLAIMS_OF["profile"] & set(rp.metadata["claims_supported"])) - set(done.userinfo)
    # A claim that is listed may be unknown of one person, but not most of them.
    assert len(missing) < len(_CLAIMS_OF["profile"]) // 2, sorted(missing)


@pytest.mark.module("oidcc-scope-email", form_post=True)
def test_scope_email(rp: RelyingParty) -> None:
    """Scope email gives email and email_verified.

    OpenID Connect Core §5.1, §5.4.
    """
    done = _sign_in_with(rp, "email")
    assert isinstance(done.userinfo["email_verified"], bool)


@pytest.mark.module("oidcc-scope-phone", form_post=True)
def test_scope_phone(rp: RelyingParty) -> None:
    """Scope phone gives phone_number and phone_number_verified.

    OpenID Connect Core §5.1, §5.4.
    """
    done = _sign_in_with(rp, "phone")
    assert isinstance(done.userinfo["phone_number_verified"], bool)


@pytest.mark.module("oidcc-scope-address", form_post=True)
def test_scope_address(rp: RelyingParty) -> None:
    """Scope address gives address as an object.

    OpenID Connect Core §5.1.1, §5.4.
    """
    done = _sign_in_with(rp, "address")
    assert done.userinfo["address"]


@pytest.mark.module("oidcc-scope-all", form_post=True)
def test_scope_all(rp: RelyingParty) -> None:
    """The four scopes together give what each gives alone.

    OpenID Connect Core §5.4.
    """
    _sign_in_with(rp, "address", "email", "phone", "profile")


@pytest.mark.module("oidcc-claims-essential", form_post=True)
def test_claims_essential(rp: RelyingParty) -> None:
    """An essential claim asked for at userinfo is given there, and not in the ID token.

    OpenID Connect Core §5.5, §5.5.1.
    """
    assert rp.metadata["claims_parameter_supported"] is True
    claims = json.dumps({"userinfo": {"name": {"essential": True}}})
    done = rp.sign_in(rp.request(claims=claims))
    assert done.userinfo["name"]
    assert "name" not in done.id_token.claims
    assert "family_name" not in done.userinfo, "only name was asked for"


@pytest.mark.module("oidcc-claims-locales", form_post=True)
def test_claims_locales(rp: RelyingParty) -> None:
    """claims_locales does not make a request fail.

    OpenID Connect Core §5.2, §15.1.
    """
    rp.sign_in(rp.request(claims_locales="se"))
