"""Evidence records in a CMS: over all of it as it was before they came."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from signing.formats.cms import encode_signer, frame_signed_data
from signing.formats.der import attribute, read_one
from signing.formats.material import Level
from signing.formats.signed_data import SignedData, read_signed_data
from signing.isolation.blob import Blob
from signing.validation.cms import read_cms
from signing.validation.cms_evidence import without_attributes
from signing.validation.detached import Detached
from signing.validation.found import FoundSignature, FoundTimestamp, TimestampKind, object_identity
from signing.validation.timestamp_info import find_info
from tests.support.evidence_records import Records, digest
from tests.support.signatory import SIGNING_TIME, SigningPki
from tests.support.validation_house import CONTENT, ValidationHouse

INTERNAL, EXTERNAL = "1.2.840.113549.1.9.16.2.49", "1.2.840.113549.1.9.16.2.50"
COUNTERSIGNATURE = "1.2.840.113549.1.9.6"


@pytest.fixture(scope="module")
def records(signing_pki: SigningPki) -> Records:
    return Records(signing_pki)


@pytest.fixture(scope="module")
def attached(validation_house: ValidationHouse) -> bytes:
    return validation_house.cms(Level.B, is_enveloping=True)


@pytest.fixture(scope="module")
def apart(validation_house: ValidationHouse) -> bytes:
    return validation_house.cms(Level.B)


def with_unsigned(raw: bytes, *attributes: bytes) -> bytes:
    """A CMS with attributes more, in the order of DER."""
    data = read_signed_data(raw)
    own = data.signers[0]
    more = replace(own, unsigned_attributes=(*own.unsigned_attributes, *attributes))
    return encode(replace(data, signers=(more,)))


def encode(data: SignedData) -> bytes:
    if data.content is None:
        frame = frame_signed_data(data, content_size=None)
        return frame.head + frame.tail
    frame = frame_signed_data(data, content_size=len(data.content))
    return frame.head + bytes(data.content) + frame.tail


def opened(raw: bytes) -> bytes:
    """The same in BER: lengths on the way to SignedData are left open."""
    kind, tagged = read_one(raw).children()
    [inner] = tagged.children()
    open_inner = b"\x30\x80" + bytes(inner.content) + b"\0\0"
    return b"\x30\x80" + bytes(kind.whole) + b"\xa0\x80" + open_inner + b"\0\0\0\0"


def read(raw: bytes, *, beside: bytes | None = None) -> tuple[FoundSignature, list[bool | None]]:
    """The signature, and of each timestamp of a record whether it is over what it has to be."""
    detached = [] if beside is None else [Detached("", Blob.of(beside))]
    with Blob.of(raw) as document:
        found = read_cms(document, detached=detached).signatures[0]
        fits = [_fits(one) for one in found.timestamps if one.kind is TimestampKind.EVIDENCE]
    return found, fits


def _fits(one: FoundTimestamp) -> bool | None:
    info = find_info(one.token)
    assert info is not None
    over = one.digest_of(info.hash_name)
    return None if over is None else over == info.imprint


def test_an_internal_record_is_over_the_cms_without_it(records: Records, attached: bytes) -> None:
    """RFC 4998 appendix A: the attribute is removed, lengths are adapted, nothing else changes."""
    record = records.record([records.stamp(digest(attached))])
    sealed = with_unsigned(attached, attribute(INTERNAL, record))
    assert without_attributes(sealed, signer=0, places=frozenset({0})) == attached
    found, fits = read(sealed)
    assert fits == [True]
    assert found.doubts == ()
    assert found.value is not None
    assert object_identity(found.value.value) in found.timestamps[0].covers
    changed = with_unsigned(sealed, attribute("1.2.3", b"\x05\x00"))
    assert read(changed)[1] == [False]


def test_a_record_in_another_encoding_is_over_what_was_written(
    records: Records, attached: bytes
) -> None:
    """RFC 4998 appendix A: the existing coding must not be modified; TS 119 122-3 has it in DER."""
    for stamped in (opened(attached), attached):
        record = records.record([records.stamp(digest(stamped))])
        sealed = opened(with_unsigned(attached, attribute(INTERNAL, record)))
        assert read(sealed)[1] == [True]


def test_an_external_record_is_over_the_content_as_well(records: Records, apart: bytes) -> None:
    """RFC 4998 appendix A, the second selection method."""
    leaves = [digest(apart), digest(CONTENT)]
    record = records.record([records.stamp(digest(*leaves), leaves)])
    sealed = with_unsigned(apart, attribute(EXTERNAL, record))
    assert read(sealed, beside=CONTENT)[1] == [True]
    assert read(sealed, beside=b"something else")[1] == [False]
    assert read(sealed)[1] == [None]
    stray = records.record([records.stamp(bytes(32), leaves)])
    # that its tree leads elsewhere can be told without the content
    assert read(with_unsigned(apart, attribute(EXTERNAL, stray)))[1] == [False]
    alone = records.record([records.stamp(digest(apart))])
    assert read(with_unsigned(apart, attribute(EXTERNAL, alone)), beside=CONTENT)[1] == [False]


@pytest.mark.parametrize("kinds", [(INTERNAL, EXTERNAL), (EXTERNAL, INTERNAL)])
def test_a_later_record_is_over_the_earlier_one(
    signing_pki: SigningPki, records: Records, attached: bytes, kinds: tuple[str, str]
) -> None:
    """RFC 4998 appendix A: of several the first ones remain, in the order of their times."""
    later = Records(signing_pki, now=SIGNING_TIME + timedelta(hours=1))
    first = records.token(digest(attached))
    once = with_unsigned(attached, attribute(kinds[0], records.record([records.around(first)])))
    second = later.record([later.stamp(digest(once))])
    twice = with_unsigned(once, attribute(kinds[1], second))
    found, fits = read(twice)
    assert fits == [True, True]
    assert object_identity(first) in found.timestamps[1].covers
    assert object_identity(first) not in found.timestamps[0].covers


def test_what_renews_a_timestamp_of_something_else_proves_nothing_of_a_signature(
    validation_house: ValidationHouse, records: Records, attached: bytes
) -> None:
    """Whoever puts somebody's old record beside his signature does not make it older."""
    stray = records.token(digest(b"something else"))
    renewal = records.stamp(digest(stray))
    record = records.record([records.around(stray), renewal])
    sealed = with_unsigned(attached, attribute(INTERNAL, record))
    found, fits = read(sealed)
    assert fits == [False, True]
    assert found.value is not None
    assert object_identity(found.value.value) not in found.timestamps[1].covers
    later = SIGNING_TIME.replace(year=SIGNING_TIME.year + 1)
    report = validation_house.validate(sealed, online=validation_house.online(), now=later)
    assert report.signatures[0].best_signature_time == later


def test_a_record_proves_since_when_a_signature_exists(
    validation_house: ValidationHouse, records: Records, attached: bytes
) -> None:
    """ETSI EN 319 102-1 §5.6.2.3."""
    record = records.record([records.stamp(digest(attached))])
    report = validation_house.validate(
        with_unsigned(attached, attribute(INTERNAL, record)), online=validation_house.online()
    )
    [stamp] = report.signatures[0].timestamps
    assert stamp.kind is TimestampKind.EVIDENCE
    assert stamp.conclusion.is_passed, stamp.conclusion
    assert report.signatures[0].best_signature_time == stamp.generated_at
    assert report.conclusion.is_passed


def test_what_is_no_record_is_named(attached: bytes) -> None:
    found, fits = read(with_unsigned(attached, attribute(INTERNAL, b"\x05\x00")))
    assert fits == []
    assert "evidence_record_unread" in {one.code for one in found.doubts}


def test_a_record_of_a_countersignature_is_named_and_not_judged(
    records: Records, attached: bytes
) -> None:
    """Its value is all that a countersignature is over (RFC 5652 §11.4)."""
    own = read_signed_data(attached).signers[0]
    record = records.record([records.stamp(digest(attached))])
    inner = replace(own, unsigned_attributes=(attribute(INTERNAL, record),))
    raw = with_unsigned(attached, attribute(COUNTERSIGNATURE, encode_signer(inner)))
    with Blob.of(raw) as document:
        counter = read_cms(document, detached=[]).signatures[1]
    assert counter.timestamps == ()
    assert "evidence_record_unread" in {one.code for one in counter.doubts}
