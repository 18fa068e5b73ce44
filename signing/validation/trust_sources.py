"""Where trust comes from: our own roots, a folder of certificates, trusted lists.

What lives here: `TrustSources`, which reads them into `KnownAnchors` and again when they change,
and `KeptLists`, the last good copy of each list that was fetched.  A copy is verified each time it
is read, so that whoever can write to the folder gains no more than whoever answers at the address;
it serves until the next list was due, whether or not a newer one can be had.
Source: ETSI TS 119 612 V2.3.1 §5.3.13 (pointers), §5.3.15 (until when a list may be used);
TS 119 615 §4.1 (the list of lists).
Not here: fetching (whoever calls `refresh` says how), settings.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from keystore.private_files import put_in_place, write_draft
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.sources import Unreachable
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.paths import TrustAnchor
from signing.validation.trust import anchors_of_list, make_book, read_certificates
from signing.validation.trusted_list import TrustedList, TrustedListRefused, open_list

_LOOK_EVERY: Final = timedelta(minutes=1)
_CERTIFICATES: Final = frozenset({".pem", ".crt", ".cer", ".der"})
_MOST_FILES: Final = 2_000
_MOST_FILE_BYTES: Final = 4 << 20
_MOST_LIST_BYTES: Final = 32 << 20
_LIST_OF_LISTS: Final = "listofthelists"
_XML: Final = "application/vnd.etsi.tsl+xml"
OWN: Final = "own"
"""The name of our own authority among the sources."""

Fetch = Callable[[str], bytes]
"""Brings a list from its address; raises `Unreachable`."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source and what came of it.

    Takes   name: `own`, `folder:` with the file's name, or a list's address; problem: why it gives
            nothing, a code, or empty; issued_at, next_update, sequence, territory: of a list.
    """

    name: str
    anchors: int = 0
    problem: str = ""
    issued_at: datetime | None = None
    next_update: datetime | None = None
    sequence: int | None = None
    territory: str = ""


@dataclass(frozen=True, slots=True)
class TrustPlaces:
    """Where to look.

    Takes   folder: of certificates; kept: folder of fetched lists; lists: https addresses, or paths
            of files; signers: file with the certificates that may sign these lists.
    """

    folder: Path
    kept: Path
    lists: tuple[str, ...] = ()
    signers: Path | None = None


class KeptLists:
    """Fetched lists in a folder, each under a name made of its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, address: str) -> Path:
        """Where the copy of a list is, if there is one."""
        return self._folder / f"{hashlib.sha256(address.encode()).hexdigest()[:32]}.xml"

    def keep(self, address: str, raw: bytes) -> None:
        """Put this one in place of the one before."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_in_place(write_draft(self.path(address), raw), self.path(address))


@dataclass(frozen=True, slots=True)
class _Reading:
    book: KnownAnchors
    states: tuple[SourceState, ...]
    marks: tuple[object, ...]
    looked_at: datetime
    until: datetime | None


class TrustSources:
    """A `TrustAnchors` over all sources; safe to share between threads.

    Takes   own: DER of the roots of our own authority; time: tells the time.
    """

    def __init__(
        self,
        places: TrustPlaces,
        *,
        own: Callable[[], Sequence[bytes]],
        isolation: Isolation,
        time: Callable[[], datetime],
    ) -> None:
        self._places = places
        self._own = own
        self._isolation = isolation
        self._time = time
        self._kept = KeptLists(places.kept)
        self._lock = threading.Lock()
        self._reading: _Reading | None = None

    def by_subject(self, name_der: bytes) -> Sequence[TrustAnchor]:
        """See `TrustAnchors`."""
        return self.book().by_subject(name_der)

    def contains(self, der: bytes) -> TrustAnchor | None:
        """See `TrustAnchors`."""
        return self.book().contains(der)

    def book(self) -> KnownAnchors:
        """All anchors of now."""
        return self._read().book

    def states(self) -> tuple[SourceState, ...]:
        """Each source and what came of it."""
        return self._read().states

    def told(self) -> tuple[str, ...]:
        """See `TellsSources`."""
        return tuple(_told(one) for one in self.states())

    def refresh(self, fetch: Fetch) -> tuple[SourceState, ...]:
        """Fetch every list that has an address; keep those that are good and not older.

        Returns what came of each; a list that could not be had or is refused changes nothing.
        """
        found: list[SourceState] = []
        for address in self._places.lists:
            if _is_address(address):
                found.extend(self._refresh_one(address, fetch, signers=self._signers(), depth=0))
        with self._lock:
            self._reading = None
        return tuple(found)

    def _refresh_one(
        self, address: str, fetch: Fetch, *, signers: Sequence[bytes], depth: int
    ) -> Iterator[SourceState]:
        now, trusted, problem = self._time(), None, ""
        try:
            raw = fetch(address)
            trusted = self._open(raw, signers=signers, now=now)
            kept = self._find_kept(address, signers=signers, now=now)
            if kept is not None and trusted.facts.sequence < kept.facts.sequence:
                raise TrustedListRefused("older")
            self._kept.keep(address, raw)
        except Unreachable as away:
            problem = str(away) or "unreachable"
        except TrustedListRefused as refused:
            problem = refused.reason
        except OSError:
            problem = "unwritable"
        yield _state_of(address, trusted, problem=problem)
        for further, named in _pointed(trusted, depth=depth):
            yield from self._refresh_one(further, fetch, signers=named, depth=depth + 1)

    def _find_kept(
        self, address: str, *, signers: Sequence[bytes], now: datetime
    ) -> TrustedList | None:
        try:
            return self._open(
                _read_file(self._kept.path(address), most_bytes=_MOST_LIST_BYTES),
                signers=signers,
                now=now,
            )
        except (OSError, TrustedListRefused):
            return None

    def _read(self) -> _Reading:
        now = self._time()
        reading = self._reading
        if reading is not None and _is_fresh(reading, now=now):
            return reading
        # one thread reads; others go on with what there is
        if not self._lock.acquire(blocking=reading is None):
            assert reading is not None  # noqa: S101 - for the type checker: it waited otherwise
            return reading
        try:
            reading = self._reading
            if reading is None or not _is_fresh(reading, now=now):
                reading = self._renewed(reading, now=now)
                self._reading = reading
            return reading
        finally:
            self._lock.release()

    def _renewed(self, before: _Reading | None, *, now: datetime) -> _Reading:
        own = tuple(self._own())
        marks = (own, *self._marks())
        is_over = before is not None and before.until is not None and now > before.until
        if before is not None and before.marks == marks and not is_over:
            return replace(before, looked_at=now)
        anchors = list(_anchors(own, source=OWN))
        states = [SourceState(OWN, len(own))] if own else []
        for found, state in (*self._from_folder(), *self._from_lists(now=now)):
            anchors.extend(found)
            states.append(state)
        until = min((one.next_update for one in states if one.next_update), default=None)
        return _Reading(make_book(anchors), tuple(states), marks, now, until)

    def _from_folder(self) -> Iterator[tuple[list[TrustAnchor], SourceState]]:
        for file in self._files():
            name = f"folder:{file.name}"
            try:
                raw = _read_file(file, most_bytes=_MOST_FILE_BYTES)
                found = list(_anchors(read_certificates(raw), source=name))
            except OSError:
                yield [], SourceState(name, problem="unreadable")
            except ValueError:
                yield [], SourceState(name, problem="not_a_certificate")
            else:
                yield found, SourceState(name, len(found))

    def _from_lists(self, *, now: datetime) -> Iterator[tuple[list[TrustAnchor], SourceState]]:
        for address in self._places.lists:
            yield from self._from_list(address, signers=self._signers(), now=now, depth=0)

    def _from_list(
        self, address: str, *, signers: Sequence[bytes], now: datetime, depth: int
    ) -> Iterator[tuple[list[TrustAnchor], SourceState]]:
        place = self._kept.path(address) if _is_address(address) else Path(address)
        trusted, problem = None, ""
        try:
            trusted = self._open(
                _read_file(place, most_bytes=_MOST_LIST_BYTES), signers=signers, now=now
            )
        except FileNotFoundError:
            problem = "not_fetched" if _is_address(address) else "unreadable"
        except OSError:
            problem = "unreadable"
        except TrustedListRefused as refused:
            problem = refused.reason
        found = [] if trusted is None else list(anchors_of_list(trusted, source=address))
        yield found, _state_of(address, trusted, problem=problem)
        for further, named in _pointed(trusted, depth=depth):
            yield from self._from_list(further, signers=named, now=now, depth=depth + 1)

    def _open(self, raw: bytes, *, signers: Sequence[bytes], now: datetime) -> TrustedList:
        with Blob.of(raw) as blob:
            return open_list(blob, isolation=self._isolation, signers=signers, now=now)

    def _signers(self) -> tuple[bytes, ...]:
        """Who may sign our lists; nobody where the file says nothing."""
        if self._places.signers is None:
            return ()
        try:
            return read_certificates(_read_file(self._places.signers, most_bytes=_MOST_FILE_BYTES))
        except (OSError, ValueError):
            return ()

    def _files(self) -> list[Path]:
        try:
            found = sorted(
                one for one in self._places.folder.iterdir() if one.suffix.lower() in _CERTIFICATES
            )
        except OSError:
            return []
        return found[:_MOST_FILES]

    def _marks(self) -> Iterator[object]:
        """What tells that something changed: names, sizes and times of files."""
        files = self._files()
        files += [Path(one) for one in self._places.lists if not _is_address(one)]
        files += [] if self._places.signers is None else [self._places.signers]
        try:
            files += sorted(self._places.kept.glob("*.xml"))
        except OSError:
            files += []
        for file in files:
            try:
                told = file.stat()
            except OSError:
                yield file.name, None
            else:
                yield file.name, told.st_size, told.st_mtime_ns


def _anchors(certificates: Iterable[bytes], *, source: str) -> Iterator[TrustAnchor]:
    found = (anchor_of(one, source=source) for one in certificates)
    return (one for one in found if one is not None)


def _is_fresh(reading: _Reading, *, now: datetime) -> bool:
    is_recent = reading.looked_at <= now < reading.looked_at + _LOOK_EVERY
    return is_recent and (reading.until is None or now <= reading.until)


def _is_address(place: str) -> bool:
    return place.startswith(("https://", "http://"))


def _pointed(trusted: TrustedList | None, *, depth: int) -> Iterator[tuple[str, Sequence[bytes]]]:
    """The lists that a list of lists names, each with those who may sign it.

    Only one step, and never to another list of lists: those are named in the settings.
    """
    if trusted is None or depth or not trusted.facts.kind.endswith(_LIST_OF_LISTS):
        return
    for one in trusted.facts.pointers:
        is_list = one.media_type == _XML and not one.kind.endswith(_LIST_OF_LISTS)
        if is_list and _is_address(one.location):
            yield one.location, one.certificates


def _state_of(address: str, trusted: TrustedList | None, *, problem: str) -> SourceState:
    if trusted is None:
        return SourceState(address, problem=problem)
    return SourceState(
        address,
        anchors=sum(1 for _ in anchors_of_list(trusted, source=address)),
        problem=problem,
        issued_at=trusted.issued_at,
        next_update=trusted.next_update,
        sequence=trusted.facts.sequence,
        territory=trusted.facts.territory,
    )


def _told(state: SourceState) -> str:
    """Such as `https://lists.example/vn.xml, no. 7, 2026-11-20`."""
    told = [state.name]
    if state.sequence is not None and state.issued_at is not None:
        told += [f"no. {state.sequence}", f"{state.issued_at:%F}"]
    return ", ".join([*told, *([state.problem] if state.problem else [])])


def _read_file(file: Path, *, most_bytes: int) -> bytes:
    """A file of reasonable size.

    Raises  OSError.
    """
    with file.open("rb") as opened:
        raw = opened.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise OSError("too_large")
    return raw
