"""What is left of a request that ended without its signatures: what became of it.

What lives here: `end_parts`, in the transaction of whatever end it is.
Source: architecture, "State" (documents are gone when their purpose is over); Law 91/2025/QH15.
Not here: the end itself (`signing/requests`, `signing/outcomes`), a request that is signed.
"""

from __future__ import annotations

from datetime import datetime

from keystore.storage import Transaction
from signing.blobs import DocumentStore
from signing.storage.halves import delete_halves
from signing.storage.preparations import delete_preparations
from signing.storage.requests import end_slots, read_blobs


def end_parts(tx: Transaction, request_id: str, *, documents: DocumentStore, now: datetime) -> None:
    """Drop its documents, what was signed of them and what was prepared; end its signers' turns.

    Whoever calls holds the request, and has set its state.
    """
    end_slots(tx, request_id, now=now)
    halves = delete_halves(tx, request_id)  # before the preparations that they go with
    originals, results = read_blobs(tx.connection, request_id)
    documents.drop(tx, [*originals, *results, *halves, *delete_preparations(tx, request_id)])
