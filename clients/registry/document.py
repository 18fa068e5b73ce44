"""Reading an import file: TOML in, checked model objects out, nothing written.

What lives here: the format.  A file has any of the tables below; one with `[[clients]]` alone is
whole, the rest has defaults.  Every error names file, table, number of the entry, and field.

    [[controllers]]       controller_id name_vi name_en dpo_email dpo_phone privacy_uri
    [[sectors]]           sector_id controller_id name_vi name_en
    [[clients]]           the fields of `model.Client` (its sector decides the controller), and
                          client_secret, [[clients.purposes]]; of RFC 7591 also client_name (both
                          names), scope (words in one string), response_types (only ["code"])
    [[resource_servers]]  identifier name_vi name_en sector_id client_id scopes
    [[statutory_bases]]   client_id scope procedure legal_ref valid_from valid_to

Not here: comparing with what is registered (`imports.py`).  Source: RFC 7591 §2.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from clients.registry.errors import ClientInvalid, ImportInvalid
from clients.registry.model import (
    DEFAULT_CONTROLLER_ID,
    SECRET_METHODS,
    ApplicationType,
    AuthMethod,
    Capacities,
    Client,
    Controller,
    GrantType,
    Pkce,
    ProfileName,
    ResourceServer,
    ScopePurpose,
    Sector,
)
from clients.registry.profiles import PROFILES
from clients.registry.secrets import MIN_GIVEN_LENGTH
from clients.registry.validation import (
    verify_client,
    verify_controller,
    verify_resource_server,
    verify_sector,
)
from clients.registry.values import (
    read_boolean,
    read_day,
    read_grants,
    read_instant,
    read_jwks,
    read_list,
    read_networks,
    read_number,
    read_one_of,
    read_set,
    read_text,
)

_V = TypeVar("_V")
_Reader = Callable[[str, Any], Any]

_MOST_BYTES: Final = 10 * 1024 * 1024
_SANDBOX_SCOPES: Final = frozenset(
    {"openid", "profile", "email", "phone", "address", "identity", "organization", "offline_access"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEntry:
    """One `[[clients]]`: the client without secrets, and its secret if the file gives one."""

    client: Client
    raw_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisEntry:
    """One `[[statutory_bases]]`."""

    client_id: str
    scope: str
    procedure: str
    legal_ref: str
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryDocument:
    """A whole import file, in the order in which its tables depend on each other."""

    file: str
    controllers: tuple[Controller, ...] = ()
    sectors: tuple[Sector, ...] = ()
    clients: tuple[ClientEntry, ...] = ()
    resource_servers: tuple[ResourceServer, ...] = ()
    statutory_bases: tuple[BasisEntry, ...] = ()


def parse_document(raw: bytes, *, file: str, for_sandbox: bool = False) -> RegistryDocument:
    """Read an import file.

    Takes   raw: TOML in UTF-8; file: its name for messages; for_sandbox: short secrets are taken,
            and a client that names neither scopes nor grants gets all that its profile allows a
            portal, instead of the least.
    Raises  ImportInvalid (file, table, index from 1, field, reason).
    """
    if len(raw) > _MOST_BYTES:
        raise ImportInvalid(file, reason=f"it is larger than {_MOST_BYTES} bytes")
    try:
        tables = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as malformed:
        raise ImportInvalid(file, reason=f"it is not TOML: {malformed}") from malformed
    unknown = sorted(set(tables) - set(_TABLES))
    if unknown:
        raise ImportInvalid(file, table=unknown[0], reason="there is no such table")

    def read(table: str, make: Callable[[dict[str, Any]], _V], key: str) -> tuple[_V, ...]:
        entries = tables.get(table, [])
        if not isinstance(entries, list):
            raise ImportInvalid(file, table=table, reason="it is written [[…]], in two brackets")
        made = []
        seen = set()
        for index, entry in enumerate(entries, start=1):
            try:
                if not isinstance(entry, dict):
                    raise ClientInvalid(table, reason="it is not a table")
                made.append(make(entry))
                if key and entry[key] in seen:
                    raise ClientInvalid(key, reason="an entry before has the same")
                seen.add(entry.get(key))
            except ClientInvalid as wrong:
                raise ImportInvalid(
                    file, table=table, index=index, field=wrong.field, reason=wrong.reason
                ) from wrong
        return tuple(made)

    return RegistryDocument(
        file=file,
        controllers=read("controllers", _read_controller, "controller_id"),
        sectors=read("sectors", _read_sector, "sector_id"),
        clients=read(
            "clients", lambda entry: read_client(entry, for_sandbox=for_sandbox), "client_id"
        ),
        resource_servers=read("resource_servers", _read_resource_server, "identifier"),
        statutory_bases=read("statutory_bases", _read_basis, ""),
    )


_TABLES: Final = ("controllers", "sectors", "clients", "resource_servers", "statutory_bases")


# -- one entry -------------------------------------------------------------------------------------


def _read_controller(entry: Mapping[str, Any]) -> Controller:
    controller = Controller(**_read_fields(entry, _CONTROLLER_FIELDS, needed=("controller_id",)))
    verify_controller(controller)
    return controller


def _read_sector(entry: Mapping[str, Any]) -> Sector:
    values = _read_fields(entry, _SECTOR_FIELDS, needed=("sector_id",))
    values.setdefault("controller_id", DEFAULT_CONTROLLER_ID)
    sector = Sector(**values)
    verify_sector(sector)
    return sector


def _read_resource_server(entry: Mapping[str, Any]) -> ResourceServer:
    server = ResourceServer(**_read_fields(entry, _RESOURCE_SERVER_FIELDS, needed=("identifier",)))
    verify_resource_server(server)
    return server


def _read_basis(entry: Mapping[str, Any]) -> BasisEntry:
    needed = ("client_id", "scope", "procedure", "legal_ref", "valid_from")
    return BasisEntry(**_read_fields(entry, _BASIS_FIELDS, needed=needed, named=False))


def _read_purpose(name: str, value: Any) -> ScopePurpose:
    if not isinstance(value, dict):
        raise ClientInvalid(name, reason="it is not a table")
    needed = ("scope", "purpose_vi", "purpose_en", "retention_vi", "retention_en")
    try:
        return ScopePurpose(**_read_fields(value, _PURPOSE_FIELDS, needed=needed, named=False))
    except ClientInvalid as wrong:
        raise ClientInvalid(f"{name}.{wrong.field}", reason=wrong.reason) from wrong


def read_client(entry: Mapping[str, Any], *, for_sandbox: bool = False) -> ClientEntry:
    """Read one client as a `[[clients]]` entry says it, defaults filled in by profile.

    Raises  ClientInvalid (field, reason).
    """
    values = _read_fields(entry, _CLIENT_FIELDS, needed=("client_id",), fallback="client_id")
    raw_secret = values.pop("client_secret", None)
    if values.pop("response_types", ("code",)) != ("code",):
        raise ClientInvalid("response_types", reason='only ["code"] is served')
    if "scope" in values:
        values.setdefault("scopes", frozenset(values["scope"].split()))
        del values["scope"]
    profile = PROFILES[values.get("profile", ProfileName.STANDARD)]
    if values.get("application_type") is ApplicationType.NATIVE:
        values.setdefault("token_endpoint_auth_method", AuthMethod.NONE)
    elif len(profile.auth_methods) == 1:
        values.setdefault("token_endpoint_auth_method", min(profile.auth_methods))
    if Pkce.IF_SENT in profile.pkce_modes and profile.name is ProfileName.LEGACY:
        values.setdefault("pkce", Pkce.IF_SENT)
    if for_sandbox:
        usual = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
        values.setdefault("grant_types", usual & profile.grant_types)
        scopes = _SANDBOX_SCOPES if profile.scopes is None else profile.scopes
        if GrantType.REFRESH_TOKEN not in values["grant_types"]:
            scopes -= {"offline_access"}
        values.setdefault("scopes", scopes)
    client = Client(**values)
    verify_client(client)
    if raw_secret is not None:
        _verify_secret(client, raw_secret, for_sandbox=for_sandbox)
    return ClientEntry(client=client, raw_secret=raw_secret)


def _verify_secret(client: Client, raw_secret: str, *, for_sandbox: bool) -> None:
    method = client.token_endpoint_auth_method
    if method not in SECRET_METHODS:
        raise ClientInvalid("client_secret", reason=f"{method} uses no secret")
    if not raw_secret or not raw_secret.isascii() or not raw_secret.isprintable():
        raise ClientInvalid("client_secret", reason="printable ASCII only (RFC 6749 appendix A.2)")
    if not for_sandbox and len(raw_secret) < MIN_GIVEN_LENGTH:
        reason = f"shorter than {MIN_GIVEN_LENGTH} characters; leave it out and one is made"
        raise ClientInvalid("client_secret", reason=reason)


def _purposes(name: str, value: Any) -> tuple[ScopePurpose, ...]:
    if not isinstance(value, list):
        raise ClientInvalid(name, reason="it is not a list of tables")
    return tuple(
        _read_purpose(f"{name}[{number}]", item) for number, item in enumerate(value, start=1)
    )


# -- fields ----------------------------------------------------------------------------------------


def _read_fields(
    entry: Mapping[str, Any],
    readers: Mapping[str, _Reader],
    *,
    needed: Iterable[str],
    named: bool = True,
    fallback: str | None = None,
) -> dict[str, Any]:
    unknown = sorted(set(entry) - set(readers))
    if unknown:
        raise ClientInvalid(unknown[0], reason="there is no such field")
    for name in needed:
        if name not in entry:
            raise ClientInvalid(name, reason="it is missing")
    values = {name: readers[name](name, value) for name, value in entry.items()}
    if named:
        both = values.pop("client_name", None)
        either = both or values.get("name_vi") or values.get("name_en")
        if either is None and fallback is not None:
            either = values[fallback]
        if either is None:
            raise ClientInvalid("name_vi", reason="it is missing")
        values.setdefault("name_vi", either)
        values.setdefault("name_en", either)
    return values


_CONTROLLER_FIELDS: Final[Mapping[str, _Reader]] = {
    "controller_id": read_text,
    "name_vi": read_text,
    "name_en": read_text,
    "dpo_email": read_text,
    "dpo_phone": read_text,
    "privacy_uri": read_text,
}
_SECTOR_FIELDS: Final[Mapping[str, _Reader]] = {
    "sector_id": read_text,
    "controller_id": read_text,
    "name_vi": read_text,
    "name_en": read_text,
}
_RESOURCE_SERVER_FIELDS: Final[Mapping[str, _Reader]] = {
    "identifier": read_text,
    "name_vi": read_text,
    "name_en": read_text,
    "sector_id": read_text,
    "client_id": read_text,
    "scopes": read_set,
}
_BASIS_FIELDS: Final[Mapping[str, _Reader]] = {
    "client_id": read_text,
    "scope": read_text,
    "procedure": read_text,
    "legal_ref": read_text,
    "valid_from": read_instant,
    "valid_to": read_instant,
}
_PURPOSE_FIELDS: Final[Mapping[str, _Reader]] = {
    "scope": read_text,
    "purpose_vi": read_text,
    "purpose_en": read_text,
    "retention_vi": read_text,
    "retention_en": read_text,
    "required": read_boolean,
}
_CLIENT_FIELDS: Final[Mapping[str, _Reader]] = {
    "client_id": read_text,
    "client_secret": read_text,
    "client_name": read_text,
    "name_vi": read_text,
    "name_en": read_text,
    "sector_id": read_text,
    "profile": read_one_of(ProfileName),
    "application_type": read_one_of(ApplicationType),
    "token_endpoint_auth_method": read_one_of(AuthMethod),
    "jwks": read_jwks,
    "jwks_uri": read_text,
    "redirect_uris": read_list,
    "post_logout_redirect_uris": read_list,
    "pkce": read_one_of(Pkce),
    "grant_types": read_grants,
    "response_types": read_list,
    "scope": read_text,
    "scopes": read_set,
    "claims": read_set,
    "resources": read_set,
    "required_level": read_number,
    "required_account_level": read_number,
    "capacities": read_one_of(Capacities),
    "backchannel_logout_uri": read_text,
    "backchannel_logout_session_required": read_boolean,
    "id_token_signed_response_alg": read_text,
    "userinfo_signed_response_alg": read_text,
    "refresh_lifetime_s": read_number,
    "acr_aliases": read_boolean,
    "source_allow_list": read_networks,
    "legal_reference": read_text,
    "end_date": read_day,
    "purposes": _purposes,
    "policy_uri": read_text,
}
