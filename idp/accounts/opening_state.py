"""An account that is being opened, between its pages.

What lives here: an address and whether its owner typed the code that was sent there, kept sealed in
the ephemeral store for half an hour, for one browser.  Nothing of who the person is stands in it:
that is typed in the last step and kept only if an account comes of it.
Not here: what the steps decide (`opening.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from idp.accounts.addresses import mask_address
from idp.accounts.channels import Channel, Destination
from idp.accounts.message_codes import LIFETIME as CODE_LIFETIME
from idp.accounts.message_codes import RESEND_AFTER
from idp.ids import AccountId
from idp.storage.ephemeral import EphemeralStore
from keystore.clock import from_ms
from keystore.purposes import MacPurpose, SealPurpose
from keystore.sealing import Sealer

LIFETIME: Final = timedelta(minutes=30)


class Opening(msgspec.Struct, frozen=True):
    """What is known so far.

    `account_id` is the id that the account will have: questions to a register are on record under
    it.  `way_back` is the sign-in from which the person came, or empty.
    """

    account_id: AccountId
    channel: Channel
    address: str
    code_mac: bytes
    sent_ms: int
    way_back: str = ""
    is_confirmed: bool = False

    def __repr__(self) -> str:
        return "Opening(…)"

    @property
    def destination(self) -> Destination:
        """Where the code went."""
        return Destination(self.channel, self.address)

    @property
    def masked(self) -> str:
        """Enough of the address for its owner."""
        return mask_address(self.address, channel=self.channel)

    @property
    def resend_at(self) -> datetime:
        """From then on another code can be sent."""
        return from_ms(self.sent_ms) + RESEND_AFTER

    @property
    def code_expires_at(self) -> datetime:
        """From then on the code is worth nothing."""
        return from_ms(self.sent_ms) + CODE_LIFETIME


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Opening).decode


@dataclass(frozen=True, slots=True)
class Openings:
    """Those of all browsers; safe to share between threads."""

    store: EphemeralStore
    sealer: Sealer

    def key(self, browser: str) -> str:
        """Where that of a browser is; holds nothing of the browser's token."""
        return f"opening:{self.sealer.mac(MacPurpose.SOURCE, browser.encode()).hex()}"

    def put(self, browser: str, opening: Opening, *, now: datetime) -> None:
        """Keep it in the place of whatever there was."""
        key = self.key(browser)
        self.store.put(key, self._seal(key, opening), lifetime=LIFETIME, now=now)

    def find(self, browser: str, *, now: datetime) -> tuple[Opening, bytes] | None:
        """It, and the bytes by which `replace` knows it again."""
        key = self.key(browser)
        raw = self.store.get(key, now=now)
        return None if raw is None else (self._open(key, raw), raw)

    def replace(self, browser: str, raw: bytes, opening: Opening, *, now: datetime) -> bool:
        """Keep it in the place of exactly `raw`; False when that is gone."""
        key = self.key(browser)
        sealed = self._seal(key, opening)
        return self.store.replace(key, raw, sealed, lifetime=LIFETIME, now=now)

    def consume(self, browser: str, *, now: datetime) -> Opening | None:
        """Take it away; of any number of racing callers one receives it."""
        key = self.key(browser)
        raw = self.store.consume(key, now=now)
        return None if raw is None else self._open(key, raw)

    def _seal(self, key: str, opening: Opening) -> bytes:
        return self.sealer.seal(SealPurpose.INTERACTION, _encode(opening), context=key)

    def _open(self, key: str, raw: bytes) -> Opening:
        return _decode(self.sealer.unseal(SealPurpose.INTERACTION, raw, context=key))
