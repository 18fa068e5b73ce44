"""Evidence records in XAdES: over everything before them, written by lxml beside us."""

from __future__ import annotations

import base64
import hashlib

import pytest
from lxml import etree

from keystore.pki.der import SEQUENCE, wrap
from signing.validation.found import FoundSignature, FoundTimestamp, TimestampKind, object_identity
from signing.validation.timestamp_info import find_info
from tests.signing.validation.test_xml_timestamps import evidence, stamped
from tests.support.evidence_records import (
    ERS,
    Records,
    chain,
    digest,
    in_xml,
    record_in_xml,
    time_stamp,
)
from tests.support.signatory import SigningPki
from tests.support.xml_found import find_in, said_of
from tests.support.xml_signing import C14N, DS, EXCLUSIVE

SEALING = "http://uri.etsi.org/19132/v1.1.1#"
OWN = evidence(b"a list", kind="RevocationValues")


@pytest.fixture(scope="module")
def records(signing_pki: SigningPki) -> Records:
    return Records(signing_pki)


def sealed(record: str, *, before: str = OWN, behind: str = "") -> bytes:
    inside = f'<z:SealingEvidenceRecords xmlns:z="{SEALING}">{record}</z:SealingEvidenceRecords>'
    return stamped(before + inside + behind)


def in_asn1(record: bytes) -> str:
    inside = base64.b64encode(record).decode()
    return f"<z:ASN1EvidenceRecord>{inside}</z:ASN1EvidenceRecord>"


def group(*properties: str, form: str = C14N) -> bytes:
    """The digest of the group of data objects, by lxml."""
    root = etree.fromstring(stamped("".join(properties)))
    parts = [b"a"]  # what the reference is about
    own = [root.find(f"{{{DS}}}{name}") for name in ("SignedInfo", "SignatureValue")]
    [unsigned] = root.iter("{*}UnsignedSignatureProperties")
    objects = [one for one in root.iterfind(f"{{{DS}}}Object") if one.get("Id") == "o"]
    for one in (*own, *unsigned, *objects):
        is_exclusive = form == EXCLUSIVE
        parts.append(etree.tostring(one, method="c14n", exclusive=is_exclusive, with_tail=False))
    return digest(*(hashlib.sha256(one).digest() for one in parts))


def read(xml: bytes) -> tuple[FoundSignature, list[bool | None]]:
    found = find_in(xml)
    assert "contradiction" not in said_of(found)
    [signature] = found.signatures
    stamps = [one for one in signature.timestamps if one.kind is TimestampKind.EVIDENCE]
    return signature, [_fits(one) for one in stamps]


def _fits(one: FoundTimestamp) -> bool | None:
    info = find_info(one.token)
    assert info is not None
    over = one.digest_of(info.hash_name)
    return None if over is None else over == info.imprint


def test_a_record_in_asn_1_is_over_the_group_of_data_objects(records: Records) -> None:
    """ETSI TS 119 132-3 §5: references, own elements, properties before it, objects."""
    leaf = group(OWN)
    record = in_asn1(records.record([records.stamp(leaf, [leaf])]))
    signature, fits = read(sealed(record))
    assert fits == [True]
    [stamp] = signature.timestamps
    assert {object_identity(b"\0\0\0"), object_identity(b"a list")} <= stamp.covers
    added = OWN + evidence(b"made since", kind="later")
    assert read(sealed(record, before=added))[1] == [False]
    later = evidence(b"made since", kind="later")
    signature, fits = read(sealed(record, behind=later))
    assert fits == [True]
    assert object_identity(b"made since") not in signature.timestamps[0].covers


@pytest.mark.parametrize("form", [C14N, EXCLUSIVE])
def test_a_record_in_xml_may_say_how_things_are_written(records: Records, form: str) -> None:
    record = record_in_xml(chain(in_xml(records.token(group(OWN, form=form))), form=form))
    assert read(sealed(record))[1] == [True]


def _written_alone(token: bytes) -> bytes:
    """A TimeStamp by itself, in its exclusive form."""
    return time_stamp(token, declared=f' xmlns:e="{ERS}"').encode()


def test_renewals_in_xml_are_over_what_stood_there_before(records: Records) -> None:
    """RFC 6283 §4.2.1 (the timestamp before) and §4.2.2 (all chains, beside the documents)."""
    leaf = group(OWN)
    first = records.token(leaf)
    second = records.token(hashlib.sha256(_written_alone(first)).digest())
    old = chain(in_xml(first), in_xml(second, order=2), form=EXCLUSIVE)
    whole = etree.fromstring(record_in_xml(old)).find(f"{{{ERS}}}ArchiveTimeStampSequence")
    before = hashlib.sha256(etree.tostring(whole, method="c14n", exclusive=True)).digest()
    third = in_xml(records.token(digest(leaf, before)), [leaf, before])
    new = chain(third, form=EXCLUSIVE, order=2)
    signature, fits = read(sealed(record_in_xml(old, new)))
    assert fits == [True, True, True]
    one, other, last = signature.timestamps
    assert object_identity(b"\0\0\0") in one.covers & last.covers
    # what renews proves the timestamp before it, and nothing of the signature by itself
    assert object_identity(b"\0\0\0") not in other.covers
    assert object_identity(first) in other.covers & last.covers
    assert object_identity(second) in last.covers
    swapped = record_in_xml(new, old)
    assert read(sealed(swapped))[1] == [True, True, True]


def test_a_renewal_of_something_else_does_not_fit(records: Records) -> None:
    first = records.token(group(OWN))
    strange = records.token(hashlib.sha256(first).digest())
    record = record_in_xml(chain(in_xml(first), in_xml(strange, order=2), form=EXCLUSIVE))
    assert read(sealed(record))[1] == [True, False]
    stale = record_in_xml(
        chain(in_xml(first), form=EXCLUSIVE), chain(in_xml(first), form=EXCLUSIVE, order=2)
    )
    assert read(sealed(stale))[1] == [True, False]


@pytest.mark.parametrize(
    "record",
    [
        "<z:ASN1EvidenceRecord>AAAA</z:ASN1EvidenceRecord>",
        "<z:Something/>",
        record_in_xml(),
        record_in_xml(chain(form="urn:x")),
        record_in_xml(chain("<e:ArchiveTimeStamp Order='x'/>", form=C14N)),
        record_in_xml(
            chain("<e:ArchiveTimeStamp Order='1'><e:TimeStamp/></e:ArchiveTimeStamp>", form=C14N)
        ),
    ],
)
def test_what_is_no_record_is_named(record: str) -> None:
    found = find_in(sealed(record))
    assert "evidence_record_unread" in said_of(found)
    assert found.signatures[0].timestamps == ()


def test_a_second_record_is_over_the_first(records: Records) -> None:
    first = records.token(group(OWN))
    one = f'<z:SealingEvidenceRecords xmlns:z="{SEALING}">'
    one += in_asn1(records.record([records.around(first)])) + "</z:SealingEvidenceRecords>"
    second = in_asn1(records.record([records.stamp(group(OWN, one))]))
    signature, fits = read(sealed(second, before=OWN + one))
    assert fits == [True, True]
    assert object_identity(first) in signature.timestamps[1].covers


def test_a_sequence_in_asn_1_goes_on_over_the_group(records: Records) -> None:
    """RFC 4998 §5.3."""
    leaf = group(OWN)
    first = records.stamp(leaf)
    before = hashlib.sha256(wrap(SEQUENCE, wrap(SEQUENCE, first))).digest()
    again = hashlib.sha256(leaf + before).digest()
    record = records.record([first], [records.stamp(again)])
    assert read(sealed(in_asn1(record)))[1] == [True, True]
