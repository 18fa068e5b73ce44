"""Where the registry is kept: its tables, and the functions that read and write them.

What lives here: SQL and nothing else; every function takes an open connection and returns frozen
model objects.  Rules are checked before (`validation.py`), caching is done around it
(`registry.py`).  The database is the caller's: what is needed of it are two Protocols below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final, Protocol

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from clients.registry.model import (
    ApplicationType,
    AuthMethod,
    Capacities,
    Client,
    ClientSecret,
    ClientStatus,
    Controller,
    GrantType,
    Pkce,
    ProfileName,
    ResourceServer,
    ScopePurpose,
    Sector,
    StatutoryBasis,
)


class TransactionLike(Protocol):
    """One open write transaction."""

    @property
    def connection(self) -> Connection:
        """The connection on which everything of the transaction happens."""
        ...

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Run `callback` once the transaction is durable."""
        ...


class DatabaseLike(Protocol):
    """Where the registry lies: the provider's database."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection for reading."""
        ...

    def transaction(self) -> AbstractContextManager[TransactionLike]:
        """A write transaction: all of it or nothing."""
        ...


metadata = MetaData()

_PERSONAL_DATA_LAW: Final = {"legal": "Law 91/2025/QH15 art. 9, 33", "legal_from": "2026-01-01"}


def _table_info(subject: str, purpose: str) -> dict[str, str]:
    retention = "while registered, then as long as the log that names it"
    return {"subject": subject, "purpose": purpose, "retention": retention, **_PERSONAL_DATA_LAW}


def _column(
    name: str,
    kind: TypeEngine[Any] | type[TypeEngine[Any]],
    *arguments: Any,
    data: str = "none",
    nullable: bool = False,
    primary_key: bool = False,
) -> Column[Any]:
    return Column(
        name, kind, *arguments, nullable=nullable, primary_key=primary_key, info={"data": data}
    )


_ID: Final = String(128)
_WORD: Final = String(40)
_TEXT: Final = String(500)
_URI: Final = String(2000)
_LIST: Final = JSON(none_as_null=True)

controller = Table(
    "controller",
    metadata,
    _column("controller_id", _ID, primary_key=True),
    _column("name_vi", _TEXT),
    _column("name_en", _TEXT),
    _column("dpo_email", _TEXT, data="basic", nullable=True),
    _column("dpo_phone", _TEXT, data="basic", nullable=True),
    _column("privacy_uri", _URI, nullable=True),
    _column("created_ms", BigInteger),
    info=_table_info("organisation", "name on the consent screen who answers for the data"),
)

sector = Table(
    "sector",
    metadata,
    _column("sector_id", _ID, primary_key=True),
    _column("controller_id", _ID, ForeignKey("controller.controller_id"), primary_key=False),
    _column("name_vi", _TEXT),
    _column("name_en", _TEXT),
    _column("created_ms", BigInteger),
    info=_table_info("organisation", "bound what a subject identifier can connect"),
)

client = Table(
    "client",
    metadata,
    _column("client_id", _ID, primary_key=True),
    _column("sector_id", _ID, ForeignKey("sector.sector_id")),
    _column("name_vi", _TEXT),
    _column("name_en", _TEXT),
    _column("profile", _WORD),
    _column("status", _WORD),
    _column("application_type", _WORD),
    _column("token_endpoint_auth_method", _WORD),
    _column("jwks", _LIST, nullable=True),
    _column("jwks_uri", _URI, nullable=True),
    _column("redirect_uris", _LIST),
    _column("post_logout_redirect_uris", _LIST),
    _column("pkce", _WORD),
    _column("grant_types", _LIST),
    _column("scopes", _LIST),
    _column("claims", _LIST, nullable=True),
    _column("resources", _LIST),
    _column("required_level", Integer),
    _column("required_account_level", Integer, nullable=True),
    _column("capacities", _WORD),
    _column("backchannel_logout_uri", _URI, nullable=True),
    _column("backchannel_logout_session_required", Boolean),
    _column("id_token_signed_response_alg", _WORD),
    _column("userinfo_signed_response_alg", _WORD, nullable=True),
    _column("refresh_lifetime_s", Integer),
    _column("acr_aliases", Boolean),
    _column("source_allow_list", _LIST),
    _column("legal_reference", _TEXT, nullable=True),
    _column("end_date", String(10), nullable=True),
    _column("purposes", _LIST),
    _column("policy_uri", _URI, nullable=True),
    _column("created_ms", BigInteger),
    _column("changed_ms", BigInteger),
    info=_table_info("client", "decide what a portal may ask for"),
)

client_secret = Table(
    "client_secret",
    metadata,
    _column("client_id", _ID, ForeignKey("client.client_id"), primary_key=True),
    _column("digest", LargeBinary(32), data="secret", primary_key=True),
    _column("created_ms", BigInteger),
    _column("expires_ms", BigInteger, nullable=True),
    info=_table_info("client", "recognise a portal, and a secret that was taken out of use"),
)

resource_server = Table(
    "resource_server",
    metadata,
    _column("identifier", _URI, primary_key=True),
    _column("sector_id", _ID, ForeignKey("sector.sector_id")),
    Column(
        "client_id",
        _ID,
        ForeignKey("client.client_id"),
        nullable=True,
        index=True,
        info={"data": "none"},
    ),
    _column("name_vi", _TEXT),
    _column("name_en", _TEXT),
    _column("scopes", _LIST),
    _column("created_ms", BigInteger),
    info=_table_info("client", "bind an access token to the one service that may take it"),
)

statutory_basis = Table(
    "statutory_basis",
    metadata,
    _column("basis_id", _ID, primary_key=True),
    Column(
        "client_id",
        _ID,
        ForeignKey("client.client_id"),
        nullable=False,
        index=True,
        info={"data": "none"},
    ),
    _column("scope", _TEXT),
    _column("procedure", _TEXT),
    _column("legal_ref", _TEXT),
    _column("requested_by", _TEXT, data="basic"),
    _column("requested_ms", BigInteger),
    _column("approved_by", _TEXT, data="basic", nullable=True),
    _column("approved_ms", BigInteger, nullable=True),
    _column("valid_from_ms", BigInteger),
    _column("valid_to_ms", BigInteger, nullable=True),
    CheckConstraint("approved_by IS NULL OR approved_by <> requested_by", name="two_operators"),
    info=_table_info("operator", "show by which rule of law data goes out without consent"),
)

_SELECT_CLIENTS: Final = select(client, sector.c.controller_id).join_from(
    client, sector, client.c.sector_id == sector.c.sector_id
)
_SELECT_CLIENT: Final = _SELECT_CLIENTS.where(client.c.client_id == bindparam("key"))
_SELECT_SECRETS: Final = (
    select(client_secret)
    .where(client_secret.c.client_id == bindparam("key"))
    .order_by(client_secret.c.created_ms)
)
_SELECT_CONTROLLER: Final = select(controller).where(controller.c.controller_id == bindparam("key"))
_SELECT_SECTOR: Final = select(sector).where(sector.c.sector_id == bindparam("key"))
_SELECT_RESOURCE_SERVER: Final = select(resource_server).where(
    resource_server.c.identifier == bindparam("key")
)
_SELECT_RESOURCE_SERVERS_OF: Final = select(resource_server).where(
    resource_server.c.client_id == bindparam("key")
)
_SELECT_BASES_OF: Final = (
    select(statutory_basis)
    .where(statutory_basis.c.client_id == bindparam("key"))
    .order_by(statutory_basis.c.valid_from_ms, statutory_basis.c.basis_id)
)
_SELECT_BASIS: Final = select(statutory_basis).where(statutory_basis.c.basis_id == bindparam("key"))


# -- clients ---------------------------------------------------------------------------------------


def find_client(connection: Connection, client_id: str) -> Client | None:
    """A client with its live and expired secrets, whatever its status."""
    row = connection.execute(_SELECT_CLIENT, {"key": client_id}).mappings().first()
    if row is None:
        return None
    secrets = connection.execute(_SELECT_SECRETS, {"key": client_id}).mappings()
    return _read_client(row, secrets)


def list_clients(connection: Connection) -> tuple[Client, ...]:
    """Every client, by id."""
    by_client: dict[str, list[RowMapping]] = {}
    for secret in connection.execute(
        select(client_secret).order_by(client_secret.c.created_ms)
    ).mappings():
        by_client.setdefault(secret["client_id"], []).append(secret)
    rows = connection.execute(_SELECT_CLIENTS.order_by(client.c.client_id)).mappings()
    return tuple(_read_client(row, by_client.get(row["client_id"], ())) for row in rows)


def lock_client(connection: Connection, client_id: str) -> Client | None:
    """A client whose row no other transaction can change before this one ends."""
    statement = select(client.c.client_id).where(client.c.client_id == client_id).with_for_update()
    if connection.execute(statement).first() is None:
        return None
    return find_client(connection, client_id)


def insert_client(connection: Connection, added: Client) -> None:
    """Write a client that is not there yet, and its secrets."""
    values = _write_client(added)
    values["created_ms"] = values["changed_ms"] = _to_ms(added.created_at)
    connection.execute(insert(client), values)
    replace_secrets(connection, added.client_id, secrets=added.secrets)


def update_client(connection: Connection, changed: Client, *, now: datetime) -> None:
    """Write everything of a client except its secrets, its id and when it was created."""
    values = _write_client(changed)
    del values["client_id"]
    values["changed_ms"] = _to_ms(now)
    connection.execute(
        update(client).where(client.c.client_id == changed.client_id).values(**values)
    )


def replace_secrets(
    connection: Connection, client_id: str, *, secrets: Iterable[ClientSecret]
) -> None:
    """Make these the secrets of a client."""
    connection.execute(delete(client_secret).where(client_secret.c.client_id == client_id))
    rows = [
        {
            "client_id": client_id,
            "digest": secret.digest,
            "created_ms": _to_ms(secret.created_at),
            "expires_ms": _to_ms_or_none(secret.expires_at),
        }
        for secret in secrets
    ]
    if rows:
        connection.execute(insert(client_secret), rows)


# -- controllers, sectors, resource servers --------------------------------------------------------


def find_controller(connection: Connection, controller_id: str) -> Controller | None:
    """A controller by its id."""
    row = connection.execute(_SELECT_CONTROLLER, {"key": controller_id}).mappings().first()
    return None if row is None else _read_controller(row)


def find_sector(connection: Connection, sector_id: str) -> Sector | None:
    """A sector by its id."""
    row = connection.execute(_SELECT_SECTOR, {"key": sector_id}).mappings().first()
    return None if row is None else _read_sector(row)


def find_resource_server(connection: Connection, identifier: str) -> ResourceServer | None:
    """A resource server by its identifier."""
    row = connection.execute(_SELECT_RESOURCE_SERVER, {"key": identifier}).mappings().first()
    return None if row is None else _read_resource_server(row)


def list_resource_servers_of(connection: Connection, client_id: str) -> tuple[ResourceServer, ...]:
    """The resource servers that introspect as this client."""
    rows = connection.execute(_SELECT_RESOURCE_SERVERS_OF, {"key": client_id}).mappings()
    return tuple(_read_resource_server(row) for row in rows)


def save_controller(connection: Connection, saved: Controller, *, now: datetime) -> None:
    """Write a controller, new or changed."""
    values = {
        "name_vi": saved.name_vi,
        "name_en": saved.name_en,
        "dpo_email": saved.dpo_email,
        "dpo_phone": saved.dpo_phone,
        "privacy_uri": saved.privacy_uri,
    }
    _save(connection, controller, key={"controller_id": saved.controller_id}, values=values, now=now)


def save_sector(connection: Connection, saved: Sector, *, now: datetime) -> None:
    """Write a sector, new or changed."""
    values = {
        "controller_id": saved.controller_id,
        "name_vi": saved.name_vi,
        "name_en": saved.name_en,
    }
    _save(connection, sector, key={"sector_id": saved.sector_id}, values=values, now=now)


def save_resource_server(connection: Connection, saved: ResourceServer, *, now: datetime) -> None:
    """Write a resource server, new or changed."""
    values = {
        "sector_id": saved.sector_id,
        "client_id": saved.client_id,
        "name_vi": saved.name_vi,
        "name_en": saved.name_en,
        "scopes": sorted(saved.scopes),
    }
    _save(connection, resource_server, key={"identifier": saved.identifier}, values=values, now=now)


# -- statutory bases -------------------------------------------------------------------------------


def list_bases_of(connection: Connection, client_id: str) -> tuple[StatutoryBasis, ...]:
    """Every statutory basis of a client, approved or not, oldest first."""
    rows = connection.execute(_SELECT_BASES_OF, {"key": client_id}).mappings()
    return tuple(_read_basis(row) for row in rows)


def lock_basis(connection: Connection, basis_id: str) -> StatutoryBasis | None:
    """A statutory basis whose row no other transaction can change before this one ends."""
    row = (
        connection.execute(_SELECT_BASIS.with_for_update(), {"key": basis_id}).mappings().first()
    )
    return None if row is None else _read_basis(row)


def insert_basis(connection: Connection, added: StatutoryBasis) -> None:
    """Write a statutory basis that is not there yet."""
    connection.execute(insert(statutory_basis), _write_basis(added))


def update_basis(connection: Connection, changed: StatutoryBasis) -> None:
    """Write a statutory basis again."""
    values = _write_basis(changed)
    del values["basis_id"]
    connection.execute(
        update(statutory_basis)
        .where(statutory_basis.c.basis_id == changed.basis_id)
        .values(**values)
    )


# -- rows and values -------------------------------------------------------------------------------


def _save(
    connection: Connection,
    table: Table,
    *,
    key: Mapping[str, str],
    values: Mapping[str, Any],
    now: datetime,
) -> None:
    (name, value) = next(iter(key.items()))
    changed = connection.execute(update(table).where(table.c[name] == value).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(table), {**key, **values, "created_ms": _to_ms(now)})


def _write_client(written: Client) -> dict[str, Any]:
    return {
        "client_id": written.client_id,
        "sector_id": written.sector_id,
        "name_vi": written.name_vi,
        "name_en": written.name_en,
        "profile": str(written.profile),
        "status": str(written.status),
        "application_type": str(written.application_type),
        "token_endpoint_auth_method": str(written.token_endpoint_auth_method),
        "jwks": None if written.jwks is None else dict(written.jwks),
        "jwks_uri": written.jwks_uri,
        "redirect_uris": list(written.redirect_uris),
        "post_logout_redirect_uris": list(written.post_logout_redirect_uris),
        "pkce": str(written.pkce),
        "grant_types": sorted(written.grant_types),
        "scopes": sorted(written.scopes),
        "claims": None if written.claims is None else sorted(written.claims),
        "resources": sorted(written.resources),
        "required_level": written.required_level,
        "required_account_level": written.required_account_level,
        "capacities": str(written.capacities),
        "backchannel_logout_uri": written.backchannel_logout_uri,
        "backchannel_logout_session_required": written.backchannel_logout_session_required,
        "id_token_signed_response_alg": written.id_token_signed_response_alg,
        "userinfo_signed_response_alg": written.userinfo_signed_response_alg,
        "refresh_lifetime_s": written.refresh_lifetime_s,
        "acr_aliases": written.acr_aliases,
        "source_allow_list": [str(network) for network in written.source_allow_list],
        "legal_reference": written.legal_reference,
        "end_date": None if written.end_date is None else written.end_date.isoformat(),
        "purposes": [_write_purpose(purpose) for purpose in written.purposes],
        "policy_uri": written.policy_uri,
    }


def _read_client(row: RowMapping, secrets: Iterable[RowMapping]) -> Client:
    claims = row["claims"]
    end_date = row["end_date"]
    return Client(
        client_id=row["client_id"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        controller_id=row["controller_id"],
        sector_id=row["sector_id"],
        profile=ProfileName(row["profile"]),
        status=ClientStatus(row["status"]),
        application_type=ApplicationType(row["application_type"]),
        token_endpoint_auth_method=AuthMethod(row["token_endpoint_auth_method"]),
        secrets=tuple(_read_secret(secret) for secret in secrets),
        jwks=row["jwks"],
        jwks_uri=row["jwks_uri"],
        redirect_uris=tuple(row["redirect_uris"]),
        post_logout_redirect_uris=tuple(row["post_logout_redirect_uris"]),
        pkce=Pkce(row["pkce"]),
        grant_types=frozenset(GrantType(name) for name in row["grant_types"]),
        scopes=frozenset(row["scopes"]),
        claims=None if claims is None else frozenset(claims),
        resources=frozenset(row["resources"]),
        required_level=row["required_level"],
        required_account_level=row["required_account_level"],
        capacities=Capacities(row["capacities"]),
        backchannel_logout_uri=row["backchannel_logout_uri"],
        backchannel_logout_session_required=row["backchannel_logout_session_required"],
        id_token_signed_response_alg=row["id_token_signed_response_alg"],
        userinfo_signed_response_alg=row["userinfo_signed_response_alg"],
        refresh_lifetime_s=row["refresh_lifetime_s"],
        acr_aliases=row["acr_aliases"],
        source_allow_list=tuple(ip_network(network) for network in row["source_allow_list"]),
        legal_reference=row["legal_reference"],
        end_date=None if end_date is None else date.fromisoformat(end_date),
        purposes=tuple(ScopePurpose(**purpose) for purpose in row["purposes"]),
        policy_uri=row["policy_uri"],
        created_at=_from_ms(row["created_ms"]),
    )


def _write_purpose(purpose: ScopePurpose) -> dict[str, Any]:
    return {
        "scope": purpose.scope,
        "purpose_vi": purpose.purpose_vi,
        "purpose_en": purpose.purpose_en,
        "retention_vi": purpose.retention_vi,
        "retention_en": purpose.retention_en,
        "required": purpose.required,
    }


def _read_secret(row: RowMapping) -> ClientSecret:
    return ClientSecret(
        digest=bytes(row["digest"]),
        created_at=_from_ms(row["created_ms"]),
        expires_at=_from_ms_or_none(row["expires_ms"]),
    )


def _read_controller(row: RowMapping) -> Controller:
    return Controller(
        controller_id=row["controller_id"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        dpo_email=row["dpo_email"],
        dpo_phone=row["dpo_phone"],
        privacy_uri=row["privacy_uri"],
    )


def _read_sector(row: RowMapping) -> Sector:
    return Sector(
        sector_id=row["sector_id"],
        controller_id=row["controller_id"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
    )


def _read_resource_server(row: RowMapping) -> ResourceServer:
    return ResourceServer(
        identifier=row["identifier"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        sector_id=row["sector_id"],
        client_id=row["client_id"],
        scopes=frozenset(row["scopes"]),
    )


def _write_basis(written: StatutoryBasis) -> dict[str, Any]:
    return {
        "basis_id": written.basis_id,
        "client_id": written.client_id,
        "scope": written.scope,
        "procedure": written.procedure,
        "legal_ref": written.legal_ref,
        "requested_by": written.requested_by,
        "requested_ms": _to_ms(written.requested_at),
        "approved_by": written.approved_by,
        "approved_ms": _to_ms_or_none(written.approved_at),
        "valid_from_ms": _to_ms(written.valid_from),
        "valid_to_ms": _to_ms_or_none(written.valid_to),
    }


def _read_basis(row: RowMapping) -> StatutoryBasis:
    return StatutoryBasis(
        basis_id=row["basis_id"],
        client_id=row["client_id"],
        scope=row["scope"],
        procedure=row["procedure"],
        legal_ref=row["legal_ref"],
        requested_by=row["requested_by"],
        requested_at=_from_ms(row["requested_ms"]),
        approved_by=row["approved_by"],
        approved_at=_from_ms_or_none(row["approved_ms"]),
        valid_from=_from_ms(row["valid_from_ms"]),
        valid_to=_from_ms_or_none(row["valid_to_ms"]),
    )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def _to_ms(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND


def _from_ms(epoch_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def _to_ms_or_none(instant: datetime | None) -> int | None:
    return None if instant is None else _to_ms(instant)


def _from_ms_or_none(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else _from_ms(epoch_ms)
