"""What a database that a backup replaces has to say: what ended in it must not live again.

What lives here: the questions that are asked of it before it goes.  It may be of an older revision
than this version of the service.  Not here: acting on the answers (`idp/cli/restore.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, inspect

from idp.ids import AccountId
from idp.storage.erasures import count_accounts, read_erased
from keystore.pki.carrying_over import PublishedLists, read_lists
from keystore.pki.model import CertificateRecord
from keystore.pki.storage.certificates import read_ended
from keystore.signer.storage import EndedKey, read_ended_keys
from keystore.signing_keys import read_destroyed


@dataclass(frozen=True, slots=True)
class Replaced:
    """How many accounts it has, and what ended in it.

    `is_read`: there was a database that could be read; without one nothing is known of what ended.
    """

    accounts: int = 0
    erased: tuple[AccountId, ...] = ()
    certificates: tuple[CertificateRecord, ...] = field(default=(), repr=False)
    """Revoked and suspended ones."""
    lists: PublishedLists = field(default_factory=PublishedLists, repr=False)
    """The newest revocation lists."""
    destroyed_keys: frozenset[str] = frozenset()
    personal_keys: tuple[EndedKey, ...] = ()
    """Suspended and destroyed ones."""
    is_read: bool = False


def read_replaced(connection: Connection) -> Replaced:
    """Everything that a restore must not undo."""
    has_certificates = inspect(connection).has_table("certificate")
    has_personal_keys = inspect(connection).has_table("personal_key")
    return Replaced(
        accounts=count_accounts(connection),
        erased=read_erased(connection),
        certificates=read_ended(connection) if has_certificates else (),
        lists=read_lists(connection) if has_certificates else PublishedLists(),
        destroyed_keys=read_destroyed(connection),
        personal_keys=read_ended_keys(connection) if has_personal_keys else (),
        is_read=True,
    )
