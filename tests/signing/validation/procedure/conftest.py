"""A signature as it was found, and what a validation has at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.validation.cms import read_cms
from signing.validation.context import Context, pool_of
from signing.validation.found import (
    FoundDocument,
    FoundSignature,
    FoundTimestamp,
    TimestampKind,
)
from tests.support.validation_house import OWN_POLICY, ValidationHouse

Found = Callable[..., FoundSignature]
At = Callable[..., Context]


@pytest.fixture
def found(validation_house: ValidationHouse) -> Iterator[Found]:
    """A signature of a level, as its format gives it."""
    blobs: list[Blob] = []

    def read(level: Level = Level.LT) -> FoundSignature:
        blobs.append(Blob.of(validation_house.cms(level, is_enveloping=True)))
        (signature,) = read_cms(blobs[-1], detached=()).signatures
        return signature

    yield read
    for one in blobs:
        one.close()


@pytest.fixture
def at(validation_house: ValidationHouse) -> At:
    """What a validation has at hand for a signature at a time."""

    def make(found: FoundSignature, now: datetime | None = None, **changes: Any) -> Context:
        given: dict[str, Any] = {
            "policy": OWN_POLICY,
            "anchors": validation_house.anchors,
            "online": None,
            "now": now or validation_house.signed_at,
            "pool": pool_of(FoundDocument("cms", (found,))),
        }
        return Context(**(given | changes))

    return make


@pytest.fixture
def stamp(validation_house: ValidationHouse) -> Callable[..., FoundTimestamp]:
    """A timestamp of our own authority, made at a time over some octets."""

    def make(
        kind: TimestampKind, made_at: datetime, *, digest: bytes = bytes(32), **changes: Any
    ) -> FoundTimestamp:
        token = validation_house.pki.timestamps(now=made_at).stamp(digest, hash_name="sha256")
        given: dict[str, Any] = {
            "identity": f"T-{kind.value}",
            "kind": kind,
            "token": token,
            "digest_of": lambda name: digest if name == "sha256" else None,
            "certificates": (validation_house.pki.tsa.der,),
        }
        return FoundTimestamp(**(given | changes))

    return make
