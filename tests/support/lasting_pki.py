"""Authorities that outlive the years, and documents that are renewed under them.

What lives here: `LastingPki`, whose services are replaced while its authorities stay.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from keystore.pki.issuing import Draft
from keystore.pki.names import ServiceSubject
from keystore.pki.profiles import Profile
from tests.support.signatory import SigningPki

YEARS_20 = timedelta(days=365.25 * 20)


class LastingPki(SigningPki):
    """Authorities that outlive the years; signers, timestamps and status answers do not.

    NOTE: with an intermediate authority expired too, pyHanko says CHAIN_GENERAL_FAILURE and does
    not look into the past, as ETSI EN 319 102-1 §5.6.2.4 has no case for it.
    """

    def replace_services(self, at: datetime) -> None:
        """A new timestamp authority and a new responder; the old ones are gone."""
        self.since = at - timedelta(days=1)
        self.tsa = self.issue(Profile.TIMESTAMP, subject=ServiceSubject("Timestamps 2"))
        self.ocsp = self.issue(Profile.OCSP, subject=ServiceSubject("Status 2"))

    def _authority_draft(self, profile: Profile, key: ec.EllipticCurvePrivateKey) -> Draft:
        made = super()._authority_draft(profile, key)
        return replace(made, not_after=made.not_before + 2 * YEARS_20)
