"""`antin log`: whether the log is whole, and proofs for others.

What lives here: the commands and what they print.  Exit status of `verify`, `check` and `show`:
0 all is well, 1 it is not, or it could not be shown because too few witnesses answered.
Source: architecture, "Contracts".
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from tqdm import tqdm

from idp.cli.context import open_services, read_settings
from idp.cli.log_acceptance import accept, mark_older, tell_unmarked
from idp.cli.log_parts import Heard, LogParts, json_option, key_option, open_log
from idp.cli.naming import operator_option
from idp.cli.terminal import tell, tell_lines
from keystore.clock import from_ms
from keystore.errors import SealBroken
from keystore.log.acceptance import find_unmarked
from keystore.log.begin_anew import begin_log_anew
from keystore.log.chain_storage import find_stuck
from keystore.log.checkpoint_storage import find_checkpoint, read_witness_states
from keystore.log.entries import HOUR_MS, Tree
from keystore.log.errors import LogError
from keystore.log.findings import Finding, Remark
from keystore.log.note_keys import parse_vkey
from keystore.log.proof_text import format_proof, verify_proof
from keystore.log.proofs import Everyone, parse_entry_name
from keystore.log.tree_storage import count_entries, find_row_of, find_tree_state
from keystore.log.verify import KeptCheckpoint, LogReport, verify_log
from keystore.log.witnessing import CONFLICT, REFUSED

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def log() -> None:
    """The append-only log: verify it, prove entries."""


@log.command()
@click.option("--against", multiple=True, type=_file, help="A checkpoint that was kept elsewhere.")
@key_option
@click.option("--open", "opens", is_flag=True, help="Open every event whose key is still there.")
@click.option("--offline", is_flag=True, help="Do not ask the witnesses.")
@json_option
def verify(
    *,
    against: tuple[Path, ...],
    log_keys: tuple[str, ...],
    opens: bool,
    offline: bool,
    as_json: bool,
) -> None:
    """Verify the whole log: every row, entry, tile and checkpoint.

    Compared are the rows with the trees, the trees with what was signed, and both with what the
    witnesses have seen and with the files given.  Only a checkpoint or a key that was kept where
    nobody of this host can write shows that not all of it was made anew.
    """
    with open_services() as services:
        parts = open_log(services)
        kept = [KeptCheckpoint(str(file), file.read_bytes()) for file in against]
        heard = Heard() if offline else parts.ask_witnesses()
        answered = len(parts.witnesses) - len(heard.silent)
        is_shown = offline or answered >= parts.quorum
        with services.database.read() as connection:
            total = 2 * count_entries(connection)
        with tqdm(total=total, unit=" rows", disable=None, file=sys.stderr, leave=False) as bar:
            report = verify_log(
                services.database,
                log_keys=parts.log_keys(log_keys, now=services.time()),
                witness_keys=parts.witness_keys,
                quorum=parts.quorum,
                origins=parts.expected_origins,
                now=services.time(),
                against=[*kept, *heard.kept],
                unknown_to=heard.unknown_to,
                opener=parts.make_opener() if opens else None,
                marks=parts.row_marks,
                progress=lambda rows: _advance(bar, rows=rows),
            )
        is_shown = is_shown and (offline or not report.is_awaiting)
    if as_json:
        click.echo(json.dumps(_report(report, heard=heard, is_shown=is_shown), indent=2))
    else:
        _print_report(report, heard=heard, is_shown=is_shown)
    sys.exit(0 if report.is_whole and is_shown else 1)


@log.command()
@click.argument("entry")
@click.option("--open", "opens", is_flag=True, help="Show the event, for the person concerned.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@json_option
def prove(
    *,
    entry: str,
    opens: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Prove that ENTRY is in the log: `public:12`, `private:12`, or a row as `WRITER/NUMBER`.

    The proof fits into one file and is checked without us (`antin log check`).
    """
    with open_services() as services:
        parts = open_log(services)
        proofs = parts.proofs
        first, number = parse_entry_name(entry)
        proof = (
            proofs.include(first, number, asking=Everyone())
            if isinstance(first, Tree)
            else proofs.include_row(first, seq=number, asking=Everyone())
        )
        with services.database.read() as connection:
            place = find_row_of(connection, proof.tree, position=proof.position)
        opening = None
        if opens and place is not None:
            try:
                opening = parts.open_place(place)
            except SealBroken as gone:
                raise click.ClickException("the event cannot be opened: no key opens it") from gone
    text = format_proof(proof, opening=opening)
    if output is not None:
        output.write_text(text)
    elif as_json:
        found = {
            "tree": proof.tree.value,
            "position": proof.position,
            "row": None if place is None else f"{place.writer}/{place.seq}",
            "size": proof.checkpoint.size,
            "proof": text,
        }
        click.echo(json.dumps(found, indent=2))
    else:
        tell_lines(text)


@log.command()
@click.argument("file", type=_file)
@click.option("--origin", required=True, help="Name of the tree: the first line of a checkpoint.")
@click.option("--log-key", "log_keys", multiple=True, required=True, metavar="VKEY")
@click.option("--witness-key", "witness_keys", multiple=True, metavar="VKEY")
@click.option("--quorum", default=0, show_default=True, help="How many witnesses it needs.")
@json_option
def check(
    *,
    file: Path,
    origin: str,
    log_keys: tuple[str, ...],
    witness_keys: tuple[str, ...],
    quorum: int,
    as_json: bool,
) -> None:
    """Check a proof that `antin log prove` made; needs no database, only public keys."""
    try:
        verified = verify_proof(
            file.read_bytes(),
            expected_origin=origin,
            log_keys=[parse_vkey(vkey) for vkey in log_keys],
            witness_keys=[parse_vkey(vkey) for vkey in witness_keys],
            quorum=quorum,
        )
    except LogError as refused:
        if as_json:
            click.echo(json.dumps({"valid": False, "reason": refused.code}))
        else:
            tell(f"not proven: {refused.code} {refused}", is_aside=True)
        sys.exit(1)
    found = {
        "valid": True,
        "position": verified.position,
        "size": verified.checkpoint.size,
        "hour": _hour(verified.entry.hour),
        "witnesses": list(verified.checkpoint.witnesses),
        "event": None if verified.event is None else json.loads(verified.event),
    }
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    tell(f"entry {verified.position} of {origin}, in a tree of {verified.checkpoint.size}")
    tell(f"recorded in the hour from {found['hour']}")
    tell(f"witnesses: {' '.join(verified.checkpoint.witnesses) or 'none'}")
    if verified.event is not None:
        tell(verified.event.decode())


@log.command()
@click.option("--keys", "shows_keys", is_flag=True, help="Verifier keys of log and witnesses.")
@json_option
def show(*, shows_keys: bool, as_json: bool) -> None:
    """How far the trees are, what is signed, and what the witnesses say."""
    with open_services() as services:
        parts = open_log(services)
        found = {tree.value: _tree(parts, tree, now=services.time()) for tree in Tree}
        with services.database.read() as connection:
            stuck = [f"{writer}/{seq}" for writer, seq in find_stuck(connection)]
    if as_json:
        click.echo(json.dumps({"trees": found, "stuck": stuck}, indent=2))
    else:
        for name, tree in found.items():
            _print_tree(name, tree, shows_keys=shows_keys)
        for row in stuck:
            tell(f"STUCK at {row}: it does not fit its chain; run `antin log verify`")
    is_wrong = any(
        one["state"] in {CONFLICT, REFUSED} for tree in found.values() for one in tree["witnesses"]
    )
    sys.exit(1 if stuck or is_wrong else 0)


@log.command()
@click.argument("tree", type=click.Choice([tree.value for tree in Tree]))
def checkpoint(tree: str) -> None:
    """Print the newest checkpoint that counts, to keep it elsewhere."""
    with open_services() as services:
        found = open_log(services).proofs.checkpoint(Tree(tree))
    if found is None:
        raise click.ClickException("there is no checkpoint that counts yet")
    tell_lines(found.whole_note)


@log.command("signer-key")
@click.option("--new", "is_new", is_flag=True, help="Make another key, where the key was lost.")
def signer_key(*, is_new: bool) -> None:
    """Print the public key of this signer's rows, for `ANTIN_SIGNER_LOG_KEYS`.

    Run it as the signer's user, with the signer stopped for --new.  The key is made where no signer
    ever ran; one that was lost is made again with --new alone.
    """
    from idp.signer_log_key import ensure_log_key, find_public_log_key, replace_lost_log_key

    settings = read_settings()
    if is_new and not replace_lost_log_key(settings):
        raise click.ClickException("there is a key; nothing was lost")
    ensure_log_key(settings)
    click.echo(find_public_log_key(settings))


log.add_command(accept)
log.add_command(mark_older)


@log.command("begin-anew")
@click.argument("origin")
@operator_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def begin_anew(*, origin: str, operator: str, yes: bool) -> None:
    """Make the trees again under the name ORIGIN, after rows were lost for good.

    For a database that was restored from a backup: witnesses have seen more than is left.
    """
    with open_services() as services:
        now = services.time()
        names = {tree: f"{origin}/{tree}" for tree in Tree}
        parts = open_log(services)
        for tree, old in parts.origins.items():
            tell(f"{old} ends; {names[tree]} begins with the rows that are left", is_aside=True)
        click.echo(
            "What was proven under the old names is proven no more by this service, and no"
            " checkpoint counts until every witness trusts the new names. Set"
            f" ANTIN_LOG_ORIGIN to {origin}: `antin log verify` believes that name alone.",
            err=True,
        )
        with services.database.read() as connection:
            tell_unmarked(find_unmarked(connection))
        if not yes:
            click.confirm("Begin anew?", abort=True, err=True)
        begin_log_anew(
            services.database,
            origins=names,
            log=services.log.in_name_of(operator),
            now=now,
            marks=parts.row_marks,
        )
        for tree in Tree:
            for key in parts.keys.verifiers(names[tree], now=now):
                click.echo(key.vkey)


def _tree(parts: LogParts, tree: Tree, *, now: datetime) -> dict[str, Any]:
    with parts.services.database.read() as connection:
        state = find_tree_state(connection, tree)
        signed = find_checkpoint(connection, tree)
        counts = find_checkpoint(connection, tree, is_witnessed=parts.quorum > 0)
        states = {one.witness: one for one in read_witness_states(connection, tree)}
    origin = parts.origins[tree]
    return {
        "origin": origin,
        "size": 0 if state is None else state.size,
        "signed": None if signed is None else signed.size,
        "counts": None if counts is None else counts.size,
        "counts_since": None if counts is None else counts.made_at.isoformat(timespec="seconds"),
        "keys": [key.vkey for key in parts.keys.verifiers(origin, now=now)],
        "witnesses": [
            {
                "name": one.name,
                "state": "never asked" if one.name not in states else states[one.name].state,
                "size": states[one.name].size if one.name in states else None,
                "at": states[one.name].at.isoformat(timespec="seconds")
                if one.name in states
                else None,
                "keys": [key.vkey for key in one.keys],
            }
            for one in parts.witnesses
        ],
    }


def _print_tree(name: str, tree: dict[str, Any], *, shows_keys: bool) -> None:
    tell(f"{name}: {tree['origin']}")
    for label in ("size", "signed", "counts"):
        tell(f"  {label + ':':12}{'-' if tree[label] is None else tree[label]}")
    for one in tree["witnesses"]:
        size = "" if one["size"] is None else f" {one['size']}"
        tell(f"  witness:    {one['name']} {one['state']}{size} {one['at'] or ''}".rstrip())
    if not tree["witnesses"]:
        click.echo("  witness:    none: nobody but the operator vouches for this log")
    if shows_keys:
        for key in (*tree["keys"], *(key for one in tree["witnesses"] for key in one["keys"])):
            tell(f"  key:        {key}")


def _report(report: LogReport, *, heard: Heard, is_shown: bool) -> dict[str, Any]:
    return {
        "whole": report.is_whole,
        "shown": is_shown,
        "rows": report.rows,
        "chains": report.chains,
        "pending": report.pending,
        "opened": report.opened,
        "checkpoints": report.checkpoints,
        "compared_with": report.anchors,
        "silent_witnesses": heard.silent,
        "trees": {
            tree.value: {
                "size": report.sizes[tree],
                "signed": report.signed[tree],
                "witnessed": report.witnessed[tree],
            }
            for tree in Tree
        },
        "found": report.count,
        "findings": [asdict(one) for one in report.findings],
        "remarked": report.remark_count,
        "remarks": [asdict(one) for one in report.remarks],
    }


def _print_report(report: LogReport, *, heard: Heard, is_shown: bool) -> None:
    click.echo(f"{report.rows} rows in {report.chains} chains, {report.pending} not yet in a tree")
    for tree in Tree:
        click.echo(
            f"{tree.value + ':':9}{report.sizes[tree]} entries, {report.signed[tree]} signed,"
            f" {report.witnessed[tree]} witnessed"
        )
    click.echo(f"{report.checkpoints} checkpoints, {report.anchors} kept elsewhere")
    for name in heard.silent:
        tell(f"witness {name} did not answer")
    said: list[Remark | Finding] = [*report.remarks, *report.findings]
    for one in said:
        tell(f"{one.kind.upper():12}{one.entry}  {one.detail}".rstrip())
    more = report.count + report.remark_count - len(report.findings) - len(report.remarks)
    if more:
        click.echo(f"and {more} more")
    if not report.is_whole:
        click.echo("THE LOG IS NOT WHOLE")
    elif not is_shown:
        click.echo("NOT SHOWN: what is stored fits together, and too few witnesses confirm it")
    elif report.is_awaiting:
        click.echo("what is stored fits together; witnesses have not confirmed it yet")
    else:
        click.echo("the log is whole")


def _advance(bar: tqdm[NoReturn], *, rows: int) -> None:
    bar.update(rows)


def _hour(hour: int) -> str:
    return from_ms(hour * HOUR_MS).isoformat(timespec="minutes")
