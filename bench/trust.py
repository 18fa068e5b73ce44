"""What the keystore's endpoints need to be asked: an authority, certificates, questions.

What lives here: making them in the database of a provider under test, and time servers for the
watch over its clock.  Sources: RFC 3161 §2.4.1; RFC 6960 appendix A.1 (GET).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from bench.population import Person
from idp.pki import subject_of
from idp.services import Services
from idp.timestamps import make_watch
from keystore.pki.certificates import IssueRequest
from keystore.pki.profiles import Profile
from tests.support.clocks import NtpServer

_CERTIFICATES: Final = 64
_ARC: Final = "1.3.6.1.4.1.99999.7"
"""Of nobody: what is issued here ends with the run."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of /tsa, and the paths that are asked of /ocsp."""

    timestamp_query: bytes = field(repr=False)
    status_paths: tuple[str, ...]


@contextmanager
def settings_of_authority(*, is_wanted: bool) -> Iterator[dict[str, Any]]:
    """Settings of a deployment that certifies and whose clock three servers watch.

    Takes   is_wanted: otherwise there are none.
    """
    if not is_wanted:
        yield {}
        return
    with ExitStack() as stack:
        servers = [stack.enter_context(NtpServer()) for _ in range(3)]
        yield {
            "pki_organisation": "Trung tâm đo lường tưởng tượng",
            "pki_organisation_identifier": "GOVVN-DOLUONG",
            "pki_policy_arc": _ARC,
            "tsa_enabled": True,
            "tsa_policies": (f"{_ARC}.4.1",),
            "time_sources": tuple(server.name for server in servers),
        }


def make_authority(services: Services, *, people: Sequence[Person]) -> Questions:
    """An authority, certificates of some people with their status, and a checked clock."""
    pki, status, now = services.trust.pki, services.trust.status, services.time()
    assert pki is not None
    assert status is not None
    root = pki.ceremony.make_root("bench-root", now=now)
    pki.ceremony.add_root(root, now=now)
    issuing = pki.ceremony.add_issuing(
        "bench-issuing", root_id="bench-root", root_key=root.key, now=now
    )
    issued = pki.certificates.issue_many(
        [citizen_request(services, person) for person in people[:_CERTIFICATES]], now=now
    )
    pki.timestamp_certificates.renew_due(now)
    pki.ocsp_certificates.renew_due(now)
    status.signer.sign_ahead(now)
    watch = make_watch(services.settings, database=services.database, log=services.log)
    assert watch is not None
    watch.check()
    query = TimestampRequestBuilder().data(b"do luong").hash_algorithm(HashAlgorithm.SHA256)
    paths = [_status_path(one.der, issuer=issuing.parsed) for one in issued]
    longest = max(map(len, paths))  # the load generator takes values of one length
    return Questions(
        query.build().as_bytes(), tuple(path for path in paths if len(path) == longest)
    )


def citizen_request(services: Services, person: Person) -> IssueRequest:
    """A certificate for a new key of somebody."""
    account = services.people.find_account(person.account_id)
    assert account is not None
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return IssueRequest(
        profile=Profile.CITIZEN,
        subject=subject_of(account),
        public_spki=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        account_id=account.account_id,
        data_key=account.data_key,
        proofing_level=2,
        scal=2,
    )


def _status_path(der: bytes, *, issuer: x509.Certificate) -> str:
    certificate = x509.load_der_x509_certificate(der)
    digest = SHA1()  # noqa: S303 - what everybody sends, RFC 5019 §2.1.1
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, digest).build()
    encoded = b64encode(asked.public_bytes(Encoding.DER)).decode()
    return f"/ocsp/{quote(encoded, safe='')}"
