"""`antin accounts`: people and organisations, as an operator brings them in and looks after them.

What lives here: one command per act.  What is printed is masked, and what names a person may be
typed at a prompt instead of standing in the command line, where every user of the machine can read
it and the shell remembers it.  Not here: the rules (`idp.accounts`).
"""

from __future__ import annotations

import sys
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import click
from tqdm import tqdm

from idp.accounts.activation import (
    LIFETIME,
    issue_activation_code,
    normalise_activation_code,
)
from idp.accounts.identifiers import IdentifierProblem, parse_identifier
from idp.accounts.import_columns import COLUMNS, RowRefused, parse_row
from idp.accounts.import_files import ImportFileRefused
from idp.accounts.imports import AccountImport, ImportElsewhere, ImportProgress
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind
from idp.accounts.official_lookups import mask_name
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.accounts.wrapping import wrap_some
from idp.cli.account_life import open_lifecycle
from idp.cli.authenticators import restore_authenticator, retire_authenticator
from idp.cli.context import open_services
from idp.cli.mandates import charter, end_mandate_command, mandates, represent
from idp.cli.naming import (
    account_argument,
    find_named,
    operator_option,
    reason_option,
    told_refusals,
)
from idp.cli.signature_images import signature_image
from idp.ids import AccountId
from idp.services import Services
from keystore.second_factor.errors import VerifierError

_SHOWN_REFUSALS: Final = 10
_WRAP_BATCH: Final = 200
_INTERRUPTED: Final = 130


@click.group()
def accounts() -> None:
    """People and organisations: bring them in, look, lock.

    ACCOUNT is an account id (acc_…) or a number; without it, or with a hyphen, it is asked for, so
    that it stays out of the shell's history.
    """


accounts.add_command(represent)
accounts.add_command(charter)
accounts.add_command(mandates)
accounts.add_command(end_mandate_command)
accounts.add_command(signature_image)
accounts.add_command(retire_authenticator)
accounts.add_command(restore_authenticator)


@accounts.command(
    "import",
    epilog="\b\nColumns (the first line of a CSV file, or members of each JSON object):\n"
    + "\n".join(f"  {name:22} {what}" for name, what in COLUMNS.items()),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--wrap",
    type=click.Choice(["later", "now"]),
    default="later",
    show_default=True,
    help="When argon2id is put over imported password hashes: by `antin work` and at sign-in, or "
    "before they are stored (20 ms a row and core).",
)
@click.option("--again", is_flag=True, help="Walk through a file that was imported to its end.")
@operator_option
def import_file(file: Path, wrap: str, operator: str, *, again: bool) -> None:
    """Import FILE (.csv or .jsonl, UTF-8, one row a line).

    Rows that cannot be taken are listed in FILE.errors with line number and code, the rest goes
    in.  After an interruption the same command goes on where it stopped.  People whose number is
    known are left as they are.  Put people before the organisations that they represent.
    """
    errors_path = file.with_name(f"{file.name}.errors")
    with open_services() as services:
        run = AccountImport(
            services.database,
            sealer=services.sealer,
            log=services.log.in_name_of(operator),
            passwords=_passwords(),
            clock=services.time,
            is_wrapping=wrap == "now",
        )
        try:
            done = _follow(run, file, errors_path=errors_path, is_repeated=again)
        except KeyboardInterrupt:
            click.echo("Interrupted; the same command goes on where it stopped.", err=True)
            sys.exit(_INTERRUPTED)
        except ImportFileRefused as refused:
            where = f" (column {refused.column})" if refused.column else ""
            raise click.ClickException(f"{refused.reason}{where}") from refused
        except ImportElsewhere as elsewhere:
            raise click.ClickException(elsewhere.code) from elsewhere
        except OSError as failure:
            raise click.FileError(str(failure.filename or file), failure.strerror) from failure
    _tell(done, errors_path)


@accounts.command()
@click.option("--kind", type=click.Choice([kind.value for kind in AccountKind]), default="citizen")
@click.option("--number", prompt=True, help="12 digits, foreigner's number, or enterprise code.")
@click.option("--name", prompt=True)
@click.option("--birthdate", help="YYYY, YYYY-MM or YYYY-MM-DD.")
@click.option("--level", type=click.Choice(["1", "2"]), help="Of a person's account.")
@click.option("--password/--no-password", default=False, help="Ask for a password.")
@operator_option
def add(
    *,
    kind: str,
    number: str,
    name: str,
    birthdate: str | None,
    level: str | None,
    operator: str,
    password: bool,
) -> None:
    """Open one account; prints its id."""
    column = {
        AccountKind.CITIZEN: "personal_id_number",
        AccountKind.FOREIGNER: "foreigner_id",
        AccountKind.ORGANISATION: "enterprise_code",
    }[AccountKind(kind)]
    given = {
        "kind": kind,
        column: number,
        "name": name,
        "birthdate": birthdate,
        "account_level": level,
    }
    cells = {name: text for name, text in given.items() if text}
    if password and kind == AccountKind.ORGANISATION:
        raise click.UsageError("organisations have no password: people sign in for them")
    with open_services() as services:
        passwords = _passwords()
        try:
            row = parse_row(cells, passwords=passwords, now=services.time())
        except RowRefused as refused:
            raise click.ClickException(refused.code) from refused
        stored = None
        if password:
            chosen = click.prompt("Password", hide_input=True, confirmation_prompt=True)
            with told_refusals():
                stored = passwords.hash_new(chosen)
        if row.account is None:
            raise click.ClickException("kind_unknown")
        with told_refusals():
            made = open_lifecycle(services, operator).open(row.account, password=stored)
    click.echo(made.account_id)


@accounts.command()
@account_argument
def show(account: str) -> None:
    """What is known of an account, masked."""
    with open_services() as services:
        found = find_named(services, account)
        roles = services.people.representations(found.account_id, now=services.time())
        has_totp = services.login.has_totp(found.account_id)
    level = "-" if found.level is None else str(AccountLevel(found.level).value)
    lines = [
        ("account", found.account_id),
        ("kind", found.kind.value),
        ("level", level),
        ("status", found.status.value),
        ("name", mask_name(found.profile.name)),
        ("second factor", "yes" if has_totp else "no"),
        ("opened", found.created_at.date().isoformat()),
    ]
    for number in found.identifiers:
        until = "" if number.valid_to is None else f" until {number.valid_to.date().isoformat()}"
        lines.append((number.kind.value, f"{_mask(number.value)}{until}"))
    lines.extend(
        ("represents", f"{role.enterprise_code} {role.name} ({role.mandate_id})") for role in roles
    )
    for label, text in lines:
        click.echo(f"{label + ':':24}{text}")


@accounts.command("activation-code")
@account_argument
@operator_option
def activation_code(account: str, operator: str) -> None:
    """Hand out a code for enrolling an authenticator; it is shown this once."""
    with open_services() as services:
        found = find_named(services, account)
        if found.is_organisation:
            raise click.ClickException("organisations have no authenticator")
        now = services.time()
        code = issue_activation_code(
            services.database,
            found.account_id,
            sealer=services.sealer,
            log=services.log.in_name_of(operator),
            now=now,
        )
        _announce(services, found.account_id, code, expires_at=now + LIFETIME)
    click.echo(code)


def _announce(
    services: Services, account_id: AccountId, code: str, *, expires_at: datetime
) -> None:
    """Tell the verifier of a code that was given out at proofing; without it the code holds too."""
    if services.verifier is None:
        return
    try:
        services.verifier.expect_activation(
            account_id, normalise_activation_code(code), expires_at=expires_at
        )
    except VerifierError as refusal:
        click.echo(
            f"{refusal.code}: the verifier was not told of this code; codes of the authenticator "
            "sign in at once and confirm signatures after 72 hours, or never where the account has "
            "another one in use",
            err=True,
        )


@accounts.command()
@account_argument
@reason_option
@operator_option
def lock(account: str, reason: str, operator: str) -> None:
    """Refuse an account's sign-ins, and sign it out everywhere."""
    with open_services() as services:
        found = find_named(services, account)
        with told_refusals():
            open_lifecycle(services, operator).lock(
                found.account_id, reason=reason, now=services.time()
            )


@accounts.command()
@account_argument
@reason_option
@operator_option
def unlock(account: str, reason: str, operator: str) -> None:
    """Let an account sign in again."""
    with open_services() as services:
        found = find_named(services, account)
        with told_refusals():
            open_lifecycle(services, operator).unlock(
                found.account_id, reason=reason, now=services.time()
            )


@accounts.command()
@account_argument
@reason_option
@operator_option
def close(account: str, reason: str, operator: str) -> None:
    """Close an account for good: signed out everywhere, its mandates end, its data stay."""
    with open_services() as services:
        found = find_named(services, account)
        with told_refusals():
            open_lifecycle(services, operator).close(
                found.account_id, reason=reason, now=services.time()
            )


@accounts.command()
@account_argument
@click.option("--new-number", prompt=True, help="The number that takes its place.")
@click.option("--mistyped", is_flag=True, help="The old one is somebody else's: forget it.")
@reason_option
@operator_option
def renumber(account: str, new_number: str, reason: str, operator: str, *, mistyped: bool) -> None:
    """Cancel a person's number and put another in its place; the account stays.

    A cancelled personal number is given to nobody else any more.
    """
    new = parse_identifier(new_number, kind=IdentifierKind.PERSONAL_ID_NUMBER)
    if isinstance(new, IdentifierProblem):
        raise click.ClickException(new)
    with open_services() as services:
        found = find_named(services, account)
        with told_refusals():
            open_lifecycle(services, operator).renumber(
                found.account_id,
                new,
                reason=reason,
                is_mistyped=mistyped,
                now=services.time(),
            )


@accounts.command()
@account_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@reason_option
@operator_option
def erase(account: str, reason: str, operator: str, *, yes: bool) -> None:
    """Destroy everything that is known of a person; it cannot be undone."""
    with open_services() as services:
        found = find_named(services, account)
        if not yes:
            click.echo(
                "Nobody can sign in to it again, its mandates end, its portals lose their access, "
                "and nothing of it can be read any more: not here, not in the log, and not in a "
                "backup once that is restored."
            )
            click.confirm("Erase it for good?", abort=True)
        with told_refusals():
            open_lifecycle(services, operator).erase(
                found.account_id, reason=reason, now=services.time()
            )


@accounts.command("second-factor")
@account_argument
@click.option("--always/--by-portal", default=True, help="At every sign-in, or as portals demand.")
@operator_option
def second_factor(account: str, operator: str, *, always: bool) -> None:
    """Keep when the holder wants to be asked for a one-time code."""
    with open_services() as services:
        found = find_named(services, account)
        with told_refusals():
            open_lifecycle(services, operator).demand_second_factor(
                found.account_id, is_demanded=always, now=services.time()
            )


@accounts.command("sign-out")
@account_argument
@operator_option
def sign_out(account: str, operator: str) -> None:
    """Sign an account out everywhere; its portals are told."""
    with open_services() as services:
        found = find_named(services, account)
        sessions = services.sessions.in_name_of(operator)
        ended = sessions.end_all(found.account_id, now=services.time())
    click.echo(f"{ended} sessions ended")


@accounts.command("wrap-passwords")
def wrap_passwords() -> None:
    """Put argon2id over every imported password hash that waits for it, on all cores."""
    done = 0
    with open_services() as services, tqdm(unit=" passwords", disable=None) as bar:
        passwords = _passwords()
        while wrapped := wrap_some(
            services.database,
            sealer=services.sealer,
            passwords=passwords,
            limit=_WRAP_BATCH,
            now=services.time(),
        ):
            done += wrapped
            bar.update(wrapped)
    click.echo(f"{done} wrapped")


def _follow(
    run: AccountImport, file: Path, *, errors_path: Path, is_repeated: bool
) -> ImportProgress:
    """Run the import with a progress bar over the bytes of the file."""
    done: ImportProgress | None = None
    with tqdm(
        total=file.stat().st_size, unit="B", unit_scale=True, disable=None, desc=file.name
    ) as bar:
        for done in run.run(file, errors_path=errors_path, is_repeated=is_repeated):
            bar.update(done.job.offset_bytes - bar.n)
            bar.set_postfix(added=done.job.added, refused=done.job.refused, refresh=False)
    if done is None:
        raise click.ClickException("nothing to import")
    return done


def _tell(done: ImportProgress, errors_path: Path) -> None:
    if done.was_finished:
        click.echo("This file was imported before; --again walks through it once more.")
    click.echo(
        f"added {done.job.added}, known already {done.job.existing}, refused {done.job.refused}"
    )
    if done.mandates:
        click.echo(f"{done.mandates} mandates given")
    if done.warnings:
        click.echo(f"{done.warnings} numbers do not agree with what is declared beside them")
    if done.job.refused and errors_path.exists():
        with errors_path.open(encoding="utf-8") as listed:
            for line in islice(listed, _SHOWN_REFUSALS):
                number, _, code = line.strip().partition(",")
                click.echo(f"  line {number}: {code}", err=True)
        click.echo(f"All refused lines: {errors_path.name}", err=True)


def _passwords() -> Passwords:
    return Passwords(Hashing(Argon2Costs()))


def _mask(number: str) -> str:
    """All but the last three signs hidden."""
    return "•" * (len(number) - 3) + number[-3:]
