"""A sign-in that is under way: its frozen request and what was answered so far.

What lives here: the value and where it waits.  The id stands in the address of the pages and names
nothing by itself; only the browser whose cookie it was begun with can go on with it.  Kept sealed,
because a login hint is personal.  Source: architecture §5.7; RFC 9700 §4.7 (CSRF).
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

import msgspec

from idp.errors import AntinError
from idp.ids import InteractionId, make_id
from idp.oauth.authorization_request import AuthorizationRequest
from idp.oauth.prompts import Progress
from idp.storage.ephemeral import EphemeralStore
from keystore.errors import KeystoreError
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

_FINISHED_FOR: Final = timedelta(seconds=30)
"""How long a button that was pressed twice still leads to the same answer."""


class InteractionUnknown(AntinError):
    """Expired, finished, or never begun."""

    code = "interaction_expired"


class AnotherBrowser(AntinError):
    """Begun in another browser: nothing of it is shown here."""

    code = "other_browser"


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in under way.

    `browser_hash` is the SHA-256 of the browser cookie; `pending_enrolment` names an authenticator
    that waits for its first code; `second_way` is where the person wants the code from.
    """

    interaction_id: str
    request: AuthorizationRequest
    browser_hash: bytes
    started_at: datetime
    account_selected: bool = False
    refuses_session: bool = False
    capacity: str | None = None
    pending_enrolment: str | None = None
    second_way: str | None = None

    @property
    def progress(self) -> Progress:
        """What was answered so far, as the questions look at it."""
        return Progress(
            started_at=self.started_at,
            account_selected=self.account_selected,
            refuses_session=self.refuses_session,
            capacity=self.capacity,
        )


class _Answer(msgspec.Struct, frozen=True):
    """Where a finished interaction led."""

    request: AuthorizationRequest
    fields: dict[str, str]
    browser_hash: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_interaction: Final = msgspec.msgpack.Decoder(Interaction).decode
_decode_request: Final = msgspec.msgpack.Decoder(AuthorizationRequest).decode
_decode_answer: Final = msgspec.msgpack.Decoder(_Answer).decode


def hash_browser(token: str) -> bytes:
    """SHA-256 of a browser cookie, 32 bytes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Interactions:
    """Keeps interactions in the ephemeral store."""

    def __init__(self, store: EphemeralStore, *, sealer: Sealer, lifetime: timedelta) -> None:
        self._store = store
        self._sealer = sealer
        self._lifetime = lifetime

    def begin(
        self,
        request: AuthorizationRequest,
        *,
        browser: str,
        refuses_session: bool = False,
        now: datetime,
    ) -> Interaction:
        """Begin an interaction in the browser with this cookie.

        Takes   refuses_session: the person wants another account than the one that is signed in.
        """
        begun = Interaction(
            interaction_id=InteractionId(make_id("int")),
            request=request,
            browser_hash=hash_browser(browser),
            started_at=now,
            refuses_session=refuses_session,
        )
        self.save(begun, now=now)
        return begun

    def save(self, interaction: Interaction, *, now: datetime) -> None:
        """Keep what was answered; the lifetime counts from the beginning."""
        left = interaction.started_at + self._lifetime - now
        if left <= timedelta(0):
            raise InteractionUnknown
        self._put(_key(interaction.interaction_id), _encode(interaction), lifetime=left, now=now)

    def find(self, interaction_id: str, *, browser: str | None, now: datetime) -> Interaction:
        """The interaction, for the browser that began it.

        Raises  InteractionUnknown, AnotherBrowser.
        """
        opened = self._get(_key(interaction_id), now=now)
        if opened is None:
            raise InteractionUnknown
        interaction = _decode_interaction(opened)
        _refuse_other(browser, interaction.browser_hash)
        return interaction

    def finish(self, interaction: Interaction, *, fields: dict[str, str], now: datetime) -> None:
        """End an interaction; the same browser is given the same answer for half a minute."""
        self._store.delete(_key(interaction.interaction_id))
        answer = _Answer(interaction.request, fields, interaction.browser_hash)
        self._put(
            _done_key(interaction.interaction_id), _encode(answer), lifetime=_FINISHED_FOR, now=now
        )

    def find_answer(
        self, interaction_id: str, *, browser: str | None, now: datetime
    ) -> tuple[AuthorizationRequest, dict[str, str]] | None:
        """Where an interaction that was finished just now led, for the browser that began it."""
        opened = self._get(_done_key(interaction_id), now=now)
        if opened is None:
            return None
        answer = _decode_answer(opened)
        _refuse_other(browser, answer.browser_hash)
        return answer.request, answer.fields

    def park(self, request: AuthorizationRequest, *, now: datetime) -> str:
        """Keep a request that came by POST until the browser follows the redirect to it."""
        parked = make_id("req")
        self._put(_key(parked), _encode(request), lifetime=timedelta(minutes=2), now=now)
        return parked

    def take(self, parked: str, *, now: datetime) -> AuthorizationRequest:
        """A parked request, once.  Raises InteractionUnknown."""
        sealed = self._store.consume(_key(parked), now=now)
        opened = None if sealed is None else self._unseal(_key(parked), sealed)
        if opened is None:
            raise InteractionUnknown
        return _decode_request(opened)

    def park_logout(self, form: bytes, *, now: datetime) -> str:
        """Keep the form of a logout request in the same way: its hint belongs into no address."""
        parked = make_id("req")
        self._put(_logout_key(parked), form, lifetime=timedelta(minutes=2), now=now)
        return parked

    def take_logout(self, parked: str, *, now: datetime) -> bytes | None:
        """The form of a parked logout request, once."""
        key = _logout_key(parked)
        sealed = self._store.consume(key, now=now)
        return None if sealed is None else self._unseal(key, sealed)

    def _put(self, key: str, plaintext: bytes, *, lifetime: timedelta, now: datetime) -> None:
        sealed = self._sealer.seal(SealPurpose.INTERACTION, plaintext, context=key)
        self._store.put(key, sealed, lifetime=lifetime, now=now)

    def _get(self, key: str, *, now: datetime) -> bytes | None:
        sealed = self._store.get(key, now=now)
        return None if sealed is None else self._unseal(key, sealed)

    def _unseal(self, key: str, sealed: bytes) -> bytes | None:
        try:
            return self._sealer.unseal(SealPurpose.INTERACTION, sealed, context=key)
        except KeystoreError:
            return None


def _refuse_other(browser: str | None, expected: bytes) -> None:
    if browser is None or not hmac.compare_digest(hash_browser(browser), expected):
        raise AnotherBrowser


def _key(interaction_id: str) -> str:
    return f"interaction:{interaction_id}"


def _done_key(interaction_id: str) -> str:
    return f"interaction-done:{interaction_id}"


def _logout_key(parked: str) -> str:
    return f"logout:{parked}"
