"""Which key and certificate answer for the status of each authority's certificates.

What lives here: the service certificates of OCSP in the form that the responder takes.
Source: RFC 6960 §4.2.2.2.  Not here: answers (`keystore/pki/ocsp.py`).
"""

from __future__ import annotations

from datetime import datetime

from keystore.pki.ocsp_responses import Responder
from keystore.pki.service_certificates import ServiceCertificates, ServiceSigner


class OcspSigners:
    """Takes certificates: of the profile `ocsp`."""

    def __init__(self, certificates: ServiceCertificates) -> None:
        self._certificates = certificates
        self._prepared: dict[str, tuple[ServiceSigner, Responder]] = {}

    def responder(self, ca_id: str, *, now: datetime) -> Responder:
        """The key and certificate in use for one authority; the same until they change.

        Raises  ServiceCertificateMissing.
        """
        signer = self._certificates.find(now, ca_id=ca_id)
        known = self._prepared.get(ca_id)
        if known is not None and known[0] == signer:
            return known[1]
        responder = Responder.of(signer.key, certificate=signer.chain[0])
        self._prepared[ca_id] = (signer, responder)
        return responder
