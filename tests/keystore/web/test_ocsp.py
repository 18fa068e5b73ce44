"""`/ocsp` over HTTP: paths, headers, memory, and everything that is no request."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from idp.storage.database import Database
from keystore.pki.budget import SigningBudget
from keystore.pki.model import CertificateState, RevocationReason
from keystore.pki.ocsp_ahead import StatusSigner
from keystore.pki.ocsp_responses import REFUSALS, Refusal
from keystore.pki.storage.certificates import change_state
from keystore.web.answer import WebAnswer, WebRequest
from keystore.web.ocsp import OcspEndpoint
from tests.support.pki import ISSUING_ID, SmallPki
from tests.support.status import OneResponder, make_endpoint, make_request
from tests.support.stores import create_all_tables

SECOND = timedelta(seconds=1)
GOOD = ocsp.OCSPCertStatus.GOOD
REVOKED = ocsp.OCSPCertStatus.REVOKED
UNKNOWN = ocsp.OCSPCertStatus.UNKNOWN


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now)
    made.store(database)
    return made


@pytest.fixture
def responders(pki: SmallPki) -> OneResponder:
    return OneResponder.of(pki)


@pytest.fixture
def endpoint(database: Database, responders: OneResponder) -> OcspEndpoint:
    return make_endpoint(database, responders)


def post(body: bytes) -> WebRequest:
    return WebRequest("POST", "/ocsp", content_type="application/ocsp-request", body=body)


def get(raw: bytes, *, method: str = "GET", if_none_match: str = "") -> WebRequest:
    # as a server hands it over: percent-decoded once
    path = "/ocsp/" + base64.b64encode(raw).decode()
    return WebRequest(method, path, if_none_match=if_none_match)


def status(answer: WebAnswer) -> ocsp.OCSPCertStatus:
    assert answer.status == 200
    assert answer.content_type == "application/ocsp-response"
    return ocsp.load_der_ocsp_response(answer.body).certificate_status


def header(answer: WebAnswer, name: str) -> str:
    return dict(answer.headers)[name]


def max_age(answer: WebAnswer) -> int:
    return int(header(answer, "Cache-Control").split(",")[0].removeprefix("max-age="))


def citizen(pki: SmallPki, **more: bytes) -> bytes:
    return make_request(pki, pki.citizen.certificate.serial_number, **more)


@pytest.fixture
def revoke(database: Database, pki: SmallPki) -> Callable[[datetime], None]:
    def change(at: datetime) -> None:
        with database.transaction() as tx:
            change_state(
                tx.connection,
                ca_id=ISSUING_ID,
                serial=pki.citizen.certificate.serial_number,
                state=CertificateState.REVOKED,
                reason=RevocationReason.KEY_COMPROMISE,
                at=at,
                now=at,
            )

    return change


@pytest.mark.parametrize("make", [post, get])
def test_the_status_is_told_to_get_and_post(
    endpoint: OcspEndpoint, pki: SmallPki, now: datetime, make: Callable[[bytes], WebRequest]
) -> None:
    """RFC 6960 appendix A.1."""
    assert status(endpoint.answer(make(citizen(pki)), now=now)) is GOOD
    assert status(endpoint.answer(make(make_request(pki, 5)), now=now)) is UNKNOWN


def test_a_path_with_slashes_and_plus_signs_is_read(
    endpoint: OcspEndpoint, pki: SmallPki, now: datetime
) -> None:
    """RFC 6960 appendix A.1: the base64 may hold `/` and `+`, escaped or not."""
    found: set[str] = set()
    for serial in range(1, 400):
        path = get(make_request(pki, serial)).path
        signs = set("/+") & set(path.removeprefix("/ocsp/"))
        if signs - found:
            found |= signs
            for one in (path, urllib.parse.unquote(urllib.parse.quote(path, safe="/"))):
                assert status(endpoint.answer(WebRequest("GET", one), now=now)) is UNKNOWN
    assert found == {"/", "+"}


def test_the_same_bytes_are_answered_from_memory(
    endpoint: OcspEndpoint, responders: OneResponder, pki: SmallPki, now: datetime
) -> None:
    raw = citizen(pki)
    first = endpoint.answer(post(raw), now=now)
    signed = responders.key.signatures
    for seconds in range(1, 100):
        assert endpoint.answer(post(raw), now=now + seconds * SECOND) is first
    assert responders.key.signatures == signed


def test_a_nonce_is_never_answered_from_memory(
    endpoint: OcspEndpoint, responders: OneResponder, pki: SmallPki, now: datetime
) -> None:
    """RFC 9654 §2.1: or an old answer could be played back."""
    raw = citizen(pki, nonce=b"n" * 32)
    answers = [endpoint.answer(post(raw), now=now + seconds * SECOND) for seconds in range(3)]
    assert responders.key.signatures == 3
    times = {ocsp.load_der_ocsp_response(one.body).produced_at_utc for one in answers}
    assert len(times) == 3
    assert header(answers[0], "Cache-Control") == "no-store"


def test_a_revocation_shows_within_two_seconds_in_every_process(
    database: Database,
    responders: OneResponder,
    pki: SmallPki,
    revoke: Callable[[datetime], None],
    now: datetime,
) -> None:
    StatusSigner(database, responders=responders).sign_ahead(now)
    processes = [make_endpoint(database, responders) for _ in range(3)]
    raw = citizen(pki)
    for process in processes:
        assert status(process.answer(get(raw), now=now)) is GOOD
    revoke(now + SECOND)
    for process in processes:
        assert status(process.answer(get(raw), now=now + 2 * SECOND)) is REVOKED
        assert status(process.answer(post(raw), now=now + 2 * SECOND)) is REVOKED


def test_a_certificate_that_is_issued_a_moment_later_is_no_longer_unknown(
    database: Database, endpoint: OcspEndpoint, pki: SmallPki, now: datetime
) -> None:
    fresh = pki.issue("Fresh")
    raw = make_request(pki, fresh.certificate.serial_number)
    unknown = endpoint.answer(get(raw), now=now)
    assert status(unknown) is UNKNOWN
    assert max_age(unknown) == 0
    pki.add(database, [fresh])
    assert status(endpoint.answer(get(raw), now=now + 2 * SECOND)) is GOOD


def test_what_a_cache_may_keep_ends_with_the_answer(
    database: Database,
    endpoint: OcspEndpoint,
    responders: OneResponder,
    pki: SmallPki,
    now: datetime,
) -> None:
    """RFC 9919 §7.2: max-age does not reach beyond nextUpdate, whenever the answer is sent."""
    StatusSigner(database, responders=responders).sign_ahead(now)
    raw = citizen(pki)
    for minutes in (0, 4, 300, 700, 715, 717, 719):
        at = now + timedelta(minutes=minutes)
        answer = endpoint.answer(get(raw), now=at)
        read = ocsp.load_der_ocsp_response(answer.body)
        assert read.next_update_utc is not None
        assert 0 <= max_age(answer) <= 300
        assert at + timedelta(seconds=max_age(answer)) <= read.next_update_utc
        assert parsedate_to_datetime(header(answer, "Expires")) == read.next_update_utc
        assert parsedate_to_datetime(header(answer, "Last-Modified")) == read.this_update_utc


def test_nothing_is_kept_of_a_post(endpoint: OcspEndpoint, pki: SmallPki, now: datetime) -> None:
    answer = endpoint.answer(post(citizen(pki)), now=now)
    assert header(answer, "Cache-Control") == "no-store"


def test_whoever_has_the_answer_is_told_so(
    endpoint: OcspEndpoint, pki: SmallPki, now: datetime
) -> None:
    """RFC 9110 §13.1.2."""
    raw = citizen(pki)
    tag = header(endpoint.answer(get(raw), now=now), "ETag")
    for given_tags in (tag, f'"other", W/{tag}'):
        answer = endpoint.answer(get(raw, if_none_match=given_tags), now=now)
        assert (answer.status, answer.body) == (304, b"")
        assert header(answer, "ETag") == tag
    assert endpoint.answer(get(raw, if_none_match='"other"'), now=now).status == 200


def test_other_methods_are_refused_also_for_what_is_in_memory(
    endpoint: OcspEndpoint, pki: SmallPki, now: datetime
) -> None:
    """RFC 9110 §15.5.6: with the methods that there are."""
    endpoint.answer(get(citizen(pki)), now=now)
    answer = endpoint.answer(get(citizen(pki), method="PUT"), now=now)
    assert answer.status == 405
    assert header(answer, "Allow") == "GET, HEAD, POST"
    assert endpoint.answer(get(citizen(pki), method="HEAD"), now=now).status == 200


@pytest.mark.parametrize(
    "path", ["/ocsp", "/ocsp/", "/ocsp/?", "/ocsp/%%%", "/ocsp/MAA=", "/ocsp/MAA", "/ocsp/ế"]
)
def test_a_path_without_a_request_is_malformed(
    endpoint: OcspEndpoint, now: datetime, path: str
) -> None:
    """RFC 6960 §2.3: malformedRequest, with status 200 and never kept."""
    answer = endpoint.answer(WebRequest("GET", path), now=now)
    assert answer.status == 200
    assert answer.body == REFUSALS[Refusal.MALFORMED_REQUEST]
    assert header(answer, "Cache-Control") == "no-store"


def test_beyond_the_budget_it_says_try_later_and_memory_goes_on_answering(
    database: Database, responders: OneResponder, pki: SmallPki, now: datetime
) -> None:
    budget = SigningBudget(per_second=1, at_once=1)
    endpoint = make_endpoint(database, responders, budget=budget)
    assert status(endpoint.answer(post(citizen(pki)), now=now)) is GOOD
    later = endpoint.answer(post(citizen(pki, nonce=b"n" * 16)), now=now)
    assert later.body == REFUSALS[Refusal.TRY_LATER]
    assert status(endpoint.answer(post(citizen(pki)), now=now)) is GOOD


@dataclass(frozen=True)
class Fuzzed:
    """A responder over one database for many requests, and a request that it answers."""

    endpoint: OcspEndpoint
    whole: bytes
    at: datetime

    def check(self, request: WebRequest) -> None:
        """Status 200, an OCSP response, and a refusal that says nothing but which it is."""
        answer = self.endpoint.answer(request, now=self.at)
        assert answer.status == 200
        assert answer.content_type == "application/ocsp-response"
        read = ocsp.load_der_ocsp_response(answer.body)
        if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            assert answer.body in (
                REFUSALS[Refusal.MALFORMED_REQUEST],
                REFUSALS[Refusal.UNAUTHORIZED],
            )


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    at = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'antin.db'}"
    create_all_tables(url)
    database = Database(url, pool_size=1)
    pki = SmallPki(at)
    pki.store(database)
    plenty = SigningBudget(per_second=1, at_once=1_000_000)
    endpoint = make_endpoint(database, OneResponder.of(pki), budget=plenty)
    yield Fuzzed(endpoint, citizen(pki, nonce=b"n" * 32), at)
    database.close()


@given(raw=st.binary(max_size=600))
def test_any_bytes_are_answered(fuzzed: Fuzzed, raw: bytes) -> None:
    fuzzed.check(post(raw))
    fuzzed.check(get(raw))


@given(path=st.text(max_size=80))
def test_any_path_is_answered(fuzzed: Fuzzed, path: str) -> None:
    fuzzed.check(WebRequest("GET", "/ocsp/" + path))


@given(data=st.data())
def test_any_change_of_a_request_is_answered(fuzzed: Fuzzed, data: st.DataObject) -> None:
    raw = bytearray(fuzzed.whole)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 8))
    fuzzed.check(post(bytes(raw[: len(raw) - cut])))
