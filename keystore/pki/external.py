"""Certificates of a licensed authority: a request goes out, a certificate comes in.

What lives here: the second side of the enrolment port.  The request is kept until the answer comes,
days later perhaps; the answer is believed only when it is for that very key and name and its chain
ends at an authority that the operator trusts for this.  What was issued is then found beside our
own certificates; its status is the other authority's to tell.
Source: RFC 2986; RFC 5280 §6.1.  Not here: how the files travel (EST, CMP, a person with a stick).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.pki.authority import Authorities
from keystore.pki.certificate_states import certificate_event
from keystore.pki.certificates import Certificates, Issued, IssueRequest
from keystore.pki.chain import read_chain, verify_issued
from keystore.pki.csr import verify_csr
from keystore.pki.enrolment import Waiting, check_key, request_name
from keystore.pki.errors import CaRefused, ChainRefused, CsrRefused, EnrolmentUnknown
from keystore.pki.model import CaKind, CertificateRecord, CertificateState, certificate_context
from keystore.pki.storage import certificates as certificate_table
from keystore.pki.storage import enrolments as table
from keystore.pki.storage.enrolments import EnrolmentRecord
from keystore.sealing import Sealer
from keystore.storage import DatabaseLike, lock_until_commit


class ExternalEnrolment:
    """A licensed authority.

    Takes   ca_id: its issuing certificate as `Authorities.add_external` noted it; every certificate
            of its chain is an anchor.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        ca_id: str,
        sealer: Sealer,
        log: LogWriter,
        authorities: Authorities,
        certificates: Certificates,
    ) -> None:
        self._database = database
        self._ca_id = ca_id
        self._sealer = sealer
        self._log = log
        self._authorities = authorities
        self._certificates = certificates

    def name_for(self, request: IssueRequest, *, now: datetime) -> x509.Name:
        """See `Enrolment`."""
        return request_name(
            request,
            certificates=self._certificates,
            deployment=self._authorities.deployment,
            now=now,
        )

    def enrol(self, request: IssueRequest, *, csr: bytes | None, now: datetime) -> Waiting:
        """Keep a checked request; it is carried to the authority from here.

        Raises  CsrRefused, NameRefused; CaUnknown; CaRefused when the authority is not external.
        """
        if self._authorities.get(self._ca_id).kind is not CaKind.EXTERNAL:
            raise CaRefused(self._ca_id, reason="not_external")
        if csr is None or request.account_id is None or request.data_key is None:
            raise CsrRefused("malformed")
        verified = verify_csr(csr, expected_name=self.name_for(request, now=now))
        check_key(verified, request=request)
        der = verified.der
        if not x509.load_der_x509_csr(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME):
            # the answer is compared with what was asked for
            raise CsrRefused("name", field=NameOID.COMMON_NAME.dotted_string)
        enrolment_id = f"enr_{secrets.token_hex(16)}"
        sealed = self._sealer.seal_personal(request.data_key, der, context=_context(enrolment_id))
        record = EnrolmentRecord(
            enrolment_id=enrolment_id,
            ca_id=self._ca_id,
            account_id=request.account_id,
            profile=request.profile,
            kid=request.kid,
            proofing_level=request.proofing_level,
            scal=request.scal,
            csr_sealed=sealed,
            created_at=now,
            finished_at=None,
        )
        with self._database.transaction() as tx:
            table.insert_enrolment(tx.connection, record)
            event = Event(
                EventType.CERTIFICATE_REQUESTED,
                account_id=request.account_id,
                facts={
                    "ca": self._ca_id,
                    "profile": request.profile.value,
                    "enrolment": enrolment_id,
                },
                personal={"csr": hashlib.sha256(der).hexdigest()},
            )
            self._log.record(tx, event, data_key=request.data_key, now=now)
        return Waiting(enrolment_id, self._ca_id, der)

    def waiting(self) -> tuple[EnrolmentRecord, ...]:
        """Requests of this authority without an answer, oldest first."""
        with self._database.read() as connection:
            found = table.read_waiting(connection)
        return tuple(record for record in found if record.ca_id == self._ca_id)

    def import_issued(
        self, enrolment_id: str, raw_chain: bytes, *, data_key: bytes, now: datetime
    ) -> Issued:
        """Take in the certificate that the authority issued.

        1. The request is there and unanswered, and its subject's data key opens it.
        2. The certificate is for its key and name, and its chain ends at the authority.
        3. No certificate of that number is known.

        Takes   raw_chain: PEM, the certificate first, or one DER certificate.
        Raises  EnrolmentUnknown, SealBroken, ChainRefused.
        """
        anchors = [
            x509.load_der_x509_certificate(der) for der in self._authorities.chain(self._ca_id)
        ]
        unverified = read_chain(raw_chain)
        with self._database.transaction() as tx:
            # 1
            lock_until_commit(tx, name="certificate")
            waiting = table.find_enrolment(tx.connection, enrolment_id, is_locked=True)
            if waiting is None or waiting.finished_at is not None:
                raise EnrolmentUnknown
            if waiting.ca_id != self._ca_id:
                raise EnrolmentUnknown
            csr = x509.load_der_x509_csr(
                self._sealer.unseal_personal(
                    data_key, waiting.csr_sealed, context=_context(enrolment_id)
                )
            )
            # 2
            chain = verify_issued(
                unverified,
                anchors=anchors,
                expected_spki=csr.public_key().public_bytes(
                    Encoding.DER, PublicFormat.SubjectPublicKeyInfo
                ),
                expected_name=csr.subject,
                now=now,
            )
            issued = self._issued(waiting, chain, data_key=data_key, now=now)
            # 3
            serial = issued.record.serial
            if certificate_table.find_certificate(tx.connection, serial=serial, ca_id=self._ca_id):
                raise ChainRefused("already_there")
            certificate_table.insert_certificates(tx.connection, [issued.record])
            table.finish_enrolment(tx.connection, enrolment_id, now=now)
            event = certificate_event(
                EventType.CERTIFICATE_ISSUED,
                issued.record,
                facts={"profile": issued.record.profile, "enrolment": enrolment_id},
            )
            self._log.record(tx, event, data_key=data_key, now=now)
        return issued

    def _issued(
        self,
        waiting: EnrolmentRecord,
        chain: Sequence[x509.Certificate],
        *,
        data_key: bytes,
        now: datetime,
    ) -> Issued:
        leaf = chain[0]
        spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        der = leaf.public_bytes(Encoding.DER)
        context = certificate_context(self._ca_id, leaf.serial_number)
        record = CertificateRecord(
            ca_id=self._ca_id,
            serial=leaf.serial_number,
            profile=waiting.profile,
            account_id=waiting.account_id,
            kid=waiting.kid,
            spki_sha256=hashlib.sha256(spki).digest(),
            issued_at=now,
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            state=CertificateState.GOOD,
            reason=None,
            changed_at=None,
            shard=0,
            replaces=None,
            der=None,
            der_sealed=self._sealer.seal_personal(data_key, der, context=context),
        )
        return Issued(record, der)


def _context(enrolment_id: str) -> str:
    return f"enrolment:{enrolment_id}"
