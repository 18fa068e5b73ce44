"""`/log`: the page about the append-only log.

What lives here: where each tree stands, as its newest checkpoint says that counts.  The files for
programs under the same path are the keystore's (`keystore/web/log.py`).
Source: architecture, "State" (the append-only log); C2SP tlog-checkpoint.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response

from idp.services import Services
from idp.web.flow import page_answer
from idp.web.trust_pages import LogPage, LogTree
from keystore.log.checkpoint import Checkpoint, verify_checkpoint
from keystore.log.checkpoint_storage import StoredCheckpoint
from keystore.log.entries import Tree
from keystore.log.note import to_base64


def make_log_page(services: Services) -> Blueprint:
    """The blueprint of `/log`."""
    blueprint = Blueprint("log", __name__)
    log = services.trust.log

    @blueprint.get("/log")
    def show() -> Response:
        now = services.time()
        newest = {tree: log.proofs.checkpoint(tree) for tree in (Tree.PUBLIC, Tree.PRIVATE)}
        trees = [
            _tree(tree, stored, verified=_verify(stored, services=services, now=now))
            for tree, stored in newest.items()
            if stored is not None
        ]
        return page_answer(LogPage(trees=tuple(trees)))

    return blueprint


def _verify(stored: StoredCheckpoint, *, services: Services, now: datetime) -> Checkpoint:
    """The signatures under it, looked at anew: what is shown was verified."""
    log = services.trust.log
    origin = stored.note.partition("\n")[0]
    witness_keys = [key for one in log.witnesses for key in one.keys]
    return verify_checkpoint(
        stored.whole_note.encode(),
        expected_origin=origin,
        log_keys=log.keys.verifiers(origin, now=now),
        witness_keys=witness_keys,
        quorum=0,
    )


def _tree(tree: Tree, stored: StoredCheckpoint, *, verified: Checkpoint) -> LogTree:
    return LogTree(
        is_public=tree is Tree.PUBLIC,
        origin=verified.origin,
        size=verified.size,
        root=to_base64(verified.root),
        signed_at=stored.made_at,
        witnesses=verified.witnesses,
        witnessed_at=verified.witnessed_at,
        checkpoint_url=f"/log/{tree}/checkpoint",
        keys_url=f"/log/{tree}/keys",
    )
