"""Authorities come to be: a root that nobody keeps, issuing CAs under it, and its lists."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from idp.errors import StorageUnavailable
from keystore.backends.offline import make_offline_key
from keystore.clock import to_ms
from keystore.errors import KeyUnavailable
from keystore.keyring import Keyring
from keystore.log.record import log_event
from keystore.pki.ceremony import Ceremony
from keystore.pki.errors import CaRefused, CaUnknown
from keystore.pki.model import CaKind, RevocationReason
from keystore.pki.offline_lists import crl_number
from keystore.pki.storage.authorities import replace_offline_crl
from keystore.purposes import CA_ISSUING
from keystore.signing_keys import KeyRecord, signing_key
from keystore.storage import Transaction
from tests.support.status import lint


def _crl(real) -> x509.CertificateRevocationList:
    der = real.authorities.get("root-1").offline_crl
    assert der is not None
    return x509.load_der_x509_crl(der)


def test_the_roots_key_is_in_no_table(real) -> None:
    secret = real.root_key.key.private_numbers().private_value.to_bytes(48, "big")
    with real.database.read() as connection:
        rows = connection.execute(signing_key.select()).mappings().all()
    assert {row["purpose"] for row in rows} == {"ca_issuing"}
    root = real.authorities.get("root-1")
    assert (root.kid, root.kind) == (None, CaKind.ROOT)
    assert secret not in root.certificate


def test_a_root_is_not_stored_before_it_was_exported(real, now: datetime) -> None:
    real.ceremony.make_root("root-2", now=now)
    with pytest.raises(CaUnknown):
        real.authorities.get("root-2")


@pytest.mark.parametrize("ca_id", ["", "x", "Root", "1root", "root_1", "r" * 17, "../etc", "root-"])
def test_an_id_stands_in_addresses(real, now: datetime, ca_id: str) -> None:
    with pytest.raises(CaRefused) as refused:
        real.ceremony.make_root(ca_id, now=now)
    assert refused.value.reason == "id"


def test_an_id_is_used_once(real, now: datetime) -> None:
    root = real.ceremony.make_root("root-2", now=now)
    real.ceremony.add_root(root, now=now)
    for again in (
        lambda: real.ceremony.make_root("root-2", now=now),
        lambda: real.ceremony.add_root(root, now=now),
        lambda: real.ceremony.add_issuing(
            "root-2", root_id="root-1", root_key=real.root_key, now=now
        ),
    ):
        with pytest.raises(CaRefused) as refused:
            again()
        assert refused.value.reason == "already_there"


def test_an_authority_that_does_not_come_to_be_leaves_no_key(real, now: datetime) -> None:
    """Another operator takes the name between the making of the key and the certificate."""

    class Overtaken(Keyring):
        def add(self, algorithm: str, *, now: datetime) -> KeyRecord:
            made = super().add(algorithm, now=now)
            real.ceremony.add_issuing(
                "issuing-2", root_id="root-1", root_key=real.root_key, now=now
            )
            return made

    keyring = Overtaken(real.database, real.sealer, log=real.log, purpose=CA_ISSUING)
    slow = Ceremony(real.database, authorities=real.authorities, keyring=keyring, log=real.log)
    with pytest.raises(CaRefused, match="already_there"):
        slow.add_issuing("issuing-2", root_id="root-1", root_key=real.root_key, now=now)
    named = {one.kid for one in real.authorities.records()}
    for record in keyring.records(now):
        assert (record.destroyed_at is None) is (record.kid in named)
        assert (record.private_sealed is None) is (record.kid not in named)


class Answerless:
    """A database whose answer to the first COMMIT does not arrive, and perhaps none after it."""

    def __init__(self, inner, failure: BaseException, *, stays_away: bool = False) -> None:
        self.read = inner.read
        self._inner = inner
        self._failures = [failure]
        self._stays_away = stays_away

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self._stays_away and not self._failures:
            raise StorageUnavailable
        with self._inner.transaction() as tx:
            yield tx
        if self._failures:
            raise self._failures.pop()


@pytest.mark.parametrize("failure", [ConnectionResetError(), KeyboardInterrupt()])
@pytest.mark.parametrize("stays_away", [False, True])
def test_what_fails_after_the_commit_leaves_an_authority_that_issues(
    real, now: datetime, failure: BaseException, *, stays_away: bool
) -> None:
    """Its certificate is stored and signed by the root: without the key it is dead for good."""
    database = Answerless(real.database, failure, stays_away=stays_away)
    ceremony = Ceremony(database, authorities=real.authorities, keyring=real.keyring, log=real.log)
    with pytest.raises(type(failure)):
        ceremony.add_issuing("issuing-2", root_id="root-1", root_key=real.root_key, now=now)
    later = now + timedelta(minutes=1)
    assert real.authorities.issuer(now=later, ca_id="issuing-2").ca.ca_id == "issuing-2"
    real.authorities.retire("issuing-1", now=later)
    assert real.certificates.issue(real.request(), now=later).record.ca_id == "issuing-2"


def test_only_the_roots_own_key_signs_for_it(real, now: datetime) -> None:
    stranger = make_offline_key()
    for root_id, key, reason in (
        ("root-1", stranger, "wrong_root_key"),
        ("issuing-1", real.root_key, "not_offline"),
    ):
        with pytest.raises(CaRefused) as refused:
            real.ceremony.add_issuing("issuing-9", root_id=root_id, root_key=key, now=now)
        assert refused.value.reason == reason
        with pytest.raises(CaRefused):
            real.ceremony.renew_crl(root_id, root_key=key, now=now)
    with pytest.raises(CaUnknown):
        real.ceremony.renew_crl("nobody", root_key=real.root_key, now=now)


def test_an_issuing_authority_signs_no_authority(real) -> None:
    """RFC 5280 §4.2.1.9: path length zero."""
    extensions = real.authorities.get("issuing-1").parsed.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)


def test_issuing_authorities_have_p384_keys_too(real, now: datetime) -> None:
    real.ceremony.add_issuing(
        *("issuing-2",), root_id="root-1", root_key=real.root_key, now=now, algorithm="ES384"
    )
    issued = real.certificates.issue(real.request(), now=now + timedelta(seconds=1))
    certificate = x509.load_der_x509_certificate(issued.der)
    assert issued.record.ca_id == "issuing-2"
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == "sha384"
    with pytest.raises(KeyUnavailable):
        real.ceremony.add_issuing(
            *("issuing-3",), root_id="root-1", root_key=real.root_key, now=now, algorithm="RS256"
        )


def test_the_number_of_a_roots_list_never_comes_again_after_a_backup_was_restored(
    real, now: datetime
) -> None:
    """RFC 5280 §5.2.3: the number increases, also where the database forgot the list before."""
    backup = real.authorities.get("root-1").offline_crl

    def renew(later: timedelta) -> int:
        return crl_number(
            real.ceremony.renew_crl("root-1", root_key=real.root_key, now=now + later)
        )

    published = renew(timedelta(days=1))
    assert published == renew(timedelta(hours=1)) - 1  # the clock was set back
    with real.database.transaction() as tx:
        replace_offline_crl(tx.connection, "root-1", crl=backup)
    assert renew(timedelta(days=2)) > published + 1


def test_the_roots_list_grows_by_number_and_names_what_was_revoked(
    real, now: datetime, tmp_path: Path
) -> None:
    """RFC 5280 §5.2.3: the number increases."""
    assert len(_crl(real)) == 0
    serial = real.authorities.get("issuing-1").parsed.serial_number
    real.states.revoke(serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    der = real.ceremony.renew_crl("root-1", root_key=real.root_key, now=now)
    crl = _crl(real)
    assert crl.public_bytes(Encoding.DER) == der
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == to_ms(now)
    entry = crl.get_revoked_certificate_by_serial_number(serial)
    assert entry is not None
    reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise
    assert crl.is_signature_valid(real.authorities.get("root-1").parsed.public_key())
    file = tmp_path / "root.crl"
    file.write_bytes(der)
    assert lint("lint_crl", "-p", "PKIX", "-t", "CRL", file=file) == []


@pytest.mark.parametrize("is_revoked", [False, True])
def test_openssl_follows_the_roots_list(
    real, now: datetime, tmp_path: Path, is_revoked: bool
) -> None:
    root, issuing = real.authorities.get("root-1"), real.authorities.get("issuing-1")
    if is_revoked:
        serial = issuing.parsed.serial_number
        real.states.revoke(serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
        real.ceremony.renew_crl("root-1", root_key=real.root_key, now=now)
    (tmp_path / "root.pem").write_bytes(root.parsed.public_bytes(Encoding.PEM))
    (tmp_path / "issuing.pem").write_bytes(issuing.parsed.public_bytes(Encoding.PEM))
    (tmp_path / "crl.pem").write_bytes(_crl(real).public_bytes(Encoding.PEM))
    done = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-crl_check_all"),
            *("-attime", str(int(now.timestamp()) + 60)),
            *("-CAfile", tmp_path / "root.pem", "-CRLfile", tmp_path / "crl.pem"),
            tmp_path / "issuing.pem",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is not is_revoked, done.stderr
    assert ("certificate revoked" in done.stderr) is is_revoked


def test_the_log_says_what_came_to_be(real, now: datetime) -> None:
    real.authorities.retire("issuing-1", now=now)
    with real.database.read() as connection:
        rows = connection.execute(log_event.select()).mappings().all()
    types = [row["type"] for row in rows if row["type"].startswith("pki:ca:")]
    assert sorted(types) == ["pki:ca:created", "pki:ca:created", "pki:ca:retired"]


def test_the_newest_authority_issues_and_a_retired_one_does_not(real, now: datetime) -> None:
    later = now + timedelta(minutes=1)
    real.ceremony.add_issuing("issuing-2", root_id="root-1", root_key=real.root_key, now=later)
    assert real.authorities.issuer(now=later).ca.ca_id == "issuing-2"
    assert real.authorities.issuer(now=later, ca_id="issuing-1").ca.ca_id == "issuing-1"
    real.authorities.retire("issuing-2", now=later)
    assert real.authorities.issuer(now=later).ca.ca_id == "issuing-1"
    for ca_id, reason in (("issuing-2", "retired"),):
        with pytest.raises(CaRefused) as refused:
            real.authorities.issuer(now=later, ca_id=ca_id)
        assert refused.value.reason == reason
    with pytest.raises(CaRefused, match="retired"):
        real.authorities.retire("issuing-2", now=later)
    with pytest.raises(CaUnknown):
        real.authorities.issuer(now=later, ca_id="root-1")
    with pytest.raises(CaUnknown):
        real.authorities.retire("nobody", now=later)


def test_an_authority_whose_time_is_over_or_whose_key_is_gone_issues_nothing(real, now) -> None:
    issuing = real.authorities.get("issuing-1")
    with pytest.raises(CaUnknown):
        real.authorities.issuer(now=issuing.not_after + timedelta(seconds=1))
    assert issuing.kid is not None
    real.keyring.destroy(issuing.kid, now=now)
    with pytest.raises(CaRefused) as refused:
        real.authorities.issuer(now=now, ca_id="issuing-1")
    assert refused.value.reason == "key_unavailable"
    with pytest.raises(CaUnknown):
        real.certificates.issue(real.request(), now=now)


def test_a_chain_goes_up_to_the_root(real, now: datetime) -> None:
    chain = real.authorities.chain("issuing-1")
    assert chain == (
        real.authorities.get("issuing-1").certificate,
        real.authorities.get("root-1").certificate,
    )
    with pytest.raises(CaUnknown):
        real.authorities.chain("nobody")
    orphan = replace(real.authorities.get("root-1"), ca_id="orphan", parent_id="nobody")
    with real.database.transaction() as tx:
        real.authorities.insert(tx, orphan, now=now)
    with pytest.raises(CaUnknown):
        real.authorities.chain("orphan")


def test_an_external_authority_needs_a_certificate(real, now: datetime) -> None:
    chain = real.authorities.chain("issuing-1")
    for ca_id, ders in (("licensed", ()), ("../etc", chain), ("issuing-1", chain)):
        with pytest.raises(CaRefused):
            real.authorities.add_external(ca_id, ders, now=now)


@pytest.mark.parametrize("act", ["suspend", "revoke"])
def test_an_authority_that_was_revoked_issues_nothing(real, now: datetime, act: str) -> None:
    serial = real.authorities.get("issuing-1").parsed.serial_number
    if act == "suspend":
        real.states.suspend(serial, now=now)
    else:
        real.states.revoke(serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    with pytest.raises(CaRefused) as refused:
        real.authorities.issuer(now=now, ca_id="issuing-1")
    assert refused.value.reason == "revoked"
    with pytest.raises(CaUnknown):
        real.certificates.issue(real.request(), now=now)
