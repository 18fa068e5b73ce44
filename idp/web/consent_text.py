"""The words of the consent and information pages.

What lives here: from a disclosure to rows that a person can read, masked where a number need not be
read.  Not here: what has to be agreed to, and the evidence (`consent_evidence.py`).
Source: Law 91/2025/QH15 Art. 9; NĐ 356/2025 Art. 6 (what a request for consent must say).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from clients.registry.model import Client, Controller, ResourceServer
from idp.oauth.authorization import Gathered
from idp.oauth.claims import TECH_ID, VALUES, VNCONNECT_MEMBERS, Person
from idp.oauth.consent import Disclosure, Item
from idp.oauth.prompts import SELF
from idp.oauth.scopes import OFFLINE_ACCESS
from idp.web.i18n import language, translate
from idp.web.pages import SharedPurpose, SharedRow, mask_number
from idp.web.sentences import ACCOUNT_TYPES, DATA_LABELS, GENDERS, SAID_WITH

_MASKED: Final = frozenset({"personal_id_number", "legacy_id_9", "passport_number", "phone_number"})
_SAME_AS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "HoVaTen": "name",
        "SoDinhDanh": "personal_id_number",
        "SoCMND": "legacy_id_9",
        "HoChieu": "passport_number",
        "NgayThangNamSinh": "birthdate",
        "GioiTinh": "gender",
        "ThuDienTu": "email",
        "SoDienThoai": "phone_number",
        "IAL": "account_level",
    }
)
"""Names of legacy portals whose value is shown as that of a claim; of the others the label is."""
_WITHOUT_VALUE: Final = frozenset({OFFLINE_ACCESS, TECH_ID, "updated_at"}) | (
    VNCONNECT_MEMBERS - set(_SAME_AS)
)


def purposes_of(
    disclosure: Disclosure, *, gathered: Gathered, client: Client
) -> tuple[SharedPurpose, ...]:
    """The rows of the page, one group per item of the disclosure."""
    at = gathered.situation
    person: Person | None = None
    if at.account is not None:
        capacity = at.chosen_capacity
        representation = next(
            (one for one in at.representations if one.mandate_id == capacity), None
        )
        person = Person(at.account, "", None if capacity == SELF else representation)
    return tuple(_purpose(item, person=person, client=client) for item in disclosure.items)


def _purpose(item: Item, *, person: Person | None, client: Client) -> SharedPurpose:
    is_english = language() == "en"
    if item.purpose is None:
        purpose = translate("Cung cấp dịch vụ của %(name)s", name=name_of(client))
        retention = translate("Theo thời hạn giải quyết hồ sơ")
    elif is_english:
        purpose, retention = item.purpose.purpose_en, item.purpose.retention_en
    else:
        purpose, retention = item.purpose.purpose_vi, item.purpose.retention_vi
    shown = _rows(item, person)
    rows = [
        replace(row, key="" if item.is_required or index else item.key)
        for index, row in enumerate(shown)
    ]
    return SharedPurpose(
        purpose=purpose,
        retention=retention,
        rows=tuple(rows),
        is_required=item.is_required or item.basis is not None,
        legal_ref="" if item.basis is None else item.basis.legal_ref,
    )


def _rows(item: Item, person: Person | None) -> list[SharedRow]:
    if item.server is not None:
        return [SharedRow(label=_access_to(item.server, scope=item.scope), value="")]
    return [
        SharedRow(label=translate(DATA_LABELS[claim]), value=_value(claim, person))
        for claim in said_of(item.content)
    ]


def _access_to(server: ResourceServer, *, scope: str) -> str:
    return translate(
        "Sử dụng %(resource)s thay mặt Ông/Bà (quyền %(scope)s)",
        resource=name_of(server),
        scope=scope,
    )


def labels_of(
    shared: Sequence[str], *, find_server: Callable[[str], ResourceServer | None]
) -> tuple[str, ...]:
    """What a consent shares, in words: claims, and scopes of resource servers."""
    labels = [translate(DATA_LABELS[name]) for name in said_of(shared)]
    for name in shared:
        identifier, mark, scope = name.partition("#")
        server = find_server(identifier) if mark else None
        if server is not None:
            labels.append(_access_to(server, scope=scope))
        elif mark:
            labels.append(name)  # the server is gone, what was agreed to is not
    return tuple(dict.fromkeys(labels))


def said_of(names: Sequence[str]) -> tuple[str, ...]:
    """The names that get a row; those that another row says are left out."""
    return tuple(name for name in names if name in DATA_LABELS and SAID_WITH.get(name) not in names)


def _value(claim: str, person: Person | None) -> str:
    if claim in _WITHOUT_VALUE:
        return ""
    claim = _SAME_AS.get(claim, claim)
    make = VALUES.get(claim)
    value: Any = None if make is None or person is None else make(person)
    if value is None:
        return translate("Chưa có")
    if isinstance(value, bool):
        return translate("Có") if value else translate("Không")
    if claim in _MASKED:
        return mask_number(str(value))
    if claim == "gender":
        return translate(GENDERS.get(str(value), "Khác"))
    if claim == "account_type":
        return translate(ACCOUNT_TYPES.get(str(value), "Người dân"))
    if claim == "birthdate":
        return "/".join(reversed(str(value).split("-")))
    if claim == "org":
        return f"{value['name']} ({value['enterprise_code']})"
    if claim == "address":
        return str(value["formatted"])
    return str(value)


def name_of(named: Client | ResourceServer) -> str:
    """The name of a client or a resource server in the reader's language."""
    return named.name_en if language() == "en" else named.name_vi


def controller_name(controller: Controller | None) -> str:
    """The controller's name in the reader's language."""
    if controller is None:
        return ""
    return controller.name_en if language() == "en" else controller.name_vi


def controller_contact(controller: Controller | None) -> str:
    """How to reach who answers for the data."""
    if controller is None:
        return ""
    return " · ".join(part for part in (controller.dpo_email, controller.dpo_phone) if part)
