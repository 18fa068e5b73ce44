"""Many documents with few descriptors, one moment for one answer, pieces instead of the whole."""

from __future__ import annotations

import io
import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from idp.storage.database import Database
from keystore.errors import SealBroken
from signing.blobs import DocumentStore
from signing.errors import RequestRefused
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import RequestState, Result, SlotState
from signing.new_request import NewDocument
from signing.storage.request_reading import find_request
from signing.web.request_body import read_body
from tests.support.asked import listening
from tests.support.signing_house import SigningHouse

_MIB = 1 << 20


@contextmanager
def _descriptors_left(number: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_window_over_many_documents_opens_one_after_the_other(house: SigningHouse) -> None:
    anh = house.with_passkey()
    documents = [
        NewDocument(name=f"{at}", media_type="text/plain", content=Blob.of(b"1"))
        for at in range(60)
    ]
    request = house.ask(*documents, level=Level.B)
    for one in documents:
        assert one.content is not None
        one.content.close()
    with _descriptors_left(30):
        assert house.open(request, anh).challenge


def test_a_form_of_many_files_takes_one_descriptor_each() -> None:
    names = [f"f{at}" for at in range(60)]
    documents = ",".join(f'{{"name":"{name}","part":"{name}"}}' for name in names)
    words = f'{{"title":"t","documents":[{documents}],"signers":[{{"sub":"s"}}]}}'
    data: dict[str, Any] = {name: (io.BytesIO(name.encode()), name) for name in names}
    request = Request(EnvironBuilder(method="POST", data={"request": words, **data}).get_environ())
    with _descriptors_left(90), ExitStack() as held:
        body = read_body(request, max_bytes=_MIB, held=held)
        contents = [one.content.read() for one in body.new.documents if one.content is not None]
    assert contents == [name.encode() for name in names]


@pytest.mark.parametrize("part", ["expires_in", "confirmation_window"])
@pytest.mark.parametrize("number", [10**15, -(10**15)])
def test_a_time_beyond_all_calendars_is_refused(part: str, number: int) -> None:
    words = {"title": "t", "documents": [], "signers": [], part: number}
    request = Request(EnvironBuilder(method="POST", json=words).get_environ())
    with pytest.raises(RequestRefused) as refusal, ExitStack() as held:
        read_body(request, max_bytes=_MIB, held=held)
    assert refusal.value.part == part


def test_a_request_is_seen_as_it_stood_at_one_moment(house: SigningHouse) -> None:
    """All of it is one statement, and no statement sees what is committed while it runs."""
    anh = house.with_passkey()
    document = NewDocument(name="a", media_type="text/plain", content=Blob.of(b"1"))
    request = house.ask(document, level=Level.B)
    house.confirm(request, anh)
    with listening() as asked, house.database.read() as connection:
        found = find_request(connection, request.request_id, sealer=house.sealer)
    assert len(asked) == 1
    with listening() as asked:
        beside, window = house.windows.read(request.request_id)
    assert len(asked) == 1
    assert (beside, window) == (found, None)
    assert found is not None
    assert (found.state, found.slots[0].state) == (RequestState.SIGNED, SlotState.SIGNED)
    assert found.documents[0].result is not None
    assert house.requests.stands(request.request_id, now=house.now) == (RequestState.SIGNED, 1)


@pytest.mark.parametrize("size", [_MIB * 3, _MIB * 2 + 5])
def test_a_part_opens_only_the_pieces_around_it(
    documents: DocumentStore, database: Database, now: datetime, size: int
) -> None:
    content = os.urandom(size)
    with Blob.of(content) as blob:
        stored = documents.write(blob, expires_at=now + timedelta(days=1))
    with database.transaction() as tx:
        documents.keep(tx, [stored])
    for offset, length in ((0, 10), (_MIB - 3, 9), (size - 7, 7), (0, size), (_MIB, _MIB)):
        with documents.open_part(Result(stored.blob_id, offset, length)) as part:
            assert part.read() == content[offset : offset + length]
    # the first piece is spoilt: what lies in another comes all the same
    path = documents._path(stored.blob_id)
    path.write_bytes(bytes(100) + path.read_bytes()[100:])
    with documents.open_part(Result(stored.blob_id, size - 7, 7)) as part:
        assert part.read() == content[-7:]
    for offset, length in ((5, 7), (size - 1, 2), (-1, 2)):
        with pytest.raises(SealBroken):
            documents.open_part(Result(stored.blob_id, offset, length))
