"""What somebody can do to a signature in CMS is a finding with a name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from keystore.pki.der import SEQUENCE, wrap
from signing.formats import signed_attributes as signed
from signing.formats.cms import encode_signer, frame_signed_data, signature_timestamp
from signing.formats.der import OCTET_STRING, attribute, oid, set_of
from signing.formats.material import Level
from signing.formats.signed_data import SignedData, read_signed_data
from signing.validation.model import SignatureReport
from signing.validation.verdict import SubIndication
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki
from tests.support.validation_house import CONTENT, ValidationHouse

DATA, TST_INFO = "1.2.840.113549.1.7.1", "1.2.840.113549.1.9.16.1.4"
V1 = "1.2.840.113549.1.9.16.2.12"
PROTECTION = "1.2.840.113549.1.9.52"
COUNTERSIGNATURE = "1.2.840.113549.1.9.6"
SHA1 = wrap(SEQUENCE, bytes.fromhex("06052b0e03021a"))
PSS = "1.2.840.113549.1.1.10"


@dataclass(frozen=True, slots=True)
class Forge:
    """Signs whatever attributes it is told to."""

    house: ValidationHouse
    whole: SignedData

    @property
    def usual(self) -> list[bytes]:
        """What a signature says: content type, digest, certificate."""
        certificate = self.house.pki.citizen.signatory.certificate
        return [
            signed.content_type(DATA),
            signed.message_digest(hashlib.sha256(CONTENT).digest()),
            signed.signing_certificate(certificate, hash_name="sha256"),
        ]

    def sign(
        self, attributes: Sequence[bytes], *, unsigned: Sequence[bytes] = (), **own: Any
    ) -> bytes:
        """A CMS whose value is right over these attributes, as they are written."""
        octets = set_of(attributes)
        hand: Hand = self.house.pki.citizen
        value = hand.sign(hashlib.sha256(octets).digest())
        info = replace(
            self.whole.signers[0],
            signed_attributes=octets,
            signature=value,
            unsigned_attributes=tuple(unsigned),
            **own,
        )
        return encode(replace(self.whole, signers=(info,)))

    def judge(self, raw: bytes, **more: Any) -> SignatureReport:
        """The report about the first signature."""
        report = self.house.validate(raw, online=self.house.online(), **more)
        return report.signatures[0]


def encode(data: SignedData) -> bytes:
    content = bytes(data.content or b"")
    frame = frame_signed_data(data, content_size=len(content))
    return frame.head + content + frame.tail


@pytest.fixture(scope="module")
def forge(validation_house: ValidationHouse) -> Forge:
    whole = read_signed_data(validation_house.cms(Level.B, is_enveloping=True))
    return Forge(validation_house, whole)


def sha1(octets: bytes) -> bytes:
    """As older signatures have it."""
    return hashlib.new("sha1", octets, usedforsecurity=False).digest()


def said(report: SignatureReport) -> set[str]:
    conclusion = report.conclusion
    return {one.code for one in (*conclusion.reasons, *conclusion.warnings)}


def test_what_is_signed_as_it_should_be_passes(forge: Forge) -> None:
    report = forge.judge(forge.sign(forge.usual))
    assert report.conclusion.is_passed, report.conclusion


def _without(forge: Forge, place: int, *instead: bytes) -> list[bytes]:
    attributes = forge.usual
    attributes[place : place + 1] = instead
    return attributes


def _protecting(digest: bytes, algorithm: bytes) -> bytes:
    inner = wrap(SEQUENCE, digest, b"\xa1" + algorithm[1:])
    return attribute(PROTECTION, inner)


def test_attributes_that_the_standard_demands_are_missed_by_name(forge: Forge) -> None:
    """RFC 5652 §5.3, §11.1, §11.2, §11.4; RFC 6211 §3."""
    whole = forge.whole
    sha1_ecdsa = wrap(SEQUENCE, oid("1.2.840.10045.4.1"))
    cases = {
        "content_type_missing": _without(forge, 0),
        "content_type_differs": _without(forge, 0, signed.content_type(TST_INFO)),
        "message_digest_missing": _without(forge, 1),
        "algorithm_protection_differs": [
            *forge.usual,
            _protecting(whole.signers[0].digest_algorithm, sha1_ecdsa),
        ],
    }
    for code, attributes in cases.items():
        report = forge.judge(forge.sign(attributes))
        assert report.conclusion.sub_indication is SubIndication.FORMAT_FAILURE, code
        assert code in said(report)
    honest = _protecting(whole.signers[0].digest_algorithm, whole.signers[0].signature_algorithm)
    assert forge.judge(forge.sign([*forge.usual, honest])).conclusion.is_passed


def test_an_attribute_that_has_to_be_signed_counts_for_nothing_where_it_is_not(
    forge: Forge,
) -> None:
    digest = signed.message_digest(hashlib.sha256(CONTENT).digest())
    report = forge.judge(forge.sign(_without(forge, 1), unsigned=[digest]))
    assert "message_digest_missing" in said(report)
    own = forge.usual[2]
    report = forge.judge(forge.sign(_without(forge, 2), unsigned=[own]))
    assert "no_certificate_reference" in said(report)
    assert report.level == "CMS"


def test_a_digest_of_something_else_is_a_hash_failure(forge: Forge) -> None:
    other = signed.message_digest(hashlib.sha256(b"something else").digest())
    report = forge.judge(forge.sign(_without(forge, 1, other)))
    assert report.conclusion.sub_indication is SubIndication.HASH_FAILURE
    assert report.conclusion.is_failed


def test_a_content_without_the_attributes_that_its_type_demands_has_failed(forge: Forge) -> None:
    """RFC 5652 §5.3: signedAttrs must be there for every type but id-data."""
    bare = replace(forge.whole.signers[0], signed_attributes=b"")
    other = replace(forge.whole, content_type="1.2.3.4", signers=(bare,))
    report = forge.judge(encode(other))
    assert "signed_attributes_missing" in said(report)
    assert report.conclusion.is_failed


def _first_version(certificate: bytes) -> bytes:
    digest = sha1(certificate)
    named = wrap(SEQUENCE, wrap(OCTET_STRING, digest))
    return attribute(V1, wrap(SEQUENCE, wrap(SEQUENCE, named)))


def test_references_to_two_certificates_leave_open_whose_it_is(forge: Forge) -> None:
    """RFC 5035 §3: both versions are looked at; EN 319 102-1 §5.2.3."""
    pki = forge.house.pki
    both = [*forge.usual, _first_version(pki.citizen.signatory.certificate)]
    report = forge.judge(forge.sign(both))
    assert report.conclusion.is_passed, report.conclusion
    # that the older one stands on SHA-1 is said
    assert "algorithm_ended" in said(report)
    strange = [*forge.usual, _first_version(pki.seal.signatory.certificate)]
    report = forge.judge(forge.sign(strange))
    assert report.conclusion.is_indeterminate
    assert "certificate_reference_differs" in said(report)


def test_a_reference_to_another_certificate_is_of_nobody_here(forge: Forge) -> None:
    """EN 319 102-1 §5.2.3.4: NO_SIGNING_CERTIFICATE_FOUND."""
    other = forge.house.pki.seal.signatory.certificate
    strange = signed.signing_certificate(other, hash_name="sha256")
    report = forge.judge(forge.sign(_without(forge, 2, strange)))
    assert report.conclusion.sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    assert "certificate_reference_differs" in said(report)


def test_a_weaker_hash_beside_a_good_one_is_named(forge: Forge) -> None:
    """EN 319 102-1 §5.2.8: the digest of the content counts like that of the value."""
    digest = signed.message_digest(sha1(CONTENT))
    raw = forge.sign(_without(forge, 1, digest), digest_algorithm=SHA1)
    report = forge.judge(raw)
    assert report.conclusion.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert {"hashes_differ", "algorithm_ended"} <= said(report)


@pytest.mark.parametrize(
    "parameters",
    [
        # another mask than MGF1, another trailer than 1
        wrap(0xA1, wrap(SEQUENCE, oid("1.2.3.4"), SHA1)),
        wrap(0xA1, wrap(SEQUENCE, oid("1.2.840.113549.1.1.8"))),
        wrap(0xA3, b"\x02\x01\x02"),
    ],
)
def test_an_algorithm_with_parameters_that_nobody_knows_is_not_computed(
    forge: Forge, parameters: bytes
) -> None:
    """RFC 4055 §3.1."""
    algorithm = wrap(SEQUENCE, oid(PSS), wrap(SEQUENCE, parameters))
    report = forge.judge(forge.sign(forge.usual, signature_algorithm=algorithm))
    assert "unknown_algorithm" in said(report)
    assert not report.conclusion.is_passed


@pytest.mark.parametrize(
    "value", ["3006020100020100", "3006020101020101", "", "30080203000001020100"]
)
def test_values_that_are_no_numbers_of_the_curve_fit_nothing(forge: Forge, value: str) -> None:
    """FIPS 186-5 §6.4.2: r and s are in [1, n - 1]."""
    info = replace(forge.whole.signers[0], signature=bytes.fromhex(value))
    report = forge.judge(encode(replace(forge.whole, signers=(info,))))
    assert report.conclusion.sub_indication is SubIndication.SIG_CRYPTO_FAILURE


def test_a_countersignature_of_another_signature_is_not_of_this_one(forge: Forge) -> None:
    """RFC 5652 §11.4: it is over the value of the signature that bears it."""
    own = forge.whole.signers[0]
    cases = {b"value of another": False, own.signature: True}
    for about, is_its in cases.items():
        digest = signed.message_digest(hashlib.sha256(about).digest())
        inner = read_signed_data(forge.sign([digest, forge.usual[2]])).signers[0]
        outer = replace(
            own, unsigned_attributes=(attribute(COUNTERSIGNATURE, encode_signer(inner)),)
        )
        raw = encode(replace(forge.whole, signers=(outer,)))
        report = forge.house.validate(raw, online=forge.house.online())
        first, counter = report.signatures
        assert counter.parent == first.identity
        assert counter.conclusion.is_passed is is_its, counter.conclusion
        assert report.conclusion.is_passed is is_its


def test_a_timestamp_of_an_authority_that_nobody_trusts_proves_nothing(forge: Forge) -> None:
    """EN 319 102-1 §5.4: and the same of one over another value."""
    now = SIGNING_TIME + timedelta(days=1)
    strangers = SigningPki(SIGNING_TIME - timedelta(days=30))
    own = forge.whole.signers[0]
    imprint = hashlib.sha256(own.signature).digest()
    tokens = {
        "timestamp_not_usable": strangers.timestamps(now=SIGNING_TIME).stamp(
            imprint, hash_name="sha256"
        ),
        "timestamp_broken": forge.house.pki.timestamps(now=SIGNING_TIME).stamp(
            bytes(32), hash_name="sha256"
        ),
    }
    for code, token in tokens.items():
        info = replace(own, unsigned_attributes=(signature_timestamp(token),))
        report = forge.judge(encode(replace(forge.whole, signers=(info,))), now=now)
        assert code in said(report)
        assert report.best_signature_time == now
