"""Whatever comes in at /tsa and /ocsp, no 500 goes out, and nothing of what is kept here."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from werkzeug.test import Client, TestResponse

from idp.pki import subject_of
from idp.sandbox.trust import make_authority
from idp.trust import build_trust
from idp.web.endpoints import ByteEndpoints
from idp.web.front import Front
from keystore.pki.certificates import IssueRequest
from keystore.pki.profiles import Profile
from tests.support.invented import Inventor
from tests.support.pii_alarm import SEEDED, PiiAlarm
from tests.support.provider import KEK
from tests.support.real_pki import new_spki
from tests.support.status import issuer_hashes

pytestmark = pytest.mark.hypothesis  # `make fuzz` looks for tests, not for what is inside of them

_QUERY = "application/timestamp-query"
_TRACES = (b"Traceback", b'File "', b".py", b"site-packages", b"sqlalchemy", b"sqlite")
_SECRETS = tuple(
    one.encode()
    for one in (
        SEEDED.name,
        SEEDED.citizen_number,
        SEEDED.password,
        SEEDED.totp_secret,
        SEEDED.client_secret,
    )
)


@dataclass
class Fuzzed:
    """A worker with everything of the keystore, asked as anybody can ask it."""

    client: Client
    kept: tuple[bytes, ...]
    query: bytes
    request: bytes

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        """Ask; the answer is one of the protocol's or HTTP's, and carries nothing of ours."""
        answer = self.client.open(path, method=method, **more)
        assert answer.status_code < 500, (answer.status_code, answer.get_data())
        said = answer.get_data() + str(answer.headers).encode()
        for secret in (*self.kept, *_TRACES, *_SECRETS):
            assert secret not in said
        return answer


@pytest.fixture
def fuzzed(make_worker: Callable[..., Any], tmp_path: Path, pii_alarm: PiiAlarm) -> Fuzzed:
    """One certificate, a clock, and an access log that the alarm reads."""
    worker = make_worker(tsa_enabled=True, access_log=True)
    seeded = worker.provider.services
    trust = build_trust(
        seeded.settings, keyrings=seeded.keyrings, egress=seeded.egress, is_sandbox=True
    )
    # the authority's clock is that of the machine, so the certificates are of today
    services = replace(seeded, trust=trust, time=lambda: datetime.now(UTC))
    now = services.time()
    make_authority(services, now=now)
    assert trust.pki is not None
    person = services.people.find_account(Inventor(services).person().account_id)
    assert person is not None
    issued = trust.pki.certificates.issue(
        IssueRequest(
            profile=Profile.CITIZEN,
            subject=subject_of(person),
            public_spki=new_spki(),
            account_id=person.account_id,
            data_key=person.data_key,
            proofing_level=2,
        ),
        now=now,
    )
    issuing = trust.pki.authorities.get(issued.record.ca_id).parsed
    names = issuer_hashes(issuing, algorithm=hashes.SHA256())
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        *names, issued.record.serial, hashes.SHA256()
    )
    builder = builder.add_extension(x509.OCSPNonce(secrets.token_bytes(32)), critical=False)
    asked = TimestampRequestBuilder().data(b"data").hash_algorithm(HashAlgorithm.SHA256).build()
    for kind, value in (
        ("a path", str(tmp_path)),
        ("a trace", "Traceback (most recent call last)"),
        ("the root key", KEK),
    ):
        pii_alarm.seed(value, kind=kind)
    front = Front(worker.provider.app, services=services, endpoints=ByteEndpoints(trust.endpoints))
    return Fuzzed(
        Client(front),
        kept=(KEK.encode(), str(tmp_path).encode(), person.data_key or KEK.encode(), issued.der),
        query=asked.as_bytes(),
        request=builder.build().public_bytes(Encoding.DER),
    )


_damage = st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 6))
_noise = st.one_of(
    st.binary(max_size=400),
    st.sampled_from(_SECRETS),
    st.builds(
        lambda head, tail: head + tail, st.sampled_from((b"\x30\x80", b"0\x84")), st.binary()
    ),
)
_types = st.sampled_from(
    (_QUERY, f"{_QUERY}; charset=x", "", "text/html", "application/ocsp-request")
)
_methods = st.sampled_from(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X"))


def _damaged(raw: bytes, damage: tuple[float, bytes, int]) -> bytes:
    place, changed, dropped = damage
    at = int(place * len(raw))
    return raw[:at] + changed + raw[at + dropped :]


def test_what_is_whole_is_answered(fuzzed: Fuzzed) -> None:
    """The fuzzing below begins at requests that are granted."""
    granted = fuzzed.ask("POST", "/tsa", data=fuzzed.query, content_type=_QUERY)
    assert granted.get_data()[:1] == b"0"
    assert b"\x02\x01\x00" in granted.get_data()[:16]
    read = ocsp.load_der_ocsp_response(fuzzed.ask("POST", "/ocsp", data=fuzzed.request).get_data())
    assert read.certificate_status is ocsp.OCSPCertStatus.GOOD


def test_damaged_and_foreign_timestamp_requests(fuzzed: Fuzzed) -> None:
    """RFC 3161 §2.4.2: a request that cannot be processed is answered with a failure."""

    @given(
        body=st.one_of(_damage.map(lambda one: _damaged(fuzzed.query, one)), _noise), kind=_types
    )
    def ask(body: bytes, kind: str) -> None:
        answer = fuzzed.ask("POST", "/tsa", data=body, content_type=kind)
        assert answer.status_code in {200, 413, 415}

    ask()


def test_damaged_and_foreign_status_requests(fuzzed: Fuzzed, pii_alarm: PiiAlarm) -> None:
    """RFC 6960 §2.3: a request that is not one is answered malformedRequest, unsigned."""

    @given(body=st.one_of(_damage.map(lambda one: _damaged(fuzzed.request, one)), _noise))
    def ask(body: bytes) -> None:
        posted = fuzzed.ask("POST", "/ocsp", data=body)
        if posted.status_code == 200:
            ocsp.load_der_ocsp_response(posted.get_data())
        fuzzed.ask("GET", f"/ocsp/{base64.b64encode(body).decode()}")

    with pii_alarm.excuse("url requested", reason="it is the test that puts it there"):
        ask()


def test_strange_methods_paths_and_queries(fuzzed: Fuzzed, pii_alarm: PiiAlarm) -> None:
    """What is in an address comes back neither in the answer nor in the log."""
    names = st.one_of(st.text(max_size=40), st.sampled_from([one.decode() for one in _SECRETS]))

    @given(
        method=_methods,
        place=st.sampled_from(("/tsa", "/ocsp", "/tsa/", "/ocsp/")),
        name=names,
        query=names,
    )
    def ask(method: str, place: str, name: str, query: str) -> None:
        fuzzed.ask(method, place, query_string={"q": query}, content_type=_QUERY)
        if not any(sign in name for sign in "?#"):
            fuzzed.ask(method, f"{place.rstrip('/')}/{name}", data=query.encode())

    with pii_alarm.excuse("url requested", reason="it is the test that puts it there"):
        ask()
