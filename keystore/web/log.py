"""/log/…: the log for whoever wants to check it.

    /log/<tree>/checkpoint                      newest checkpoint that counts, both trees
    /log/<tree>/keys                            verifier keys of the log, and of its witnesses
    /log/<tree>/consistency?from=OLD&to=NEW     JSON; both trees, since hashes say nothing
    /log/public/tile/<level>/<index>[.p/<w>]    hashes
    /log/public/tile/entries/<index>[.p/<w>]    entries
    /log/public/inclusion?index=N               a proof as one text

    /log/<tree>/<name>/…                        the same of the tree with that short name alone

What lives here: paths, media types, how long caches may keep an answer.  What depends on the newest
checkpoint is kept for a second.  Tiles of one history never change; but the operator may begin
another one under the same address, after rows were lost for good.  So they are for ever only under
the short name of a history (16 hexadecimal digits of SHA-256 of its origin; `keys` says the whole
prefix), and kept for a minute elsewhere.
Source: C2SP tlog-tiles, tlog-proof; RFC 9110, RFC 9111.  Not here: proofs of private entries, which
need to know who asks.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

import msgspec

from keystore.log.entries import Tree
from keystore.log.errors import EntryPending, EntryUnknown, TreeDamaged
from keystore.log.log_keys import LogKeys
from keystore.log.note import to_base64
from keystore.log.note_keys import NoteVerifier
from keystore.log.proof_text import format_proof
from keystore.log.proofs import Proofs, PublicOnly
from keystore.log.tiles import parse_tile_path
from keystore.web.answer import WebAnswer, WebRequest

PREFIX: Final = "/log/"
_TEXT: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"
_JSON: Final = "application/json"
_BRIEF: Final = (("Cache-Control", "public, max-age=1"),)
_MINUTE: Final = (("Cache-Control", "public, max-age=60"),)
_FOR_EVER: Final = (("Cache-Control", "public, max-age=31536000, immutable"),)
_MOST_DIGITS: Final = 18
_SHORT_NAME: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)

_Answer = Callable[[Tree, str, datetime], WebAnswer]


class LogEndpoint:
    """Serves both trees as far as they are public.

    Takes   origins: asked for the name of each tree, which the database keeps;
            witness_keys: of the witnesses whose cosignatures make a checkpoint count.
    """

    max_body_bytes = 0

    def __init__(
        self,
        proofs: Proofs,
        *,
        keys: LogKeys,
        witness_keys: Sequence[NoteVerifier] = (),
    ) -> None:
        self._proofs = proofs
        self._keys = keys
        self._witness_keys = tuple(witness_keys)
        self._answers: Mapping[str, _Answer] = {
            "checkpoint": self._checkpoint,
            "keys": self._list_keys,
            "consistency": self._consistency,
            "inclusion": self._inclusion,
        }

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:
        """The answer to one request."""
        if request.method not in {"GET", "HEAD"}:
            return WebAnswer(405, _TEXT, b"method\n", (("Allow", "GET, HEAD"),))
        name, _, rest = request.path.removeprefix(PREFIX).partition("/")
        if name not in set(Tree):
            return _not_found()
        tree = Tree(name)
        first, _, inner = rest.partition("/")
        if _SHORT_NAME.fullmatch(first) is None:
            return _for_a_minute(self._answer(tree, rest, request.query, now))
        found = self._answer(tree, inner, request.query, now)
        # asked afterwards: what was read before the history changed is not served under its name
        return found if self._short_name(tree) == first else _not_found()

    def _answer(self, tree: Tree, rest: str, query: str, now: datetime) -> WebAnswer:
        try:
            if rest.startswith("tile/") and tree is Tree.PUBLIC:
                return self._tile(rest.removeprefix("tile/"))
            known = self._answers.get(rest)
            return _not_found() if known is None else known(tree, query, now)
        except EntryUnknown:
            return _not_found()
        except EntryPending:
            return WebAnswer(404, _TEXT, b"pending\n", _BRIEF)
        except TreeDamaged:
            return WebAnswer(503, _TEXT, b"damaged\n", (("Cache-Control", "no-store"),))

    def _short_name(self, tree: Tree) -> str | None:
        checkpoint = self._proofs.checkpoint(tree)
        return None if checkpoint is None else short_name(checkpoint.note.partition("\n")[0])

    def _checkpoint(self, tree: Tree, query: str, now: datetime) -> WebAnswer:  # noqa: ARG002 - as the others
        checkpoint = self._proofs.checkpoint(tree)
        if checkpoint is None:
            return _not_found()
        return WebAnswer(200, _TEXT, checkpoint.whole_note.encode(), _BRIEF)

    def _list_keys(self, tree: Tree, query: str, now: datetime) -> WebAnswer:  # noqa: ARG002 - as the others
        checkpoint = self._proofs.checkpoint(tree)
        if checkpoint is None:
            return _not_found()
        origin = checkpoint.note.partition("\n")[0]
        found = {
            "origin": origin,
            "prefix": f"{PREFIX}{tree}/{short_name(origin)}/",
            "log": [one.vkey for one in self._keys.verifiers(origin, now=now)],
            "witnesses": [one.vkey for one in self._witness_keys],
        }
        return WebAnswer(200, _JSON, msgspec.json.encode(found), _BRIEF)

    def _consistency(self, tree: Tree, query: str, now: datetime) -> WebAnswer:  # noqa: ARG002 - as the others
        old, new = _number(query, "from"), _number(query, "to")
        if old is None or new is None or old > new:
            return _bad()
        hashes = self._proofs.consistent(tree, old=old, new=new)
        found = {"from": old, "to": new, "proof": [to_base64(one) for one in hashes]}
        return WebAnswer(200, _JSON, msgspec.json.encode(found), _FOR_EVER)

    def _inclusion(self, tree: Tree, query: str, now: datetime) -> WebAnswer:  # noqa: ARG002 - as the others
        position = _number(query, "index")
        if position is None:
            return _bad()
        if tree is not Tree.PUBLIC:
            return _not_found()
        proof = self._proofs.include(tree, position, asking=PublicOnly())
        return WebAnswer(200, _TEXT, format_proof(proof).encode(), _BRIEF)

    def _tile(self, path: str) -> WebAnswer:
        asked = parse_tile_path(path)
        if asked is None:
            return _not_found()
        if asked.level is not None:
            hashes = self._proofs.tile(level=asked.level, tile=asked.tile, width=asked.width)
            return _not_found() if hashes is None else WebAnswer(200, _BYTES, hashes, _FOR_EVER)
        entries = self._proofs.entries(tile=asked.tile, width=asked.width)
        if entries is None:
            return _not_found()
        bundle = b"".join(len(one).to_bytes(2, "big") + one for one in entries)
        # hashes hardly shrink, but the specification lets clients count on gzip being spoken
        headers = (*_FOR_EVER, ("Content-Encoding", "gzip"))
        return WebAnswer(200, _BYTES, gzip.compress(bundle, compresslevel=1, mtime=0), headers)


def short_name(origin: str) -> str:
    """What a history is called in a path."""
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


def _for_a_minute(answer: WebAnswer) -> WebAnswer:
    """The same, for an address under which there may be another history one day."""
    if answer.headers[:1] != _FOR_EVER:
        return answer
    return replace(answer, headers=(*_MINUTE, *answer.headers[1:]))


def _number(query: str, name: str) -> int | None:
    try:
        values = parse_qs(query, max_num_fields=4).get(name, [])
    except ValueError:
        return None
    if len(values) != 1 or len(values[0]) > _MOST_DIGITS:
        return None
    return int(values[0]) if values[0].isascii() and values[0].isdecimal() else None


def _bad() -> WebAnswer:
    return WebAnswer(400, _TEXT, b"malformed\n", (("Cache-Control", "no-store"),))


def _not_found() -> WebAnswer:
    return WebAnswer(404, _TEXT, b"not found\n", _BRIEF)
