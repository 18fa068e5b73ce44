"""How a client is written out for an operator: as a line, as text, as JSON.

What lives here: formatting.  Secrets are shown as when they were made and when they end, never as
what they are.  Not here: reading or changing anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import date, datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from clients.registry import Client, ClientSecret, ScopePurpose, StatutoryBasis, find_weaknesses

_HEADINGS: Final = ("client", "profile", "authentication", "status", "weaknesses")


def clients_as_table(clients: Iterable[Client], *, now: datetime) -> str:
    """One line per client with the codes of its weaknesses, columns aligned."""
    rows = [_HEADINGS, *(_row(client, now=now) for client in clients)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def client_as_text(client: Client, *, bases: Iterable[StatutoryBasis], now: datetime) -> str:
    """Every field of a client, what it leaves open in sentences, and its statutory bases."""
    lines = []
    for name, value in _values(client, now=now):
        if isinstance(value, list) and value:
            lines.append(f"{name}:")
            lines += [
                f"  {json.dumps(v, ensure_ascii=False) if isinstance(v, dict) else v}"
                for v in value
            ]
        elif value not in (None, []):
            lines.append(f"{name}: {value}")
    lines.append("weaknesses:")
    lines += [
        f"  {weakness.code}: {weakness.sentence} ({weakness.source})"
        for weakness in find_weaknesses(client)
    ] or ["  none"]
    for basis in bases:
        state = "in force" if basis.is_in_force(now=now) else "not in force"
        approved = f"approved by {basis.approved_by}" if basis.approved_by else "not approved"
        lines.append(f"statutory basis {basis.basis_id}: {state}, {approved}")
        lines.append(f"  {basis.scope} in {basis.procedure} under {basis.legal_ref}")
        lines.append(
            f"  requested by {basis.requested_by}, {_plain(basis.valid_from)} to "
            f"{_plain(basis.valid_to) or 'no end'}"
        )
    return "\n".join(lines)


def clients_as_json(clients: Iterable[Client], *, now: datetime) -> str:
    """The same for programs: a list of objects, members named as in an import file."""
    listed = [
        {
            **dict(_values(client, now=now)),
            "weaknesses": [weakness.code for weakness in find_weaknesses(client)],
        }
        for client in clients
    ]
    return json.dumps(listed, ensure_ascii=False, indent=2)


def _row(client: Client, *, now: datetime) -> tuple[str, ...]:
    status = str(client.status) if client.is_usable(now=now) else _why_unusable(client)
    codes = " ".join(weakness.code for weakness in find_weaknesses(client))
    return (
        client.client_id,
        str(client.profile),
        str(client.token_endpoint_auth_method),
        status,
        codes or "-",
    )


def _why_unusable(client: Client) -> str:
    return str(client.status) if client.status != "active" else "ended"


def _values(client: Client, *, now: datetime) -> Iterator[tuple[str, Any]]:
    for field in fields(client):
        value = getattr(client, field.name)
        if field.name == "secrets":
            yield "secrets", [_secret(secret) for secret in value if secret.is_live(now=now)]
        else:
            yield field.name, _plain(value)


def _secret(secret: ClientSecret) -> str:
    end = "no end" if secret.expires_at is None else _plain(secret.expires_at)
    return f"made {_plain(secret.created_at)}, ends: {end}"


def _plain(value: Any) -> Any:
    """A value of the model as JSON has it."""
    if isinstance(value, ScopePurpose):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum | IPv4Network | IPv6Network):
        return str(value)
    return value
