"""`antin witness`: watches logs from a host of its own, with a key of its own.

What lives here: making a witness, telling it which logs to watch, serving it.  It needs no setting
and no database of the service: it is meant to run where the operator of the log has no say.
Source: C2SP tlog-witness.
"""

from __future__ import annotations

import json
import signal
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import click

_folder = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


def _utc_now() -> datetime:
    """The time now: a witness is a process of its own, and shares no code with the provider."""
    return datetime.now(UTC)


@click.group()
def witness() -> None:
    """Watch a log: cosign its checkpoints as long as it only grows."""


@witness.command()
@_folder
@click.option("--name", required=True, help="Name of the witness, like witness.example/w1.")
def init(folder: Path, name: str) -> None:
    """Make the keys of a witness in FOLDER and print its verifier keys.

    FOLDER is its memory: a witness whose FOLDER is lost or set back is retired, and a new one with
    a new name takes its place.
    """
    from keystore.log.witness_folder import WitnessFolder

    try:
        keys = WitnessFolder(folder).create(name=name)
    except FileExistsError as there:
        raise click.ClickException(f"{folder} has a witness already") from there
    for key in keys:
        click.echo(key.vkey)


@witness.command()
@_folder
@click.argument("vkeys", nargs=-1, required=True, metavar="VKEY…")
def trust(folder: Path, vkeys: tuple[str, ...]) -> None:
    """Watch the logs of these verifier keys, or know further keys of a log."""
    from keystore.log.witness_folder import WitnessFolder

    opened = WitnessFolder(folder)
    opened.add_logs(vkeys)
    for origin, keys in opened.read_logs().items():
        click.echo(f"{origin}  {len(keys)} keys")


@witness.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(*, folder: Path, as_json: bool) -> None:
    """What the witness is called, which logs it watches, how far it has seen each."""
    from keystore.log.checkpoint import parse_head
    from keystore.log.note import parse_note
    from keystore.log.witness_folder import WitnessFolder

    opened = WitnessFolder(folder)
    seen = {}
    for origin in opened.read_logs():
        note = opened.find(origin)
        seen[origin] = None if note is None else parse_head(parse_note(note.encode()).text).size
    found = {
        "keys": [one.verifier.vkey for one in opened.read_signers()],
        "logs": seen,
        "evidence": [str(one) for one in opened.evidence()],
    }
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for key in found["keys"]:
        click.echo(key)
    for origin, size in seen.items():
        click.echo(f"{origin}  {'never seen' if size is None else size}")
    for file in found["evidence"]:
        click.echo(f"refused: {file}")


@witness.command()
@_folder
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8010, show_default=True, type=click.IntRange(0, 65535))
@click.option("--tls-certificate", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--tls-key", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def serve(
    folder: Path, host: str, port: int, tls_certificate: Path | None, tls_key: Path | None
) -> None:
    """Answer `add-checkpoint` until told to stop; prints the address."""
    from keystore.log.errors import WitnessStateMissing
    from keystore.log.witness import Witness
    from keystore.log.witness_folder import WitnessFolder
    from keystore.log.witness_server import WitnessServer

    opened = WitnessFolder(folder)
    judge = Witness(opened, signers=opened.read_signers(), logs=opened.read_logs())
    for origin in judge.origins:
        try:
            judge.latest(origin)
        except WitnessStateMissing as lost:
            raise click.ClickException(
                f"what was seen of {origin} is lost: retire this witness, and make one with a new"
                " name (`antin witness init`)"
            ) from lost
    tls = None
    if tls_certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(tls_certificate, tls_key)
    try:
        with (
            opened.alone(),
            WitnessServer((host, port), witness=judge, time=_utc_now, tls=tls) as server,
        ):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
            scheme = "http" if tls is None else "https"
            click.echo(f"{scheme}://{host}:{server.server_address[1]}")
            server.serve_forever(poll_interval=0.1)
    except BlockingIOError as busy:
        raise click.ClickException(f"{folder} is served by another process") from busy
