"""What shows later that a signature was right when it was made, in SQL.

What lives here: one table and the statements on it: certificate, revocation data and the result of
the status check of each signature, sealed, with the time until which they are kept.
Source: Circular 15/2025/TT-BKHCN Art. 5 (signing software stores the certificate, the revocation
list at signing time and the result of the status check).
Not here: the document, which is not kept beyond its time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    insert,
    select,
)

from keystore.clock import from_ms, to_ms
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from keystore.statement import Statement
from keystore.storage import Transaction
from signing.storage import metadata

_NONE: Final[dict[str, Any]] = {"data": "none"}
_BASIC: Final[dict[str, Any]] = {"data": "basic"}


class EvidenceContent(msgspec.Struct, frozen=True):
    """What was known at signing time, each entry DER; `status` is a code: `good`."""

    certificate: bytes
    chain: tuple[bytes, ...]
    ocsp_responses: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    status: str
    checked_ms: int
    digests: tuple[bytes, ...]
    hash_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence of one signer's turn in a request."""

    evidence_id: str
    request_id: str
    slot: int
    account_id: str
    created_at: datetime
    kept_until: datetime
    content: EvidenceContent = field(repr=False)


signature_evidence = Table(
    "signature_evidence",
    metadata,
    Column("evidence_id", String(40), primary_key=True, info=_NONE),
    Column("request_id", String(40), nullable=False, info=_NONE),
    Column("slot", Integer, nullable=False, info=_NONE),
    Column("account_id", String(40), nullable=False, info=_BASIC),
    Column(
        "content_sealed",
        LargeBinary,
        nullable=False,
        info={
            "data": "sensitive",
            "sealed": ("document", "signature_evidence:{evidence_id}", "msgpack"),
        },
    ),
    Column("created_ms", BigInteger, nullable=False, info=_NONE),
    Column("purge_ms", BigInteger, nullable=False, info=_NONE),
    Index("ix_signature_evidence_account", "account_id", "created_ms"),
    Index("ix_signature_evidence_request", "request_id"),
    Index("ix_signature_evidence_purge", "purge_ms"),
    info={
        "subject": "person",
        "erased": {
            "kept": "the certificate, with the name in it, that stands in the signed document",
            "legal": "Circular 15/2025/TT-BKHCN Art. 5",
            "until": "ten years from the signature, twenty at B-LTA",
        },
        "purpose": "certificate, revocation data and status at the time of a signature",
        "retention": "ten years from the signature, twenty at B-LTA, or as long as set",
        "legal": "Circular 15/2025/TT-BKHCN Art. 5",
        "legal_from": "2025-08-15",
        "purge": ("purge_ms", timedelta(0), None),
    },
)

_c = signature_evidence.c
_OF_REQUEST: Final = (
    select(signature_evidence).where(_c.request_id == bindparam("id")).order_by(_c.slot)
)
_INSERT: Final = Statement(insert(signature_evidence))
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(EvidenceContent).decode


def insert_evidence(tx: Transaction, evidence: Evidence, *, sealer: Sealer) -> None:
    """Keep it."""
    sealed = sealer.seal(
        SealPurpose.DOCUMENT, _encode(evidence.content), context=_context(evidence.evidence_id)
    )
    _INSERT.count(
        tx.connection,
        {
            "evidence_id": evidence.evidence_id,
            "request_id": evidence.request_id,
            "slot": evidence.slot,
            "account_id": evidence.account_id,
            "content_sealed": sealed,
            "created_ms": to_ms(evidence.created_at),
            "purge_ms": to_ms(evidence.kept_until),
        },
    )


def read_evidence(
    connection: Connection, request_id: str, *, sealer: Sealer
) -> tuple[Evidence, ...]:
    """The evidence of a request, in the order of its signers.

    Raises  SealBroken.
    """
    rows = connection.execute(_OF_REQUEST, {"id": request_id})
    return tuple(_evidence(row, sealer=sealer) for row in rows)


def _context(evidence_id: str) -> str:
    return f"signature_evidence:{evidence_id}"


def _evidence(row: Row[Any], *, sealer: Sealer) -> Evidence:
    content = sealer.unseal(
        SealPurpose.DOCUMENT, row.content_sealed, context=_context(row.evidence_id)
    )
    return Evidence(
        evidence_id=row.evidence_id,
        request_id=row.request_id,
        slot=row.slot,
        account_id=row.account_id,
        created_at=from_ms(row.created_ms),
        kept_until=from_ms(row.purge_ms),
        content=_decode(content),
    )
