"""What a hundred times as many accounts cost: operations over a small and a large register.

What lives here: two providers on one core, each over a database of its own that `antin accounts
import` has filled, measured in turn; everything is asked of people all over the register.
"""

from __future__ import annotations

import csv
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from bench.load import Sample
from bench.machine import ROOT
from bench.population import PASSWORD, Person, find_people, number_of
from bench.provider import Provider, clean_environ, variables_of
from bench.rounds import Load, Plan
from bench.side import Operation
from bench.sign_in import measure_sign_ins, sign_in
from bench.table import Growth
from idp.accounts.passwords import Argon2Costs, Hashing
from idp.services import Services
from idp.settings import Settings

OPERATIONS: Final = (
    Operation.CLIENT_CREDENTIALS,
    Operation.CODE_EXCHANGE,
    Operation.REFRESH,
    Operation.USERINFO,
    Operation.INTROSPECTION,
    Operation.SIGN_IN,
)
_ASKED: Final = 300
"""People whose codes and tokens are used; so many that few are in any cache twice."""
_SIGNING_IN: Final = 60


@dataclass(frozen=True, slots=True)
class Register:
    """Fills a provider with so many people; handed to `run_provider`."""

    accounts: int
    folder: Path
    say: Callable[[str], None]

    def __call__(self, services: Services, settings: Settings) -> Sequence[Person]:
        """Import the register and choose people all over it."""
        file = self.folder / f"register-{self.accounts}.csv"
        _write(file, self.accounts)
        began = time.monotonic()
        command = [sys.executable, "-m", "idp.cli", "accounts", "import", str(file)]
        subprocess.run(
            command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=clean_environ() | variables_of(settings),
        )  # fmt: skip
        took_s = time.monotonic() - began
        self.say(f"{self.accounts:,} accounts imported in {took_s:.0f} s")
        file.unlink()
        chosen = secrets.SystemRandom().sample(range(self.accounts), _ASKED)
        return find_people(services, chosen)


def measure_growth(
    small: Provider, large: Provider, plan: Plan, *, say: Callable[[str], None]
) -> list[Growth]:
    """Measure every operation at both, in turn."""
    rows = []
    for operation in OPERATIONS:
        say(operation.value)
        takes = [_taker(one, operation, plan) for one in (small, large)]
        rounds = [(takes[0](), takes[1]()) for _ in range(plan.rounds)]
        rows.append(Growth(operation.value, tuple(rounds)))
    return rows


def _taker(provider: Provider, operation: Operation, plan: Plan) -> Callable[[], Sample]:
    if operation is not Operation.SIGN_IN:
        return Load(provider.side, operation, plan, tokens=_ASKED)
    people = provider.people[:_SIGNING_IN]
    # at its first sign-in an imported hash is made anew, at the price of a second one
    with closing(HTTPConnection("127.0.0.1", provider.side.server.port, timeout=30)) as connection:
        for person in people:
            sign_in(connection, provider.side, person)
    return lambda: measure_sign_ins(
        provider.side, people, seconds=plan.seconds, browsers=plan.browsers
    )


def _write(file: Path, accounts: int) -> None:
    encoded = Hashing(Argon2Costs()).hash(PASSWORD.encode())
    columns = ("kind", "personal_id_number", "name", "birthdate", "gender", "password_hash")
    with file.open("w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(columns)
        for index in range(accounts):
            writer.writerow(
                ("citizen", number_of(index), "Nguyễn Thị Đo Lường", "1990", "female", encoded)
            )
