"""Signatures over time: what timestamps prove, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier

from keystore.backends.open_keys import open_private
from keystore.key_handle import SigningKey
from keystore.key_types import get_key_type
from keystore.pki.timestamp_requests import HashAlgorithm, MessageImprint
from keystore.pki.timestamp_tokens import Accuracy, TimestampFacts, prepare_signer
from keystore.purposes import TIMESTAMP
from signing.formats.algorithms import HASH_OIDS
from signing.formats.der import read_one
from signing.formats.material import Level, ValidationMaterial
from signing.isolation.blob import Blob
from signing.validation.algorithm_acceptance import TS_119_312_OVER_TIME
from signing.validation.cms import read_cms
from signing.validation.context import Context, pool_of
from signing.validation.found import FoundDocument, FoundTimestamp, TimestampKind, object_identity
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.model import Step
from signing.validation.policy import POLICY, ValidationPolicy
from signing.validation.procedure.basic import validate_basic
from signing.validation.procedure.chain_algorithms import key_of
from signing.validation.procedure.long_term import validate_in_time
from signing.validation.procedure.signature import (
    conclude_signature,
    conclude_timestamp,
    conclude_timestamps,
)
from signing.validation.procedure.with_time import compare_times
from signing.validation.verdict import Indication, SubIndication, because
from tests.support.isolation import WithoutWalls
from tests.support.lasting_pki import LastingPki
from tests.support.signatory import POLICY as TSA_POLICY
from tests.support.signatory import SIGNING_TIME, Issued, SigningPki
from tests.support.validation_house import OWN_POLICY, ValidationHouse

_DAY = timedelta(days=1)
_PASSED = Indication.TOTAL_PASSED


_RSA_ENDED: ValidationPolicy = replace(
    OWN_POLICY,
    algorithms=replace(
        TS_119_312_OVER_TIME,
        keys={**TS_119_312_OVER_TIME.keys, "rsa": ((1, SIGNING_TIME + _DAY),)},
    ),
)


@pytest.mark.parametrize(("level", "is_proved"), [(Level.B, False), (Level.T, True)])
def test_an_algorithm_that_ended_is_overcome_by_a_timestamp_alone(
    validation_house: ValidationHouse, level: Level, is_proved: bool
) -> None:
    """ETSI EN 319 102-1 §5.5.4: it was good enough when the signature is proved to have existed."""
    report = validation_house.validate(
        validation_house.pdf(level, hand=validation_house.pki.citizen_rsa),
        online=validation_house.online(),
        now=SIGNING_TIME + 2 * _DAY,
        policy=_RSA_ENDED,
    )
    assert report.conclusion.is_passed is is_proved
    expected = None if is_proved else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert report.conclusion.sub_indication is expected


def test_a_timestamp_whose_own_algorithm_ended_proves_nothing(
    validation_house: ValidationHouse,
) -> None:
    table = TS_119_312_OVER_TIME
    hashes = {**table.hashes, "sha256": SIGNING_TIME + _DAY}
    report = validation_house.validate(
        validation_house.pdf(Level.T),
        online=validation_house.online(),
        now=SIGNING_TIME + 2 * _DAY,
        policy=replace(OWN_POLICY, algorithms=replace(table, hashes=hashes)),
    )
    assert report.conclusion.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert "timestamp_not_usable" in {one.code for one in report.conclusion.warnings}


def test_a_signature_is_as_old_as_the_earliest_timestamp_that_passes(found, at, stamp) -> None:
    signature = replace(
        found(Level.LT),
        timestamps=(
            stamp(TimestampKind.SIGNATURE, SIGNING_TIME + 3 * _DAY),
            stamp(TimestampKind.SIGNATURE, SIGNING_TIME + 2 * _DAY, identity="earlier"),
            stamp(
                TimestampKind.SIGNATURE,
                SIGNING_TIME + _DAY,
                identity="of something else",
                digest_of=lambda _: bytes(31) + b"x",
            ),
        ),
    )
    report = conclude_signature(signature, context=at(signature, SIGNING_TIME + 4 * _DAY))
    assert report.best_signature_time == SIGNING_TIME + 2 * _DAY
    assert because("timestamp_broken", timestamp="of something else") in (
        report.conclusion.warnings
    )


def test_a_timestamp_over_references_proves_the_value_only_where_it_is_over_it(
    found, at, stamp
) -> None:
    signature = found(Level.LT)
    assert signature.value is not None
    later = SIGNING_TIME + 4 * _DAY
    over = object_identity(signature.value.value)
    for covers, expected in ((frozenset(), later), ({over}, SIGNING_TIME + _DAY)):
        one = stamp(TimestampKind.REFERENCES, SIGNING_TIME + _DAY, covers=frozenset(covers))
        stamped = replace(signature, timestamps=(one,))
        report = conclude_signature(stamped, context=at(stamped, later))
        assert report.best_signature_time == expected


def _timestamp(report) -> SubIndication | None:
    return report.timestamps[0].conclusion.sub_indication


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"digest_of": lambda _: None}, SubIndication.SIGNED_DATA_NOT_FOUND),
        ({"digest_of": lambda _: bytes(31)}, SubIndication.HASH_FAILURE),
        ({"token": b"nothing"}, SubIndication.FORMAT_FAILURE),
        ({"token": b""}, SubIndication.FORMAT_FAILURE),
        ({"findings": (because("odd"),)}, SubIndication.FORMAT_FAILURE),
    ],
)
def test_a_timestamp_is_over_what_it_has_to_be_over(
    found, at, stamp, changes: dict[str, object], expected: SubIndication | None
) -> None:
    """ETSI EN 319 102-1 §5.4; RFC 3161 §2.4.2."""
    one: FoundTimestamp = stamp(TimestampKind.SIGNATURE, SIGNING_TIME, **changes)
    signature = replace(found(Level.LT), timestamps=(one,))
    assert _timestamp(conclude_signature(signature, context=at(signature))) is expected


def test_a_list_in_between_counts_by_its_hash(found, at, stamp) -> None:
    """ETSI EN 319 102-1 §5.6.2.3: what is proved is proved by every digest on the way."""
    for name, expected in (
        ("sha512", None),
        ("sha1", SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ):
        one = stamp(TimestampKind.ARCHIVE, SIGNING_TIME, hash_names=frozenset({name}))
        signature = replace(found(Level.LT), timestamps=(one,))
        assert _timestamp(conclude_signature(signature, context=at(signature))) is expected


def test_a_token_whose_signature_is_changed_has_failed(found, at, stamp) -> None:
    one: FoundTimestamp = stamp(TimestampKind.SIGNATURE, SIGNING_TIME)
    token = bytes((*one.token[:-1], one.token[-1] ^ 1))
    signature = replace(found(Level.LT), timestamps=(replace(one, token=token),))
    report = conclude_signature(signature, context=at(signature))
    assert _timestamp(report) is SubIndication.SIG_CRYPTO_FAILURE
    assert report.best_signature_time == SIGNING_TIME


def test_a_timestamp_from_the_future_proves_nothing(found, at, stamp) -> None:
    signature = found(Level.LT)
    stamped = replace(signature, timestamps=(stamp(TimestampKind.SIGNATURE, SIGNING_TIME + _DAY),))
    report = conclude_signature(stamped, context=at(stamped))
    assert _timestamp(report) is SubIndication.TIMESTAMP_ORDER_FAILURE


def test_a_content_timestamp_later_than_the_signature_is_out_of_order(found, at, stamp) -> None:
    """ETSI EN 319 102-1 §5.5.4: TIMESTAMP_ORDER_FAILURE."""
    stamps = (
        stamp(TimestampKind.CONTENT, SIGNING_TIME + 2 * _DAY),
        stamp(TimestampKind.SIGNATURE, SIGNING_TIME + _DAY),
    )
    signature = replace(found(Level.LT), timestamps=stamps)
    report = conclude_signature(signature, context=at(signature, SIGNING_TIME + 3 * _DAY))
    assert report.conclusion.sub_indication is SubIndication.TIMESTAMP_ORDER_FAILURE
    in_order = replace(
        signature,
        timestamps=tuple(
            replace(one, kind=kind)
            for one, kind in zip(
                stamps, (TimestampKind.SIGNATURE, TimestampKind.CONTENT), strict=True
            )
        ),
    )
    report = conclude_signature(in_order, context=at(in_order, SIGNING_TIME + 3 * _DAY))
    assert report.conclusion.indication is _PASSED, report.conclusion


def test_what_was_signed_after_the_revocation_has_failed(
    validation_house: ValidationHouse, found, at, stamp
) -> None:
    """ETSI EN 319 102-1 §5.3.4: the content timestamp says that it was signed later."""
    online = validation_house.online(revoked=[validation_house.pki.citizen.serial])
    now = SIGNING_TIME + 3 * _DAY
    # the answer says: an hour ago
    content = stamp(TimestampKind.CONTENT, now - timedelta(minutes=30))
    signature = replace(found(Level.B), timestamps=(content,))
    report = conclude_signature(signature, context=at(signature, now, online=online))
    assert report.conclusion.indication is Indication.TOTAL_FAILED
    assert report.conclusion.sub_indication is SubIndication.REVOKED


def test_what_was_signed_after_the_certificate_ended_has_failed(stamp) -> None:
    """ETSI EN 319 102-1 §5.3.4: EXPIRED."""
    pki = LastingPki(SIGNING_TIME - 30 * _DAY)
    house = ValidationHouse(pki, WithoutWalls())
    ended = pki.citizen.issued.certificate.not_valid_after_utc
    with Blob.of(house.cms(Level.LT, is_enveloping=True)) as blob:
        (signature,) = read_cms(blob, detached=()).signatures
        pki.replace_services(ended)
        token = pki.timestamps(now=ended + _DAY).stamp(bytes(32), hash_name="sha256")
        content = stamp(TimestampKind.CONTENT, SIGNING_TIME, token=token)
        signature = replace(signature, timestamps=(content,))
        context = Context(
            OWN_POLICY,
            house.anchors,
            house.online(),
            ended + 2 * _DAY,
            pool_of(FoundDocument("cms", (signature,))),
        )
        report = conclude_signature(signature, context=context)
    assert report.timestamps[0].conclusion.is_passed, report.timestamps[0].conclusion
    assert report.conclusion.sub_indication is SubIndication.EXPIRED


def test_a_signature_older_than_its_certificate_has_failed(
    validation_house: ValidationHouse, found, at
) -> None:
    """ETSI EN 319 102-1 §5.5.4: NOT_YET_VALID."""
    signature = found(Level.LT)
    certificate = validation_house.pki.citizen.issued.certificate
    context = at(signature, certificate.not_valid_after_utc + _DAY)
    basic = validate_basic(signature, context=context)
    assert not basic.conclusion.is_passed
    early = certificate.not_valid_before_utc - _DAY
    compared = compare_times(basic, best_time=early, context=context)
    assert compared.is_failed
    assert compared.sub_indication is SubIndication.NOT_YET_VALID


def test_a_timestamp_that_is_too_late_is_a_doubt_where_a_policy_says_so(found, at, stamp) -> None:
    signature = found(Level.LT)
    stamped = replace(
        signature, timestamps=(stamp(TimestampKind.SIGNATURE, SIGNING_TIME + 2 * _DAY),)
    )
    now = SIGNING_TIME + 3 * _DAY
    for longest, expected in ((None, None), (_DAY, SubIndication.SIG_CONSTRAINTS_FAILURE)):
        policy = replace(OWN_POLICY, longest_timestamp_delay=longest)
        report = conclude_signature(stamped, context=at(stamped, now, policy=policy))
        assert report.conclusion.sub_indication is expected


def test_odd_claimed_times_are_warned_about(found, at, stamp) -> None:
    signature = replace(
        found(Level.LT),
        claimed_time=SIGNING_TIME - timedelta(days=4000),
        timestamps=(stamp(TimestampKind.SIGNATURE, SIGNING_TIME),),
    )
    report = conclude_signature(signature, context=at(signature))
    assert "claimed_time_outside_validity" in {one.code for one in report.conclusion.warnings}
    after = replace(signature, claimed_time=SIGNING_TIME + _DAY)
    report = conclude_signature(after, context=at(after, SIGNING_TIME + 2 * _DAY))
    assert "claimed_time_after_proof" in {one.code for one in report.conclusion.warnings}


def test_what_no_time_can_overcome_stays(found, at) -> None:
    signature = replace(found(Level.LT), malformed=(because("odd"),))
    context = at(signature)
    basic = validate_basic(signature, context=context)
    assert not basic.is_overcome_by_time
    in_time = validate_in_time(signature, basic=basic, context=context)
    assert in_time.conclusion.sub_indication is SubIndication.FORMAT_FAILURE
    assert in_time.past is None


def test_without_a_status_a_policy_may_be_content_with_a_warning(found, at) -> None:
    """TT 15/2025/TT-BKHCN, Annex II: the warning is there in any case."""
    signature = found(Level.B)
    policy = replace(OWN_POLICY, needs_status=False)
    report = conclude_signature(signature, context=at(signature, policy=policy))
    assert report.conclusion.indication is _PASSED
    assert "status_unavailable" in {one.code for one in report.conclusion.warnings}


def test_timestamps_alone_prove_each_other(
    validation_house: ValidationHouse, found, at, stamp
) -> None:
    one = stamp(TimestampKind.CONTAINER, SIGNING_TIME)
    reports = conclude_timestamps((one,), context=at(found(), online=validation_house.online()))
    assert [each.conclusion.is_passed for each in reports] == [True]
    assert reports[0].generated_at == SIGNING_TIME
    assert reports[0].token == one.token


def test_the_policy_of_others_is_named(found, at) -> None:
    signature = replace(found(Level.LT), policy_identifier="1.2.3")
    report = conclude_signature(signature, context=at(signature))
    assert because("signature_policy_not_processed", policy="1.2.3") in report.conclusion.warnings


def test_the_default_policy_is_of_ours() -> None:
    assert POLICY.algorithms.reference.startswith("ETSI TS 119 312")


def _stamped_at(pki: SigningPki, made_at: datetime) -> bytes:
    """A token over 32 zeros by an authority that does not look at its own certificate."""
    handle = open_private(pki.tsa.key, kind=get_key_type("ES256"))
    key = SigningKey("tsa-key", "ES256", TIMESTAMP, pki.tsa.spki, handle)
    algorithm = HashAlgorithm(algorithm=ObjectIdentifier(HASH_OIDS["sha256"]), parameters=None)
    response = prepare_signer(key, chain=(pki.tsa.der, pki.issuing.der)).granted(
        TimestampFacts(
            imprint=MessageImprint(hash_algorithm=algorithm, hashed_message=bytes(32)),
            policy=ObjectIdentifier(TSA_POLICY),
            serial_number=1,
            gen_time=made_at,
            accuracy=Accuracy(seconds=1, millis=None, micros=None),
            is_ordered=False,
            nonce=None,
        ),
        with_certificates=True,
    )
    return bytes(read_one(response).children()[1].whole)


@pytest.mark.parametrize(("days", "is_in_time"), [(-40, False), (-1, True)])
def test_a_timestamp_outside_the_validity_of_its_authority_proves_nothing(
    validation_house: ValidationHouse, found, at, stamp, days: int, is_in_time: bool
) -> None:
    """RFC 3161 §2.3: somebody with the key could have set the clock back."""
    token = _stamped_at(validation_house.pki, SIGNING_TIME + days * _DAY)
    signature = found(Level.LT)
    stamps = (stamp(TimestampKind.SIGNATURE, SIGNING_TIME, token=token),)
    report = conclude_signature(
        replace(signature, timestamps=stamps),
        context=at(signature, online=validation_house.online()),
    )
    codes = {one.code for one in report.timestamps[0].conclusion.reasons}
    assert ("timestamp_outside_validity" not in codes) is is_in_time
    expected = SIGNING_TIME + days * _DAY if is_in_time else SIGNING_TIME
    assert report.best_signature_time == expected


def test_evidence_that_was_not_fresh_when_it_signed_is_not_enough(found, at, stamp) -> None:
    """ETSI EN 319 102-1 §5.5.4: TRY_LATER is overcome by evidence that was fresh then."""
    signature = found(Level.LT)
    for after, is_enough in ((6, True), (8, False)):
        stamped = replace(
            signature,
            timestamps=(stamp(TimestampKind.SIGNATURE, SIGNING_TIME + after * _DAY),),
        )
        context = at(stamped, SIGNING_TIME + 9 * _DAY)
        basic = validate_basic(stamped, context=context)
        best_time = SIGNING_TIME + after * _DAY
        compared = compare_times(basic, best_time=best_time, context=context)
        assert compared.is_passed is is_enough, compared
        if not is_enough:
            assert compared.sub_indication is SubIndication.TRY_LATER


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("signed_object_changed", SubIndication.HASH_FAILURE),
        ("signed_object_missing", SubIndication.SIGNED_DATA_NOT_FOUND),
    ],
)
def test_files_that_a_timestamped_manifest_lists_count_as_what_it_is_over(
    found, at, stamp, code: str, expected: SubIndication
) -> None:
    """ETSI EN 319 162-1 §4.4.3; EN 319 102-1 §5.4."""
    one = stamp(TimestampKind.CONTAINER, SIGNING_TIME, findings=(because(code),))
    report = conclude_timestamp(one, context=at(found()))
    assert report.conclusion.sub_indication is expected


def test_an_anchor_given_up_after_it_signed_was_one_when_it_signed(
    validation_house: ValidationHouse, found, at
) -> None:
    """ETSI EN 319 102-1 §5.5.4: NO_CERTIFICATE_CHAIN_FOUND_NO_POE is overcome by a proof."""
    pki = validation_house.pki
    signature = found(Level.B)
    lists = (_list_of(pki.issuing), pki.status().root_crl(now=SIGNING_TIME))
    now = SIGNING_TIME + 2 * _DAY
    for until, is_overcome in ((SIGNING_TIME + _DAY, True), (SIGNING_TIME - _DAY, False)):
        given_up = anchor_of(pki.root.der, source="list", trusted_until=until)
        assert given_up is not None
        context = at(signature, now, anchors=KnownAnchors([given_up]))
        pool = context.pool.with_others(ValidationMaterial(crls=lists))
        context = replace(context, pool=pool)
        basic = validate_basic(signature, context=context)
        expected = SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE
        assert basic.conclusion.sub_indication is expected
        compared = compare_times(basic, best_time=SIGNING_TIME, context=context)
        assert compared.is_passed is is_overcome, compared
        assert is_overcome or compared.sub_indication is expected


def _list_of(issuer: Issued) -> bytes:
    """A list that names nobody, by the key of the authority itself."""
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(SIGNING_TIME)
        .next_update(SIGNING_TIME + 9 * _DAY)
        .add_extension(x509.CRLNumber(7), critical=False)
        .sign(issuer.key, SHA256())
    )
    return made.public_bytes(Encoding.DER)


def test_a_signature_that_nothing_was_signed_with_but_a_bare_key_is_verified(found, at) -> None:
    """ETSI EN 319 102-1 §5.2.3.4: whose key it is, nobody says."""
    signature = found(Level.B)
    key = key_of(signature.candidate)
    bare = replace(signature, candidate=None, certificates=(), references=None, key=key)
    report = conclude_signature(bare, context=at(bare))
    checks = {one.step: one.conclusion for one in report.checks}
    assert checks[Step.CRYPTOGRAPHY].is_passed
    assert report.conclusion.sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    assert report.algorithm == "ECDSA 256"
    assert report.chain == ()


def test_a_policy_may_want_a_reference_to_the_certificate(found, at) -> None:
    signature = replace(found(Level.LT), references=None)
    context = at(signature, policy=replace(OWN_POLICY, needs_certificate_reference=True))
    report = conclude_signature(signature, context=context)
    assert report.conclusion.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE
    assert report.level == "CAdES"
