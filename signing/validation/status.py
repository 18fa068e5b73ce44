"""The state of a certificate: what is asked beside it, and what is answered.

What lives here: plain data.
Source: RFC 5280 §6.3.1 and §6.3.2; EN 319 102-1 §5.2.5, §5.2.6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from signing.validation.model import RevocationReport, RevocationState, StatusOrigin
from signing.validation.paths import CertificatePath, TrustAnchors
from signing.validation.verdict import Reason


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """How evidence is judged.

    Takes   now: the time at which it is judged, aware; None: the time of interest.  Evidence from
            later than that counts for nothing;
            is_current_needed: evidence whose next update was due before `now` counts for nothing
            (RFC 5280 §6.3.3 (a)); False takes the newest there is, and `is_current` tells;
            skew: how far clocks may differ; without_end: how old evidence may be that does not
            say when there will be newer one;
            exists_since: since when a piece of evidence (DER) is proved to have existed, None for
            no proof; whoever signed it has to be valid then, without a proof at `now`;
            is_time_of_signers_needed: False takes the word of whoever was valid when the evidence
            was made, by what it says itself: enough to tell what is known, not to rely on it;
            responders: those who are believed because somebody trusted lists them as telling
            status (RFC 6960 §4.2.2.2, the first of its cases);
            is_responder_status_needed: a responder whose certificate says where its status is
            told, and about whom nothing is there, is not believed (RFC 6960 §4.2.2.2.1).
    """

    now: datetime | None = None
    is_current_needed: bool = True
    skew: timedelta = timedelta(minutes=5)
    without_end: timedelta = timedelta(hours=24)
    exists_since: Callable[[bytes], datetime | None] | None = None
    is_time_of_signers_needed: bool = True
    is_responder_status_needed: bool = True
    responders: TrustAnchors | None = None


CURRENT: Final = StatusSettings()
"""As RFC 5280 and RFC 6960 have it, at the time of interest."""


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What is known of a certificate at the time of interest.

    Takes   state: NOT_NEEDED when the certificate itself says that nobody tells its status, or is
            an anchor; GOOD with `revoked_at` for one that was revoked later than the time of
            interest; UNKNOWN when no evidence suffices, and `findings` say why each does not;
            kind: `crl`, `ocsp` or empty; evidence: what says so, DER (a list and its delta, lists
            for several reasons);
            signers: paths of those who signed it, where that is not the issuer's key itself;
            is_current: whether newer evidence was not due yet;
            reason: as in RFC 5280 §5.3.1 (`keyCompromise`, …); invalid_since: when the key is said
            to have been lost.
    """

    state: RevocationState
    kind: str = ""
    evidence: tuple[bytes, ...] = field(default=(), repr=False)
    produced_at: datetime | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""
    invalid_since: datetime | None = None
    is_current: bool = False
    signers: tuple[CertificatePath, ...] = field(default=(), repr=False)
    findings: tuple[Reason, ...] = ()

    def report(self, origin: StatusOrigin) -> RevocationReport:
        """The same, for the report."""
        return RevocationReport(
            self.state,
            origin,
            self.kind,
            self.produced_at,
            self.this_update,
            self.next_update,
            self.revoked_at,
            self.reason,
        )
