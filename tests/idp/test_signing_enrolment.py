"""A signing key with a certificate: who gets one, with what it is confirmed, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from idp.accounts.model import Account
from keystore.clock import to_ms
from keystore.log.events import EventType
from keystore.one_time_codes import code_at
from keystore.pki.profiles import Profile
from keystore.signer.activation import SignatureActivation, new_nonce
from keystore.signer.errors import EvidenceRefused, SignerUnavailable
from signing.errors import CertificateRefused, ConfirmationRefused, SignerAway
from signing.ports import Signer, SigningCredential
from tests.support.authenticator import Authenticator
from tests.support.enrolment_house import EnrolmentHouse, open_house
from tests.support.mandates import end_mandate
from tests.support.signer import SIGNER, digests_of, events

_LONG_AGO = timedelta(hours=72)


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    """On SQLite alone: the storage files have tests of their own on both."""
    with open_house(sqlite_url, tmp_path, now=now) as opened:
        yield opened


@pytest.fixture
def person(house: EnrolmentHouse) -> Account:
    """Somebody of level 2 with an app that was bound at proofing."""
    made = house.person()
    house.give_app(made)
    return made


def _activation(
    credential: SigningCredential, house: EnrolmentHouse, *, passkey: bytes = b""
) -> SignatureActivation:
    return SignatureActivation(
        signer=SIGNER,
        purpose="document",
        request_id="req_1",
        account_id=credential.owner_id,
        key_id=credential.key_id,
        credential_id=passkey,
        client_id="portal",
        hash_name="sha256",
        digests=digests_of(),
        expires_ms=to_ms(house.now + timedelta(seconds=120)),
        nonce=new_nonce(),
    )


def _policies(credential: SigningCredential) -> set[str]:
    certificate = x509.load_der_x509_certificate(credential.signatory.certificate)
    found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    return {
        one.policy_identifier.dotted_string.removeprefix("1.3.6.1.4.1.32473.1.") for one in found
    }


# -- codes -----------------------------------------------------------------------------------------


def test_one_code_makes_a_key_and_the_next_one_signs_with_it(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    assert house.enrolment.may_enrol(signer, now=house.now) == ""
    house.enrol_by_code(person, signer)
    (credential,) = house.held(signer)
    assert credential.scal == 1
    assert credential.holder == person.profile.name
    assert {"1.3", "2.2", "3.1", "9"} == _policies(credential)
    code = house.code(person)
    activation = _activation(credential, house)
    statement = house.factors.confirm(activation, code=code, signer=signer, now=house.now)
    (signature,) = house.door.activate(activation, statement)
    assert signature
    assert len(events(house.services.database, EventType.PERSONAL_KEY_CREATED)) == 1
    assert len(events(house.services.database, EventType.CERTIFICATE_ISSUED)) >= 1


def test_the_code_that_made_the_key_signs_nothing(house: EnrolmentHouse, person: Account) -> None:
    """RFC 6238 §5.2: a code is taken once."""
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    (credential,) = house.held(signer)
    used = code_at(house.secrets[person.account_id], now=house.now)
    with pytest.raises(ConfirmationRefused, match="wrong_code"):
        house.factors.confirm(
            _activation(credential, house), code=used, signer=signer, now=house.now
        )


def test_a_code_that_signed_in_makes_no_key(house: EnrolmentHouse, person: Account) -> None:
    """Architecture, decision 11: a code that signed in never confirms."""
    signer = house.signer(person)
    code = house.code(person)
    said = house.client.check_code(person.account_id, house.factors._held(person.account_id), code)
    assert said.outcome == "right"
    house.enrolment.prepare(signer, scal=1, now=house.now)
    with pytest.raises(ConfirmationRefused, match="wrong_code"):
        house.enrolment.finish_by_code(signer, code=code, now=house.now)
    assert house.door.made == []


def test_a_wrong_code_leaves_the_enrolment_open_for_a_right_one(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    with pytest.raises(ConfirmationRefused, match="wrong_code"):
        house.enrolment.finish_by_code(signer, code="000000", now=house.now)
    house.enrolment.finish_by_code(signer, code=house.code(person), now=house.now)
    assert len(house.held(signer)) == 1


def test_what_was_confirmed_once_is_over(house: EnrolmentHouse, person: Account) -> None:
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    with pytest.raises(ConfirmationRefused, match="window_closed"):
        house.enrolment.finish_by_code(signer, code=house.code(person), now=house.now)


def test_a_window_that_is_over_takes_no_code(house: EnrolmentHouse, person: Account) -> None:
    signer = house.signer(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    house.advance(timedelta(seconds=300))
    with pytest.raises(ConfirmationRefused, match="window_closed"):
        house.enrolment.finish_by_code(signer, code=house.code(person), now=house.now)


def test_a_code_of_somebody_else_makes_no_key(house: EnrolmentHouse, person: Account) -> None:
    other = house.person(number="003190001119")
    house.give_app(other)
    signer = house.signer(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    with pytest.raises(ConfirmationRefused, match="wrong_code"):
        house.enrolment.finish_by_code(signer, code=house.code(other), now=house.now)


def test_a_signer_that_is_away_made_nothing(house: EnrolmentHouse, person: Account) -> None:
    signer = house.signer(person)
    house.door.failure = SignerUnavailable()
    code = house.code(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    with pytest.raises(SignerAway):
        house.enrolment.finish_by_code(signer, code=code, now=house.now)
    assert house.held(signer) == ()


# -- seals -----------------------------------------------------------------------------------------


def test_a_seal_is_the_organisations_and_its_clerk_confirms_it(
    house: EnrolmentHouse, person: Account
) -> None:
    organisation, mandate = house.organisation(person)
    signer = house.signer(person, organisation)
    house.enrol_by_code(person, signer)
    (credential,) = house.held(signer)
    assert credential.owner_id == organisation.account_id
    assert credential.holder == organisation.profile.name
    (record,) = house.pki.certificates.of_account(organisation.account_id)
    assert record.profile == Profile.SEAL
    assert house.held(house.signer(person)) == ()
    (made,) = events(house.services.database, EventType.PERSONAL_KEY_CREATED)
    assert mandate.mandate_id in made["facts"]


def test_a_mandate_that_ended_makes_no_seal(house: EnrolmentHouse, person: Account) -> None:
    """NĐ 30/2020/NĐ-CP Art. 32: whoever keeps the seal uses it."""
    organisation, mandate = house.organisation(person)
    signer = house.signer(person, organisation)
    code = house.code(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    services = house.services
    end_mandate(services.database, mandate, log=services.log, now=house.now)
    with pytest.raises(CertificateRefused, match="mandate_ended"):
        house.enrolment.finish_by_code(signer, code=code, now=house.now)
    assert house.door.made == []


def test_the_verifier_looks_for_the_mandate_itself(house: EnrolmentHouse, person: Account) -> None:
    organisation, mandate = house.organisation(person)
    signer = house.signer(person, organisation)
    code = house.code(person)
    wanted = house.enrolment.prepare(signer, scal=1, now=house.now)
    believed = house.signers.refresh(signer, client_id=None, now=house.now)
    assert believed is not None
    services = house.services
    end_mandate(services.database, mandate, log=services.log, now=house.now)
    with pytest.raises(ConfirmationRefused, match="mandate_ended"):
        house.factors.state(wanted, code=code, signer=believed, now=house.now)


# -- passkeys --------------------------------------------------------------------------------------


def _by_passkey(
    house: EnrolmentHouse, signer: Signer, passkey: Authenticator, *, code: str = "", **wrong: str
) -> None:
    wanted = house.enrolment.prepare(
        signer, scal=2, passkeys=[passkey.credential_id], now=house.now
    )
    evidence = passkey.confirm(wanted.challenge(), **wrong)
    house.enrolment.finish_by_passkey(signer, evidence=evidence, code=code, now=house.now)


def test_a_passkey_makes_the_key_that_it_alone_opens(
    house: EnrolmentHouse, person: Account
) -> None:
    passkey = house.give_passkey(person)
    house.advance(_LONG_AGO)
    signer = house.signer(person)
    _by_passkey(house, signer, passkey)
    (credential,) = house.held(signer)
    assert (credential.scal, credential.passkeys) == (2, (passkey.credential_id,))
    assert "3.2" in _policies(credential)
    activation = _activation(credential, house, passkey=passkey.credential_id)
    assert house.door.activate(activation, passkey.confirm(activation.challenge()))
    with pytest.raises(ConfirmationRefused):  # and no code does
        house.factors.confirm(
            _activation(credential, house, passkey=passkey.credential_id),
            code=house.code(person),
            signer=signer,
            now=house.now,
        )


def test_a_young_passkey_makes_a_key_only_with_a_code_beside_it(
    house: EnrolmentHouse, person: Account
) -> None:
    passkey = house.give_passkey(person)
    signer = house.signer(person)
    ways = house.enrolment.ways(signer, now=house.now)
    assert (len(ways.passkeys), ways.alone) == (1, ())
    with pytest.raises(ConfirmationRefused, match="code_needed"):
        _by_passkey(house, signer, passkey)
    _by_passkey(house, signer, passkey, code=house.code(person))
    assert [one.scal for one in house.held(signer)] == [2]


def test_a_young_passkey_alone_is_not_old_enough(house: EnrolmentHouse) -> None:
    somebody = house.person()
    passkey = house.give_passkey(somebody)
    signer = house.signer(somebody)
    house.advance(_LONG_AGO - timedelta(seconds=1))
    assert house.enrolment.may_enrol(signer, now=house.now) == "no_second_factor"
    house.advance(timedelta(seconds=1))
    assert house.enrolment.may_enrol(signer, now=house.now) == ""
    _by_passkey(house, signer, passkey)
    assert len(house.held(signer)) == 1


def test_in_a_sandbox_a_passkey_need_not_wait(house: EnrolmentHouse) -> None:
    house.build(passkey_waits=timedelta(0))
    somebody = house.person()
    passkey = house.give_passkey(somebody)
    _by_passkey(house, house.signer(somebody), passkey)
    assert len(house.held(house.signer(somebody))) == 1


def test_where_the_signer_wants_a_statement_no_passkey_is_enough(
    house: EnrolmentHouse, person: Account
) -> None:
    house.build(passkey_waits=timedelta(0), needs_statement=True)
    passkey = house.give_passkey(person)
    with pytest.raises(ConfirmationRefused, match="code_needed"):
        _by_passkey(house, house.signer(person), passkey)
    _by_passkey(house, house.signer(person), passkey, code=house.code(person))


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://sign.example.evil"},
        {"rp_id": "evil.example"},
        {"flags": 0x01},
        {"type": "webauthn.create"},
        {"cross_origin": True},
    ],
)
def test_an_assertion_that_is_wrong_makes_no_key(house: EnrolmentHouse, person, wrong) -> None:
    """WebAuthn Level 3 §7.2, steps 10 to 18."""
    passkey = house.give_passkey(person)
    house.advance(_LONG_AGO)
    with pytest.raises(ConfirmationRefused, match=EvidenceRefused.code):
        _by_passkey(house, house.signer(person), passkey, **wrong)
    assert house.door.made == []


def test_another_passkey_than_the_one_that_was_fixed_makes_no_key(
    house: EnrolmentHouse, person: Account
) -> None:
    passkey, other = house.give_passkey(person), house.give_passkey(person)
    house.advance(_LONG_AGO)
    signer = house.signer(person)
    wanted = house.enrolment.prepare(
        signer, scal=2, passkeys=[passkey.credential_id], now=house.now
    )
    with pytest.raises(ConfirmationRefused, match=EvidenceRefused.code):
        house.enrolment.finish_by_passkey(
            signer, evidence=other.confirm(wanted.challenge()), now=house.now
        )


def test_a_passkey_of_somebody_else_cannot_be_chosen(
    house: EnrolmentHouse, person: Account
) -> None:
    other = house.person(number="003190001119")
    foreign = house.give_passkey(other)
    with pytest.raises(ConfirmationRefused, match="passkey_unknown"):
        house.enrolment.prepare(
            house.signer(person), scal=2, passkeys=[foreign.credential_id], now=house.now
        )


def test_what_is_prepared_for_passkeys_is_not_finished_with_a_code(
    house: EnrolmentHouse, person: Account
) -> None:
    passkey = house.give_passkey(person)
    signer = house.signer(person)
    house.enrolment.prepare(signer, scal=2, passkeys=[passkey.credential_id], now=house.now)
    with pytest.raises(ConfirmationRefused, match="passkey_needed"):
        house.enrolment.finish_by_code(signer, code=house.code(person), now=house.now)


def test_a_seal_under_one_clerks_passkey_is_offered_to_no_other(
    house: EnrolmentHouse, person: Account
) -> None:
    organisation, _mandate = house.organisation(person)
    passkey = house.give_passkey(person)
    house.advance(_LONG_AGO)
    signer = house.signer(person, organisation)
    _by_passkey(house, signer, passkey)
    assert len(house.held(signer)) == 1
    other = house.signer(house.person(number="003190001119"), organisation)
    assert house.held(other) == ()
