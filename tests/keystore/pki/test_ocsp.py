"""The responder: what `openssl ocsp` makes of its answers, and what it refuses."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from sqlalchemy import Connection

from idp.storage.database import Database
from keystore.pki.budget import SigningBudget
from keystore.pki.errors import ServiceCertificateMissing
from keystore.pki.model import CertificateState, RevocationReason
from keystore.pki.ocsp import OcspAnswer, OcspResponder
from keystore.pki.ocsp_ahead import StatusSigner
from keystore.pki.ocsp_responses import REFUSALS, Refusal, Responder
from keystore.pki.storage.certificates import change_state
from keystore.storage import Transaction
from tests.support.pki import ISSUING_ID, SmallPki
from tests.support.status import OneResponder, make_request, make_responder, run_openssl

PLENTY = 1_000


def make(database: Database, responders: OneResponder, *, at_once: int = PLENTY) -> OcspResponder:
    budget = SigningBudget(per_second=1, at_once=at_once)
    return OcspResponder(database, responders=responders, budget=budget)


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now)
    made.store(database)
    return made


@pytest.fixture
def responders(pki: SmallPki) -> OneResponder:
    return OneResponder.of(pki)


def revoke(
    database: Database,
    serial: int,
    *,
    at: datetime,
    state: CertificateState = CertificateState.REVOKED,
    reason: RevocationReason | None = RevocationReason.KEY_COMPROMISE,
) -> None:
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


def read(answer: OcspAnswer) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response(answer.der)


def citizen(pki: SmallPki) -> int:
    return pki.citizen.certificate.serial_number


class TestOpenssl:
    """The real command, over the real clock."""

    @pytest.fixture
    def pki(self, database: Database) -> SmallPki:
        made = SmallPki(datetime.now(UTC))
        made.store(database)
        return made

    @pytest.fixture
    def folder(self, pki: SmallPki, tmp_path: Path) -> Path:
        (tmp_path / "root.pem").write_bytes(pki.root.pem)
        (tmp_path / "issuing.pem").write_bytes(pki.issuing.pem)
        (tmp_path / "citizen.pem").write_bytes(pki.citizen.pem)
        (tmp_path / "chain.pem").write_bytes(pki.root.pem + pki.issuing.pem)
        return tmp_path

    def ask(
        self,
        folder: Path,
        responder: OcspResponder,
        *arguments: str,
        nonce: bool,
        status: int = 0,
    ) -> tuple[str, str]:
        """The status that the command prints, and what it says about the answer as a whole."""
        question = ("-issuer", "issuing.pem", *arguments)
        made = run_openssl(
            "ocsp",
            *question,
            "-nonce" if nonce else "-no_nonce",
            "-reqout",
            "request.der",
            folder=folder,
        )
        assert made.returncode == 0, made.stderr
        raw = (folder / "request.der").read_bytes()
        answer = responder.answer(raw, now=datetime.now(UTC))
        (folder / "answer.der").write_bytes(answer.der)
        done = run_openssl(
            "ocsp",
            *question,
            *("-reqin", "request.der"),
            *("-respin", "answer.der", "-CAfile", "chain.pem", "-no_nonce"),
            folder=folder,
        )
        assert done.returncode == status, done.stderr
        return done.stdout, done.stderr

    @pytest.mark.parametrize("nonce", [False, True])
    @pytest.mark.parametrize("digest", [(), ("-sha256",)])
    def test_a_good_certificate_is_good(
        self, database: Database, pki: SmallPki, folder: Path, nonce: bool, digest: tuple[str, ...]
    ) -> None:
        responder = make(database, OneResponder.of(pki))
        status, verdict = self.ask(folder, responder, *digest, "-cert", "citizen.pem", nonce=nonce)
        assert "citizen.pem: good" in status
        assert "Response verify OK" in verdict
        assert "WARNING" not in verdict

    def test_an_answer_signed_ahead_is_good(
        self, database: Database, pki: SmallPki, folder: Path
    ) -> None:
        responders = OneResponder.of(pki)
        assert StatusSigner(database, responders=responders).sign_ahead(datetime.now(UTC))
        before = responders.key.signatures
        responder = make(database, responders, at_once=0)
        status, verdict = self.ask(folder, responder, "-cert", "citizen.pem", nonce=False)
        assert "citizen.pem: good" in status
        assert "Response verify OK" in verdict
        assert responders.key.signatures == before

    def test_a_revoked_certificate_is_revoked_with_its_reason(
        self, database: Database, pki: SmallPki, folder: Path
    ) -> None:
        revoke(database, citizen(pki), at=datetime.now(UTC))
        responder = make(database, OneResponder.of(pki))
        status, verdict = self.ask(folder, responder, "-cert", "citizen.pem", nonce=True)
        assert "citizen.pem: revoked" in status
        assert "Reason: keyCompromise" in status
        assert "Response verify OK" in verdict

    def test_a_suspended_certificate_is_on_hold(
        self, database: Database, pki: SmallPki, folder: Path
    ) -> None:
        revoke(
            database,
            citizen(pki),
            at=datetime.now(UTC),
            state=CertificateState.SUSPENDED,
            reason=RevocationReason.CERTIFICATE_HOLD,
        )
        responder = make(database, OneResponder.of(pki))
        status, _ = self.ask(folder, responder, "-cert", "citizen.pem", nonce=False)
        assert "citizen.pem: revoked" in status
        assert "Reason: certificateHold" in status

    def test_a_number_that_was_never_issued_is_unknown(
        self, database: Database, pki: SmallPki, folder: Path
    ) -> None:
        responder = make(database, OneResponder.of(pki))
        status, verdict = self.ask(folder, responder, "-serial", "0x1234", nonce=True)
        assert "0x1234: unknown" in status
        assert "Response verify OK" in verdict

    def test_two_certificates_are_answered_together(
        self, database: Database, pki: SmallPki, folder: Path
    ) -> None:
        responder = make(database, OneResponder.of(pki))
        arguments = ("-cert", "citizen.pem", "-serial", "0x1234")
        status, verdict = self.ask(folder, responder, *arguments, nonce=True)
        assert "citizen.pem: good" in status
        assert "0x1234: unknown" in status
        assert "Response verify OK" in verdict

    def test_an_answer_of_a_stranger_is_refused(
        self, database: Database, pki: SmallPki, folder: Path
    ) -> None:
        """RFC 6960 §4.2.2.2: the responder's certificate comes from the same authority."""
        stranger = OneResponder.of(SmallPki(pki.now))
        responder = make(database, stranger)
        _, verdict = self.ask(folder, responder, "-cert", "citizen.pem", nonce=False, status=1)
        assert "Response Verify Failure" in verdict


def test_what_is_no_request_is_answered_so(database: Database, responders: OneResponder) -> None:
    """RFC 6960 §2.3: malformedRequest."""
    answer = make(database, responders).answer(b"\x30\x00", now=datetime.now(UTC))
    assert answer.der == REFUSALS[Refusal.MALFORMED_REQUEST]
    assert not answer.is_reusable


def test_an_authority_that_is_not_ours_is_not_answered_for(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    """RFC 9919 §3.2.3: unauthorized, and nothing is signed."""
    foreign = SmallPki(now)
    for issuer in (foreign.issuing.certificate, pki.root.certificate):
        raw = make_request(pki, 5, issuer=issuer)
        answer = make(database, responders).answer(raw, now=now)
        assert answer.der == REFUSALS[Refusal.UNAUTHORIZED]
    raw = make_request(pki, 5, algorithm=hashes.SHA512())
    assert make(database, responders).answer(raw, now=now).der == REFUSALS[Refusal.UNAUTHORIZED]
    assert responders.key.signatures == 0


def test_a_nonce_is_signed_at_once_and_its_answer_is_for_nobody_else(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    StatusSigner(database, responders=responders).sign_ahead(now)
    before = responders.key.signatures
    raw = make_request(pki, citizen(pki), nonce=b"n" * 32)
    answer = make(database, responders).answer(raw, now=now)
    assert responders.key.signatures == before + 1
    assert not answer.is_reusable


def test_beyond_the_budget_it_says_try_later_until_time_has_passed(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    """RFC 6960 §2.3: tryLater; strangers do not cause as many signatures as they like."""
    responder = make(database, responders, at_once=2)
    raw = make_request(pki, citizen(pki), nonce=b"n" * 16)
    statuses = [read(responder.answer(raw, now=now)).response_status for _ in range(3)]
    assert statuses == [
        ocsp.OCSPResponseStatus.SUCCESSFUL,
        ocsp.OCSPResponseStatus.SUCCESSFUL,
        ocsp.OCSPResponseStatus.TRY_LATER,
    ]
    later = responder.answer(raw, now=now + timedelta(seconds=1))
    assert read(later).response_status is ocsp.OCSPResponseStatus.SUCCESSFUL


def test_an_answer_signed_ahead_is_worthless_once_the_certificate_changes(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    StatusSigner(database, responders=responders).sign_ahead(now)
    responder = make(database, responders)
    raw = make_request(pki, citizen(pki))
    assert read(responder.answer(raw, now=now)).certificate_status is ocsp.OCSPCertStatus.GOOD
    revoke(database, citizen(pki), at=now)
    assert read(responder.answer(raw, now=now)).certificate_status is ocsp.OCSPCertStatus.REVOKED
    revoke(database, citizen(pki), at=now, state=CertificateState.GOOD, reason=None)
    assert read(responder.answer(raw, now=now)).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_an_answer_that_has_ended_is_not_given(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    """RFC 6960 §4.2.2.1: nextUpdate is not in the past."""
    StatusSigner(database, responders=responders).sign_ahead(now)
    responder = make(database, responders)
    raw = make_request(pki, citizen(pki))
    at = now + timedelta(hours=12)
    answer = responder.answer(raw, now=at)
    assert answer.this_update == at
    assert responder.answer(raw, now=at - timedelta(seconds=1)).this_update == now


def test_an_answer_never_outlives_the_responders_certificate(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    short = pki.issue("Short OCSP", has_status=False, lifetime=timedelta(hours=2))
    responders = OneResponder(make_responder(short))
    StatusSigner(database, responders=responders).sign_ahead(now)
    for at_once in (0, 1):
        nonce = b"n" * 16 if at_once else None
        raw = make_request(pki, citizen(pki), nonce=nonce)
        answer = make(database, responders, at_once=at_once).answer(raw, now=now)
        assert answer.next_update == now + timedelta(hours=2)


def test_after_a_change_of_key_answers_of_the_key_before_are_still_given(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    StatusSigner(database, responders=responders).sign_ahead(now)
    responder = make(database, responders, at_once=0)
    raw = make_request(pki, citizen(pki))
    assert responder.answer(raw, now=now).is_reusable
    before = responders.current
    successor = pki.issue("Next OCSP", has_status=False)
    responders.current = make_responder(successor, kid="next")
    given = read(responder.answer(raw, now=now))
    assert given.certificates == [pki.ocsp.certificate]
    # and a process that never knew that key signs anew instead
    fresh = make(database, responders, at_once=1)
    assert read(fresh.answer(raw, now=now)).certificates == [successor.certificate]
    assert StatusSigner(database, responders=responders).sign_ahead(now)
    assert read(responder.answer(raw, now=now)).certificates == [successor.certificate]
    assert before.key.kid != "next"


def test_without_a_responder_or_a_database_it_says_try_later(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    """RFC 6960 §2.3: never an exception, never a guess."""

    class Nobody:
        def responder(self, ca_id: str, *, now: datetime) -> Responder:
            raise ServiceCertificateMissing("ocsp")

    class Away:
        def read(self) -> AbstractContextManager[Connection]:
            raise OSError("away")

        def transaction(self) -> AbstractContextManager[Transaction]:
            raise OSError("away")

    raw = make_request(pki, citizen(pki))
    budget = SigningBudget(per_second=1, at_once=1)
    for one in (
        OcspResponder(database, responders=Nobody(), budget=budget),
        OcspResponder(Away(), responders=responders, budget=budget),
    ):
        assert one.answer(raw, now=now).der == REFUSALS[Refusal.TRY_LATER]


def test_a_renewed_certificate_for_the_same_key_is_used_at_once(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    short = pki.issue("Short OCSP", has_status=False, lifetime=timedelta(hours=20))
    responders = OneResponder(make_responder(short))
    responder = make(database, responders)
    raw = make_request(pki, citizen(pki))
    responder.answer(raw, now=now)
    # the same key under a certificate that lasts
    responders.current = make_responder(pki.ocsp)
    at = now + timedelta(hours=19)
    assert StatusSigner(database, responders=responders).sign_ahead(at)
    before = responders.key.signatures
    answer = responder.answer(raw, now=at + timedelta(hours=2))
    assert read(answer).certificates == [pki.ocsp.certificate]
    assert responders.key.signatures == before


def test_an_answer_signed_by_a_clock_ahead_of_ours_is_not_given(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    """RFC 6960 §4.2.2.1: thisUpdate in the future makes an answer unreliable."""
    StatusSigner(database, responders=responders).sign_ahead(now + timedelta(minutes=5))
    answer = make(database, responders).answer(make_request(pki, citizen(pki)), now=now)
    assert answer.this_update == now


def test_keys_that_follow_one_another_for_years_are_not_all_remembered(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    responder = make(database, responders)
    raw = make_request(pki, citizen(pki), nonce=b"n" * 16)
    for number in range(200):
        responders.current = make_responder(pki.ocsp, kid=f"key-{number}")
        assert read(responder.answer(raw, now=now)).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert len(responder._seen) <= 64
