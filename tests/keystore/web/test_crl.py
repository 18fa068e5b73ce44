"""`/crl/…` over HTTP: what is found under which name, and for how long it may be kept."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from sqlalchemy import Connection

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.pki.addresses import PkiAddresses
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.model import CaKind, CertificateState
from keystore.pki.storage.authorities import insert_ca, replace_offline_crl
from keystore.pki.storage.certificates import change_state
from keystore.storage import Transaction
from keystore.web.answer import WebAnswer, WebRequest
from keystore.web.crl import CrlEndpoint
from tests.support.pki import BASE_URL, ISSUING_ID, ROOT_ID, SmallPki
from tests.support.status import OneIssuingKey

SECOND = timedelta(seconds=1)
SHARDS = 3


class Away:
    """A database that can be away."""

    def __init__(self, database: Database) -> None:
        self.is_away = False
        self._database = database

    def read(self) -> AbstractContextManager[Connection]:
        if self.is_away:
            raise OSError("away")
        return self._database.read()

    def transaction(self) -> AbstractContextManager[Transaction]:
        raise AssertionError("nothing is written here")


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now, shards=SHARDS)
    made.store(database)
    return made


@pytest.fixture
def publisher(database: Database, log: LogWriter, pki: SmallPki) -> CrlPublisher:
    return CrlPublisher(
        database, keys=OneIssuingKey.of(pki), log=log, addresses=PkiAddresses(BASE_URL)
    )


@pytest.fixture
def storage(database: Database) -> Away:
    return Away(database)


@pytest.fixture
def endpoint(storage: Away) -> CrlEndpoint:
    return CrlEndpoint(storage)


def ask(endpoint: CrlEndpoint, path: str, *, now: datetime, **more: str) -> WebAnswer:
    return endpoint.answer(WebRequest("GET", path, **more), now=now)


def header(answer: WebAnswer, name: str) -> str:
    return dict(answer.headers)[name]


def max_age(answer: WebAnswer) -> int:
    return int(header(answer, "Cache-Control").split(",")[0].removeprefix("max-age="))


def test_every_address_in_a_certificate_answers_with_the_list_that_it_names(
    endpoint: CrlEndpoint, publisher: CrlPublisher, pki: SmallPki, now: datetime
) -> None:
    """RFC 5280 §4.2.1.13: DER under application/pkix-crl (RFC 2585 §3)."""
    publisher.publish_due(now)
    for certified in (pki.citizen, pki.tsa, pki.issuing):
        point = certified.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
        for name in point.value[0].full_name or ():
            answer = ask(endpoint, name.value.removeprefix(BASE_URL), now=now)
            assert (answer.status, answer.content_type) == (200, "application/pkix-crl")
            crl = x509.load_der_x509_crl(answer.body)
            assert crl.issuer == certified.certificate.issuer


def test_partitions_and_the_list_of_all_stand_under_their_own_names(
    endpoint: CrlEndpoint, publisher: CrlPublisher, now: datetime
) -> None:
    publisher.publish_due(now)
    paths = [f"/crl/{ISSUING_ID}.crl", *(f"/crl/{ISSUING_ID}/{n}.crl" for n in range(SHARDS))]
    bodies = {ask(endpoint, path, now=now).body for path in paths}
    assert len(bodies) == 1 + SHARDS


@pytest.mark.parametrize(
    "path",
    [
        "/crl",
        "/crl/",
        "/crl/nobody.crl",
        f"/crl/{ISSUING_ID}",
        f"/crl/{ISSUING_ID}/3.crl",
        f"/crl/{ISSUING_ID}/-1.crl",
        f"/crl/{ISSUING_ID}/00.crl",
        f"/crl/{ISSUING_ID}/99999.crl",
        f"/crl/{ROOT_ID}/0.crl",
        "/crl/../etc/passwd.crl",
        "/crl/ế.crl",
        f"/crl/{ISSUING_ID}.crl\n",
    ],
)
def test_what_is_no_list_is_not_found(
    endpoint: CrlEndpoint, publisher: CrlPublisher, now: datetime, path: str
) -> None:
    publisher.publish_due(now)
    answer = ask(endpoint, path, now=now)
    assert answer.status == 404
    assert header(answer, "Cache-Control") == "no-store"


def test_a_new_list_shows_within_two_seconds(
    database: Database, endpoint: CrlEndpoint, publisher: CrlPublisher, pki: SmallPki, now: datetime
) -> None:
    publisher.publish_due(now)
    path = f"/crl/{ISSUING_ID}.crl"
    first = ask(endpoint, path, now=now)
    serial = pki.citizen.certificate.serial_number
    with database.transaction() as tx:
        change_state(
            tx.connection,
            ca_id=ISSUING_ID,
            serial=serial,
            state=CertificateState.REVOKED,
            reason=None,
            at=now,
            now=now,
        )
    assert publisher.publish_due(now + SECOND)
    assert ask(endpoint, path, now=now + SECOND) is first
    second = ask(endpoint, path, now=now + 2 * SECOND)
    crl = x509.load_der_x509_crl(second.body)
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None
    assert header(second, "ETag") != header(first, "ETag")


def test_the_list_of_a_root_is_the_one_that_was_made_when_its_key_was_out(
    database: Database, endpoint: CrlEndpoint, pki: SmallPki, now: datetime
) -> None:
    path = f"/crl/{ROOT_ID}.crl"
    first = ask(endpoint, path, now=now)
    assert x509.load_der_x509_crl(first.body).issuer == pki.root.certificate.subject
    renewed = pki.root_crl()
    with database.transaction() as tx:
        replace_offline_crl(tx.connection, ROOT_ID, crl=renewed)
    assert ask(endpoint, path, now=now + 30 * SECOND).body == renewed


def test_a_cache_keeps_a_list_for_minutes_and_never_beyond_its_end(
    endpoint: CrlEndpoint, publisher: CrlPublisher, now: datetime
) -> None:
    publisher.publish_due(now)
    for hours, expected in ((0, 300), (23, 300), (24, 0), (25, 0)):
        at = now + timedelta(hours=hours)
        answer = ask(endpoint, f"/crl/{ISSUING_ID}.crl", now=at)
        assert answer.status == 200
        assert max_age(answer) == expected


def test_whoever_has_the_list_is_told_so(
    endpoint: CrlEndpoint, publisher: CrlPublisher, now: datetime
) -> None:
    """RFC 9110 §13.1.2."""
    publisher.publish_due(now)
    path = f"/crl/{ISSUING_ID}.crl"
    tag = header(ask(endpoint, path, now=now), "ETag")
    answer = ask(endpoint, path, now=now, if_none_match=f'"old", {tag}')
    assert (answer.status, answer.body) == (304, b"")
    assert ask(endpoint, path, now=now, if_none_match='"old"').status == 200


def test_lists_go_on_being_served_while_storage_is_away(
    endpoint: CrlEndpoint, storage: Away, publisher: CrlPublisher, now: datetime
) -> None:
    """A list says itself until when it may be believed."""
    publisher.publish_due(now)
    path = f"/crl/{ISSUING_ID}.crl"
    first = ask(endpoint, path, now=now)
    storage.is_away = True
    assert ask(endpoint, path, now=now + timedelta(minutes=10)).body == first.body


def test_only_reading_is_allowed(endpoint: CrlEndpoint, now: datetime) -> None:
    """RFC 9110 §15.5.6."""
    answer = endpoint.answer(WebRequest("POST", f"/crl/{ISSUING_ID}.crl"), now=now)
    assert answer.status == 405
    assert header(answer, "Allow") == "GET, HEAD"


def test_a_process_that_never_saw_storage_says_try_later(
    endpoint: CrlEndpoint, storage: Away, pki: SmallPki, now: datetime
) -> None:
    """RFC 9110 §15.6.4."""
    storage.is_away = True
    answer = ask(endpoint, f"/crl/{ISSUING_ID}.crl", now=now)
    assert answer.status == 503
    assert header(answer, "Retry-After") == "5"


def test_before_the_first_list_and_for_authorities_of_others_there_is_none(
    database: Database, endpoint: CrlEndpoint, pki: SmallPki, now: datetime
) -> None:
    external = replace(
        pki.ca_record(ROOT_ID), ca_id="licensed", kind=CaKind.EXTERNAL, offline_crl=None
    )
    with database.transaction() as tx:
        insert_ca(tx.connection, external)
    for name in (ISSUING_ID, "licensed"):
        assert ask(endpoint, f"/crl/{name}.crl", now=now).status == 404
