"""Tables of the trees: their tiles, what is integrated, checkpoints, and what witnesses said.

What lives here: the tables alone.  Rows of the log are never touched: that one is integrated is
written beside it.  A tree is kept as the tiles that are also served: 256 hashes of one height in a
row, the last of each height growing until it is full.
Source: C2SP tlog-tiles.  Not here: SQL over them (`tree_storage.py`, `checkpoint_storage.py`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from keystore.storage import metadata

_KEPT_WITH: Final = {
    "subject": "none",
    "retention": "as long as any entry of the tree is kept",
    "legal": "Decree 69/2024/ND-CP, Article 17(2); Decree 165/2025/ND-CP, Article 17(10)",
    "legal_from": "2024-07-01",
}

log_tree = Table(
    "log_tree",
    metadata,
    Column("tree", String(8), primary_key=True, info={"data": "none"}),
    Column("origin", String(255), nullable=False, info={"data": "none"}),
    Column("size", BigInteger, nullable=False, info={"data": "none"}),
    Column("root", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("updated_ms", BigInteger, nullable=False, info={"data": "none"}),
    info={"purpose": "how far each tree of the log has grown", **_KEPT_WITH},
)

log_tile = Table(
    "log_tile",
    metadata,
    Column("tree", String(8), primary_key=True, info={"data": "none"}),
    Column("level", Integer, primary_key=True, autoincrement=False, info={"data": "none"}),
    Column("tile", BigInteger, primary_key=True, autoincrement=False, info={"data": "none"}),
    Column("hashes", LargeBinary, nullable=False, info={"data": "none"}),
    info={"purpose": "hashes of the trees, from which every proof is made", **_KEPT_WITH},
)

log_entry = Table(
    "log_entry",
    metadata,
    Column("tree", String(8), primary_key=True, info={"data": "none"}),
    Column("position", BigInteger, primary_key=True, autoincrement=False, info={"data": "none"}),
    Column("chain_id", Integer, nullable=False, info={"data": "none"}),
    Column("seq", BigInteger, nullable=False, info={"data": "none"}),
    Index("log_entry_by_row", "chain_id", "seq", unique=True),
    info={"purpose": "which place in which tree a row of the log has", **_KEPT_WITH},
)

log_checkpoint = Table(
    "log_checkpoint",
    metadata,
    Column("tree", String(8), primary_key=True, info={"data": "none"}),
    Column("size", BigInteger, primary_key=True, autoincrement=False, info={"data": "none"}),
    Column("root", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("made_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("note", Text, nullable=False, info={"data": "none"}),
    Column("cosignatures", Text, nullable=False, info={"data": "none"}),
    Column("witnessed_ms", BigInteger, info={"data": "none"}),
    Index("log_checkpoint_by_time", "tree", "made_ms"),
    info={"purpose": "what was signed about the trees, and who has cosigned it", **_KEPT_WITH},
)

log_witness = Table(
    "log_witness",
    metadata,
    Column("tree", String(8), primary_key=True, info={"data": "none"}),
    Column("witness", String(255), primary_key=True, info={"data": "none"}),
    Column("size", BigInteger, nullable=False, info={"data": "none"}),
    Column("state", String(16), nullable=False, info={"data": "none"}),
    Column("status", Integer, nullable=False, info={"data": "none"}),
    Column("at_ms", BigInteger, nullable=False, info={"data": "none"}),
    info={"purpose": "what each witness last said about each tree", **_KEPT_WITH},
)
