"""Many documents of one turn: what was made stays made, and each question is asked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from signing import halves
from signing.errors import ParsingFailed, TimestampUnavailable
from signing.formats.material import Level, StatusSource, Timestamps, ValidationMaterial
from signing.formats.pades_room import MeasuredTimestamps
from signing.model import RequestState, SigningRequest
from signing.new_request import NewDocument
from signing.outcomes import Finished
from signing.storage.halves import signing_half
from tests.support.cms_opinions import openssl_verifies
from tests.support.handmade_pdf import plain_document
from tests.support.signer import digests_of
from tests.support.signing_house import SigningHouse, Somebody, pdf


@dataclass
class _Stamps:
    """An authority that is away for each of its calls that is named."""

    inner: Timestamps
    away: range = range(0)
    asked: int = 0

    def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
        """See `Timestamps`."""
        self.asked += 1
        if self.asked in self.away:
            raise TimestampUnavailable
        return self.inner.stamp(digest, hash_name=hash_name)


@dataclass
class _Status:
    """Counts how often it is asked."""

    inner: StatusSource
    asked: int = 0

    def material(self, chain: Sequence[bytes], *, now: datetime) -> ValidationMaterial:
        """See `StatusSource`."""
        self.asked += 1
        return self.inner.material(chain, now=now)


@pytest.fixture
def anh(house: SigningHouse) -> Somebody:
    """A person with a passkey."""
    return house.with_passkey()


def _digests(house: SigningHouse, count: int, *, level: Level) -> SigningRequest:
    digests = digests_of(count)
    documents = [NewDocument(name=f"{at}", digest=one) for at, one in enumerate(digests)]
    return house.ask(*documents, level=level)


def _halves(house: SigningHouse) -> int:
    with house.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(signing_half)).scalar_one())


def test_a_failure_in_between_throws_nothing_away(
    house: SigningHouse, anh: Somebody, tmp_path: Path
) -> None:
    stamps = _Stamps(house.pki.timestamps(now=house.now), away=range(8, 40, 8))
    house.build(timestamps=stamps, status=house.pki.status())
    request = _digests(house, 20, level=Level.T)
    done = house.confirm(request, anh)
    assert done == Finished(RequestState.CONFIRMED, "timestamp_unavailable")
    assert _halves(house) == 7
    tries = 1
    while done.state is RequestState.CONFIRMED:
        done = house.signing.finish(request.request_id, 0, now=house.now)
        tries += 1
    assert (done.state, tries, stamps.asked) == (RequestState.SIGNED, 3, 22)
    assert _halves(house) == 0, "they are results now"
    for at in (0, 6, 7, 19):
        opinion = openssl_verifies(
            house.result(request, at),
            root=house.pki.root_pem,
            folder=tmp_path,
            content=f"document {at}".encode(),
        )
        assert opinion.is_valid, opinion.said


def test_what_was_kept_in_between_goes_with_the_request(
    house: SigningHouse, anh: Somebody, tmp_path: Path
) -> None:
    house.build(
        timestamps=_Stamps(house.pki.timestamps(now=house.now), away=range(3, 99)),
        status=house.pki.status(),
    )
    request = _digests(house, 5, level=Level.T)
    house.confirm(request, anh)
    assert _halves(house) == 2
    house.signing.give_up(request.request_id, 0, reason="expired", now=house.now)
    assert _halves(house) == 0
    assert [one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()] == []


def test_what_a_request_waits_for_is_said_and_is_why_it_fails(
    house: SigningHouse, anh: Somebody, no_timestamps: Timestamps
) -> None:
    request = _digests(house, 1, level=Level.T)
    house.build(timestamps=no_timestamps, status=house.pki.status())
    house.confirm(request, anh)
    found = house.requests.get(request.request_id)
    assert (found.state, found.reason) == (RequestState.CONFIRMED, "timestamp_unavailable")
    house.signing.give_up(request.request_id, 0, reason="expired", now=house.now)
    found = house.requests.get(request.request_id)
    assert (found.state, found.reason) == (RequestState.FAILED, "timestamp_unavailable")


def test_the_status_is_asked_for_once_whatever_the_number_of_documents(
    house: SigningHouse, anh: Somebody
) -> None:
    status = _Status(house.pki.status())
    house.build(timestamps=house.pki.timestamps(now=house.now), status=status)
    assert house.confirm(_digests(house, 12, level=Level.LT), anh).state is RequestState.SIGNED
    assert status.asked == 2, "the signer's chain and the timestamp authority's"


def test_while_one_worker_finishes_no_other_begins(
    house: SigningHouse, anh: Somebody, no_timestamps: Timestamps
) -> None:
    request = _digests(house, 2, level=Level.T)
    house.build(timestamps=no_timestamps, status=house.pki.status())
    house.confirm(request, anh)
    stamps = _Stamps(house.pki.timestamps(now=house.now))
    house.build(timestamps=stamps, status=house.pki.status())
    made = halves.Halves(house.database, documents=house.documents)
    assert made.claim(request.request_id, 0, now=house.now)
    done = house.signing.finish(request.request_id, 0, now=house.now)
    assert (done.state, stamps.asked) == (RequestState.CONFIRMED, 0)
    later = house.now + halves.CLAIMED_FOR
    assert house.signing.finish(request.request_id, 0, now=later).state is RequestState.SIGNED


def test_batches_are_kept_while_the_rest_is_made(
    house: SigningHouse, anh: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves, "_KEPT_EVERY_S", 0.0)
    request = _digests(house, 3, level=Level.B)
    assert house.confirm(request, anh).state is RequestState.SIGNED
    found = house.requests.get(request.request_id)
    assert len({one.current_id for one in found.documents}) == 3
    assert len({house.result(request, at) for at in range(3)}) == 3


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("fault", RequestState.FAILED),
        ("contradiction", RequestState.FAILED),
        ("too_large", RequestState.FAILED),
        ("busy", RequestState.CONFIRMED),
        ("crashed", RequestState.CONFIRMED),
    ],
)
def test_what_would_be_answered_each_time_is_not_asked_for_a_day(
    house: SigningHouse,
    anh: Somebody,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    state: RequestState,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ParsingFailed(reason)

    monkeypatch.setattr(halves, "finish_half", fails)
    done = house.confirm(_digests(house, 1, level=Level.B), anh)
    assert done == Finished(state, "parsing_failed")


def test_a_timestamp_that_outgrew_its_room_ends_the_request(
    house: SigningHouse, anh: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hole in the PDF was measured before the person confirmed; it never grows."""
    request = house.ask(pdf(plain_document().classic()), level=Level.T)
    # as if it had been measured when the authority's chain was shorter
    monkeypatch.setattr(MeasuredTimestamps, "token_bytes", lambda *_: 500)
    assert house.confirm(request, anh) == Finished(RequestState.FAILED, "timestamp_too_large")


def test_a_worker_that_lost_its_claim_makes_nothing_twice(
    house: SigningHouse, anh: Somebody, no_timestamps: Timestamps, tmp_path: Path
) -> None:
    request = _digests(house, 2, level=Level.T)
    house.build(timestamps=no_timestamps, status=house.pki.status())
    house.confirm(request, anh)
    house.build(timestamps=house.pki.timestamps(now=house.now), status=house.pki.status())
    inner, later = house.pki.timestamps(now=house.now), house.now + timedelta(minutes=5)

    class Slow:
        """Somebody else finishes while it is asked."""

        is_first = True

        def stamp(self, digest: bytes, *, hash_name: str) -> bytes:
            """See `Timestamps`."""
            if self.is_first:
                self.is_first = False
                quick = house.signing.finish(request.request_id, 0, now=later)
                assert quick.state is RequestState.SIGNED
            return inner.stamp(digest, hash_name=hash_name)

    house.build(timestamps=Slow(), status=house.pki.status())
    done = house.signing.finish(request.request_id, 0, now=house.now)
    assert done == Finished(RequestState.SIGNED)
    assert len([one for one in (tmp_path / "documents").rglob("doc_*") if one.is_file()]) == 1
