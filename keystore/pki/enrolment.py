"""The port through which a subject gets a certificate, and its first side: our own issuing CA.

What lives here: what is asked and what comes back, whoever issues; and the authority of our own,
which answers at once.  Possession of the private key is shown by a PKCS #10 request, or known
because the keystore itself made the key.
Source: RFC 2986; ETSI EN 319 411-1 §6.2.2 (proof of possession).
Not here: the authority of somebody else (`keystore/pki/external.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from cryptography import x509

from keystore.pki.certificates import Certificates, Issued, IssueRequest
from keystore.pki.csr import VerifiedCsr, verify_csr
from keystore.pki.deployment import PkiDeployment
from keystore.pki.errors import CsrRefused
from keystore.pki.names import subject_name


@dataclass(frozen=True, slots=True)
class Waiting:
    """The request went out, or is to be carried there; `csr` is DER."""

    enrolment_id: str
    ca_id: str
    csr: bytes = field(repr=False)


class Enrolment(Protocol):
    """Whoever issues certificates for subjects of ours."""

    def name_for(self, request: IssueRequest, *, now: datetime) -> x509.Name:
        """The name that a PKCS #10 request for this has to carry, if it carries one.

        Raises  NameRefused, ProfileRefused.
        """

    def enrol(self, request: IssueRequest, *, csr: bytes | None, now: datetime) -> Issued | Waiting:
        """Ask for a certificate.

        Takes   csr: PKCS #10, PEM or DER, whose key takes the place of the one in `request`, and
                must be the same where that has a `kid`; None where the keystore made the key and
                the authority does not want to see a request.
        Raises  CsrRefused, NameRefused, ProfileRefused, CaUnknown, CaRefused, and what
                `Certificates.issue_many` raises.
        """


class OwnEnrolment:
    """Our own issuing CA: the certificate is there when the call returns."""

    def __init__(self, certificates: Certificates, *, deployment: PkiDeployment) -> None:
        self._certificates = certificates
        self._deployment = deployment

    def name_for(self, request: IssueRequest, *, now: datetime) -> x509.Name:
        """See `Enrolment`."""
        return request_name(
            request, certificates=self._certificates, deployment=self._deployment, now=now
        )

    def enrol(self, request: IssueRequest, *, csr: bytes | None, now: datetime) -> Issued:
        """See `Enrolment`."""
        if csr is not None:
            verified = verify_csr(csr, expected_name=self.name_for(request, now=now))
            check_key(verified, request=request)
            request = replace(request, public_spki=verified.public_spki)
        return self._certificates.issue(request, now=now)


def check_key(verified: VerifiedCsr, *, request: IssueRequest) -> None:
    """What is asked for a key of ours must carry that key, and not one that somebody else has.

    Raises  CsrRefused("other_key").
    """
    is_ours = request.kid is not None and request.public_spki
    if is_ours and verified.public_spki != request.public_spki:
        raise CsrRefused("other_key")


def request_name(
    request: IssueRequest,
    *,
    certificates: Certificates,
    deployment: PkiDeployment,
    now: datetime,
) -> x509.Name:
    """The name under which a request will be certified."""
    number = certificates.opaque_number(request, now=now)
    return subject_name(request.subject, deployment=deployment, opaque_number=number)
