"""Our provider and the empty route beside it, as processes of their own.

What lives here: the settings of a production-like deployment (PostgreSQL, Redis, one worker; TLS
ends at a proxy in front), and the steps from an empty database to a `Side`.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.population import Clients, Minting, Person, add_clients
from bench.processes import Running, run
from bench.side import Side
from bench.stores import Stores
from bench.trust import Questions, make_authority, settings_of_authority
from idp.services import Services, build_services
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.deployment import stamp
from idp.storage.schema import upgrade
from keystore.kek import create_kek_file
from tests.support.ports import free_port

_ISSUER: Final = "https://dang-nhap.bench.example"
Populate = Callable[[Services, Settings], Sequence[Person]]


@dataclass(frozen=True, slots=True)
class Provider:
    """Our provider while it runs."""

    side: Side
    people: tuple[Person, ...]


@contextmanager
def run_provider(
    stores: Stores,
    *,
    core: int,
    folder: Path,
    populate: Populate,
    room: int = 0,
    with_authority: bool = False,
) -> Iterator[Provider]:
    """Fill a database of its own and serve it.

    Takes   populate: brings the people; room: number of the Redis room, one for each provider;
            with_authority: whether it certifies and gives timestamps.
    """
    with open_deployment(
        stores, folder=folder, room=room, with_authority=with_authority
    ) as services:
        settings = services.settings
        clients = add_clients(services)
        people = tuple(populate(services, settings))
        asked = make_authority(services, people=people) if with_authority else None
        with run(
            [sys.executable, "-m", "idp.cli", "serve"],
            port=settings.port,
            core=core,
            log=folder / "log",
            environ=clean_environ() | variables_of(settings),
        ) as running:
            side = _side(services, clients, people, server=running, asked=asked)
            yield Provider(side, people)


@contextmanager
def open_deployment(
    stores: Stores, *, folder: Path, room: int = 0, with_authority: bool = False
) -> Iterator[Services]:
    """An empty database of its own with everything over it, in this process.

    Takes   as `run_provider`; the authority itself is made by `make_authority`.
    """
    folder.mkdir(parents=True)
    with settings_of_authority(is_wanted=with_authority) as more:
        settings = _settings(stores, folder=folder, port=free_port(), room=room, more=more)
        with closing(_open(settings)) as services:
            yield services


def _settings(
    stores: Stores, *, folder: Path, port: int, room: int, more: Mapping[str, Any]
) -> Settings:
    return Settings(
        issuer=_ISSUER,
        port=port,
        var=folder,
        database_url=stores.make_database(),
        ephemeral_url=stores.ephemeral_url(room),
        queue_url=stores.ephemeral_url(room + 8),
        **more,
    )


@contextmanager
def run_empty(*, core: int, folder: Path) -> Iterator[Running]:
    """Serve the empty route with the threads of ours."""
    port = free_port()
    command = [sys.executable, "-m", "bench.empty", str(port), str(Settings().threads)]
    with run(
        command, port=port, core=core, log=folder / "empty.log", environ=clean_environ()
    ) as running:
        yield running


def variables_of(settings: Settings) -> dict[str, str]:
    """The settings as another process of the same deployment is told them."""
    return {
        "ANTIN_ISSUER": settings.issuer,
        "ANTIN_PORT": str(settings.port),
        "ANTIN_VAR": str(settings.var),
        "ANTIN_DATABASE_URL": settings.database_url,
        "ANTIN_EPHEMERAL_URL": settings.ephemeral_url,
        "ANTIN_QUEUE_URL": settings.queue_url,
        **_of_authority(settings),
    }


def _of_authority(settings: Settings) -> dict[str, str]:
    if not settings.tsa_enabled:
        return {}
    return {
        "ANTIN_PKI_ORGANISATION": settings.pki_organisation,
        "ANTIN_PKI_ORGANISATION_IDENTIFIER": settings.pki_organisation_identifier,
        "ANTIN_PKI_POLICY_ARC": settings.pki_policy_arc,
        "ANTIN_TSA_ENABLED": "true",
        "ANTIN_TSA_POLICIES": ",".join(settings.tsa_policies),
        "ANTIN_TIME_SOURCES": ",".join(settings.time_sources),
    }


def clean_environ() -> dict[str, str]:
    """The environment without settings of another deployment."""
    return {name: text for name, text in os.environ.items() if not name.startswith("ANTIN_")}


def _open(settings: Settings) -> Services:
    create_kek_file(settings.effective_kek_file)
    database = Database(settings.effective_database_url)
    upgrade(database)
    stamp(database, is_sandbox=False)
    return build_services(settings, database=database)


def _side(
    services: Services,
    clients: Clients,
    people: Sequence[Person],
    *,
    server: Running,
    asked: Questions | None,
) -> Side:
    turned = list(people)
    secrets.SystemRandom().shuffle(turned)
    return Side(
        name="antin",
        server=server,
        portal=clients.portal,
        resource_server=clients.resource_server,
        mint=Minting(services, turned),
        timestamp_query=b"" if asked is None else asked.timestamp_query,
        status_paths=() if asked is None else asked.status_paths,
        year=services.time().year,
    )
