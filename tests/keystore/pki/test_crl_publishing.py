"""When lists are published, and what `openssl verify -crl_check_all` makes of chains by them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.pki.addresses import PkiAddresses
from keystore.pki.crl_publishing import CrlPublisher
from keystore.pki.model import CertificateState, RevocationReason
from keystore.pki.storage import crls
from keystore.pki.storage.certificates import change_state
from keystore.pki.storage.crls import CrlHead
from keystore.storage import Transaction
from tests.support.pki import BASE_URL, ISSUING_ID, Certified, SmallPki
from tests.support.status import OneIssuingKey, lint, run_openssl

SHARDS = 4
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now, shards=SHARDS)
    made.store(database)
    return made


@pytest.fixture
def make(database: Database, log: LogWriter, pki: SmallPki) -> Callable[[], CrlPublisher]:
    """Publishers over one database, as several hosts have them."""

    def make_one() -> CrlPublisher:
        return CrlPublisher(
            database, keys=OneIssuingKey.of(pki), log=log, addresses=PkiAddresses(BASE_URL)
        )

    return make_one


@pytest.fixture
def publisher(make: Callable[[], CrlPublisher]) -> CrlPublisher:
    return make()


def change(
    database: Database,
    certified: Certified,
    *,
    at: datetime,
    state: CertificateState = CertificateState.REVOKED,
    reason: RevocationReason | None = RevocationReason.KEY_COMPROMISE,
) -> None:
    serial = certified.certificate.serial_number
    with database.transaction() as tx:
        change_state(
            tx.connection,
            ca_id=ISSUING_ID,
            serial=serial,
            state=state,
            reason=reason,
            at=at,
            now=at,
        )


def newest(database: Database, shard: int | None = None) -> x509.CertificateRevocationList:
    with database.read() as connection:
        head = crls.find_head(connection, ca_id=ISSUING_ID, shard=shard)
        assert head is not None
        return x509.load_der_x509_crl(crls.get_der(connection, head))


def number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def names(published: tuple[CrlHead, ...]) -> set[int | None]:
    return {head.shard for head in published}


def shard_of(certified: Certified) -> int:
    return certified.certificate.serial_number % SHARDS


def test_the_first_run_publishes_a_list_of_all_and_one_of_each_partition(
    database: Database, publisher: CrlPublisher, now: datetime
) -> None:
    assert names(publisher.publish_due(now)) == {None, 0, 1, 2, 3}
    assert not publisher.publish_due(now + MINUTE)
    whole = newest(database)
    assert len(whole) == 0
    for shard in range(SHARDS):
        point = newest(database, shard).extensions.get_extension_for_class(
            x509.IssuingDistributionPoint
        )
        expected = x509.UniformResourceIdentifier(f"{BASE_URL}/crl/{ISSUING_ID}/{shard}.crl")
        assert point.value.full_name == [expected]
    with pytest.raises(x509.ExtensionNotFound):
        whole.extensions.get_extension_for_class(x509.IssuingDistributionPoint)


def test_a_list_is_replaced_long_before_it_ends_and_its_number_grows(
    database: Database, publisher: CrlPublisher, now: datetime
) -> None:
    """RFC 5280 §5.1.2.5: the next list is there by nextUpdate at the latest; §5.2.3."""
    publisher.publish_due(now)
    before = newest(database)
    assert not publisher.publish_due(now + 11 * HOUR)
    assert names(publisher.publish_due(now + 12 * HOUR)) == {None, 0, 1, 2, 3}
    after = newest(database)
    assert before.next_update_utc is not None
    assert after.last_update_utc < before.next_update_utc
    assert number(after) > number(before)


def test_a_revocation_is_listed_by_the_next_run_where_it_belongs(
    database: Database, publisher: CrlPublisher, pki: SmallPki, now: datetime
) -> None:
    publisher.publish_due(now)
    change(database, pki.citizen, at=now + HOUR)
    published = publisher.publish_due(now + HOUR + MINUTE)
    assert names(published) == {None, shard_of(pki.citizen)}
    serial = pki.citizen.certificate.serial_number
    for shard in (None, shard_of(pki.citizen)):
        listed = newest(database, shard).get_revoked_certificate_by_serial_number(serial)
        assert listed is not None
        assert listed.revocation_date_utc == now + HOUR
    for at in (2 * MINUTE, HOUR):
        assert not publisher.publish_due(now + HOUR + at)


def test_a_revocation_that_was_committed_late_is_listed_all_the_same(
    database: Database, publisher: CrlPublisher, pki: SmallPki, now: datetime
) -> None:
    publisher.publish_due(now)
    publisher.publish_due(now + HOUR)
    change(database, pki.citizen, at=now + HOUR - timedelta(seconds=30))
    assert publisher.publish_due(now + HOUR + MINUTE)


def test_another_process_takes_over_in_the_middle(
    database: Database, make: Callable[[], CrlPublisher], pki: SmallPki, now: datetime
) -> None:
    make().publish_due(now)
    change(database, pki.citizen, at=now + HOUR)
    assert names(make().publish_due(now + 2 * HOUR)) == {None, shard_of(pki.citizen)}
    assert not make().publish_due(now + 2 * HOUR)


def test_a_suspension_that_is_lifted_leaves_the_list(
    database: Database, publisher: CrlPublisher, pki: SmallPki, now: datetime
) -> None:
    change(
        database,
        pki.citizen,
        at=now,
        state=CertificateState.SUSPENDED,
        reason=RevocationReason.CERTIFICATE_HOLD,
    )
    publisher.publish_due(now)
    assert len(newest(database)) == 1
    change(database, pki.citizen, at=now + HOUR, state=CertificateState.GOOD, reason=None)
    publisher.publish_due(now + HOUR)
    assert len(newest(database)) == 0


def test_an_expired_certificate_stays_for_one_more_list(
    database: Database, publisher: CrlPublisher, pki: SmallPki, now: datetime
) -> None:
    """RFC 5280 §3.3: MUST appear on one list issued beyond its validity period."""
    short = pki.issue("Short", lifetime=20 * HOUR)
    pki.add(
        database,
        [short],
        state=CertificateState.REVOKED,
        reason=RevocationReason.SUPERSEDED,
        changed_at=now,
    )
    sizes = []
    for hours in (0, 12, 24, 36):
        assert publisher.publish_due(now + hours * HOUR)
        sizes.append(len(newest(database)))
    assert sizes == [1, 1, 1, 0]


def test_of_two_hosts_at_once_one_publishes(
    database: Database,
    make: Callable[[], CrlPublisher],
    log: LogWriter,
    pki: SmallPki,
    now: datetime,
) -> None:
    first, quicker = make(), make()

    class Overtaken:
        """A database in which another host publishes just before our first transaction."""

        is_overtaken = False

        def read(self) -> AbstractContextManager[Connection]:
            return database.read()

        def transaction(self) -> AbstractContextManager[Transaction]:
            if not self.is_overtaken:
                self.is_overtaken = True
                assert len(quicker.publish_due(now)) == 1 + SHARDS
            return database.transaction()

    late = CrlPublisher(
        Overtaken(), keys=OneIssuingKey.of(pki), log=log, addresses=PkiAddresses(BASE_URL)
    )
    assert not late.publish_due(now)
    assert not first.publish_due(now)


def test_the_number_grows_even_where_the_database_forgot(
    database: Database, make: Callable[[], CrlPublisher], now: datetime
) -> None:
    """RFC 5280 §5.2.3: after a backup was restored that is older than the newest list."""
    make().publish_due(now)
    before = number(newest(database))
    with database.transaction() as tx:
        tx.connection.execute(crls.crl.delete())
    make().publish_due(now + HOUR)
    assert number(newest(database)) > before


def test_the_number_grows_even_where_the_clock_was_set_back(
    database: Database, publisher: CrlPublisher, now: datetime
) -> None:
    publisher.publish_all(now)
    before = number(newest(database))
    publisher.publish_all(now - HOUR)
    assert number(newest(database)) == before + 1


def test_each_list_is_on_record(database: Database, publisher: CrlPublisher, now: datetime) -> None:
    published = publisher.publish_due(now)
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT facts FROM log_event WHERE type = 'pki:crl:published' ORDER BY seq"
        )
        facts = [row[0] for row in rows]
    assert len(facts) == len(published) == 1 + SHARDS
    text = facts[0]
    assert published[0].der_sha256.hex() in text
    assert str(published[0].number) in text


def test_lists_that_ended_long_ago_are_forgotten_but_never_the_newest(
    database: Database, publisher: CrlPublisher, now: datetime
) -> None:
    publisher.publish_due(now)
    publisher.publish_due(now + 12 * HOUR)
    publisher.publish_all(now + timedelta(days=60))
    publisher.publish_due(now + timedelta(days=60, hours=12))
    with database.read() as connection:
        left = connection.execute(crls.crl.select()).all()
    assert len(left) == 2 * (1 + SHARDS)


def test_an_authority_without_its_key_does_not_keep_the_others_from_publishing(
    database: Database, log: LogWriter, now: datetime
) -> None:
    away = SmallPki(now)
    away.store(database, kid="a-token-that-was-removed")
    publisher = CrlPublisher(
        database, keys=OneIssuingKey.of(away), log=log, addresses=PkiAddresses(BASE_URL)
    )
    assert not publisher.publish_due(now)


class TestOpenssl:
    """`openssl verify -crl_check_all` over the real clock."""

    @pytest.fixture(params=[0, SHARDS])
    def pki(self, request: pytest.FixtureRequest, database: Database) -> SmallPki:
        made = SmallPki(datetime.now(UTC) - MINUTE, shards=request.param)
        made.store(database)
        return made

    def verify(self, pki: SmallPki, database: Database, certified: Certified, folder: Path) -> str:
        """What the command says about a chain with the CRL that the certificate names."""
        (folder / "root.pem").write_bytes(pki.root.pem)
        (folder / "issuing.pem").write_bytes(pki.issuing.pem)
        (folder / "subject.pem").write_bytes(certified.pem)
        point = certified.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
        (name,) = point.value[0].full_name or [x509.RFC822Name("none")]
        shard = certified.certificate.serial_number % pki.shards if pki.shards else None
        assert name.value == PkiAddresses(BASE_URL).crl(ISSUING_ID, shard=shard)
        lists = x509.load_der_x509_crl(pki.root_crl()).public_bytes(Encoding.PEM)
        lists += newest(database, shard).public_bytes(Encoding.PEM)
        (folder / "lists.pem").write_bytes(lists)
        done = run_openssl(
            *("verify", "-x509_strict", "-crl_check_all", "-extended_crl"),
            *("-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", "lists.pem"),
            "subject.pem",
            folder=folder,
        )
        return done.stdout + done.stderr

    def test_a_good_chain_is_accepted_and_a_revoked_one_refused(
        self, database: Database, publisher: CrlPublisher, pki: SmallPki, tmp_path: Path
    ) -> None:
        other = pki.issue("Another")
        pki.add(database, [other])
        publisher.publish_due(datetime.now(UTC))
        assert "subject.pem: OK" in self.verify(pki, database, pki.citizen, tmp_path)
        change(database, pki.citizen, at=datetime.now(UTC))
        publisher.publish_due(datetime.now(UTC))
        assert "certificate revoked" in self.verify(pki, database, pki.citizen, tmp_path)
        assert "subject.pem: OK" in self.verify(pki, database, other, tmp_path)

    def test_a_suspended_certificate_is_refused_until_it_is_lifted(
        self, database: Database, publisher: CrlPublisher, pki: SmallPki, tmp_path: Path
    ) -> None:
        change(
            database,
            pki.citizen,
            at=datetime.now(UTC),
            state=CertificateState.SUSPENDED,
            reason=RevocationReason.CERTIFICATE_HOLD,
        )
        publisher.publish_due(datetime.now(UTC))
        assert "certificate revoked" in self.verify(pki, database, pki.citizen, tmp_path)
        good = CertificateState.GOOD
        change(database, pki.citizen, at=datetime.now(UTC), state=good, reason=None)
        publisher.publish_due(datetime.now(UTC))
        assert "subject.pem: OK" in self.verify(pki, database, pki.citizen, tmp_path)

    def test_the_list_of_another_partition_says_nothing_about_a_certificate(
        self, database: Database, publisher: CrlPublisher, pki: SmallPki, tmp_path: Path
    ) -> None:
        """RFC 5280 §6.3.3 (b): the names of CDP and IDP must match."""
        if not pki.shards:
            return
        publisher.publish_due(datetime.now(UTC))
        serial = pki.citizen.certificate.serial_number
        wrong = newest(database, (serial + 1) % SHARDS).public_bytes(Encoding.PEM)
        self.verify(pki, database, pki.citizen, tmp_path)
        lists = x509.load_der_x509_crl(pki.root_crl()).public_bytes(Encoding.PEM) + wrong
        (tmp_path / "lists.pem").write_bytes(lists)
        done = run_openssl(
            *("verify", "-crl_check_all", "-extended_crl", "-CAfile", "root.pem"),
            *("-untrusted", "issuing.pem", "-CRLfile", "lists.pem", "subject.pem"),
            folder=tmp_path,
        )
        assert done.returncode != 0
        assert "different CRL scope" in done.stderr or "unable to get" in done.stderr

    def test_an_old_list_is_refused(
        self, database: Database, publisher: CrlPublisher, pki: SmallPki, tmp_path: Path
    ) -> None:
        publisher.publish_all(datetime.now(UTC) - 25 * HOUR)
        assert "CRL has expired" in self.verify(pki, database, pki.citizen, tmp_path)

    def test_pkilint_finds_nothing_in_what_is_published(
        self, database: Database, publisher: CrlPublisher, pki: SmallPki, tmp_path: Path
    ) -> None:
        change(database, pki.citizen, at=datetime.now(UTC))
        file = tmp_path / "list.crl"
        for head in publisher.publish_due(datetime.now(UTC)):
            file.write_bytes(newest(database, head.shard).public_bytes(Encoding.DER))
            assert not lint("lint_crl", "-t", "CRL", "-p", "PKIX", file=file)
