"""Status as the product puts it together: keyring, authorities, responder, lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from keystore.errors import KeyPurposeRefused
from keystore.keyring import Keyring
from keystore.pki.budget import SigningBudget
from keystore.pki.certificates import IssueRequest
from keystore.pki.crl import issue_crl
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.der import wrap
from keystore.pki.model import RevocationReason
from keystore.pki.ocsp import OcspResponder
from keystore.pki.ocsp_ahead import StatusSigner
from keystore.pki.ocsp_cache import AnswerCache
from keystore.pki.ocsp_requests import encode_cert_id
from keystore.pki.ocsp_signers import OcspSigners
from keystore.pki.profiles import Profile
from keystore.pki.service_certificates import ServiceCertificates
from keystore.purposes import OCSP
from keystore.web.answer import WebRequest
from keystore.web.crl import CrlEndpoint
from keystore.web.ocsp import OcspEndpoint
from tests.support.status import issuer_hashes, lint, run_openssl

REASON = RevocationReason.KEY_COMPROMISE


@pytest.fixture
def now() -> datetime:
    """The real clock, which `openssl` reads too."""
    return datetime.now(UTC)


@dataclass
class Status:
    """Everything about status, over one real authority."""

    signer: StatusSigner
    publisher: CrlPublisher
    ocsp: OcspEndpoint
    crl: CrlEndpoint
    signers: OcspSigners


@pytest.fixture
def status(real, now: datetime) -> Status:
    keyring = Keyring(real.database, real.sealer, log=real.log, purpose=OCSP)
    service = ServiceCertificates(
        real.database,
        profile=Profile.OCSP,
        keyring=keyring,
        authorities=real.authorities,
        certificates=real.certificates,
    )
    service.renew_due(now)
    signers = OcspSigners(service)
    responder = OcspResponder(
        real.database, responders=signers, budget=SigningBudget(per_second=9, at_once=99)
    )
    return Status(
        signer=StatusSigner(real.database, responders=signers),
        publisher=CrlPublisher(
            real.database,
            keys=real.keyring,
            log=real.log,
            addresses=real.deployment.addresses,
        ),
        ocsp=OcspEndpoint(responder, cache=AnswerCache(real.database)),
        crl=CrlEndpoint(real.database),
        signers=signers,
    )


@pytest.fixture
def verify(real, status: Status, tmp_path: Path) -> Callable[[bytes], tuple[str, str]]:
    """What `openssl verify` and `openssl ocsp` say about a certificate, by its own addresses."""

    def fetch(certificate: x509.Certificate) -> bytes:
        point = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
        (name,) = point.value[0].full_name or [x509.RFC822Name("none")]
        path = name.value.removeprefix(real.deployment.base_url)
        # a process that was just started: others look every two seconds
        fresh = CrlEndpoint(real.database)
        answer = fresh.answer(WebRequest("GET", path), now=datetime.now(UTC))
        assert answer.status == 200
        return x509.load_der_x509_crl(answer.body).public_bytes(Encoding.PEM)

    def check(der: bytes) -> tuple[str, str]:
        subject = x509.load_der_x509_certificate(der)
        issuing, root = (
            x509.load_der_x509_certificate(one) for one in real.authorities.chain("issuing-1")
        )
        for name, certificate in (("subject", subject), ("issuing", issuing), ("root", root)):
            pem = certificate.public_bytes(Encoding.PEM)
            (tmp_path / f"{name}.pem").write_bytes(pem)
        (tmp_path / "lists.pem").write_bytes(fetch(subject) + fetch(issuing))
        verified = run_openssl(
            *("verify", "-x509_strict", "-crl_check_all", "-extended_crl", "-CAfile", "root.pem"),
            *("-untrusted", "issuing.pem", "-CRLfile", "lists.pem", "subject.pem"),
            folder=tmp_path,
        )
        question = ("-issuer", "issuing.pem", "-cert", "subject.pem")
        run_openssl("ocsp", *question, "-reqout", "request.der", folder=tmp_path)
        request = WebRequest("POST", "/ocsp", body=(tmp_path / "request.der").read_bytes())
        answer = status.ocsp.answer(request, now=datetime.now(UTC))
        (tmp_path / "answer.der").write_bytes(answer.body)
        asked = run_openssl(
            *("ocsp", *question, "-reqin", "request.der", "-respin", "answer.der", "-no_nonce"),
            *("-CAfile", "root.pem", "-verify_other", "issuing.pem"),
            folder=tmp_path,
        )
        assert "Response verify OK" in asked.stderr
        return verified.stdout + verified.stderr, asked.stdout

    return check


def requests(real) -> list[IssueRequest]:
    return [real.request(), real.seal_request()]


def test_chains_are_accepted_until_they_are_revoked(
    real, status: Status, verify: Callable[[bytes], tuple[str, str]], now: datetime
) -> None:
    issued = [real.certificates.issue(request, now=now) for request in requests(real)]
    status.publisher.publish_due(now)
    status.signer.sign_ahead(now)
    for one in issued:
        by_list, by_answer = verify(one.der)
        assert "subject.pem: OK" in by_list
        assert "subject.pem: good" in by_answer
    first, second = issued
    serial = first.record.serial
    real.states.suspend(serial, now=datetime.now(UTC))
    status.publisher.publish_due(datetime.now(UTC))
    by_list, by_answer = verify(first.der)
    assert "certificate revoked" in by_list
    assert "certificateHold" in by_answer
    real.states.revoke(serial, reason=REASON, now=datetime.now(UTC))
    status.publisher.publish_due(datetime.now(UTC))
    by_list, by_answer = verify(first.der)
    assert "certificate revoked" in by_list
    assert "keyCompromise" in by_answer
    by_list, by_answer = verify(second.der)
    assert "subject.pem: OK" in by_list
    assert "subject.pem: good" in by_answer


def test_a_chain_is_refused_once_the_authority_that_issued_it_was_revoked(
    real, status: Status, verify: Callable[[bytes], tuple[str, str]], now: datetime
) -> None:
    """RFC 5280 §6.3: every certificate of the chain is looked up, by the list of its own issuer."""
    issued = real.certificates.issue(real.request(), now=now)
    status.publisher.publish_due(now)
    by_list, _ = verify(issued.der)
    assert "subject.pem: OK" in by_list
    issuing = real.authorities.get("issuing-1").parsed
    real.states.revoke(issuing.serial_number, ca_id="root-1", reason=REASON, now=now)
    real.ceremony.renew_crl("root-1", root_key=real.root_key, now=now)
    by_list, _ = verify(issued.der)
    assert "subject.pem: OK" not in by_list
    assert "error 23 at 1 depth lookup: certificate revoked" in by_list


def test_openssl_believes_an_answer_to_its_own_nonce_alone(
    real, status: Status, now: datetime, tmp_path: Path
) -> None:
    """RFC 9654 §2.1: what was signed ahead carries none, so a nonce is answered on the spot."""
    issued = real.certificates.issue(real.request(), now=now)
    status.signer.sign_ahead(now)
    chain = [x509.load_der_x509_certificate(one) for one in real.authorities.chain("issuing-1")]
    subject = x509.load_der_x509_certificate(issued.der)
    for name, certificate in zip(("subject", "issuing", "root"), (subject, *chain), strict=True):
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    question = ("-issuer", "issuing.pem", "-cert", "subject.pem")
    for name, nonce in (("one", "-nonce"), ("two", "-nonce"), ("none", "-no_nonce")):
        run_openssl("ocsp", *question, nonce, "-reqout", f"{name}.query", folder=tmp_path)
        body = (tmp_path / f"{name}.query").read_bytes()
        answer = status.ocsp.answer(WebRequest("POST", "/ocsp", body=body), now=datetime.now(UTC))
        (tmp_path / f"{name}.answer").write_bytes(answer.body)

    def judge(query: str, answer: str) -> tuple[int, str]:
        done = run_openssl(
            # beside -cert it would forget the request, and compare no nonce at all
            *("ocsp", "-reqin", f"{query}.query", "-respin", f"{answer}.answer"),
            *("-CAfile", "root.pem", "-verify_other", "issuing.pem", "-no_nonce"),
            folder=tmp_path,
        )
        return done.returncode, done.stdout + done.stderr

    status_code, said = judge("one", "one")
    assert (status_code, "Response verify OK" in said, "WARNING" in said) == (0, True, False)
    status_code, said = judge("one", "two")
    assert status_code != 0
    assert "Nonce Verify error" in said
    assert "WARNING: no nonce in response" in judge("one", "none")[1]


def test_pkilint_finds_nothing_in_lists_of_the_product(
    real, status: Status, tmp_path: Path, now: datetime
) -> None:
    issued = real.certificates.issue(real.request(), now=now)
    real.states.revoke(issued.record.serial, reason=REASON, now=now)
    file = tmp_path / "linted.der"
    assert status.publisher.publish_due(now)
    for path, kind in (("/crl/issuing-1.crl", "CRL"), ("/crl/root-1.crl", "ARL")):
        file.write_bytes(status.crl.answer(WebRequest("GET", path), now=now).body)
        assert not lint("lint_crl", "-t", kind, "-p", "PKIX", file=file)


@pytest.mark.parametrize("is_ahead", [True, False])
def test_pkilint_finds_nothing_in_answers_of_the_product(
    real, status: Status, tmp_path: Path, now: datetime, is_ahead: bool
) -> None:
    """RFC 6960 §4.2.1, as lint_ocsp_response reads it."""
    good, held, ended = (real.certificates.issue(real.request(), now=now) for _ in range(3))
    real.states.suspend(held.record.serial, now=now)
    real.states.revoke(ended.record.serial, reason=REASON, now=now)
    if is_ahead:
        status.signer.sign_ahead(now)
    name_hash, key_hash = issuer_hashes(
        real.authorities.get("issuing-1").parsed, algorithm=hashes.SHA256()
    )
    wanted = (
        (good.record.serial, ocsp.OCSPCertStatus.GOOD),
        (held.record.serial, ocsp.OCSPCertStatus.REVOKED),
        (ended.record.serial, ocsp.OCSPCertStatus.REVOKED),
        (0x1234567890, ocsp.OCSPCertStatus.UNKNOWN),
    )
    file = tmp_path / "linted.der"
    for serial, expected in wanted:
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            name_hash, key_hash, serial, hashes.SHA256()
        )
        if not is_ahead:
            builder = builder.add_extension(x509.OCSPNonce(bytes(range(32))), critical=False)
        body = builder.build().public_bytes(Encoding.DER)
        answer = status.ocsp.answer(WebRequest("POST", "/ocsp", body=body), now=now)
        assert ocsp.load_der_ocsp_response(answer.body).certificate_status is expected
        file.write_bytes(answer.body)
        assert not lint("lint_ocsp_response", file=file)


def test_a_key_of_status_signs_no_list_and_an_issuing_key_no_answer(
    real, status: Status, now: datetime
) -> None:
    """NIST SP 800-57 part 1 §5.2: one purpose for each key."""
    ca = real.authorities.get("issuing-1")
    responder = status.signers.responder("issuing-1", now=now)
    with pytest.raises(KeyPurposeRefused):
        issue_crl(
            [],
            issuer=ca.parsed,
            key=responder.key,
            number=1,
            this_update=now,
            next_update=now,
        )
    with pytest.raises(KeyPurposeRefused):
        real.keyring.key(ca.kid, now=now).sign_x509(b"answer", content="ocsp:response")


def test_every_address_in_a_certificate_of_the_product_answers(
    real, status: Status, now: datetime
) -> None:
    """RFC 5280 §4.2.1.13, §4.2.2.1: lists as they are named, and status from whoever is named."""
    status.publisher.publish_due(now)
    issued = [real.certificates.issue(request, now=now).der for request in requests(real)]
    issued += [real.authorities.get("issuing-1").certificate]
    issued += [status.signers.responder("issuing-1", now=now).certificate]
    issuers = {ca.parsed.subject: ca.parsed for ca in real.authorities.records()}
    for der in issued:
        certificate = x509.load_der_x509_certificate(der)
        for name in list_names(certificate):
            path = name.removeprefix(real.deployment.base_url)
            answer = status.crl.answer(WebRequest("GET", path), now=now)
            assert answer.status == 200
            assert x509.load_der_x509_crl(answer.body).issuer == certificate.issuer
        for name in responder_names(certificate):
            assert name == f"{real.deployment.base_url}/ocsp"
            hashed = issuer_hashes(issuers[certificate.issuer], algorithm=hashes.SHA256())
            raw = encode_cert_id(
                "sha256",
                name_hash=hashed[0],
                key_hash=hashed[1],
                serial=certificate.serial_number,
            )
            request = wrap(0x30, wrap(0x30, wrap(0x30, wrap(0x30, raw))))
            answer = status.ocsp.answer(WebRequest("POST", "/ocsp", body=request), now=now)
            read = ocsp.load_der_ocsp_response(answer.body)
            assert read.certificate_status is ocsp.OCSPCertStatus.GOOD


def list_names(certificate: x509.Certificate) -> list[str]:
    """Where a certificate says that its list is."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [name.value for point in points for name in point.full_name or ()]


def responder_names(certificate: x509.Certificate) -> list[str]:
    """Where a certificate says that its status is told."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return []
    return [
        one.access_location.value
        for one in access.value
        if one.access_method == AuthorityInformationAccessOID.OCSP
    ]
