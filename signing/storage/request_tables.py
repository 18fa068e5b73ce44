"""The tables of signing requests, their documents and their signers.

What lives here: the declarations.  Not here: the statements (`requests`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from signing.storage import metadata

_PURPOSE: Final = "documents that a portal asked somebody to sign"
_LEGAL: Final = "Law 20/2023/QH15 Art. 23; Circular 15/2025/TT-BKHCN Art. 5"
_FROM: Final = "2024-07-01"
_NONE: Final[dict[str, Any]] = {"data": "none"}
_BASIC: Final[dict[str, Any]] = {"data": "basic"}
_SENSITIVE: Final[dict[str, Any]] = {"data": "sensitive"}

KEPT_AFTER_END: Final = timedelta(days=30)
"""How long a portal may still ask what became of its request."""


def _holds(
    *, retention: str, purge: str | None = None, export: dict[str, Any] | None = None
) -> dict[str, Any]:
    declared: dict[str, Any] = {
        "export": export or {"through": "signing_slot", "on": {"request_id": "request_id"}},
        "erased": {
            "kept": "what its portal may still fetch; what waited for the person ended with them",
            "legal": _LEGAL,
            "until": "30 days after the request ended",
        },
        "subject": "person",
        "purpose": _PURPOSE,
        "retention": retention,
        "legal": _LEGAL,
        "legal_from": _FROM,
    }
    if purge is not None:
        declared["purge"] = (purge, timedelta(0), None)
    return declared


signing_request = Table(
    "signing_request",
    metadata,
    Column("request_id", String(40), primary_key=True, info=_NONE),
    Column("client_id", String(128), nullable=False, info=_NONE),
    Column("state", String(12), nullable=False, info=_BASIC),
    Column("reason", String(40), nullable=False, info=_BASIC),
    Column("level", String(8), nullable=False, info=_NONE),
    Column("window_s", Integer, nullable=False, info=_NONE),
    Column("return_uri", Text, nullable=False, info=_NONE),
    Column("webhook_uri", Text, nullable=False, info=_NONE),
    Column(
        "text_sealed",
        LargeBinary,
        nullable=False,
        info={**_SENSITIVE, "sealed": ("document", "signing_request:{request_id}", "msgpack")},
    ),
    Column("created_ms", BigInteger, nullable=False, info=_NONE),
    Column("expires_ms", BigInteger, nullable=False, info=_NONE),
    Column("ended_ms", BigInteger, info=_NONE),
    Column("purge_ms", BigInteger, nullable=False, info=_NONE),
    Index("ix_signing_request_due", "state", "expires_ms"),
    Index("ix_signing_request_purge", "purge_ms"),
    Index("ix_signing_request_client", "client_id", "state"),
    info=_holds(retention="request_ended+30d", purge="purge_ms"),
)

signing_document = Table(
    "signing_document",
    metadata,
    Column(
        "request_id",
        ForeignKey("signing_request.request_id", ondelete="CASCADE"),
        primary_key=True,
        info=_NONE,
    ),
    Column("position", Integer, primary_key=True, autoincrement=False, info=_NONE),
    Column("kind", String(8), nullable=False, info=_NONE),
    Column("format", String(20), nullable=False, info=_NONE),
    Column("size_bytes", BigInteger, nullable=False, info=_NONE),
    Column("hash_name", String(12), nullable=False, info=_NONE),
    Column("digest", LargeBinary, nullable=False, info=_BASIC),
    Column("pages", Integer, info=_NONE),
    Column("original_id", String(40), info=_NONE),
    Column("result_id", String(40), info=_NONE),
    Column("result_offset", BigInteger, info=_NONE),
    Column("result_bytes", BigInteger, info=_NONE),
    info=_holds(retention="request_ended+30d"),
)

signing_slot = Table(
    "signing_slot",
    metadata,
    Column(
        "request_id",
        ForeignKey("signing_request.request_id", ondelete="CASCADE"),
        primary_key=True,
        info=_NONE,
    ),
    Column("position", Integer, primary_key=True, autoincrement=False, info=_NONE),
    Column("account_id", String(40), nullable=False, info=_BASIC),
    Column("organisation_id", String(40), info=_BASIC),
    Column("role", String(8), nullable=False, info=_BASIC),
    Column("state", String(12), nullable=False, info=_BASIC),
    Column("ended_ms", BigInteger, info=_NONE),
    Column("key_id", String(40), info=_BASIC),
    Column("certificate_sha256", LargeBinary, info=_BASIC),
    Index("ix_signing_slot_account", "account_id", "state"),
    info=_holds(retention="request_ended+30d", export={"by": ("account_id", "organisation_id")}),
)
