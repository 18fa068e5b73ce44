"""How commands name an account, a reason and an operator, and how they say a refusal.

What lives here: arguments, options and look-ups that several commands share.  What names a person
may be typed at a prompt instead of standing in the command line, where every user of the machine
can read it and the shell remembers it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from idp.accounts.errors import AccountError, IdentifierTaken, PasswordUnusable
from idp.accounts.identifiers import (
    IdentifierProblem,
    ParsedIdentifier,
    parse_identifier,
    parse_login_identifier,
)
from idp.accounts.model import Account, IdentifierKind
from idp.cli.operator_name import read_operator
from idp.ids import AccountId
from idp.services import Services
from keystore.errors import EventRefused
from keystore.log.events import Event, EventType, check_event

_LONGEST_WORD: Final = 64


def plain_word(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """What the log can carry, found out before anything is done.

    Raises  BadParameter, which does not repeat what was typed.
    """
    try:
        check_event(Event(EventType.ACCOUNT_STATUS_CHANGED, facts={"word": text}))
    except EventRefused as refused:
        raise click.BadParameter("letters without marks, digits, nobody's number") from refused
    if not 0 < len(text) <= _LONGEST_WORD:
        raise click.BadParameter(f"1 to {_LONGEST_WORD} characters")
    return text


account_argument: Final = click.argument("account", default="-")
reason_option: Final = click.option(
    "--reason",
    default="operator",
    show_default=True,
    callback=plain_word,
    help="A short word for the log.",
)


def _read_operator(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    return read_operator(value)


operator_option: Final = click.option(
    "--operator",
    envvar="ANTIN_OPERATOR",
    callback=_read_operator,
    help="Who does this; the name goes into the log.  Default: the user of this shell.",
)


@contextmanager
def told_refusals() -> Iterator[None]:
    """What accounts refuse is a word and exit status 1, not a trace."""
    try:
        yield
    except IdentifierTaken as taken:
        raise click.ClickException(f"{taken.code} ({taken.kind})") from taken
    except PasswordUnusable as unusable:
        raise click.ClickException(f"{unusable.code} ({unusable.reason})") from unusable
    except AccountError as refused:
        raise click.ClickException(refused.code) from refused


def find_named(services: Services, account: str) -> Account:
    """The account that an id or a number names; a hyphen asks for it.

    Raises  ClickException, which does not repeat what was typed.
    """
    text = click.prompt("Account id or number") if account == "-" else account
    if text.startswith("acc_"):
        found = services.people.find_account(AccountId(text))
    else:
        found = next(filter(None, map(services.people.find_by_identifier, _readings(text))), None)
    if found is None:
        raise click.ClickException("account_unknown")
    return found


def _readings(text: str) -> tuple[ParsedIdentifier, ...]:
    typed = parse_login_identifier(text)
    if not isinstance(typed, IdentifierProblem):
        return typed.candidates
    code = parse_identifier(text, kind=IdentifierKind.ENTERPRISE_CODE)
    return () if isinstance(code, IdentifierProblem) else (code,)
