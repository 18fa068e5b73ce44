"""Messages of a sandbox: kept in a folder, for whoever plays with it to read.

What lives here: a gateway that writes each message into a file of `var/outbox`, and the page that
shows them.  No message of a sandbox ever leaves the machine, whatever the settings name.
Source: architecture, "Sandbox".  Not here: the page's form (`idp/web/templates`).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from idp.accounts.channels import Channel
from idp.delivery.gateway import Gateway, Outgoing
from idp.delivery.plain_text import as_text_message
from idp.sandbox.files import write_whole
from idp.web.sandbox_pages import OutboxPage, ShownMessage
from keystore.clock import from_ms, to_ms

_FOLDER: Final = "outbox"
_KEPT: Final = 200
_SHOWN: Final = 40


class _Kept(msgspec.Struct, frozen=True):
    at_ms: int
    channel: Channel
    address: str
    subject: str
    text: str


_decode: Final = msgspec.json.Decoder(_Kept).decode


class FolderGateway:
    """Takes every message of one channel.

    Takes   folder: made when there is something to write.
    """

    name = "sandbox"

    def __init__(self, folder: Path, *, channel: Channel) -> None:
        self._folder = folder
        self._channel = channel

    def send(self, outgoing: Outgoing, *, now: datetime) -> None:
        """See `Gateway.send`; a text message is shortened as one that goes out."""
        text = outgoing.text
        if self._channel is Channel.SMS:
            text = as_text_message(text, accents="when_short")
        kept = _Kept(to_ms(now), self._channel, outgoing.address, outgoing.subject, text)
        self._folder.mkdir(parents=True, exist_ok=True)
        # the same name when it is sent again: once is enough
        file = self._folder / f"{outgoing.message_id}.json"
        write_whole(file, msgspec.json.encode(kept).decode())
        for old in _newest_first(self._folder)[_KEPT:]:
            old.unlink(missing_ok=True)


def make_gateways(var: Path) -> dict[Channel, list[Gateway]]:
    """The gateways of a sandbox whose folder is `var`."""
    return {channel: [FolderGateway(var / _FOLDER, channel=channel)] for channel in Channel}


def outbox_page(var: Path) -> OutboxPage:
    """The newest messages of a sandbox."""
    shown = []
    for file in _newest_first(var / _FOLDER)[:_SHOWN]:
        with suppress(OSError, msgspec.DecodeError):  # it has just been tidied away
            kept = _decode(file.read_bytes())
            shown.append(
                ShownMessage(
                    at=from_ms(kept.at_ms),
                    is_mail=kept.channel is Channel.EMAIL,
                    address=kept.address,
                    subject=kept.subject,
                    text=kept.text,
                )
            )
    return OutboxPage(messages=tuple(shown))


def _newest_first(folder: Path) -> list[Path]:
    found = []
    for file in folder.glob("msg_*.json"):
        with suppress(FileNotFoundError):
            found.append((file.stat().st_mtime_ns, file))
    return [file for _, file in sorted(found, reverse=True)]
