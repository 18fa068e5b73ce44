"""`antin keys personal`: keys that sign for persons, as an operator looks after them.

What lives here: listing them, and asking the signer to suspend, resume or destroy one.  What is
listed is what the database says; the signer also remembers by itself what was suspended and
destroyed, and its memory counts.  It resumes and destroys for the keepers that it knows alone
(`ANTIN_SIGNER_KEEPERS`, or its own user), and records who is said to have asked, as for every
other act of an operator.  Not here: what these acts are (`keystore/signer`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, Final

import click

from idp.cli.context import open_database, read_settings
from idp.cli.naming import operator_option
from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.signer_client import open_signer_client
from idp.storage.database import Database
from keystore.pki.storage.certificates import certificate, find_of_account
from keystore.signer.client import SignerClient
from keystore.signer.errors import CallerRefused, SignerError
from keystore.signer.model import PersonalKey
from keystore.signer.storage import find_personal_key, read_newest_keys, read_personal_keys

_MOST: Final = 10_000
_REASON: Final = re.compile(r"[a-z][a-z_]{0,39}", re.ASCII)


def _read_reason(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    if not _REASON.fullmatch(text):
        raise click.BadParameter("a short word in lower case, such as lost_phone")
    return text


_key_argument: Final = click.argument("key_id")
_reason_option: Final = click.option(
    "--reason",
    default="operator",
    show_default=True,
    callback=_read_reason,
    help="A short word for the log, in lower case.",
)
_json_option: Final = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def personal() -> None:
    """Signing keys of persons and organisations, which the signer alone opens."""


@personal.command("list")
@click.option("--account", help="The id of an account: only its keys.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True)
@_json_option
def list_command(*, account: str | None, limit: int, as_json: bool) -> None:
    """Keys with their state as the database says it, the newest first."""
    with _opened_database() as database, database.read() as connection:
        if account is None:
            found = read_newest_keys(connection, limit=limit)
        else:
            found = read_personal_keys(connection, account_id=account)[::-1][:limit]
    if as_json:
        click.echo(json.dumps([_facts(key) for key in found], indent=2))
        return
    for key in found:
        click.echo(_line(key))


@personal.command("suspend")
@_key_argument
@_reason_option
@operator_option
@_json_option
def suspend_command(key_id: str, *, reason: str, operator: str, as_json: bool) -> None:
    """Let the key KEY_ID sign nothing until it is resumed; its certificate stays as it is."""
    is_changed = _ask(lambda client: client.suspend_key(key_id, reason=reason, operator=operator))
    _say(key_id, "suspended", is_changed=is_changed, as_json=as_json)


@personal.command("resume")
@_key_argument
@_reason_option
@operator_option
@_json_option
def resume_command(key_id: str, *, reason: str, operator: str, as_json: bool) -> None:
    """Let the suspended key KEY_ID sign again.

    Of several signers each remembers by itself: ask every one that suspended it.
    """
    is_changed = _ask(lambda client: client.resume_key(key_id, reason=reason, operator=operator))
    _say(key_id, "resumed", is_changed=is_changed, as_json=as_json)


@personal.command("destroy")
@_key_argument
@_reason_option
@operator_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
def destroy_command(key_id: str, *, reason: str, operator: str, yes: bool, as_json: bool) -> None:
    """Forget the private half of the key KEY_ID for ever; the public half stays."""
    if not yes:
        for sentence in _what_stops(key_id):
            click.echo(sentence, err=as_json)
        click.confirm("Destroy it?", abort=True, err=as_json)
    is_changed = _ask(lambda client: client.destroy_key(key_id, reason=reason, operator=operator))
    _say(key_id, "destroyed", is_changed=is_changed, as_json=as_json)


def _what_stops(key_id: str) -> list[str]:
    settings = read_settings()
    with _opened_database() as database, database.read() as connection:
        key = find_personal_key(connection, key_id)
    if key is None:
        raise click.ClickException("there is no such key")
    named_by = _certificates_of(key, settings)
    if named_by is None:
        certificates = [
            "Certificates that name it are not revoked by this; this user may not read them.",
            f"As a user of the service: antin ca certificates --account {key.account_id}",
        ]
    else:
        certificates = [
            f"The certificate {serial} names it and is not revoked by this." for serial in named_by
        ]
    return [
        _line(key),
        "Its holder never signs with it again; what it signed stays valid.",
        *certificates,
        "No backup brings it back: the signer remembers that it is destroyed.",
    ]


def _certificates_of(key: PersonalKey, settings: Settings) -> tuple[str, ...] | None:
    """Serial numbers of the certificates that name a key; None where this user may not look.

    They are the service's, and the role that the signer has reads its own tables alone.
    """
    if not settings.database_url and settings.signer_database_url:
        return None
    try:
        database = open_database(settings)
    except SettingsInvalid:
        return None
    try:
        if not database.may_read(certificate.name):
            return None
        with database.read() as connection:
            found = find_of_account(connection, key.account_id)
    finally:
        database.close()
    return tuple(f"{one.serial:x}" for one in found if one.kid == key.key_id)


def _ask(act: Callable[[SignerClient], bool]) -> bool:
    try:
        with closing(open_signer_client(read_settings())) as client:
            return act(client)
    except CallerRefused as refused:
        raise click.ClickException(
            f"{refused.code} ({refused.reason}): run this as the signer's user, or as one that "
            "ANTIN_SIGNER_KEEPERS names"
        ) from refused
    except SignerError as refused:
        raise click.ClickException(str(refused)) from refused


def _say(key_id: str, done: str, *, is_changed: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"key_id": key_id, "act": done, "changed": is_changed}))
    else:
        click.echo(f"{key_id} {done}" if is_changed else f"{key_id}: nothing to do")


@contextmanager
def _opened_database() -> Iterator[Database]:
    from idp.signer import signer_settings  # the role of the signer's user, where there is one

    database = open_database(signer_settings(read_settings()))
    try:
        yield database
    finally:
        database.close()


def _state(key: PersonalKey) -> tuple[str, datetime | None]:
    if key.destroyed_at is not None:
        return "destroyed", key.destroyed_at
    if key.suspended_at is not None:
        return "suspended", key.suspended_at
    return "active", None


def _line(key: PersonalKey) -> str:
    word, since = _state(key)
    said = word if since is None else f"{word} {since:%F %T}Z"
    return (
        f"{key.key_id}  {key.account_id}  {key.algorithm}  SCAL{key.scal}  "
        f"made {key.created_at:%F}  {said}"
    )


def _facts(key: PersonalKey) -> dict[str, Any]:
    word, since = _state(key)
    return {
        "key_id": key.key_id,
        "account": key.account_id,
        "algorithm": key.algorithm,
        "scal": key.scal,
        "created": f"{key.created_at:%FT%TZ}",
        "state": word,
        "since": None if since is None else f"{since:%FT%TZ}",
    }
