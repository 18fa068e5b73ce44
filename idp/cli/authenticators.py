"""`antin accounts retire-authenticator` and `restore-authenticator`: what only keepers may say.

What lives here: the two commands.  The second-factor verifier ends an authenticator by itself when
an announced one takes its place; these are for a telephone that was lost before that, and for one
that was ended by mistake.  The log row and the act are one: what the verifier refuses is not there.
Not here: what an end means (`keystore/second_factor/memory.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import click

from idp.cli.context import open_services
from idp.cli.naming import find_named, operator_option
from keystore.log.events import Event, EventType
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import VerifierError

_Act = Callable[[VerifierClient, str, str], None]


@click.command("retire-authenticator")
@click.argument("account")
@click.argument("totp_id")
@operator_option
def retire_authenticator(account: str, totp_id: str, operator: str) -> None:
    """Have TOTP_ID (otp_…, from the log) of ACCOUNT never taken again: its telephone is lost."""
    _do(_retire, EventType.TOTP_RETIRED, account=account, totp_id=totp_id, operator=operator)


@click.command("restore-authenticator")
@click.argument("account")
@click.argument("totp_id")
@operator_option
def restore_authenticator(account: str, totp_id: str, operator: str) -> None:
    """Have TOTP_ID of ACCOUNT taken again, as what it was before it was ended."""
    _do(_restore, EventType.TOTP_RESTORED, account=account, totp_id=totp_id, operator=operator)


def _retire(verifier: VerifierClient, totp_id: str, account_id: str) -> None:
    verifier.retire_totp(totp_id, account_id=account_id)


def _restore(verifier: VerifierClient, totp_id: str, account_id: str) -> None:
    verifier.restore_totp(totp_id, account_id=account_id)


def _do(act: _Act, kind: EventType, *, account: str, totp_id: str, operator: str) -> None:
    with open_services() as services:
        found = find_named(services, account)
        if services.verifier is None:
            raise click.ClickException("no verifier is configured (ANTIN_VERIFIER_ADDRESS)")
        event = Event(kind, account_id=found.account_id, facts={"totp_id": totp_id})
        log = services.log.in_name_of(operator)
        try:
            with services.database.transaction() as tx:
                log.record(tx, event, data_key=None, now=services.time())
                act(services.verifier, totp_id, found.account_id)
        except VerifierError as refusal:
            raise click.ClickException(str(refusal)) from refusal
