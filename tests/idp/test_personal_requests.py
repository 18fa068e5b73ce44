"""From a key of the signer to the certificate of a licensed authority, whole."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from idp.accounts.model import Account
from idp.cli.ca_certificates import make_request
from idp.personal_requests import PersonalRequests
from idp.services import Services
from idp.storage.database import Database
from keystore.pki.certificates import IssueRequest
from keystore.pki.csr import csr_info, finish_csr
from keystore.pki.errors import CsrRefused
from keystore.pki.external import ExternalEnrolment
from keystore.public_keys import encode_spki
from keystore.signer import errors
from keystore.signer.activation import SignatureActivation
from keystore.signer.evidence import Evidence
from tests.support.certified_signer import add_citizen, open_authority, open_bench
from tests.support.pki import SmallPki
from tests.support.signer import SIGNER, Bench, Person


@dataclass(frozen=True, slots=True)
class InProcess:
    """The signer's service, asked as its client would ask it."""

    bench: Bench
    now: datetime

    def activate(
        self, activation: SignatureActivation, evidence: Evidence, *, request_info: bytes = b""
    ) -> tuple[bytes, ...]:
        return self.bench.service.activate(
            activation, evidence, request_info=request_info, now=self.now
        )


@pytest.fixture
def services(database: Database, tmp_path: Path, now: datetime) -> Iterator[Services]:
    with open_authority(database, tmp_path, now=now) as made:
        yield made


@pytest.fixture
def account(services: Services, now: datetime) -> Account:
    return add_citizen(services, now=now)


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Iterator[Bench]:
    with open_bench(database, tmp_path) as made:
        yield made


@pytest.fixture
def foreign(now: datetime) -> SmallPki:
    return SmallPki(now)


@pytest.fixture
def external(services: Services, foreign: SmallPki, now: datetime) -> ExternalEnrolment:
    """A licensed authority that the operator trusts."""
    pki = services.trust.pki
    assert pki is not None
    pki.authorities.add_external("licensed", foreign.chain, now=now)
    return ExternalEnrolment(
        services.database,
        ca_id="licensed",
        sealer=services.sealer,
        log=services.log,
        authorities=pki.authorities,
        certificates=pki.certificates,
    )


@pytest.fixture
def requests(
    services: Services, bench: Bench, external: ExternalEnrolment, now: datetime
) -> PersonalRequests:
    return PersonalRequests(
        services.database, external=external, signer=InProcess(bench, now), audience=SIGNER
    )


def _wanted(account: Account) -> IssueRequest:
    return make_request(account, profile=None, organisation=None, title=None, replaces=None)


def _issue(foreign: SmallPki, csr: bytes) -> bytes:
    """What the licensed authority makes of a request."""
    request = x509.load_der_x509_csr(csr)
    (name,) = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name.value)]))
        .issuer_name(foreign.issuing.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(foreign.now - timedelta(hours=1))
        .not_valid_after(foreign.now + timedelta(days=365))
    )
    certificate = builder.sign(foreign.issuing.key, hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM)


def _asked(requests: PersonalRequests, person: Person, account: Account, *, now: datetime):
    return requests.prepare(
        _wanted(account),
        person.key.key_id,
        is_organisation=False,
        request_id="req_1",
        client_id="portal",
        credential_id=person.passkey.credential_id,
        now=now,
    )


@pytest.mark.parametrize("algorithm", ["ES256", "PS256-3072"])
def test_a_licensed_authority_certifies_a_key_that_the_signer_holds(
    requests: PersonalRequests,
    external: ExternalEnrolment,
    foreign: SmallPki,
    bench: Bench,
    account: Account,
    now: datetime,
    tmp_path: Path,
    algorithm: str,
) -> None:
    """RFC 2986; ETSI EN 319 411-1 §6.2.2: the holder confirms, the key shows itself."""
    person = bench.enrol(now=now, account_id=account.account_id, algorithm=algorithm)
    asked = _asked(requests, person, account, now=now)
    waiting = requests.finish(
        asked,
        person.confirm(asked.activation),
        request=_wanted(account),
        is_organisation=False,
        now=now,
    )
    (tmp_path / "request.der").write_bytes(waiting.csr)
    done = subprocess.run(
        ["openssl", "req", "-inform", "DER", "-in", tmp_path / "request.der", "-verify", "-noout"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert account.data_key is not None
    issued = external.import_issued(
        waiting.enrolment_id, _issue(foreign, waiting.csr), data_key=account.data_key, now=now
    )
    assert issued.record.kid == person.key.key_id
    assert issued.record.account_id == account.account_id


def test_without_a_confirmation_for_this_request_nothing_is_kept(
    requests: PersonalRequests,
    external: ExternalEnrolment,
    bench: Bench,
    account: Account,
    now: datetime,
) -> None:
    person = bench.enrol(now=now, account_id=account.account_id)
    asked = _asked(requests, person, account, now=now)
    other = person.activation(now=now)
    with pytest.raises(errors.EvidenceRefused):
        requests.finish(
            asked, person.confirm(other), request=_wanted(account), is_organisation=False, now=now
        )
    assert external.waiting() == ()


def test_a_key_of_somebody_else_asks_for_nothing(
    requests: PersonalRequests, bench: Bench, account: Account, now: datetime
) -> None:
    stranger = bench.enrol(now=now, account_id="acc_2")
    with pytest.raises(errors.KeyRecordChanged, match="account"):
        _asked(requests, stranger, account, now=now)
    for act, refusal in (
        (bench.desk.suspend, errors.PersonalKeySuspended),
        (bench.desk.destroy, errors.PersonalKeyDestroyed),
    ):
        act(stranger.key.key_id, reason="lost_phone", now=now)
        with pytest.raises(refusal):
            _asked(requests, stranger, account, now=now)


def test_a_request_of_another_key_is_not_kept_under_the_name_of_ours(
    external: ExternalEnrolment, account: Account, bench: Bench, now: datetime
) -> None:
    """Its certificate would say that the signer holds a key that somebody else has."""
    key = bench.enrol(now=now, account_id=account.account_id).key
    request = replace(_wanted(account), public_spki=key.public_spki, kid=key.key_id, scal=2)
    theirs = ec.generate_private_key(ec.SECP256R1())
    info = csr_info(
        name=external.name_for(request, now=now), public_spki=encode_spki(theirs.public_key())
    )
    csr = finish_csr(
        info, algorithm="ES256", signature=theirs.sign(info, ec.ECDSA(hashes.SHA256()))
    )
    with pytest.raises(CsrRefused, match="other_key"):
        external.enrol(request, csr=csr, now=now)
