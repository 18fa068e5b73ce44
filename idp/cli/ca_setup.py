"""`antin ca init` and what else needs the root: new issuing authorities, the root's list.

What lives here: the file of the root's key and its passphrase, as a person handles them.  The key
is written to a medium that the operator names, read back, and only then does the authority come
into being; this host keeps nothing of it.
Not here: what the root signs (`keystore/pki/ceremony.py`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click
from cryptography import x509

from idp.cli.naming import operator_option
from idp.cli.pki import OpenPki, open_pki, read_file
from keystore.backends.offline import (
    LEAST_PASSPHRASE,
    OfflineKey,
    export_offline_key,
    import_offline_key,
)
from keystore.errors import KeystoreError, SealBroken
from keystore.pki.ceremony import NewRoot
from keystore.pki.model import CaKind

_passphrase_option: Final = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its first line is the passphrase; otherwise it is asked for.",
)
_root_file_option: Final = click.option(
    "--root-file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The root's key (PKCS #12), on a medium of its own.",
)
_algorithm_option: Final = click.option(
    "--algorithm", type=click.Choice(["ES256", "ES384"]), default="ES256", show_default=True
)


@click.command("init")
@click.option("--root-id", help="Name of the root in addresses; default root-<year>.")
@click.option("--issuing-id", help="Name of the issuing CA; default issuing-<year>.")
@_root_file_option
@_passphrase_option
@_algorithm_option
@operator_option
def init_command(
    *,
    root_id: str | None,
    issuing_id: str | None,
    root_file: Path,
    passphrase_file: Path | None,
    algorithm: str,
    operator: str,
) -> None:
    """Make an offline root and an issuing CA.

    The root's key goes to --root-file under a passphrase and nowhere else.  It is needed again for
    the next issuing CA and for the root's revocation list, once a year.
    """
    with open_pki(operator=operator) as opened:
        year = f"{opened.now:%Y}"
        root_id, issuing_id = root_id or f"root-{year}", issuing_id or f"issuing-{year}"
        ceremony = opened.pki.ceremony
        if root_id == issuing_id:
            raise click.UsageError("the root and the issuing CA need a name each")
        for ca_id in (root_id, issuing_id):
            ceremony.check_free(ca_id)
        root = ceremony.make_root(root_id, now=opened.now)
        passphrase = _new_passphrase(passphrase_file)
        _export(root, file=root_file, passphrase=passphrase)
        ceremony.add_root(root, now=opened.now)
        _warn_same_disk(root_file, var=opened.services.settings.var)
        try:
            made = ceremony.add_issuing(
                issuing_id, root_id=root_id, root_key=root.key, now=opened.now, algorithm=algorithm
            )
        except KeystoreError as refused:
            # a second `init` would make a second root
            raise click.ClickException(
                f"{refused.code} ({refused}): {root_id} is there, its key is in {root_file}, and "
                f"no CA issues under it yet.  Once the reason is gone: antin ca add-issuing "
                f"{issuing_id} --root {root_id} --root-file {root_file}"
            ) from refused
    click.echo(f"{root_id}: the key is in {root_file} and not on this host's database.")
    click.echo("Take that medium away, make a second copy, and keep the passphrase apart.")
    click.echo(f"{made.ca_id}: issues from now on, until {made.not_after:%F}.")


@click.command("add-issuing")
@click.argument("ca_id")
@click.option("--root", "root_id", help="Which root signs; needed where there are several.")
@_root_file_option
@_passphrase_option
@_algorithm_option
@click.option("--shards", type=click.IntRange(0, 4096), help="Partitions of its CRL.")
@operator_option
def add_issuing_command(
    ca_id: str,
    *,
    root_id: str | None,
    root_file: Path,
    passphrase_file: Path | None,
    algorithm: str,
    shards: int | None,
    operator: str,
) -> None:
    """Make a new issuing CA under the root; it issues from now on instead of the one before."""
    with open_pki(operator=operator) as opened:
        root_id = _root_id(opened, root_id)
        key = _import(opened, root_id, file=root_file, passphrase_file=passphrase_file)
        made = opened.pki.ceremony.add_issuing(
            ca_id,
            root_id=root_id,
            root_key=key,
            now=opened.now,
            algorithm=algorithm,
            shards=shards,
        )
    click.echo(f"{made.ca_id}: issues from now on, until {made.not_after:%F}.")


@click.command("root-crl")
@click.option("--root", "root_id", help="Which root signs; needed where there are several.")
@_root_file_option
@_passphrase_option
@operator_option
def root_crl_command(
    *, root_id: str | None, root_file: Path, passphrase_file: Path | None, operator: str
) -> None:
    """Sign the root's revocation list anew: once a year, and after an issuing CA was revoked."""
    with open_pki(operator=operator) as opened:
        root_id = _root_id(opened, root_id)
        key = _import(opened, root_id, file=root_file, passphrase_file=passphrase_file)
        crl = opened.pki.ceremony.renew_crl(root_id, root_key=key, now=opened.now)
    parsed = x509.load_der_x509_crl(crl)
    click.echo(f"{root_id}: {len(parsed)} entries, valid until {parsed.next_update_utc:%F}.")


SETUP_COMMANDS: Final = (init_command, add_issuing_command, root_crl_command)


def _export(root: NewRoot, *, file: Path, passphrase: str) -> None:
    certificate = root.record.parsed
    exported = export_offline_key(root.key, certificate=certificate, passphrase=passphrase)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(exported)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as failure:
        # a file that is there already may be the only copy of another root
        raise click.FileError(str(file), failure.strerror) from failure
    import_offline_key(read_file(file), passphrase=passphrase, certificate=certificate)


def _import(
    opened: OpenPki, root_id: str, *, file: Path, passphrase_file: Path | None
) -> OfflineKey:
    certificate = opened.pki.authorities.get(root_id).parsed
    raw = read_file(file)
    passphrase = _read_passphrase(passphrase_file) or click.prompt(
        "Passphrase of the root's key", hide_input=True
    )
    try:
        return import_offline_key(raw, passphrase=passphrase, certificate=certificate)
    except SealBroken as broken:
        reason = f"another passphrase, or not the key of {root_id}"
        raise click.FileError(str(file), reason) from broken


def _new_passphrase(file: Path | None) -> str:
    passphrase = _read_passphrase(file) or click.prompt(
        f"New passphrase, {LEAST_PASSPHRASE} characters at least",
        hide_input=True,
        confirmation_prompt=True,
    )
    if len(passphrase) < LEAST_PASSPHRASE:
        raise click.ClickException(f"a passphrase has {LEAST_PASSPHRASE} characters at least")
    return str(passphrase)


def _read_passphrase(file: Path | None) -> str | None:
    if file is None:
        return None
    if file.stat().st_mode & 0o077:
        raise click.FileError(str(file), "is readable by others")
    return read_file(file).decode().partition("\n")[0]


def _root_id(opened: OpenPki, root_id: str | None) -> str:
    if root_id is not None:
        return root_id
    roots = [
        record.ca_id
        for record in opened.pki.authorities.records()
        if record.kind is CaKind.ROOT and record.retired_at is None
    ]
    if len(roots) != 1:
        raise click.UsageError("name the root with --root")
    return roots[0]


def _warn_same_disk(file: Path, *, var: Path) -> None:
    if var.exists() and file.stat().st_dev == var.stat().st_dev:
        click.echo(f"{file} is on the disk of this service: move it away.", err=True)
