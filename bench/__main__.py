"""`python -m bench`: start everything, measure, print one table.

What lives here: the options, and the order in which things are started and stopped.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import click

from bench.account import OTHERS, make_account_table, measure_account
from bench.costs import Cost, make_cost_table
from bench.documents import measure_documents
from bench.five_years import YEARS
from bench.growth import Register, measure_growth
from bench.journey import measure_journey
from bench.keystore import Place, measure_entries, measure_keystore
from bench.machine import Cores, describe, divide_cores, only_on, stay_on
from bench.peer import run_peer
from bench.population import add_people
from bench.provider import Provider, run_empty, run_provider
from bench.rounds import Plan, Sides, measure_all
from bench.side import Audience, Operation
from bench.sign_in import measure_sign_ins
from bench.stores import Stores, open_stores
from bench.table import Row, make_growth_table, make_table
from bench.validation import measure_validation

_PEOPLE: Final = 500
_SIGNING_S: Final = 1.0
"""How long each kind of signature is made in a round."""


def _say(text: str) -> None:
    click.echo(f"  {text} …", err=True)


@click.group(invoke_without_command=True)
@click.option("--rounds", default=3, show_default=True, help="Medians are taken over these.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each measurement.")
@click.option("--connections", default=16, show_default=True)
@click.option("--browsers", default=8, show_default=True, help="That sign in at once.")
@click.option(
    "--only", multiple=True, type=click.Choice([one.value for one in Operation]),
    help="Leave the other operations out.",
)  # fmt: skip
@click.option("--no-peer", is_flag=True, help="Leave node-oidc-provider out.")
@click.pass_context
def main(
    context: click.Context,
    *,
    rounds: int,
    seconds: float,
    connections: int,
    browsers: int,
    only: tuple[str, ...],
    no_peer: bool,
) -> None:
    """Measure the provider beside an empty Flask route and node-oidc-provider 9."""
    plan = Plan(rounds, seconds, connections, browsers)
    context.obj = plan
    if context.invoked_subcommand is not None:
        return
    operations = [one for one in Operation if not only or one.value in only]
    cores = divide_cores()
    stay_on(cores.others)
    costs: list[Cost] = []
    whole: list[Cost] = []
    documents = ""
    with _room() as (stores, folder):
        rows, memory = _measure_requests(
            stores, plan, operations=operations, cores=cores, folder=folder, with_peer=not no_peer
        )
        if not only:
            costs = measure_keystore(_place(stores, plan, cores=cores, folder=folder))
            documents = _documents(plan, cores=cores, folder=folder)
            documents += f"\n{_validation(plan, cores=cores)}"
            whole = measure_journey(_place(stores, plan, cores=cores, folder=folder))
        postgresql, redis = stores.versions()
    click.echo(describe(cores, postgresql=postgresql, redis=redis))
    click.echo(
        f"\n{plan.rounds} rounds of {plan.seconds:g} s, {plan.connections} connections; server on "
        "one core, load generator and databases on another.\n"
    )
    click.echo(make_table(rows))
    click.echo(f"Memory of the worker: {memory} (target: ≤ 150 MiB when idle).")
    if costs:
        click.echo(f"\n{make_cost_table(costs)}\n{documents}\n{make_cost_table(whole)}")


@main.command()
@click.pass_obj
def signing(plan: Plan) -> None:
    """Measure documents alone: PAdES beside pyHanko's own signer, memory of a large one."""
    cores = divide_cores()
    stay_on(cores.others)
    with tempfile.TemporaryDirectory(prefix="antin-bench-") as folder:
        click.echo(_documents(plan, cores=cores, folder=Path(folder)))


@main.command()
@click.pass_obj
def validation(plan: Plan) -> None:
    """Measure checking alone: two signatures at LT beside pyHanko's validator, ten a second."""
    cores = divide_cores()
    stay_on(cores.others)
    click.echo(_validation(plan, cores=cores))


@main.command()
@click.pass_obj
def journey(plan: Plan) -> None:
    """Measure whole signatures alone: a hundred digests in a request, PDFs through HTTP."""
    _print_costs(plan, measure_journey)


@main.command()
@click.pass_obj
def keystore(plan: Plan) -> None:
    """Measure the keystore alone: signatures, certificates, `antin signer`, the log."""
    _print_costs(plan, measure_keystore)


@main.command()
@click.option("--entries", default=1_000_000, show_default=True)
@click.pass_obj
def log(plan: Plan, *, entries: int) -> None:
    """Measure the append-only log alone; writing a million rows takes minutes."""
    _print_costs(plan, partial(measure_entries, entries=entries))


@main.command()
@click.option("--small", default=10_000, show_default=True, help="Accounts of the one register.")
@click.option("--large", default=1_000_000, show_default=True, help="Accounts of the other.")
@click.pass_obj
def growth(plan: Plan, *, small: int, large: int) -> None:
    """Measure a register against one a hundred times as large; the import takes minutes."""
    cores = divide_cores()
    stay_on(cores.others)
    with ExitStack() as stack:
        stores, folder = stack.enter_context(_room())
        providers = [
            stack.enter_context(
                run_provider(
                    stores, core=cores.server, folder=folder / str(room), room=room,
                    populate=Register(accounts=accounts, folder=folder, say=_say),
                )
            )
            for room, accounts in enumerate((small, large))
        ]  # fmt: skip
        rows = measure_growth(providers[0], providers[1], plan, say=_say)
        postgresql, redis = stores.versions()
    click.echo(f"{describe(cores, postgresql=postgresql, redis=redis)}\n")
    click.echo(make_growth_table(rows, small=small, large=large))


@main.command()
@click.option("--others", default=OTHERS, show_default=True, help="Accounts beside the one.")
@click.option("--years", default=YEARS, show_default=True, help="That the one was used.")
def account(*, others: int, years: int) -> None:
    """Measure every page of an account with five years behind it."""
    cores = divide_cores()
    stay_on(cores.others)
    with _room() as (stores, folder), only_on(cores.server):
        took, behind = measure_account(
            stores, folder=folder / "account", others=others, years=years, say=_say
        )
        postgresql, redis = stores.versions()
    click.echo(f"{describe(cores, postgresql=postgresql, redis=redis)}\n\n{behind}.\n")
    click.echo(make_account_table(took))


@contextmanager
def _room() -> Iterator[tuple[Stores, Path]]:
    """Databases and a folder of the run's own."""
    with (
        tempfile.TemporaryDirectory(prefix="antin-bench-") as folder,
        open_stores() as stores,
    ):
        yield stores, Path(folder)


def _measure_requests(
    stores: Stores,
    plan: Plan,
    *,
    operations: Sequence[Operation],
    cores: Cores,
    folder: Path,
    with_peer: bool,
) -> tuple[list[Row], str]:
    """Every operation over HTTP, and what the worker's memory was; nothing is left running."""
    with ExitStack() as stack:
        ours = stack.enter_context(
            run_provider(
                stores, core=cores.server, folder=folder / "antin",
                populate=lambda services, _settings: add_people(services, range(_PEOPLE)),
                with_authority=True,
            )
        )  # fmt: skip
        empty = stack.enter_context(run_empty(core=cores.server, folder=folder))
        peer = None
        if with_peer:
            peer = stack.enter_context(run_peer(core=cores.server, folder=folder))
        _warm_up(ours)
        idle = ours.side.server.worker_memory_mib()
        sides = Sides(ours, empty, peer, cores.server)
        rows = measure_all(sides, plan, operations=operations, say=_say)
        after = ours.side.server.worker_memory_mib()
    return rows, f"{idle:.0f} MiB after warm-up, {after:.0f} MiB after the run"


def _print_costs(plan: Plan, measure: Callable[[Place], list[Cost]]) -> None:
    cores = divide_cores()
    stay_on(cores.others)
    with _room() as (stores, folder):
        costs = measure(_place(stores, plan, cores=cores, folder=folder))
        postgresql, redis = stores.versions()
    click.echo(f"{describe(cores, postgresql=postgresql, redis=redis)}\n")
    click.echo(make_cost_table(costs))


def _documents(plan: Plan, *, cores: Cores, folder: Path) -> str:
    return measure_documents(
        rounds=plan.rounds, seconds=plan.seconds, core=cores.server, folder=folder, say=_say
    )


def _validation(plan: Plan, *, cores: Cores) -> str:
    return measure_validation(rounds=plan.rounds, seconds=plan.seconds, cores=cores, say=_say)


def _place(stores: Stores, plan: Plan, *, cores: Cores, folder: Path) -> Place:
    seconds = min(_SIGNING_S, plan.seconds)
    return Place(stores, folder, cores.server, plan.rounds, seconds, _say)


def _warm_up(ours: Provider) -> None:
    """One of each request, so that everything is imported and compiled."""
    ours.side.sign_in(8, Audience.USERINFO)
    measure_sign_ins(ours.side, ours.people, seconds=1, browsers=2)


def _end(_number: int, _frame: object) -> None:
    """Leave through every `finally`, so that no server stays behind."""
    sys.exit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    main()
