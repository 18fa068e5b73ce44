"""What sends messages to people, built once.

What lives here: `DeliveryServices`, which every process has; the gateways and handlers, which only
the worker has, so that nobody who answers browsers holds a gateway's password.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from idp.accounts.channels import Channel, Destination
from idp.accounts.countries import Countries
from idp.accounts.messages import SEND_MESSAGE, Messages
from idp.accounts.notices import SEND_NOTICE, Notices
from idp.accounts.people import People
from idp.accounts.sending_limits import SendingLimits
from idp.delivery.gateway import CountSent, Gateway, Gateways
from idp.delivery.mail import MailGateway
from idp.delivery.sending import SendMessage
from idp.delivery.sms import SmsGateway, SmsServer
from idp.delivery.telling import TellPerson
from idp.egress import Egress
from idp.egress.mail import MailServer
from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.work.model import Handler
from idp.work.outbox import Outbox
from keystore.errors import KekInvalid
from keystore.private_files import read_private_file
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """How acts leave notices and messages, and how many may be asked for.

    `channels`: those on which something can be sent here; `countries`: those of text messages.
    """

    notices: Notices
    messages: Messages
    limits: SendingLimits
    channels: frozenset[Channel]
    countries: Countries


def build_delivery(
    settings: Settings,
    *,
    outbox: Outbox,
    sealer: Sealer,
    ephemeral: EphemeralStore,
    is_sandbox: bool = False,
) -> DeliveryServices:
    """Build what every process has; nothing is connected to.

    Takes   is_sandbox: there every channel has a gateway, see `idp/sandbox/outbox.py`.
    """
    has = {Channel.EMAIL: bool(settings.smtp_host), Channel.SMS: bool(settings.sms_url)}
    return DeliveryServices(
        Notices(outbox, sealer),
        Messages(outbox, sealer),
        SendingLimits(ephemeral, sealer, per_source=settings.source_messages_per_15min),
        frozenset(channel for channel in Channel if is_sandbox or has[channel]),
        Countries(settings.sms_countries),
    )


def open_gateways(settings: Settings, *, egress: Egress) -> dict[Channel, list[Gateway]]:
    """The gateways that the settings name, the usual one of each channel first.

    Raises  SettingsInvalid: a file with a password or token that cannot be used.
    """
    found: dict[Channel, list[Gateway]] = {Channel.EMAIL: [], Channel.SMS: []}
    for which in ("smtp", "smtp2"):
        if getattr(settings, f"{which}_host"):
            found[Channel.EMAIL].append(_mail(settings, which=which, egress=egress))
    for which in ("sms", "sms2"):
        if getattr(settings, f"{which}_url"):
            found[Channel.SMS].append(_sms(settings, which=which, egress=egress))
    return found


def check_gateway_secrets(settings: Settings) -> None:
    """Read every file with a password or token once, before anything is started.

    Raises  SettingsInvalid: one of them cannot be used.
    """
    for which, is_set, secret in (
        ("smtp", settings.smtp_host, "password"),
        ("smtp2", settings.smtp2_host, "password"),
        ("sms", settings.sms_url, "token"),
        ("sms2", settings.sms2_url, "token"),
    ):
        if is_set:
            _secret(settings, f"{which}_{secret}")


def delivery_handlers(
    delivery: DeliveryServices,
    by_channel: Mapping[Channel, Sequence[Gateway]],
    *,
    settings: Settings,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    people: People,
    time: Callable[[], datetime],
    count: CountSent | None = None,
) -> Mapping[str, Handler]:
    """The handlers of the worker."""
    gateways = Gateways(by_channel, time=time, count=count)

    def can_send(to: Destination) -> bool:
        return gateways.has(to.channel) and delivery.countries.serve(to)

    return {
        SEND_MESSAGE: SendMessage(
            gateways, sealer, people, ephemeral, settings.issuer, time, delivery.countries
        ),
        SEND_NOTICE: TellPerson(database, sealer, people, ephemeral, delivery.messages, can_send),
    }


def _mail(settings: Settings, *, which: str, egress: Egress) -> MailGateway:
    return MailGateway(
        which,
        MailServer(
            getattr(settings, f"{which}_host"),
            getattr(settings, f"{which}_port"),
            getattr(settings, f"{which}_tls"),
            getattr(settings, f"{which}_user"),
            _secret(settings, f"{which}_password"),
        ),
        egress=egress,
        sender=settings.smtp_from,
        sender_name=settings.smtp_from_name,
        our_name=urlsplit(settings.issuer).hostname or "localhost",
    )


def _sms(settings: Settings, *, which: str, egress: Egress) -> SmsGateway:
    return SmsGateway(
        which,
        SmsServer(
            getattr(settings, f"{which}_url"),
            getattr(settings, f"{which}_body"),
            _secret(settings, f"{which}_token"),
            getattr(settings, f"{which}_token_header"),
            getattr(settings, f"{which}_accepted"),
            getattr(settings, f"{which}_number"),
        ),
        egress=egress,
        accents=settings.sms_accents,
    )


def _secret(settings: Settings, name: str) -> str:
    file: Path | None = getattr(settings, f"{name}_file")
    if file is None:
        return str(getattr(settings, name))
    try:
        secret = read_private_file(file).decode("utf-8", "replace").strip()
    except KekInvalid as problem:
        raise SettingsInvalid(f"ANTIN_{name.upper()}_FILE", reason=problem.reason) from problem
    if not secret.isprintable() or not secret:
        raise SettingsInvalid(f"ANTIN_{name.upper()}_FILE", reason="must be one line")
    return secret
