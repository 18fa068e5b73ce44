"""After a backup was restored: what was revoked or destroyed before is so again.

What lives here: the step of `antin restore` that keeps certificates revoked or suspended and
signing keys destroyed, and what the operator is told of it.
Not here: people who were erased (`idp/accounts/destroyed_again.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import click

from idp.ids import AccountId
from idp.services import Services
from idp.storage.accounts import find_row
from idp.storage.replaced import Replaced
from keystore.backends.errors import KeyKept, TokenUnavailable
from keystore.key_erasing import kid_digest
from keystore.pki.carrying_over import carry_over, carry_over_lists
from keystore.pki.model import CertificateRecord
from keystore.pki.storage.authorities import read_cas
from keystore.purposes import KEY_PURPOSES
from keystore.signer.storage import end_keys_again


@dataclass(frozen=True, slots=True)
class EndedAgain:
    """How many certificates, keys of the service and keys of persons of the copy were ended.

    `lists`: revocation lists that the copy goes on from.
    """

    certificates: int
    lists: int
    keys: int
    personal_keys: int


def end_again(
    services: Services,
    *,
    before: Replaced,
    digests: Collection[bytes],
    listed: Sequence[CertificateRecord],
    operator: str,
) -> EndedAgain:
    """End in the copy what had ended in the database before; call it before people are erased.

    Takes   digests: of the lists of what was destroyed, listed: certificates of the lists of those
            that ended, both of which outlive a database.
    """
    lists = carry_over_lists(services.database, before.lists)
    certificates = carry_over(
        services.database,
        # the database first: it knows more of each than the list
        [*before.certificates, *_of_authorities(services, listed)],
        data_key_of=_data_key_of,
        log=services.log.in_name_of(operator),
        now=services.time(),
    )
    keys = _destroy_again(services, before=before, digests=digests, operator=operator)
    with services.database.transaction() as tx:
        personal_keys = end_keys_again(tx, before.personal_keys)
    if certificates:
        click.echo(f"{certificates} certificates that had ended were ended again")
    if keys:
        click.echo(f"{keys} signing keys that had been destroyed were destroyed again")
    if personal_keys:
        click.echo(f"{personal_keys} personal keys that had ended were ended again")
    if not before.is_read and services.trust.pki is not None:
        click.echo(
            "the database before could not be read: what its list of ended certificates names was "
            "ended again; compare with the revocation lists that were published since the backup",
            err=True,
        )
    return EndedAgain(certificates, lists, keys, personal_keys)


def _of_authorities(
    services: Services, listed: Sequence[CertificateRecord]
) -> list[CertificateRecord]:
    """Those of authorities that the copy knows: of others nothing can be said here."""
    with services.database.read() as connection:
        known = {ca.ca_id for ca in read_cas(connection)}
    return [one for one in listed if one.ca_id in known]


def _destroy_again(
    services: Services, *, before: Replaced, digests: Collection[bytes], operator: str
) -> int:
    done, now = 0, services.time()
    for purpose in KEY_PURPOSES.values():
        keyring = services.keyrings.in_name_of(operator).of(purpose)
        for record in keyring.records(now):
            was_destroyed = record.kid in before.destroyed_keys or kid_digest(record.kid) in digests
            if record.destroyed_at is not None or not was_destroyed:
                continue
            try:
                keyring.destroy(record.kid, now=now)
            except (KeyKept, TokenUnavailable):
                click.echo(f"destroyed, but its module is not reached: {record.kid}", err=True)
            done += 1
    return done


def _data_key_of(connection: Any, account_id: str) -> bytes | None:
    row = find_row(connection, AccountId(account_id))
    return None if row is None else row.data_key
