"""Codes of authenticators that the verifier holds, of those that we hold, and of nobody's.

Architecture, decisions 10 and 11.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from idp.accounts.activation import issue_activation_code, normalise_activation_code
from idp.accounts.attempts import Source
from idp.accounts.code_holders import CodeHolders, VerifierHolder, held
from idp.accounts.credentials import Totp, TotpHolder
from idp.accounts.enrolment import TotpEnrolment
from idp.accounts.errors import EnrolmentRefused, TooManyAttempts
from idp.accounts.login import Login, LoginRefused, OtpAccepted, RefusalReason
from idp.accounts.totp import code_at, make_secret
from idp.errors import SecondFactorUnavailable, StorageUnavailable
from idp.ids import AccountId, make_id
from idp.second_factors import VerifierFactors
from idp.storage.accounts import find_row
from idp.storage.credentials import list_totps, replace_totps, totp
from idp.verifier_registers import DatabaseRegisters
from keystore.errors import KeystoreError
from keystore.log.events import Event, EventType
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import AuthenticatorTooYoung
from keystore.signer.activation import SignatureActivation
from keystore.signer.evidence import StatementEvidence
from keystore.signer.model import MadeKey
from signing import errors as signing_errors
from signing.model import Role
from signing.ports import Signer
from tests.support.racing import race
from tests.support.signer import activation_of
from tests.support.verifier import VerifierBench

_STEP = timedelta(seconds=30)
_KEY = MadeKey("pkey_1", "ES256", b"spki")


@dataclass
class Hands:
    """Login, enrolment and confirmation of one service, over a verifier or none."""

    house: Any
    bench: VerifierBench | None
    now: datetime
    client: VerifierClient | None = None

    def __post_init__(self) -> None:
        house = self.house
        if self.bench is not None:
            self.client = self.client or self.bench.client(lambda: self.now)
        holder = None if self.client is None else VerifierHolder(self.client)
        self.codes = CodeHolders(house.store, verifier=holder)
        self.enrolment = TotpEnrolment(
            house.database,
            store=house.store,
            sealer=house.sealer,
            log=house.log,
            attempts=house.attempts,
            notices=house.notices,
            issuer="Ấn Tín",
            codes=self.codes,
        )
        self.login = Login(
            house.database,
            store=house.store,
            sealer=house.sealer,
            attempts=house.attempts,
            passwords=house.passwords,
            codes=self.codes,
        )
        self.factors = VerifierFactors(house.database, sealer=house.sealer, client=self.client)

    def enrol(self, account_id: AccountId, source: Source, *, announced: bool = True) -> bytes:
        """By activation code and first code; the secret.  A step passes."""
        code = issue_activation_code(
            self.house.database,
            account_id,
            sealer=self.house.sealer,
            log=self.house.log,
            now=self.now,
        )
        if announced and self.bench is not None:
            keeper = self.bench.client(lambda: self.now, is_keeper=True)
            keeper.expect_activation(
                account_id, normalise_activation_code(code), expires_at=self.now + _STEP
            )
        pending = self.enrolment.start(
            account_id,
            raw_activation_code=code.lower(),
            label="•••017",
            source=source,
            now=self.now,
        )
        again = self.enrolment.find_pending(
            account_id, pending_id=pending.pending_id, label="•••017", now=self.now
        )
        assert again == pending, "the page can be shown again"
        secret = base64.b32decode(pending.secret)
        self.enrolment.confirm(
            account_id,
            pending_id=pending.pending_id,
            raw_code=code_at(secret, now=self.now),
            source=source,
            now=self.now,
        )
        self.now += _STEP
        return secret

    def sign_in(
        self, account_id: AccountId, code: str, source: Source
    ) -> OtpAccepted | LoginRefused:
        """With a code."""
        return self.login.check_otp(
            account_id=account_id, raw_code=code, source=source, now=self.now
        )

    def confirm(
        self, account_id: AccountId, code: str, *, wanted: SignatureActivation | None = None
    ) -> StatementEvidence | str:
        """With a code; the reason when it does not confirm."""
        wanted = wanted or activation_of(_KEY, None, now=self.now, account_id=account_id)
        signer = Signer(account_id=account_id, role=Role.PERSON)
        try:
            return self.factors.confirm(wanted, code=code, signer=signer, now=self.now)
        except signing_errors.ConfirmationRefused as refusal:
            return refusal.reason


class Away(VerifierClient):
    """A verifier that nobody runs."""

    def __init__(self) -> None:
        super().__init__("unix:/nowhere/verifier.sock", patience_s=0)


@pytest.fixture
def me(house) -> AccountId:
    return house.add_citizen("003091000017").account_id


@pytest.fixture
def bench(house, tmp_path: Path) -> Iterator[VerifierBench]:
    made = VerifierBench(tmp_path / "verifier", registers=DatabaseRegisters(house.database))
    yield made
    made.memory.close()


@pytest.fixture
def hands(house, bench) -> Hands:
    return Hands(house, bench, house.now)


def test_where_there_is_a_verifier_it_makes_new_authenticators(house, hands, me, source) -> None:
    secret = hands.enrol(me, source)
    with house.database.read() as connection:
        (kept,) = list_totps(connection, me, sealer=house.sealer)
        (row,) = connection.execute(totp.select())
    assert kept.holder is TotpHolder.VERIFIER
    assert secret not in kept.secret, "what the service keeps is not the secret"
    assert secret not in row.secret_sealed
    assert isinstance(hands.sign_in(me, code_at(secret, now=hands.now), source), OtpAccepted)


def test_what_the_service_keeps_of_it_gives_no_code(house, hands, me, source) -> None:
    """Whoever owns a web worker has root key, database and all that follows from them."""
    secret = hands.enrol(me, source)
    with house.database.read() as connection:
        (kept,) = list_totps(connection, me, sealer=house.sealer)
    guess = Totp(kept.totp_id, kept.secret, kept.created_at)
    assert code_at(guess.secret, now=hands.now) != code_at(secret, now=hands.now)
    with pytest.raises(KeystoreError):
        hands.client.show_totp(held(kept), account_id=me)


def test_both_orders_of_sign_in_and_confirmation(hands, me, source) -> None:
    """Architecture, decision 11: a code that signed in never signs, and the other way round."""
    secret = hands.enrol(me, source)
    code = code_at(secret, now=hands.now)
    assert isinstance(hands.sign_in(me, code, source), OtpAccepted)
    assert hands.confirm(me, code) == "wrong_code"
    hands.now += _STEP
    code = code_at(secret, now=hands.now)
    assert isinstance(hands.confirm(me, code), StatementEvidence)
    assert isinstance(hands.sign_in(me, code, source), LoginRefused)


def test_fifty_at_once_for_both_purposes(hands, me, source) -> None:
    secret = hands.enrol(me, source)
    code = code_at(secret, now=hands.now)
    acts: list[Callable[[], object]] = [
        partial(hands.confirm, me, code)
        if n % 2
        else partial(hands.sign_in, me, code, Source(f"192.0.2.{n}", None))
        for n in range(50)
    ]
    said = race(acts)
    assert sum(isinstance(one, OtpAccepted | StatementEvidence) for one in said) == 1


def test_an_authenticator_of_the_service_signs_in_and_never_confirms(
    house, hands, me, source
) -> None:
    before = Hands(house, None, house.now)
    secret = before.enrol(me, source)
    hands.now = before.now
    assert isinstance(hands.sign_in(me, code_at(secret, now=hands.now), source), OtpAccepted)
    hands.now += _STEP
    code = code_at(secret, now=hands.now)
    assert hands.confirm(me, code) == "no_authenticator"
    assert not hands.factors.has_authenticator(me)
    assert isinstance(hands.sign_in(me, code, source), OtpAccepted), "the code was not touched"


def test_an_authenticator_that_no_keeper_vouched_for_waits_72_hours(hands, me, source) -> None:
    secret = hands.enrol(me, source, announced=False)
    assert isinstance(hands.sign_in(me, code_at(secret, now=hands.now), source), OtpAccepted)
    hands.now += _STEP
    assert hands.confirm(me, code_at(secret, now=hands.now)) == "authenticator_too_young"
    hands.now += timedelta(hours=72)
    code = code_at(secret, now=hands.now)
    assert isinstance(hands.confirm(me, code), StatementEvidence)


def test_what_a_captured_worker_enrols_off_the_record_never_confirms(house, hands, me) -> None:
    """It may write any row; but then the log says so, or the verifier believes nothing."""
    totp_id = make_id("otp")
    made = hands.client.make_totp(totp_id, account_id=me, activation_code="")
    assert (
        hands.client.check_code(
            me, [held(Totp(totp_id, made.kept, hands.now))], code_at(made.secret, now=hands.now)
        ).outcome
        == "right"
    )
    with house.database.transaction() as tx:
        row = find_row(tx.connection, me, is_locked=True)
        new = Totp(totp_id, made.kept, hands.now, TotpHolder.VERIFIER)
        replace_totps(tx, row, new, sealer=house.sealer)
    for days in (0, 30):
        hands.now += timedelta(days=days)
        said = hands.confirm(me, code_at(made.secret, now=hands.now))
        assert said == "authenticator_too_young"


def test_a_captured_worker_beside_somebodys_authenticator_never_confirms(
    house, hands, me, source
) -> None:
    """With a row of the log that it writes as any worker does, and all the time it wants."""
    secret = hands.enrol(me, source)
    totp_id = make_id("otp")
    made = hands.client.make_totp(totp_id, account_id=me, activation_code="")
    new = Totp(totp_id, made.kept, hands.now, TotpHolder.VERIFIER)
    code = code_at(made.secret, now=hands.now)
    assert hands.client.check_code(me, [held(new)], code).outcome == "right"
    with house.database.transaction() as tx:
        row = find_row(tx.connection, me, is_locked=True)
        assert row is not None
        facts = {"replaced": 0, "totp_id": totp_id, "holder": "verifier"}
        event = Event(EventType.TOTP_ENROLLED, account_id=me, facts=facts)
        house.log.record(tx, event, data_key=row.data_key, now=hands.now)
    for days in (0, 4, 400):
        hands.now += timedelta(days=days)
        wanted = activation_of(_KEY, None, now=hands.now, account_id=me)
        code = code_at(made.secret, now=hands.now)
        with pytest.raises(AuthenticatorTooYoung):
            hands.client.confirm(me, [held(new)], code, wanted=wanted)
    code = code_at(secret, now=hands.now)
    assert isinstance(hands.confirm(me, code), StatementEvidence), "its owner goes on"


def test_a_row_that_is_put_back_brings_no_lost_telephone_back(house, hands, me, source) -> None:
    lost = hands.enrol(me, source)
    with house.database.read() as connection:
        (before,) = list_totps(connection, me, sealer=house.sealer)
    hands.enrol(me, source)
    with house.database.transaction() as tx:
        row = find_row(tx.connection, me, is_locked=True)
        replace_totps(tx, row, before, sealer=house.sealer)
    code = code_at(lost, now=hands.now)
    assert isinstance(hands.confirm(me, code), str)
    assert isinstance(hands.sign_in(me, code, source), LoginRefused)


def test_refusals_read_alike_whether_there_is_an_authenticator(house, hands, me, source) -> None:
    hands.enrol(me, source)
    without = house.add_citizen("005091000018").account_id
    said = [hands.sign_in(one, "123456x", source) for one in (me, without, AccountId("acc_no"))]
    assert said == [said[0]] * 3
    assert isinstance(said[0], LoginRefused)
    assert said[0].reason is RefusalReason.WRONG


def test_the_verifiers_own_limit_is_told_like_ours(house, hands, me) -> None:
    hands.enrol(me, Source("192.0.2.7"))
    with house.database.read() as connection:
        own = [held(one) for one in list_totps(connection, me, sealer=house.sealer)]
    for _ in range(15):
        assert hands.client.check_code(me, own, "").outcome == "wrong"
    refused = hands.sign_in(me, "123456", Source("192.0.2.8"))
    assert isinstance(refused, LoginRefused)
    assert refused.reason is RefusalReason.TOO_MANY
    assert refused.retry_at is not None
    assert refused.retry_at > hands.now
    assert hands.confirm(me, "123456") == "too_many"


def test_without_the_verifier_its_codes_are_refused_and_others_go_on(
    house, hands, me, source
) -> None:
    secret = hands.enrol(me, source)
    other = house.add_citizen("005091000018").account_id
    own = Hands(house, None, hands.now).enrol(other, source)
    away = Hands(house, None, hands.now + _STEP, client=Away())
    for act in (
        lambda: away.sign_in(me, code_at(secret, now=away.now), source),
        lambda: away.enrol(me, source),
    ):
        with pytest.raises(StorageUnavailable):
            act()
    with pytest.raises(signing_errors.SecondFactorUnavailable):
        away.confirm(me, code_at(secret, now=away.now))
    assert isinstance(away.sign_in(other, code_at(own, now=away.now), source), OtpAccepted)
    none = Hands(house, None, away.now)
    with pytest.raises(SecondFactorUnavailable):
        none.sign_in(me, code_at(secret, now=none.now), source)
    hands.now = away.now
    code = code_at(secret, now=hands.now)
    assert isinstance(hands.sign_in(me, code, source), OtpAccepted), "by itself"


def test_tries_while_the_verifier_is_away_are_no_tries(house, hands, me, source) -> None:
    secret = hands.enrol(me, source)
    away = Hands(house, None, hands.now, client=Away())
    for _ in range(6):
        with pytest.raises(SecondFactorUnavailable):
            away.sign_in(me, "123456", source)
    assert isinstance(hands.sign_in(me, code_at(secret, now=hands.now), source), OtpAccepted)
    hands.now += _STEP
    refused = hands.sign_in(me, "12345", source)
    assert isinstance(refused, LoginRefused)
    assert refused.attempts_left == 4


def test_a_first_code_is_refused_by_the_verifiers_words(house, hands, me, source) -> None:
    code = issue_activation_code(
        house.database, me, sealer=house.sealer, log=house.log, now=hands.now
    )
    pending = hands.enrolment.start(
        me, raw_activation_code=code, label="x", source=source, now=hands.now
    )
    with pytest.raises(EnrolmentRefused):
        hands.enrolment.confirm(
            me, pending_id=pending.pending_id, raw_code="x", source=source, now=hands.now
        )
    for _ in range(15):
        hands.client.check_code(me, [], "")
    with pytest.raises(TooManyAttempts) as refused:
        hands.enrolment.confirm(
            me, pending_id=pending.pending_id, raw_code="x", source=source, now=hands.now
        )
    assert refused.value.retry_at > hands.now
    assert make_secret() not in repr(pending).encode()
