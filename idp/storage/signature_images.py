"""What a person's signature and an organisation's seal look like, in SQL.

What lives here: one table; an account has one image or none.  It is sealed under the data key of
its account and goes with it.
Source: NĐ 30/2020/NĐ-CP Annex I II.7d and II.8a (image of the signature, image of the seal in its
true size).
Not here: checking an image (`idp/signature_images.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from idp.accounts.model import SignatureImage
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import NONE, SENSITIVE, holds, sealed
from keystore.clock import to_ms
from keystore.sealing import Sealer
from keystore.statement import Statement

signature_image = Table(
    "signature_image",
    metadata,
    Column(
        "account_key",
        ForeignKey("account.account_key"),
        primary_key=True,
        autoincrement=False,
        info=NONE,
    ),
    Column(
        "image_sealed",
        LargeBinary,
        nullable=False,
        info=sealed(SENSITIVE, "{account_id}:signature_image", form="msgpack"),
    ),
    Column("changed_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "person",
        purpose="the visible part of signatures and seals",
        retention="until_erased",
        legal="NĐ 30/2020/NĐ-CP Annex I II.7d, II.8a",
        legal_from="2020-03-05",
    ),
)

_FIND: Final = Statement(
    select(signature_image, account.c.data_key)
    .join(account, account.c.account_key == signature_image.c.account_key)
    .where(account.c.account_id == bindparam("id"))
)
_DROP: Final = Statement(
    delete(signature_image).where(signature_image.c.account_key == bindparam("key"))
)
_INSERT: Final = Statement(insert(signature_image))

_decode: Final = msgspec.msgpack.Decoder(SignatureImage).decode


def find_signature_image(
    connection: Connection, account_id: AccountId, *, sealer: Sealer
) -> SignatureImage | None:
    """The image of an account."""
    row = _FIND.one_or_none(connection, {"id": account_id})
    if row is None:
        return None
    plain = sealer.unseal_personal(row.data_key, row.image_sealed, context=_context(account_id))
    return _decode(plain)


def replace_signature_image(
    tx: Transaction, row: AccountRow, image: SignatureImage, *, sealer: Sealer, now: datetime
) -> None:
    """Keep an image in the place of the one that was there."""
    remove_signature_image(tx, row)
    sealed = sealer.seal_personal(
        row.data_key, msgspec.msgpack.encode(image), context=_context(row.account_id)
    )
    _INSERT.count(
        tx.connection,
        {"account_key": row.account_key, "image_sealed": sealed, "changed_ms": to_ms(now)},
    )


def remove_signature_image(tx: Transaction, row: AccountRow) -> bool:
    """Forget it; False when there was none."""
    return _DROP.count(tx.connection, {"key": row.account_key}) == 1


def _context(account_id: str) -> str:
    return f"{account_id}:signature_image"
