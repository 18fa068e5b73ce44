"""From what is known of a person to the claims that a portal receives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from clients.registry.model import Client
from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import make_account
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    Address,
    Gender,
    IdentifierKind,
    Profile,
)
from idp.ids import AccountId, GrantId
from idp.model import Grant
from idp.oauth.claims import (
    VALUES,
    VNCONNECT_MEMBERS,
    Person,
    admitted_by,
    claims_for_id_token,
    claims_for_userinfo,
    shared_claims,
)
from idp.oauth.scopes import CLAIMS_SUPPORTED, SCOPE_CLAIMS, claims_of

_NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


def an_account(profile: Profile, *identifiers: ParsedIdentifier) -> Account:
    return make_account(
        kind=AccountKind.CITIZEN,
        level=AccountLevel.TWO,
        profile=profile,
        identifiers=identifiers
        or [ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, "007079083149")],
        now=_NOW,
    )


_EVERYTHING = (*VALUES, *VNCONNECT_MEMBERS)


def a_grant(**changed: Any) -> Grant:
    made = Grant(
        grant_id=GrantId("grt_" + "0" * 32), account_id=AccountId("acc_x"), client_id="portal",
        sector_id="land", sub="sub-1", session_id=None, sid="sid_1", mandate_id=None,
        scopes=("openid",), claims={}, shared=_EVERYTHING, claims_locales=(), resource=None,
        is_offline=False, acr="urn:vn:auth:1", amr=("pwd",), auth_time=_NOW, nonce=None,
        created_at=_NOW, expires_at=_NOW,
    )  # fmt: skip
    return replace(made, **changed)


def a_client(**changed: Any) -> Client:
    return Client(client_id="portal", name_vi="Cổng", name_en="Portal", **changed)


_FULL = Profile(
    name="Đỗ Thị Bình Mẫu",
    birthdate=Birthdate(1990, 4),
    gender=Gender.FEMALE,
    nationality="VNM",
    email="nguoi@mau.example",
    phone="+84000000001",
    address=Address(formatted="Số 1", street="Số 1", ward="Phường Mẫu", country="VN"),
)


def info(profile: Profile, *, scopes: tuple[str, ...], **changed: Any) -> dict[str, Any]:
    return claims_for_userinfo(
        a_grant(scopes=scopes, **changed),
        Person(an_account(profile), "tech-1", None),
        scopes=scopes,
        may_receive=lambda _name: True,
    )


def test_names_are_taken_apart_in_vietnamese_order() -> None:
    """OpenID Connect Core §5.1: several given names may be separated by spaces."""
    found = info(_FULL, scopes=("openid", "profile"))
    assert (found["family_name"], found["middle_name"], found["given_name"]) == (
        "Đỗ", "Thị Bình", "Mẫu",
    )  # fmt: skip
    one = info(Profile(name="Mẫu"), scopes=("openid", "profile"))
    assert one["given_name"] == "Mẫu"
    assert "family_name" not in one
    assert "middle_name" not in one


def test_what_is_not_known_is_left_out_and_not_sent_empty() -> None:
    """OpenID Connect Core §5.3.2: SHOULD be omitted rather than null or an empty string."""
    scopes = tuple(SCOPE_CLAIMS)
    found = info(Profile(name="Mẫu"), scopes=scopes)
    assert None not in found.values()
    assert "" not in found.values()
    for name in ("email", "email_verified", "phone_number", "address", "birthdate", "gender"):
        assert name not in found


def test_a_partial_birth_date_is_said_as_far_as_it_is_known() -> None:
    """OpenID Connect Core §5.1 birthdate: YYYY is allowed."""
    assert info(_FULL, scopes=("openid", "profile"))["birthdate"] == "1990-04"
    year = replace(_FULL, birthdate=Birthdate(1950))
    assert info(year, scopes=("openid", "profile"))["birthdate"] == "1950"


def test_the_address_has_only_members_with_values() -> None:
    """OpenID Connect Core §5.1.1."""
    found = info(_FULL, scopes=("openid", "address"))["address"]
    assert found == {
        "formatted": "Số 1", "street_address": "Số 1", "locality": "Phường Mẫu", "country": "VN",
    }  # fmt: skip


def test_claims_by_name_come_where_they_were_asked_for() -> None:
    """OpenID Connect Core §5.5."""
    claims = {"userinfo": {"email": None, "acr": None}, "id_token": {"gender": None, "sub": None}}
    person = Person(an_account(_FULL), "tech-1", None)
    grant = a_grant(claims=claims)
    found = claims_for_userinfo(grant, person, scopes=("openid",), may_receive=VALUES.__contains__)
    assert found == {"sub": "sub-1", "email": "nguoi@mau.example", "acr": "urn:vn:auth:1"}
    assert claims_for_id_token(grant, person, may_receive=VALUES.__contains__) == {
        "gender": "female"
    }


def test_the_allow_list_is_asked_for_every_name() -> None:
    person = Person(an_account(_FULL), "tech-1", None)
    grant = a_grant(claims={"id_token": {"email": None}, "userinfo": {"gender": None}})

    def nothing(_name: str) -> bool:
        return False

    assert claims_for_userinfo(grant, person, scopes=("profile",), may_receive=nothing) == {
        "sub": "sub-1"
    }
    assert claims_for_id_token(grant, person, may_receive=nothing) == {}
    assert shared_claims(("profile",), claims=grant.claims, may_receive=nothing) == ()


def test_what_the_grant_does_not_hold_is_not_handed_over_by_any_allow_list() -> None:
    """Law 91/2025/QH15 Art. 9: what was agreed to then, not what the client may have now."""
    person = Person(an_account(_FULL), "tech-1", None)
    asked = {"id_token": {"email": None, "gender": None}, "userinfo": {"address": None}}
    grant = a_grant(claims=asked, shared=("name", "gender", "HoVaTen"))
    scopes = ("profile", "vnconnect")
    found = claims_for_userinfo(grant, person, scopes=scopes, may_receive=lambda _name: True)
    assert set(found) == {"sub", "name", "gender", "HoVaTen"}
    in_token = claims_for_id_token(grant, person, may_receive=lambda _name: True)
    assert set(in_token) == {"gender"}


@pytest.mark.parametrize(
    ("changed", "admitted", "refused"),
    [
        ({"scopes": frozenset({"openid"})}, {"vn_tech_id"}, {"name", "email", "TechID"}),
        (
            {"scopes": frozenset({"openid", "email"})},
            {"email", "email_verified"},
            {"name", "personal_id_number", "vnconnect"},
        ),
        (
            {"scopes": frozenset({"openid", "profile"}), "claims": frozenset({"name"})},
            {"name"},
            {"birthdate", "vn_tech_id"},
        ),
        (
            {"scopes": frozenset({"openid", "vnconnect"}), "claims": frozenset({"HoVaTen"})},
            {"HoVaTen", "vnconnect"},
            {"TechID", "SoDinhDanh", "name"},
        ),
        (
            {"scopes": frozenset({"openid", "vnconnect"}), "claims": frozenset({"name"})},
            {"name"},
            {"HoVaTen", "vnconnect"},
        ),
        ({"scopes": frozenset({"vnconnect"})}, {"vnconnect", *VNCONNECT_MEMBERS}, {"name"}),
    ],
)
def test_what_a_client_may_be_handed_at_all(
    changed: dict[str, Any], admitted: set[str], refused: set[str]
) -> None:
    may_receive = admitted_by(a_client(**changed))
    assert {name for name in admitted if not may_receive(name)} == set()
    assert {name for name in refused if may_receive(name)} == set()


def test_the_names_of_legacy_portals_are_all_listed() -> None:
    full = [
        ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, "007079083149"),
        ParsedIdentifier(IdentifierKind.LEGACY_ID_9, "007123456"),
        ParsedIdentifier(IdentifierKind.PASSPORT_NUMBER, "Q0000001"),
    ]
    person = Person(an_account(replace(_FULL, birthdate=Birthdate(1990, 4, 1)), *full), "t", None)
    found = claims_for_userinfo(
        a_grant(), person, scopes=("openid", "vnconnect"), may_receive=lambda _name: True
    )
    names = set(found) - {"sub"}
    assert names <= VNCONNECT_MEMBERS
    assert VNCONNECT_MEMBERS - names == {"MaSoDoanhNghiep", "MaSoThue", "TenDoanhNghiep"}
    assert found["NgayThangNamSinh"] == "19900401"
    assert (found["GioiTinh"], found["LoaiTaiKhoan"], found["loAs"]) == ("2", "1", "LoA1")


def test_every_claim_of_a_scope_has_a_value_and_is_announced() -> None:
    """OpenID Connect Discovery §3 claims_supported."""
    for scope, claims in SCOPE_CLAIMS.items():
        if scope != "vnconnect":
            assert set(claims) <= set(VALUES)
            assert set(claims) <= set(CLAIMS_SUPPORTED)
    assert claims_of(("email", "profile", "email")) == (
        *SCOPE_CLAIMS["profile"], *SCOPE_CLAIMS["email"],
    )  # fmt: skip
