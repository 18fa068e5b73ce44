"""What the keystore costs without HTTP around it: signatures, certificates, the signer, the log.

What lives here: the order of these measurements, over a deployment of their own, which is open in
this very process; this thread is on the server's core while it is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.costs import Cost
from bench.issuance import measure_issuance
from bench.machine import only_on
from bench.personal import measure_signer
from bench.population import add_people
from bench.provider import open_deployment
from bench.records import ENTRIES, measure_log
from bench.signatures import measure_signatures
from bench.stores import Stores
from bench.trust import make_authority

_ROOM: Final = 7
_PEOPLE: Final = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is measured, and how long: the raw signature of a round takes `seconds`."""

    stores: Stores
    folder: Path
    core: int
    rounds: int
    seconds: float
    say: Callable[[str], None]


def measure_keystore(place: Place) -> list[Cost]:
    """Every line of the table."""
    return [*_signatures(place), *_signer(place), *measure_entries(place, entries=ENTRIES)]


def measure_entries(place: Place, *, entries: int) -> list[Cost]:
    """The lines about the log, over a database of its own."""
    place.say("log")
    with open_deployment(place.stores, folder=place.folder / "log", room=_ROOM) as services:
        people = add_people(services, range(_PEOPLE))
        with only_on(place.core):
            return measure_log(
                services,
                people=people,
                entries=entries,
                rounds=place.rounds,
                seconds=place.seconds,
                say=place.say,
            )


def _signatures(place: Place) -> list[Cost]:
    with open_deployment(
        place.stores, folder=place.folder / "keys", room=_ROOM, with_authority=True
    ) as services:
        people = add_people(services, range(_PEOPLE))
        make_authority(services, people=people)
        with only_on(place.core):
            place.say("signatures")
            signatures = measure_signatures(
                services.keyring,
                rounds=place.rounds,
                seconds=place.seconds,
                core=place.core,
                folder=place.folder,
                now=services.time(),
            )
            place.say("certificates")
            return signatures + measure_issuance(
                services, people=people, rounds=place.rounds, seconds=place.seconds
            )


def _signer(place: Place) -> list[Cost]:
    place.say("antin signer")
    return measure_signer(
        place.stores,
        rounds=place.rounds,
        seconds=place.seconds,
        core=place.core,
        folder=place.folder / "signer",
    )
