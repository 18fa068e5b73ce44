"""Evidence is kept when it covers the chain, and otherwise found wanting at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from keystore.pki.crl import issue_crl
from keystore.pki.model import CertificateState, CertificateStatus, RevocationReason
from keystore.pki.names import ServiceSubject
from keystore.pki.ocsp_requests import encode_cert_id
from keystore.pki.ocsp_responses import REFUSALS, Refusal, Responder, SingleStatus, sign_status
from keystore.pki.profiles import Profile
from signing.errors import CertificateRefused, StatusUnavailable
from signing.formats.material import ValidationMaterial
from signing.formats.status_material import MAX_OCSP_BYTES, check_material, gather_material
from tests.support.pki import SmallPki
from tests.support.signatory import SIGNING_TIME, Hand, RealStatus, SigningPki
from tests.support.status import PlainKey, issuer_hashes


@pytest.fixture
def chain(hand: Hand) -> tuple[bytes, ...]:
    return (hand.signatory.certificate, *hand.signatory.chain)


@pytest.fixture
def material(status: RealStatus, chain) -> ValidationMaterial:
    return status.material(chain, now=SIGNING_TIME)


@dataclass(frozen=True)
class Fixed:
    """A source that gives what it was given."""

    given: ValidationMaterial

    def material(self, chain, *, now: datetime) -> ValidationMaterial:
        return self.given


def why_not(material: ValidationMaterial, chain, *, now: datetime = SIGNING_TIME) -> str:
    with pytest.raises(StatusUnavailable) as refused:
        check_material(material, chain=chain, now=now)
    return str(refused.value)


def test_an_answer_and_a_list_cover_a_chain(material: ValidationMaterial, chain) -> None:
    check_material(material, chain=chain, now=SIGNING_TIME)


def test_what_is_gathered_comes_in_order_and_once(
    status: RealStatus, chain, signing_pki: SigningPki
) -> None:
    stamped = (signing_pki.tsa.der, *signing_pki.chain)
    found = gather_material(status, chains=(chain, stamped), now=SIGNING_TIME)
    assert found.certificates == (
        *chain,
        signing_pki.tsa.der,
        signing_pki.ocsp.der,
    )
    assert len(found.ocsp_responses) == 2
    assert len(found.crls) == len(set(found.crls))
    assert status.asked == [chain, stamped]


def test_a_chain_that_ends_nowhere_is_refused(status: RealStatus, chain) -> None:
    """ETSI EN 319 122-1 §5.5: the values cover the whole path; ours end at a root."""
    with pytest.raises(StatusUnavailable, match="no_root"):
        gather_material(status, chains=(chain[:-1],), now=SIGNING_TIME)


def test_a_source_that_forgets_a_certificate_is_found_out(
    material: ValidationMaterial, chain
) -> None:
    """TT 15/2025/TT-BKHCN, Annex II: without a status there is a warning, not a signature."""
    for lacking in (replace(material, ocsp_responses=()), replace(material, crls=())):
        assert why_not(lacking, chain) == "not_covered"
        with pytest.raises(StatusUnavailable, match="not_covered"):
            gather_material(Fixed(lacking), chains=(chain,), now=SIGNING_TIME)


def test_an_answer_about_somebody_else_covers_nobody(
    signing_pki: SigningPki, material: ValidationMaterial
) -> None:
    """RFC 6960 §3.2 (1): the certificate in the answer is the one that was asked about."""
    other = signing_pki.seal.signatory
    assert why_not(material, (other.certificate, *other.chain)) == "not_covered"


@pytest.mark.parametrize("late", [timedelta(days=8), timedelta(minutes=-6)])
def test_an_answer_of_another_time_covers_nobody(
    material: ValidationMaterial, chain, late: timedelta
) -> None:
    """RFC 6960 §3.2 (5) and (6): thisUpdate is recent, nextUpdate is to come."""
    assert why_not(material, chain, now=SIGNING_TIME + late) == "not_covered"


def test_a_list_of_another_time_covers_nobody(
    status: RealStatus, material: ValidationMaterial, chain
) -> None:
    """RFC 5280 §6.3.3 (a): nextUpdate is to come."""
    old = status.root_crl(now=SIGNING_TIME - timedelta(days=400))
    assert why_not(replace(material, crls=(old,)), chain) == "not_covered"


def test_a_revoked_certificate_is_named(signing_pki: SigningPki, hand: Hand, chain) -> None:
    """RFC 6960 §2.2: revoked is not good, whatever else is there."""
    source = signing_pki.status(revoked=[hand.serial])
    good = signing_pki.status().material(chain, now=SIGNING_TIME)
    raw = source.ocsp(hand.issued.certificate, now=SIGNING_TIME)
    material = replace(good, ocsp_responses=(*good.ocsp_responses, raw))
    with pytest.raises(CertificateRefused) as refused:
        check_material(material, chain=chain, now=SIGNING_TIME)
    assert refused.value.reason == "revoked"


def _root_list(pki: SigningPki, *, names_issuing: bool) -> bytes:
    number = pki.issuing.certificate.serial_number if names_issuing else 7
    entry = CertificateStatus(
        "issuing-1",
        number,
        CertificateState.REVOKED,
        RevocationReason.CA_COMPROMISE,
        SIGNING_TIME - timedelta(days=2),
        SIGNING_TIME + timedelta(days=1),
        0,
    )
    return issue_crl(
        [entry],
        issuer=pki.root.certificate,
        key=PlainKey(pki.root.key),
        number=2,
        this_update=SIGNING_TIME - timedelta(days=1),
        next_update=SIGNING_TIME + timedelta(days=1),
    )


def test_an_authority_on_a_list_is_refused(
    signing_pki: SigningPki, material: ValidationMaterial, chain
) -> None:
    """RFC 5280 §6.3.3 (i) and (j): its number is on the list."""
    listed = _root_list(signing_pki, names_issuing=True)
    with pytest.raises(CertificateRefused):
        check_material(replace(material, crls=(listed,)), chain=chain, now=SIGNING_TIME)
    other = _root_list(signing_pki, names_issuing=False)
    check_material(replace(material, crls=(other,)), chain=chain, now=SIGNING_TIME)


def test_a_list_by_somebody_else_covers_nobody(
    signing_pki: SigningPki, material: ValidationMaterial, chain
) -> None:
    """RFC 5280 §6.3.3 (g): the signature is the issuer's."""
    forged = issue_crl(
        (),
        issuer=signing_pki.root.certificate,
        key=PlainKey(signing_pki.issuing.key),
        number=3,
        this_update=SIGNING_TIME,
        next_update=SIGNING_TIME + timedelta(days=1),
    )
    assert why_not(replace(material, crls=(forged,)), chain) == "not_covered"


def _answer(pki: SigningPki, hand: Hand, *, by) -> bytes:
    name, key = issuer_hashes(pki.issuing.certificate, algorithm=SHA256())
    cert_id = encode_cert_id("sha256", name_hash=name, key_hash=key, serial=hand.serial)
    status = CertificateStatus(
        "issuing-1", hand.serial, CertificateState.GOOD, None, None, SIGNING_TIME, 0
    )
    responder = Responder.of(PlainKey(by.key), certificate=by.der)
    signed = sign_status(
        [SingleStatus(cert_id, status)],
        responder=responder,
        this_update=SIGNING_TIME,
        next_update=SIGNING_TIME + timedelta(days=1),
    )
    return signed.complete(responder)


def test_an_answer_by_the_authority_itself_or_its_delegate_counts(
    signing_pki: SigningPki, material: ValidationMaterial, hand: Hand, chain
) -> None:
    """RFC 6960 §2.6: the issuer, or one whom it appointed."""
    for by in (signing_pki.issuing, signing_pki.ocsp):
        raw = _answer(signing_pki, hand, by=by)
        check_material(replace(material, ocsp_responses=(raw,)), chain=chain, now=SIGNING_TIME)


def test_an_answer_by_somebody_whom_nobody_appointed_covers_nobody(
    signing_pki: SigningPki, material: ValidationMaterial, hand: Hand, chain
) -> None:
    """RFC 6960 §4.2.2.2: the purpose stands in the certificate, and the issuer issued it."""
    stranger = SmallPki(SIGNING_TIME - timedelta(days=1)).ocsp
    for by in (signing_pki.tsa, signing_pki.seal.issued, stranger):
        raw = _answer(signing_pki, hand, by=by)
        assert why_not(replace(material, ocsp_responses=(raw,)), chain) == "not_covered"


def test_a_delegate_whose_own_status_would_have_to_be_asked_covers_nobody() -> None:
    """RFC 6960 §4.2.2.2.1: without `nocheck` somebody would have to answer for the responder."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1))
    asked = pki.issue("OCSP", usage="digital_signature", purpose=ExtendedKeyUsageOID.OCSP_SIGNING)
    name, key = issuer_hashes(pki.issuing.certificate, algorithm=SHA256())
    serial = pki.citizen.certificate.serial_number
    cert_id = encode_cert_id("sha256", name_hash=name, key_hash=key, serial=serial)
    status = CertificateStatus("i", serial, CertificateState.GOOD, None, None, SIGNING_TIME, 0)
    for by, is_enough in ((asked, False), (pki.ocsp, True)):
        responder = Responder.of(PlainKey(by.key), certificate=by.der)
        raw = sign_status(
            [SingleStatus(cert_id, status)],
            responder=responder,
            this_update=SIGNING_TIME,
            next_update=SIGNING_TIME + timedelta(days=1),
        ).complete(responder)
        material = ValidationMaterial(ocsp_responses=(raw,))
        chain = (pki.citizen.der, pki.issuing.der)
        if is_enough:
            check_material(material, chain=chain, now=SIGNING_TIME)
        else:
            assert why_not(material, chain) == "not_covered"


def test_a_list_of_another_partition_covers_nobody() -> None:
    """RFC 5280 §6.3.3 (b)(2)(i): the list's address is one of the certificate's."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1), shards=2)
    mine = pki.addresses.crl_of_certificate(
        "test-issuing", serial=pki.citizen.certificate.serial_number, shards=2
    )
    other = pki.addresses.crl_of_certificate(
        "test-issuing", serial=pki.citizen.certificate.serial_number + 1, shards=2
    )
    chain = (pki.citizen.der, pki.issuing.der)
    for address, is_enough in ((mine, True), (other, False)):
        raw = issue_crl(
            (),
            issuer=pki.issuing.certificate,
            key=PlainKey(pki.issuing.key),
            number=1,
            this_update=SIGNING_TIME,
            next_update=SIGNING_TIME + timedelta(days=1),
            distribution_point=address,
        )
        material = ValidationMaterial(crls=(raw,))
        if is_enough:
            check_material(material, chain=chain, now=SIGNING_TIME)
        else:
            assert why_not(material, chain) == "not_covered"


def test_a_list_about_something_else_covers_nobody() -> None:
    """RFC 5280 §6.3.3 (b)(2)(iv), (d): lists of attribute certificates, of some reasons alone."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1))
    some = frozenset({x509.ReasonFlags.key_compromise})
    for attributes_alone, reasons in ((True, None), (False, some)):
        point = x509.IssuingDistributionPoint(
            full_name=None if attributes_alone else [x509.UniformResourceIdentifier("http://a.vn")],
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=reasons,
            indirect_crl=False,
            only_contains_attribute_certs=attributes_alone,
        )
        raw = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(pki.issuing.certificate.subject)
            .last_update(SIGNING_TIME)
            .next_update(SIGNING_TIME + timedelta(days=1))
            .add_extension(point, critical=True)
            .sign(pki.issuing.key, SHA256())
            .public_bytes(Encoding.DER)
        )
        material = ValidationMaterial(crls=(raw,))
        assert why_not(material, (pki.citizen.der, pki.issuing.der)) == "not_covered"


def _list(
    pki: SmallPki, *extensions: tuple[x509.ExtensionType, bool], this: datetime = SIGNING_TIME
) -> ValidationMaterial:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.issuing.certificate.subject)
        .last_update(this)
        .next_update(SIGNING_TIME + timedelta(days=1))
    )
    for value, is_critical in extensions:
        builder = builder.add_extension(value, critical=is_critical)
    raw = builder.sign(pki.issuing.key, SHA256()).public_bytes(Encoding.DER)
    return ValidationMaterial(crls=(raw,))


def _point(pki: SmallPki, **changes: bool) -> x509.IssuingDistributionPoint:
    (own,) = pki.citizen.certificate.extensions.get_extension_for_class(
        x509.CRLDistributionPoints
    ).value
    usual = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(
        full_name=own.full_name, relative_name=None, only_some_reasons=None, **(usual | changes)
    )


def test_a_list_that_means_something_else_than_its_entries_covers_nobody() -> None:
    """RFC 5280 §5.2: critical extensions; §5.2.4: a delta alone; §5.2.5: of whom a list is."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=1))
    chain = (pki.citizen.der, pki.issuing.der)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    for extensions in (
        [],
        [(x509.CRLNumber(2), False)],
        [(unknown, False)],
        [(_point(pki), True)],
        [(_point(pki, only_contains_user_certs=True), True)],
    ):
        check_material(_list(pki, *extensions), chain=chain, now=SIGNING_TIME)
    for extension in (
        x509.DeltaCRLIndicator(1),
        unknown,
        _point(pki, indirect_crl=True),
        _point(pki, only_contains_ca_certs=True),
    ):
        assert why_not(_list(pki, (extension, True)), chain) == "not_covered"


@pytest.mark.parametrize(("hours", "is_enough"), [(23, True), (25, False)])
def test_evidence_that_never_ends_is_good_for_a_day(hours: int, *, is_enough: bool) -> None:
    """RFC 6960 §4.2.2.1: without nextUpdate newer information is always to be had."""
    pki = SmallPki(SIGNING_TIME - timedelta(days=30))
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=pki.citizen.certificate,
            issuer=pki.issuing.certificate,
            algorithm=SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=SIGNING_TIME - timedelta(hours=hours),
            next_update=None,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, pki.issuing.certificate)
        .sign(pki.issuing.key, SHA256())
    )
    material = ValidationMaterial(ocsp_responses=(answer.public_bytes(Encoding.DER),))
    chain = (pki.citizen.der, pki.issuing.der)
    if is_enough:
        check_material(material, chain=chain, now=SIGNING_TIME)
    else:
        assert why_not(material, chain) == "not_covered"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"ocsp_responses": (b"\x30\x00",)}, "malformed"),
        ({"crls": (b"nothing",)}, "malformed"),
        ({"ocsp_responses": (REFUSALS[Refusal.TRY_LATER],)}, "refused"),
        ({"ocsp_responses": (bytes(MAX_OCSP_BYTES + 1),)}, "too_large"),
        ({"crls": (bytes(1024 * 1024 + 1),)}, "too_large"),
    ],
)
def test_what_cannot_be_read_is_no_evidence(
    material: ValidationMaterial, chain, broken, reason: str
) -> None:
    assert why_not(replace(material, **broken), chain) == reason


# what `cryptography` will refuse one day, it warns of today
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.integers(0, 3_000), st.integers(0, 255), st.booleans())
def test_evidence_with_any_octet_changed_is_refused_or_says_the_same(
    material: ValidationMaterial, chain, place: int, octet: int, is_list: bool
) -> None:
    """Whatever answers, an error of ours is the worst that it can do."""
    kind = "crls" if is_list else "ocsp_responses"
    (raw,) = getattr(material, kind)
    place %= len(raw)
    changed = raw[:place] + bytes((octet,)) + raw[place + 1 :]
    with suppress(StatusUnavailable, CertificateRefused):
        check_material(replace(material, **{kind: (changed,)}), chain=chain, now=SIGNING_TIME)


def test_a_certificate_for_a_purpose_of_ours_is_covered_like_a_persons(
    signing_pki: SigningPki, status: RealStatus
) -> None:
    service = signing_pki.issue(Profile.SERVICE, subject=ServiceSubject("Service 1"))
    chain = (service.der, *signing_pki.chain)
    found = gather_material(status, chains=(chain,), now=SIGNING_TIME)
    assert found.certificates[: len(chain)] == chain
