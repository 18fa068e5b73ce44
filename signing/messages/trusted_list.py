"""What is asked about a list of trusted services.

What lives here: two tasks with their arguments and answers: `OPEN_TRUSTED_LIST` gives the octets
that its signature is over, `READ_TRUSTED_LIST` says what such octets mean.
Source: ETSI TS 119 612 V2.3.1 §5.
Not here: the functions that do them (`signing/parsing/trusted_list.py`), and whether the list is to
be believed (`signing/validation/trusted_list.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

_Uri = Annotated[str, msgspec.Meta(max_length=2_000)]
_Text = Annotated[str, msgspec.Meta(max_length=1_000)]
_Certificate = Annotated[bytes, msgspec.Meta(max_length=64 * 1024)]
_Certificates = Annotated[tuple[_Certificate, ...], msgspec.Meta(max_length=200)]
_MOST_ANSWER_BYTES: Final = 24 << 20


class TrustedListAsked(msgspec.Struct, frozen=True):
    """Asks what a trusted list says; one with more elements is refused."""

    most_elements: int


class OpenedTrustedList(msgspec.Struct, frozen=True):
    """Its signature; the list without it, in canonical form, is in the output.

    Takes   signatures: ds:Signature elements in all; signed_info, value: of the only one, canonical
            and decoded, empty where there is not just one that is a child of the root.
    """

    signatures: int
    signed_info: Annotated[bytes, msgspec.Meta(max_length=64 * 1024)]
    value: Annotated[bytes, msgspec.Meta(max_length=8 * 1024)]


class ListedStatus(msgspec.Struct, frozen=True):
    """What a service was, and since when (seconds since 1970)."""

    kind: _Uri
    status: _Uri
    since_s: int


class ListedService(msgspec.Struct, frozen=True):
    """One service: `statuses` begin with the one of now, the others are its history."""

    provider: _Text
    name: _Text
    certificates: _Certificates
    statuses: Annotated[tuple[ListedStatus, ...], msgspec.Meta(max_length=1_000)]


class ListPointer(msgspec.Struct, frozen=True):
    """Where another list is, and by whom that one is signed."""

    location: _Uri
    territory: _Text
    kind: _Uri
    media_type: _Text
    certificates: _Certificates


class TrustedListFacts(msgspec.Struct, frozen=True):
    """A whole list, **not verified**.

    Takes   root_id: value of the root's Id, or empty; next_update_s: None for one that is closed.
    """

    root_id: _Text
    version: int
    sequence: int
    kind: _Uri
    operator: _Text
    territory: _Text
    issued_s: int
    next_update_s: int | None
    services: Annotated[tuple[ListedService, ...], msgspec.Meta(max_length=50_000)]
    pointers: Annotated[tuple[ListPointer, ...], msgspec.Meta(max_length=1_000)]


OPEN_TRUSTED_LIST: Final = Task(
    "signing.parsing.trusted_list:open_trusted_list", TrustedListAsked, OpenedTrustedList
)
"""Input: the list as it came.  Refused: as `READ_TRUSTED_LIST`."""

READ_TRUSTED_LIST: Final = Task(
    "signing.parsing.trusted_list:read_trusted_list",
    TrustedListAsked,
    TrustedListFacts,
    _MOST_ANSWER_BYTES,
)
"""Input: the list, or its canonical form.  Refused: `list_malformed`, and as
`signing/parsing/xml_document.py` does."""
