"""HTTP around the timestamp authority."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.timestamp_requests import Failure
from keystore.pki.timestamp_tokens import rejected
from keystore.web.answer import WebRequest
from keystore.web.tsa import TsaEndpoint
from tests.support.pki import SmallPki
from tests.support.timestamps import SettableClock, SmallTsa, openssl_query

_QUERY = "application/timestamp-query"


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    return SmallPki(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def tsa(pki: SmallPki, now: datetime, tmp_path: Path) -> SmallTsa:
    return SmallTsa(pki, SettableClock(now), tmp_path)


@pytest.fixture
def endpoint(tsa: SmallTsa) -> TsaEndpoint:
    return TsaEndpoint(tsa.authority())


def _request(body: bytes, **changes: str) -> WebRequest:
    members = {"method": "POST", "path": "/tsa", "content_type": _QUERY} | changes
    return WebRequest(**members, body=body)


@pytest.mark.parametrize("kind", [_QUERY, "Application/Timestamp-Query; charset=binary"])
def test_a_query_gets_a_reply(
    tsa: SmallTsa, endpoint: TsaEndpoint, kind: str, now: datetime, tmp_path: Path
) -> None:
    """RFC 3161 §3.4: the two media types."""
    query = openssl_query(b"x", "-sha256", "-cert", folder=tmp_path)
    answer = endpoint.answer(_request(query, content_type=kind), now=now)
    assert (answer.status, answer.content_type) == (200, "application/timestamp-reply")
    assert ("Cache-Control", "no-store") in answer.headers
    assert "Verification: OK" in tsa.verify_with_openssl(answer.body, request=query)


def test_what_cannot_be_read_gets_the_answer_of_the_protocol(
    endpoint: TsaEndpoint, now: datetime
) -> None:
    """RFC 3161 §3.4: the answer is a TimeStampResp, also when there is no token."""
    answer = endpoint.answer(_request(b"\x30\x80"), now=now)
    assert (answer.status, answer.body) == (200, rejected(Failure.BAD_DATA_FORMAT))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_other_methods_are_refused(endpoint: TsaEndpoint, method: str, now: datetime) -> None:
    """RFC 9110 §15.5.6: with an Allow header."""
    answer = endpoint.answer(_request(b"", method=method), now=now)
    assert answer.status == 405
    assert ("Allow", "POST") in answer.headers


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_other_media_types_are_refused(endpoint: TsaEndpoint, kind: str, now: datetime) -> None:
    """RFC 3161 §3.4: Content-Type: application/timestamp-query."""
    assert endpoint.answer(_request(b"", content_type=kind), now=now).status == 415


def test_the_time_of_the_request_is_not_the_time_of_the_token(
    tsa: SmallTsa, endpoint: TsaEndpoint, now: datetime, tmp_path: Path
) -> None:
    query = openssl_query(b"x", "-sha256", "-cert", folder=tmp_path)
    long_ago = now.replace(year=2020)
    answer = endpoint.answer(_request(query), now=long_ago)
    assert b"20261121030405Z" in answer.body


@pytest.mark.parametrize("path", ["/tsa/more", "/tsa//"])
def test_there_is_nothing_below_it(endpoint: TsaEndpoint, path: str, now: datetime) -> None:
    assert endpoint.answer(_request(b"", path=path), now=now).status == 404


@given(body=st.binary(max_size=600), kind=st.sampled_from([_QUERY, "", "text/plain", "a" * 99]))
def test_no_request_makes_it_fail(body: bytes, kind: str, pki: SmallPki) -> None:
    """Whatever comes in, the answer is one of the protocol, or a refusal of HTTP: never a 500."""
    tsa = SmallTsa(pki, SettableClock(pki.now), Path("unused"))
    answer = TsaEndpoint(tsa.authority()).answer(_request(body, content_type=kind), now=pki.now)
    assert answer.status in {200, 415}
    assert tsa.reported == []
