"""How signing keys are written out for an operator: as a table, as JSON, and what needs one.

What lives here: formatting, and the sentences that a destruction asks about.  Private halves are
never shown.  Not here: reading or changing anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from keystore.purposes import CA_ISSUING, DOCUMENTS, LOG, OCSP, TIMESTAMP, TOKENS
from keystore.signing_keys import KeyRecord

_HEADINGS: Final = ("key", "purpose", "kind", "kept", "state")

_STOPS: Final[Mapping[str, str]] = {
    TOKENS.name: (
        "No token is signed with it any more; what it signed verifies until it expires. If it was "
        "the one that signs, another is made at once, and portals that keep an older JWK Set "
        "refuse its tokens until they fetch the new one."
    ),
    CA_ISSUING.name: (
        "The authority whose certificate names it issues nothing, and publishes no more revocation "
        "lists: when the last one ends, nobody can verify any of its certificates."
    ),
    OCSP.name: (
        "Status answers under its certificate are no longer made; what was signed ahead is served "
        "until it ends. Without another key and certificate /ocsp answers tryLater."
    ),
    TIMESTAMP.name: (
        "No timestamps are made under its certificate; those that were made stay valid. Without "
        "another key and certificate /tsa answers systemFailure."
    ),
    DOCUMENTS.name: (
        "`antin sign` signs no documents with it; those that were signed stay valid as long as its "
        "certificate is good, and for good where they carry timestamps."
    ),
    LOG.name: (
        "The log signs no checkpoints with it: what is recorded from now on is not covered until "
        "another key signs, and whoever watches the log has to be told of that key."
    ),
}


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key as it is listed.

    `named_by`: authorities whose certificates name it.
    """

    record: KeyRecord
    is_damaged: bool
    is_in_token: bool
    named_by: tuple[str, ...] = ()


def keys_as_table(keys: Iterable[ListedKey], *, now: datetime) -> str:
    """One line per key, columns aligned."""
    rows = [_HEADINGS, *(_row(key, now=now) for key in keys)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    return "\n".join(
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        for row in rows
    )


def keys_as_json(keys: Iterable[ListedKey], *, now: datetime) -> str:
    """The same for programs; instants as RFC 3339."""
    return json.dumps([_members(key, now=now) for key in keys], indent=2)


def what_stops(key: ListedKey, *, others: Sequence[ListedKey], now: datetime) -> list[str]:
    """Sentences for the question before a key is destroyed.

    Takes   others: the other keys of the same purpose and kind.
    """
    record = key.record
    said = [f"{record.kid} ({record.purpose}, {record.algorithm}): {state(key, now=now)}"]
    if _word(key, now=now) != "retired":
        said.append(_STOPS.get(record.purpose, "Nothing is signed with it any more."))
    else:
        said.append("It signs nothing any more; nothing stops.")
    said += [f"The certificate of {name} names it." for name in key.named_by]
    is_last = not any(_word(other, now=now) == "active" for other in others)
    if is_last and _word(key, now=now) == "active" and record.purpose != CA_ISSUING.name:
        said.append("There is no other active key of this purpose and kind.")
    said.append("Its private half cannot be brought back, except by a backup of before.")
    return said


def state(key: ListedKey, *, now: datetime) -> str:
    """Where the key is in its life, and until when or since when."""
    record = key.record
    word = _word(key, now=now)
    said = {
        "destroyed": f"destroyed {record.destroyed_at:%F %T}Z" if record.destroyed_at else "",
        "next": f"next, signs from {record.active_from:%F %T}Z",
        "retired": f"retired {record.retired_at:%F %T}Z" if record.retired_at else "",
        "active": f"active since {record.active_from:%F %T}Z",
    }[word]
    return f"{said}, DAMAGED: does not open" if key.is_damaged else said


def _word(key: ListedKey, *, now: datetime) -> str:
    record = key.record
    if record.destroyed_at is not None:
        return "destroyed"
    if now < record.active_from:
        return "next"
    if record.retired_at is not None and record.retired_at <= now:
        return "retired"
    return "active"


def _kept(key: ListedKey) -> str:
    if key.record.private_sealed is None:
        return "-"
    return "token" if key.is_in_token else "software"


def _row(key: ListedKey, *, now: datetime) -> tuple[str, ...]:
    record = key.record
    return (record.kid, record.purpose, record.algorithm, _kept(key), state(key, now=now))


def _members(key: ListedKey, *, now: datetime) -> dict[str, Any]:
    record = key.record
    return {
        "kid": record.kid,
        "purpose": record.purpose,
        "algorithm": record.algorithm,
        "kept": _kept(key),
        "state": _word(key, now=now),
        "is_damaged": key.is_damaged,
        "created": _instant(record.created_at),
        "active_from": _instant(record.active_from),
        "retired": _instant(record.retired_at),
        "destroyed": _instant(record.destroyed_at),
        "named_by": list(key.named_by),
        "public_jwk": dict(record.public_jwk),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
