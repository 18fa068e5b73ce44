"""Whether a grant still holds, and what userinfo says under it: at most five seconds old.

What lives here: the one cached read of userinfo and introspection.  The entry is sealed, since it
holds personal data, and is dropped when the grant is revoked; whoever misses the drop reads a state
that is `grant_cache_s` old at most.  Source: architecture, "State" and §6.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from clients.registry.model import Client
from idp.accounts.model import Account, Representation
from idp.errors import StorageUnavailable
from idp.ids import AccountId, GrantId, MandateId
from idp.model import Grant
from idp.oauth.claims import Person, admitted_by, claims_for_userinfo
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral import EphemeralStore
from idp.storage.grants import find_grant
from idp.storage.subjects import find_subject
from keystore.errors import KeystoreError
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer


class People(Protocol):
    """Accounts, as far as the token side of the house looks."""

    def find_account(self, account_id: AccountId) -> Account | None:
        """The account, whatever its status."""

    def find_representation(
        self, person_account_id: AccountId, *, mandate_id: MandateId, now: datetime
    ) -> Representation | None:
        """The organisation behind a mandate if this person may use it now."""


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client that may be used now."""


class GrantState(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of a grant between two calls.

    `userinfo` is the JSON for the grant's full scopes; it is None when the grant does not hold.
    """

    userinfo: bytes | None
    scopes: tuple[str, ...]
    client_id: str


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(GrantState).decode


def find_person(
    grant: Grant, *, people: People, database: Database, now: datetime
) -> Person | None:
    """Who stands behind a grant, in its capacity; None when account or mandate do not hold now."""
    account = people.find_account(grant.account_id)
    if account is None or not account.is_active:
        return None
    representation: Representation | None = None
    if grant.mandate_id is not None:
        representation = people.find_representation(
            grant.account_id, mandate_id=grant.mandate_id, now=now
        )
        if representation is None or not representation.is_for(grant.client_id):
            return None
    with database.read() as connection:
        subject = find_subject(connection, grant.account_id, sector_id=grant.sector_id)
    return Person(account, "" if subject is None else subject.tech_id, representation)


def needs_person(grant: Grant) -> bool:
    """Whether tokens of a grant depend on more of the person than an active account.

    They do when the person acts for an organisation, or when the ID token was asked to carry
    claims; everything else about the person goes to userinfo.
    """
    return grant.mandate_id is not None or bool(grant.claims.get("id_token"))


class GrantStates:
    """Reads the state of grants through the ephemeral store."""

    def __init__(
        self,
        database: Database,
        *,
        ephemeral: EphemeralStore,
        sealer: Sealer,
        people: People,
        clients: Clients,
        lifetime: timedelta,
    ) -> None:
        self._database = database
        self._ephemeral = ephemeral
        self._sealer = sealer
        self._people = people
        self._clients = clients
        self._lifetime = lifetime

    def read(self, grant_id: GrantId, *, now: datetime) -> GrantState:
        """The state of a grant, at most the configured lifetime old."""
        if self._lifetime:
            sealed = self._ephemeral.get(_key(grant_id), now=now)
            if sealed is not None:
                try:
                    opened = self._sealer.unseal(
                        SealPurpose.SESSION, sealed, context=_key(grant_id)
                    )
                except KeystoreError:
                    pass  # written under a key that is gone: read afresh
                else:
                    return _DECODE(opened)
        state = self._load(grant_id, now=now)
        if self._lifetime and state.userinfo is not None:
            sealed = self._sealer.seal(SealPurpose.SESSION, _ENCODE(state), context=_key(grant_id))
            self._ephemeral.put(_key(grant_id), sealed, lifetime=self._lifetime, now=now)
        return state

    def userinfo(
        self, grant_id: GrantId, *, scopes: tuple[str, ...], now: datetime
    ) -> bytes | None:
        """The userinfo JSON for a token with these scopes; None when the grant does not hold."""
        state = self.read(grant_id, now=now)
        if state.userinfo is None or set(scopes) >= set(state.scopes):
            return state.userinfo
        # a token with fewer scopes than its grant is rare: made afresh, not cached
        with self._database.read() as connection:
            grant = find_grant(connection, grant_id)
        if grant is None or not grant.is_live(now):
            return None
        claims = self._claims(grant, scopes=scopes, now=now)
        return None if claims is None else msgspec.json.encode(claims)

    def forget_on_commit(self, tx: Transaction, grant_ids: Iterable[GrantId]) -> None:
        """Drop what is remembered of grants once a transaction that changed them is durable."""
        keys = [_key(grant_id) for grant_id in grant_ids]
        if keys:
            tx.on_commit(lambda: self._drop(keys))

    def _drop(self, keys: list[str]) -> None:
        # the act is done and must not fail now; an entry that stays is five seconds old at most
        with suppress(StorageUnavailable):
            self._ephemeral.delete(*keys)

    def _load(self, grant_id: GrantId, *, now: datetime) -> GrantState:
        with self._database.read() as connection:
            grant = find_grant(connection, grant_id)
        if grant is None or not grant.is_live(now):
            return GrantState(None, (), "")
        claims = self._claims(grant, scopes=grant.scopes, now=now)
        if claims is None:
            return GrantState(None, (), "")
        return GrantState(msgspec.json.encode(claims), grant.scopes, grant.client_id)

    def _claims(
        self, grant: Grant, *, scopes: tuple[str, ...], now: datetime
    ) -> dict[str, Any] | None:
        client = self._clients.find_client(grant.client_id, now=now)
        if client is None:
            return None
        person = find_person(grant, people=self._people, database=self._database, now=now)
        if person is None:
            return None
        return claims_for_userinfo(grant, person, scopes=scopes, may_receive=admitted_by(client))


def _key(grant_id: GrantId) -> str:
    return f"grant:{grant_id}"
