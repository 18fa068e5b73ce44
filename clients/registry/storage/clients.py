"""How a client and its secrets are read and written.

What lives here: SQL on an open connection; frozen model objects in and out.  Rules are checked
before (`clients.registry.validation`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from ipaddress import ip_network
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from clients.registry.errors import AlreadyRegistered
from clients.registry.model import (
    ApplicationType,
    AuthMethod,
    Capacities,
    Client,
    ClientSecret,
    ClientStatus,
    GrantType,
    Pkce,
    ProfileName,
    ScopePurpose,
)
from clients.registry.storage.tables import (
    client,
    client_secret,
    from_ms,
    from_ms_or_none,
    sector,
    to_ms,
    to_ms_or_none,
)

_SELECT_CLIENTS: Final = select(client, sector.c.controller_id).join_from(
    client, sector, client.c.sector_id == sector.c.sector_id
)
_SELECT_CLIENT: Final = _SELECT_CLIENTS.where(client.c.client_id == bindparam("key"))
_SELECT_SECRETS: Final = (
    select(client_secret)
    .where(client_secret.c.client_id == bindparam("key"))
    .order_by(client_secret.c.created_ms, client_secret.c.digest)
)


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


def insert_client(connection: Connection, added: Client, *, now: datetime) -> None:
    """Write a client that is not there yet, created now, and its secrets.

    Raises  AlreadyRegistered when another transaction wrote it first.
    """
    values = _write_client(added)
    values["created_ms"] = values["changed_ms"] = to_ms(now)
    try:
        connection.execute(insert(client), values)
    except IntegrityError as taken:
        raise AlreadyRegistered("client", key=added.client_id) from taken
    replace_secrets(connection, added.client_id, secrets=added.secrets)


def update_client(connection: Connection, changed: Client, *, now: datetime) -> None:
    """Write everything of a client except its secrets, its id and when it was created."""
    values = _write_client(changed)
    del values["client_id"]
    values["changed_ms"] = to_ms(now)
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
            "created_ms": to_ms(secret.created_at),
            "expires_ms": to_ms_or_none(secret.expires_at),
        }
        for secret in secrets
    ]
    if rows:
        connection.execute(insert(client_secret), rows)


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
        created_at=from_ms(row["created_ms"]),
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
        created_at=from_ms(row["created_ms"]),
        expires_at=from_ms_or_none(row["expires_ms"]),
    )
