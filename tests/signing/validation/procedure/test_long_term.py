"""Signatures over time: what timestamps prove, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.validation.algorithm_acceptance import TS_119_312_OVER_TIME
from signing.validation.cms import read_cms
from signing.validation.context import Context, pool_of
from signing.validation.found import FoundDocument, FoundTimestamp, TimestampKind, object_identity
from signing.validation.policy import POLICY, ValidationPolicy
from signing.validation.procedure.basic import validate_basic
from signing.validation.procedure.long_term import validate_in_time
from signing.validation.procedure.signature import conclude_signature, conclude_timestamps
from signing.validation.procedure.with_time import compare_times
from signing.validation.verdict import Indication, SubIndication, because
from tests.support.isolation import WithoutWalls
from tests.support.lasting_pki import LastingPki
from tests.support.signatory import SIGNING_TIME
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
