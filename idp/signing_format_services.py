"""What reads documents for signing, and whoever they lead to, built once.

What lives here: `FormatServices` and the function that builds it; where chains may end.
Cheap to make: processes that read documents start with the first document.
Not here: what any of it does (`signing/formats`, `signing/isolation`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from idp.egress import Egress
from idp.errors import SettingsInvalid
from idp.pki import Pki
from idp.settings import Settings
from idp.signing_transport import SigningTransport
from idp.trust import Trust
from idp.walls import make_walls
from keystore.pki.model import CaKind
from signing.formats.table import Parties
from signing.formats.timestamp_client import TimestampClient
from signing.intake import Intake, IntakeLimits
from signing.isolation.pool import IsolationPool
from signing.sources import AskedStatus, asked_by

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatServices:
    """All of it is safe to share between threads."""

    isolation: IsolationPool
    intake: Intake
    status: AskedStatus
    parties: Parties
    most_bytes: int


def build_formats(
    settings: Settings, *, egress: Egress, trust: Trust, pki: Pki, time: Callable[[], datetime]
) -> FormatServices:
    """Build everything; nothing is started.

    Raises  SettingsInvalid with the name of the setting.
    """
    isolation = IsolationPool(make_walls(settings))
    transport = SigningTransport(
        origins=frozenset({settings.issuer, pki.deployment.addresses.base_url}),
        endpoints=trust.endpoints,
        egress=egress,
        time=time,
    )
    roots = find_roots(settings, pki=pki)
    status = AskedStatus(transport)
    timestamps = TimestampClient(
        asked_by(transport, url=settings.effective_timestamps_url), roots=roots, clock=time
    )
    most_bytes = settings.document_mib * _MIB
    return FormatServices(
        isolation=isolation,
        intake=Intake(isolation, IntakeLimits(most_bytes=most_bytes)),
        status=status,
        parties=Parties.of(isolation, timestamps=timestamps, status=status, roots=roots),
        most_bytes=most_bytes,
    )


def find_roots(settings: Settings, *, pki: Pki) -> tuple[bytes, ...]:
    """Where chains may end: our own roots, and those that the settings name; DER.

    Raises  SettingsInvalid.
    """
    own = tuple(one.certificate for one in pki.authorities.records() if one.kind is CaKind.ROOT)
    if settings.signing_roots is None:
        return own
    try:
        others = x509.load_pem_x509_certificates(settings.signing_roots.read_bytes())
    except (OSError, ValueError) as problem:
        raise SettingsInvalid(
            "ANTIN_SIGNING_ROOTS", reason="must be a readable file of certificates, PEM"
        ) from problem
    return own + tuple(one.public_bytes(Encoding.DER) for one in others)
