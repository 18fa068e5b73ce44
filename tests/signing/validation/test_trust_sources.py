"""Sources of trust: what changes is seen, what is refused changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing.isolation.task import Isolation
from signing.sources import Unreachable
from signing.validation.trust_sources import KeptLists, TrustPlaces, TrustSources
from tests.support.pki import SmallPki
from tests.support.trusted_lists import (
    CA_QC,
    GRANTED,
    LIST_OF_LISTS,
    ListDraft,
    Listed,
    Scheme,
)

START = datetime(2026, 11, 21, tzinfo=UTC)
ADDRESS = "https://lists.example/vn.xml"


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    """Certificates to trust."""
    return SmallPki(START - timedelta(days=30))


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    """Who signs the lists."""
    return Scheme.of("Scheme", since=START - timedelta(days=100))


@pytest.fixture(scope="module")
def draft(pki: SmallPki) -> ListDraft:
    """A list with one service."""
    listed = Listed(pki.issuing.der, ((CA_QC, GRANTED, START - timedelta(days=20)),))
    return ListDraft(START - timedelta(days=1), (listed,))


@dataclass(slots=True)
class House:
    """Sources over a folder, with a clock that is set and a web that is a dictionary."""

    folder: Path
    isolation: Isolation
    scheme: Scheme
    lists: tuple[str, ...] = (ADDRESS,)
    own: tuple[bytes, ...] = ()
    now: datetime = START
    web: dict[str, bytes] = field(default_factory=dict)
    sources: TrustSources = field(init=False)

    def __post_init__(self) -> None:
        signers = self.folder / "signers.der"
        self.folder.mkdir(exist_ok=True)
        signers.write_bytes(self.scheme.certificate)
        self.sources = TrustSources(
            TrustPlaces(self.anchors, self.kept, lists=self.lists, signers=signers),
            own=lambda: self.own,
            isolation=self.isolation,
            time=lambda: self.now,
        )

    @property
    def anchors(self) -> Path:
        """Folder of certificates."""
        return self.folder / "trust"

    @property
    def kept(self) -> Path:
        """Folder of lists."""
        return self.folder / "trust" / "lists"

    def fetch(self, url: str) -> bytes:
        """From the web."""
        if url not in self.web:
            raise Unreachable("timed_out")
        return self.web[url]

    def refresh(self) -> list[str]:
        """The problems of each list."""
        return [one.problem for one in self.sources.refresh(self.fetch)]

    def trusts(self, der: bytes) -> bool:
        """A minute later."""
        self.now += timedelta(minutes=1)
        return self.sources.contains(der) is not None

    def problems(self) -> dict[str, str]:
        """By source."""
        return {one.name: one.problem for one in self.sources.states()}


@pytest.fixture
def house(tmp_path: Path, without_walls: Isolation, scheme: Scheme) -> House:
    """With nothing in it."""
    return House(tmp_path / "house", without_walls, scheme)


def test_without_anything_nobody_is_trusted(house: House, pki: SmallPki) -> None:
    assert not house.trusts(pki.root.der)
    assert house.problems() == {ADDRESS: "not_fetched"}


def test_our_own_roots_are_trusted(house: House, pki: SmallPki) -> None:
    house.own = (pki.root.der,)
    assert house.trusts(pki.root.der)
    assert house.sources.by_subject(pki.root.certificate.subject.public_bytes())
    house.own = ()
    assert not house.trusts(pki.root.der)


def test_a_certificate_put_into_the_folder_is_trusted_within_a_minute(
    house: House, pki: SmallPki
) -> None:
    assert not house.trusts(pki.root.der)
    house.anchors.mkdir()
    (house.anchors / "root.pem").write_bytes(pki.root.pem)
    (house.anchors / "issuing.crt").write_bytes(pki.issuing.der)
    (house.anchors / "broken.pem").write_bytes(b"text")
    (house.anchors / "README").write_bytes(b"text")
    assert house.trusts(pki.root.der)
    assert house.trusts(pki.issuing.der)
    assert house.problems() == {
        "folder:broken.pem": "not_a_certificate",
        "folder:issuing.crt": "",
        "folder:root.pem": "",
        ADDRESS: "not_fetched",
    }
    (house.anchors / "root.pem").unlink()
    assert not house.trusts(pki.root.der)


def test_a_fetched_list_is_trusted_until_its_next_update(
    house: House, pki: SmallPki, scheme: Scheme, draft: ListDraft
) -> None:
    """TS 119 612 §5.3.15; the last good list serves while no newer one can be had."""
    house.web[ADDRESS] = draft.signed_by(scheme)
    assert house.refresh() == [""]
    assert house.trusts(pki.issuing.der)
    assert house.sources.told() == (f"{ADDRESS}, no. 7, 2026-11-20",)
    house.web.clear()
    assert house.refresh() == ["timed_out"]
    house.now = draft.issued + timedelta(days=179)
    assert house.trusts(pki.issuing.der)
    house.now = draft.issued + timedelta(days=180)
    assert not house.trusts(pki.issuing.der)
    assert house.problems() == {ADDRESS: "expired"}
    assert house.sources.told() == (f"{ADDRESS}, expired",)


@pytest.mark.parametrize("worse", ["stranger", "unsigned", "older", "expired", "page"])
def test_what_is_refused_changes_nothing(
    house: House, pki: SmallPki, scheme: Scheme, draft: ListDraft, worse: str
) -> None:
    house.web[ADDRESS] = draft.signed_by(scheme)
    house.refresh()
    empty = replace(draft, services=())
    answers = {
        "stranger": (
            empty.signed_by(Scheme.of("Stranger", since=START - timedelta(days=9))),
            "signed_by_another",
        ),
        "unsigned": (empty.xml(), "unsigned"),
        "older": (replace(empty, sequence=draft.sequence - 1).signed_by(scheme), "older"),
        "expired": (replace(empty, next_update=START).signed_by(scheme), "expired"),
        "page": (b"<html>Sorry</html>", "unsigned"),
    }
    house.web[ADDRESS], reason = answers[worse]
    house.now += timedelta(hours=1)
    assert house.refresh() == [reason]
    assert house.trusts(pki.issuing.der)


def test_a_newer_list_takes_the_place_of_the_one_before(
    house: House, pki: SmallPki, scheme: Scheme, draft: ListDraft
) -> None:
    house.web[ADDRESS] = draft.signed_by(scheme)
    house.refresh()
    assert house.trusts(pki.issuing.der)
    newer = replace(draft.later(timedelta(hours=1)), services=())
    house.web[ADDRESS] = newer.signed_by(scheme)
    assert house.refresh() == [""]
    assert not house.trusts(pki.issuing.der)


def test_a_kept_list_is_verified_again_when_it_is_read(
    house: House, pki: SmallPki, scheme: Scheme, draft: ListDraft
) -> None:
    """Whoever can write to the folder of lists is trusted no more than whoever serves them."""
    house.web[ADDRESS] = draft.signed_by(scheme)
    house.refresh()
    place = KeptLists(house.kept).path(ADDRESS)
    place.write_bytes(place.read_bytes().replace(b"Test Provider", b"Evil Provider"))
    assert not house.trusts(pki.issuing.der)
    assert house.problems() == {ADDRESS: "changed"}


def test_a_list_may_be_a_file(
    tmp_path: Path, without_walls: Isolation, pki: SmallPki, scheme: Scheme, draft: ListDraft
) -> None:
    file = tmp_path / "vn.xml"
    file.write_bytes(draft.signed_by(scheme))
    house = House(tmp_path / "house", without_walls, scheme, lists=(str(file),))
    assert house.refresh() == []
    assert house.trusts(pki.issuing.der)
    file.unlink()
    assert not house.trusts(pki.issuing.der)
    assert house.problems() == {str(file): "unreadable"}


def test_a_list_of_lists_says_who_signs_the_others(
    house: House, pki: SmallPki, scheme: Scheme, draft: ListDraft
) -> None:
    """TS 119 615 §4.1: what it points at is signed by those whom it names, and goes no further."""
    of_state = Scheme.of("State", since=START - timedelta(days=90))
    further = "https://lists.example/xx.xml"
    house.web[ADDRESS] = replace(
        draft, services=(), kind=LIST_OF_LISTS, pointers=((further, of_state.certificate),)
    ).signed_by(scheme)
    house.web[further] = draft.signed_by(scheme)
    assert house.refresh() == ["", "signed_by_another"]
    assert not house.trusts(pki.issuing.der)
    house.web[further] = draft.signed_by(of_state)
    assert house.refresh() == ["", ""]
    assert house.trusts(pki.issuing.der)
    assert house.problems() == {ADDRESS: "", further: ""}
    # one step and no further
    house.web[further] = replace(
        draft, kind=LIST_OF_LISTS, pointers=((ADDRESS, scheme.certificate),)
    ).signed_by(of_state)
    assert house.refresh() == ["", ""]


def test_without_signers_no_list_is_believed(
    house: House, pki: SmallPki, scheme: Scheme, draft: ListDraft
) -> None:
    house.web[ADDRESS] = draft.signed_by(scheme)
    (house.folder / "signers.der").write_bytes(b"")
    assert house.refresh() == ["signed_by_another"]
    assert not house.trusts(pki.issuing.der)
