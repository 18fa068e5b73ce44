"""The tables of the registry, each with whose data it holds, what for, how long, under which law.

What lives here: tables, and how an instant is written in one.  Not here: a statement.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

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

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """An instant as epoch milliseconds, cut off, not rounded."""
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(epoch_ms: int) -> datetime:
    """Epoch milliseconds as an aware instant in UTC."""
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def to_ms_or_none(instant: datetime | None) -> int | None:
    """The same where there may be no instant."""
    return None if instant is None else to_ms(instant)


def from_ms_or_none(epoch_ms: int | None) -> datetime | None:
    """The same where there may be no instant."""
    return None if epoch_ms is None else from_ms(epoch_ms)
