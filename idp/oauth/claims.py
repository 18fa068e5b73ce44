"""From what is known of a person to the claims that a portal receives.

What lives here: the value of each claim, and which of them a grant gives.  Claims without a value
are left out, never sent empty.  Sources: OpenID Connect Core §5.1, §5.3.2, §5.5; the Vietnamese
names of legacy portals as observed there (TechID, SoDinhDanh, …).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from clients.registry.model import Client
from idp.accounts.model import Account, Gender, IdentifierKind, Representation
from idp.model import Grant
from idp.oauth.scopes import ORGANIZATION, SCOPE_CLAIMS, VNCONNECT, claims_of

TECH_ID: Final = "vn_tech_id"
"""A second name of the person for one sector, as `sub` is."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose claims are made, and in which capacity."""

    account: Account
    tech_id: str
    representation: Representation | None


def _family_name(person: Person) -> str | None:
    # Vietnamese order: family name first, given name last
    parts = person.account.profile.name.split()
    return parts[0] if len(parts) > 1 else None


def _given_name(person: Person) -> str | None:
    return person.account.profile.name.split()[-1]


def _middle_name(person: Person) -> str | None:
    return " ".join(person.account.profile.name.split()[1:-1]) or None


def _address(person: Person) -> dict[str, str] | None:
    address = person.account.profile.address
    if address is None:
        return None
    members = {
        "formatted": address.formatted,
        "street_address": address.street,
        "locality": address.ward,
        "region": address.province,
        "country": address.country,
    }
    return {name: value for name, value in members.items() if value}


def _email_verified(person: Person) -> bool | None:
    profile = person.account.profile
    return profile.is_email_verified if profile.email else None


def _phone_verified(person: Person) -> bool | None:
    profile = person.account.profile
    return profile.is_phone_verified if profile.phone else None


def _identifier(kind: IdentifierKind) -> Callable[[Person], str | None]:
    return lambda person: person.account.find_identifier(kind)


def organisation_claim(representation: Representation) -> dict[str, Any]:
    """The `org` claim: for whom the person acts, as what, and in which business alone.

    `scopes` is there when the mandate is narrowed, in the words of `idp.accounts.mandate_scopes`.
    Source  architecture, "Tokens".
    """
    claim: dict[str, Any] = {
        "id": representation.organisation,
        "enterprise_code": representation.enterprise_code,
        "name": representation.name,
        "role": representation.kind.value,
        "mandate_id": representation.mandate_id,
    }
    if representation.scopes:
        claim["scopes"] = list(representation.scopes)
    if representation.valid_to is not None:
        claim["valid_to"] = representation.valid_to.isoformat()
    return claim


def _org(person: Person) -> dict[str, Any] | None:
    return None if person.representation is None else organisation_claim(person.representation)


_BIRTHDATE: Final[Callable[[Person], str | None]] = lambda person: (  # noqa: E731 - a row of the table
    None if person.account.profile.birthdate is None else str(person.account.profile.birthdate)
)

VALUES: Final[Mapping[str, Callable[[Person], Any]]] = MappingProxyType(
    {
        "name": lambda person: person.account.profile.name,
        "family_name": _family_name,
        "given_name": _given_name,
        "middle_name": _middle_name,
        "birthdate": _BIRTHDATE,
        "gender": lambda person: (
            None if person.account.profile.gender is None else person.account.profile.gender.value
        ),
        "locale": lambda _person: "vi-VN",
        "zoneinfo": lambda _person: "Asia/Ho_Chi_Minh",
        "updated_at": lambda person: int(person.account.changed_at.timestamp()),
        "email": lambda person: person.account.profile.email,
        "email_verified": _email_verified,
        "phone_number": lambda person: person.account.profile.phone,
        "phone_number_verified": _phone_verified,
        "address": _address,
        "personal_id_number": _identifier(IdentifierKind.PERSONAL_ID_NUMBER),
        "legacy_id_9": _identifier(IdentifierKind.LEGACY_ID_9),
        "passport_number": _identifier(IdentifierKind.PASSPORT_NUMBER),
        "nationality": lambda person: person.account.profile.nationality,
        "account_level": lambda person: (
            None if person.account.level is None else int(person.account.level)
        ),
        "account_type": lambda person: person.account.kind.value,
        "org": _org,
        TECH_ID: lambda person: person.tech_id,
    }
)
"""Every claim that can be asked for by name."""

VNCONNECT_NAMES: Final = (
    "TechID", "LoaiTaiKhoan", "HoVaTen", "SoDinhDanh", "SoCMND", "HoChieu", "NgayThangNamSinh",
    "GioiTinh", "ThuDienTu", "SoDienThoai", "TrangThai", "MaSoDoanhNghiep", "MaSoThue",
    "TenDoanhNghiep", "loAs", "IAL",
)  # fmt: skip
"""What the scope `vnconnect` hands over at userinfo, as far as the client's allow-list goes."""
VNCONNECT_MEMBERS: Final = frozenset(VNCONNECT_NAMES)


def _vnconnect(person: Person, *, acr: str) -> dict[str, Any]:
    account, profile = person.account, person.account.profile
    organisation = person.representation
    genders = {Gender.MALE: "1", Gender.FEMALE: "2"}
    birthdate = None if profile.birthdate is None else str(profile.birthdate).replace("-", "")
    members = {
        "TechID": person.tech_id,
        "LoaiTaiKhoan": "1" if organisation is None else "2",
        "HoVaTen": profile.name,
        "SoDinhDanh": account.find_identifier(IdentifierKind.PERSONAL_ID_NUMBER),
        "SoCMND": account.find_identifier(IdentifierKind.LEGACY_ID_9),
        "HoChieu": account.find_identifier(IdentifierKind.PASSPORT_NUMBER),
        "NgayThangNamSinh": birthdate,
        "GioiTinh": None if profile.gender is None else genders.get(profile.gender),
        "ThuDienTu": profile.email,
        "SoDienThoai": profile.phone,
        "TrangThai": account.status.value,
        "MaSoDoanhNghiep": None if organisation is None else organisation.enterprise_code,
        "MaSoThue": None if organisation is None else organisation.enterprise_code,
        "TenDoanhNghiep": None if organisation is None else organisation.name,
        "loAs": "LoA1" if acr in {"LoA1", "urn:vn:auth:1"} else acr,
        "IAL": None if account.level is None else int(account.level),
    }
    return {name: value for name, value in members.items() if value is not None}


def admitted_by(client: Client) -> Callable[[str], bool]:
    """Which claims a client may be handed at all, however it asks for them.

    Its allow-list says so; without one it is what its registered scopes stand for, so that the
    `claims` parameter opens nothing that a scope would not.  `vnconnect` stands for its members.
    """
    if client.claims is None:
        admitted = {*claims_of(client.scopes), TECH_ID}
        if VNCONNECT in client.scopes:
            admitted.update(VNCONNECT_MEMBERS)
    else:
        admitted = set(client.claims)
    if not admitted.isdisjoint(VNCONNECT_MEMBERS) and VNCONNECT in client.scopes:
        admitted.add(VNCONNECT)
    return admitted.__contains__


def members_of(scope: str) -> tuple[str, ...]:
    """Claim names of a scope; of `vnconnect` those that it stands for, one by one."""
    return VNCONNECT_NAMES if scope == VNCONNECT else SCOPE_CLAIMS[scope]


def shared_claims(
    scopes: Iterable[str], *, claims: Mapping[str, Any], may_receive: Callable[[str], bool]
) -> tuple[str, ...]:
    """Names of all claims about the person that a request would hand over.

    Takes   scopes: granted; claims: the `claims` parameter; may_receive: the client's allow-list.
    Consent is judged over this final list, not over scopes.
    """
    asked = [
        name
        for place in ("userinfo", "id_token")
        for name in (claims.get(place) or {})
        if name in VALUES
    ]
    wanted = set(scopes)
    given = [name for scope in SCOPE_CLAIMS if scope in wanted for name in members_of(scope)]
    return tuple(name for name in dict.fromkeys([*given, *asked]) if may_receive(name))


def claims_for_userinfo(
    grant: Grant, person: Person, *, scopes: Iterable[str], may_receive: Callable[[str], bool]
) -> dict[str, Any]:
    """What userinfo answers: `sub`, the claims of the scopes, and those asked for by name.

    Takes   may_receive: the client's allow-list of today; what it did not hold when the person was
            asked is not in the grant, and is not handed over now.
    Source  OpenID Connect Core §5.3.2, §5.5.
    """
    may_receive = _narrowed(grant, may_receive)
    granted = tuple(scopes)
    names = dict.fromkeys(claims_of(granted))
    asked = grant.claims.get("userinfo") or {}
    names.update(dict.fromkeys(name for name in asked if name in VALUES))
    found = _values(names, person, may_receive=may_receive)
    if VNCONNECT in granted:
        found.pop(VNCONNECT, None)
        for name, value in _vnconnect(person, acr=grant.acr).items():
            if may_receive(name):
                found[name] = value
    if "acr" in asked:
        found["acr"] = grant.acr
    found["sub"] = grant.sub
    return found


def claims_for_id_token(
    grant: Grant, person: Person, *, may_receive: Callable[[str], bool]
) -> dict[str, Any]:
    """Claims that `claims.id_token` asked for, and `org` when the person acts for one."""
    may_receive = _narrowed(grant, may_receive)
    asked = grant.claims.get("id_token") or {}
    names = dict.fromkeys(name for name in asked if name in VALUES)
    if person.representation is not None and ORGANIZATION in grant.scopes:
        names["org"] = None
    return _values(names, person, may_receive=may_receive)


def _narrowed(grant: Grant, may_receive: Callable[[str], bool]) -> Callable[[str], bool]:
    shared = frozenset(grant.shared)
    return lambda name: name in shared and may_receive(name)


def _values(
    names: Iterable[str], person: Person, *, may_receive: Callable[[str], bool]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        make = VALUES.get(name)
        if make is None or not may_receive(name):
            continue
        value = make(person)
        if value is not None:
            found[name] = value
    return found
