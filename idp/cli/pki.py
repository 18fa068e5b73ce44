"""What the commands of the certification authority share.

What lives here: the use cases opened for a command, arguments that name certificates, and how
refusals of the keystore are said.  Not here: the rules (`keystore/pki`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from idp.cli.context import open_services
from idp.errors import SettingsInvalid
from idp.ids import AccountId
from idp.pki import Pki, build_pki, pki_deployment
from idp.services import Services
from keystore.errors import KeystoreError
from keystore.pki.model import CertificateRecord

_LONGEST_FILE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenPki:
    """The services and the authority of this process, and the instant of the command."""

    services: Services
    pki: Pki
    now: datetime
    operator: str | None

    def data_key(self, account_id: str | None) -> bytes | None:
        """The data key of an account; None when it was erased, or there is no account."""
        if account_id is None:
            return None
        found = self.services.people.find_account(AccountId(account_id))
        return None if found is None else found.data_key


@contextmanager
def open_pki(*, operator: str | None = None) -> Iterator[OpenPki]:
    """The authority of this process; refusals become one line.

    Takes   operator: whose name the log rows carry; None for commands that only look.
    Raises  SettingsInvalid where no authority is run.
    """
    with open_services() as services:
        deployment = pki_deployment(services.settings, is_sandbox=services.is_sandbox)
        if deployment is None:
            reason = "is empty: this deployment runs no certification authority"
            raise SettingsInvalid("ANTIN_PKI_ORGANISATION", reason=reason)
        keyrings = services.keyrings
        if operator is not None:
            keyrings = keyrings.in_name_of(operator)
        pki = build_pki(deployment, keyrings=keyrings)
        try:
            yield OpenPki(services, pki, services.time(), operator)
        except KeystoreError as refused:
            raise click.ClickException(f"{refused.code} ({refused})") from refused


class SerialNumber(click.ParamType[int]):
    """A serial number in hexadecimal, with or without colons between the bytes."""

    name = "serial"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """The number."""
        if isinstance(value, int):
            return value
        digits = str(value).replace(":", "").lower()
        if not digits or len(digits) > 40 or set(digits) - set("0123456789abcdef"):
            self.fail("a serial number is hexadecimal", param, ctx)
        return int(digits, 16)


serial_argument: Final = click.argument("serial", type=SerialNumber())
yes_option: Final = click.option("--yes", is_flag=True, help="Do not ask.")
json_option: Final = click.option("--json", "as_json", is_flag=True, help="For programs.")


def read_file(path: Path) -> bytes:
    """A small file from outside.

    Raises  ClickException.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
    except OSError as failure:
        raise click.FileError(str(path), failure.strerror) from failure
    if len(content) > _LONGEST_FILE:
        raise click.FileError(str(path), "is too long")
    return content


def instant(moment: datetime | None) -> str | None:
    """An instant for people and programs: ISO 8601, UTC, whole seconds."""
    return None if moment is None else f"{moment:%FT%TZ}"


def certificate_facts(record: CertificateRecord) -> dict[str, object]:
    """What a list says about a certificate: nothing of the person but the account's id."""
    return {
        "serial": f"{record.serial:x}",
        "ca": record.ca_id,
        "profile": record.profile,
        "account": record.account_id,
        "kid": record.kid,
        "state": record.state.value,
        "reason": None if record.reason is None else record.reason.value,
        "since": instant(record.changed_at),
        "not_before": instant(record.not_before),
        "not_after": instant(record.not_after),
        "replaces": None if record.replaces is None else f"{record.replaces:x}",
    }
