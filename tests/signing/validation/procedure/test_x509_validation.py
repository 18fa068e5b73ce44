"""A certificate as it is now: its path, its status, what it is for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.formats.material import Level, ValidationMaterial
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.model import RevocationState
from signing.validation.procedure.key_purposes import check_purpose
from signing.validation.procedure.x509_validation import Purpose, validate_certificate
from signing.validation.verdict import SubIndication, because
from tests.support.signatory import SIGNING_TIME, SigningPki
from tests.support.validation_house import OWN_POLICY, ValidationHouse

_DAY = timedelta(days=1)


def _list(pki: SigningPki, *, revoked: x509.Certificate, at: datetime) -> bytes:
    """A list of the root that names a certificate."""
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(revoked.serial_number)
        .revocation_date(at - _DAY)
        .build()
    )
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.root.certificate.subject)
        .last_update(at - timedelta(hours=1))
        .next_update(at + 9 * _DAY)
        .add_extension(x509.CRLNumber(7), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(pki.root.key.public_key()),
            critical=False,
        )
        .add_revoked_certificate(entry)
        .sign(pki.root.key, SHA384())
    )
    return made.public_bytes(Encoding.DER)


@dataclass(slots=True)
class _Away:
    """Nobody answers, but for issuers that were put here."""

    issuers: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)

    def find(self, certificate: bytes, *, issuer: bytes, now: datetime) -> ValidationMaterial:
        return ValidationMaterial()

    def find_issuers(self, certificate: bytes, *, now: datetime) -> tuple[bytes, ...]:
        return self.issuers.get(certificate, ())


def test_a_certificate_of_the_file_is_good_by_the_file(found, at) -> None:
    signature = found(Level.LT)
    chain = validate_certificate(
        signature.candidate, context=at(signature), purpose=Purpose.SIGNING
    )
    assert chain.conclusion.is_passed
    assert [one.state for one in chain.statuses] == [RevocationState.GOOD, RevocationState.GOOD]


def test_without_an_anchor_there_is_no_chain(found, at) -> None:
    """ETSI EN 319 102-1 §5.2.6.4, step 1."""
    signature = found(Level.LT)
    context = at(signature, anchors=KnownAnchors())
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert chain.path is None


def test_a_revoked_authority_is_a_doubt_about_all_that_it_issued(
    found, at, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 102-1 §5.2.6.4: REVOKED_CA_NO_POE."""
    signature = found(Level.LT)
    revoking = _list(signing_pki, revoked=signing_pki.issuing.certificate, at=SIGNING_TIME)
    context = at(signature)
    context = replace(context, pool=context.pool.with_others(ValidationMaterial(crls=(revoking,))))
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.sub_indication is SubIndication.REVOKED_CA_NO_POE
    assert chain.conclusion.reasons[0].fact("position") == "1"


def test_evidence_that_is_old_is_not_enough(found, at) -> None:
    """ETSI EN 319 102-1 §5.2.5: the answer was for a week."""
    signature = found(Level.LT)
    context = at(signature, SIGNING_TIME + 8 * _DAY, online=_Away())
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.sub_indication is SubIndication.TRY_LATER
    codes = {one.code for one in chain.conclusion.reasons}
    assert codes & {"status_not_fresh", "status_unavailable"}


def test_newer_evidence_is_asked_for_when_that_of_the_file_is_old(
    found, at, validation_house: ValidationHouse
) -> None:
    signature = found(Level.LT)
    online = validation_house.online()
    context = at(signature, SIGNING_TIME + 8 * _DAY, online=online)
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.is_passed
    assert online.asked == [signature.candidate]
    silent = at(signature, SIGNING_TIME + 8 * _DAY, online=validation_house.online())
    validate_certificate(
        signature.candidate, context=silent, purpose=Purpose.SIGNING, may_ask=False
    )
    assert silent.online.asked == []


def test_an_answer_of_three_days_ago_is_not_the_last_word(
    found, at, validation_house: ValidationHouse
) -> None:
    """It is for a week; the certificate was revoked meanwhile, and no proof is earlier."""
    signature = replace(found(Level.LT), timestamps=())
    online = validation_house.online(revoked=[validation_house.pki.citizen.serial])
    context = at(signature, SIGNING_TIME + 3 * _DAY, online=online)
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.sub_indication is SubIndication.REVOKED_NO_POE
    # where nobody answers, it is
    context = at(signature, SIGNING_TIME + 3 * _DAY, online=_Away())
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.is_passed


def test_an_issuer_that_did_not_come_along_is_fetched(found, at, signing_pki: SigningPki) -> None:
    """RFC 5280 §4.2.2.1: where the certificate says that it is."""
    signature = found(Level.LT)
    online = _Away({signature.candidate: (signing_pki.issuing.der,)})
    context = at(signature, online=online)
    alone = ValidationMaterial((), context.pool.ocsp_responses, context.pool.crls)
    context = replace(context, pool=alone)
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.path is not None
    assert chain.path.certificates == (signature.candidate, signing_pki.issuing.der)


def test_a_certificate_that_is_trusted_itself_needs_no_status(found, at) -> None:
    """ETSI EN 319 102-1 §5.2.6.4: nothing above an anchor matters."""
    signature = found(Level.B)
    anchor = anchor_of(signature.candidate, source="folder:own")
    assert anchor is not None
    context = at(signature, anchors=KnownAnchors([anchor]))
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.is_passed, chain.conclusion


def test_an_anchor_that_was_given_up_is_a_doubt(found, at, signing_pki: SigningPki) -> None:
    """ETSI EN 319 102-1 §5.2.6.4: NO_CERTIFICATE_CHAIN_FOUND_NO_POE."""
    signature = found(Level.LT)
    anchor = anchor_of(
        signing_pki.root.der, source="list", trusted_until=SIGNING_TIME - timedelta(hours=1)
    )
    assert anchor is not None
    context = at(signature, anchors=KnownAnchors([anchor]))
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    expected = SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE
    assert expected in {one.sub_indication for one in chain.conclusions}


def _listed(pki: SigningPki, *, of: bytes, reason: x509.ReasonFlags) -> bytes:
    """A list of the issuing authority that names a certificate, for a reason."""
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(x509.load_der_x509_certificate(of).serial_number)
        .revocation_date(SIGNING_TIME - _DAY)
        .add_extension(x509.CRLReason(reason), critical=False)
        .build()
    )
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.issuing.certificate.subject)
        .last_update(SIGNING_TIME + timedelta(minutes=1))
        .next_update(SIGNING_TIME + 9 * _DAY)
        .add_extension(x509.CRLNumber(7), critical=False)
        .add_revoked_certificate(entry)
        .sign(pki.issuing.key, SHA256())
    )
    return made.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (x509.ReasonFlags.certificate_hold, SubIndication.TRY_LATER),
        (x509.ReasonFlags.key_compromise, SubIndication.REVOKED_NO_POE),
    ],
)
def test_a_certificate_on_hold_may_come_back(
    found, at, signing_pki: SigningPki, reason: x509.ReasonFlags, expected: SubIndication
) -> None:
    """ETSI EN 319 102-1 §5.2.6.4."""
    signature = found(Level.B)
    held = _listed(signing_pki, of=signature.candidate, reason=reason)
    crls = (held, signing_pki.status().root_crl(now=SIGNING_TIME))
    context = at(signature, SIGNING_TIME + timedelta(hours=1))
    context = replace(context, pool=context.pool.with_others(ValidationMaterial(crls=crls)))
    chain = validate_certificate(signature.candidate, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.sub_indication is expected, chain.conclusion


def test_a_path_through_somebody_who_is_no_authority_is_none(
    found, at, signing_pki: SigningPki
) -> None:
    """RFC 5280 §6.1.4 (k): CERTIFICATE_CHAIN_GENERAL_FAILURE."""
    end_entity = signing_pki.citizen.issued
    issued = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Forged")]))
        .issuer_name(end_entity.certificate.subject)
        .public_key(signing_pki.seal.issued.key.public_key())
        .serial_number(9)
        .not_valid_before(SIGNING_TIME - _DAY)
        .not_valid_after(SIGNING_TIME + _DAY)
        .sign(end_entity.key, SHA256())
        .public_bytes(Encoding.DER)
    )
    context = at(found(Level.LT))
    chain = validate_certificate(issued, context=context, purpose=Purpose.SIGNING)
    assert chain.conclusion.is_indeterminate
    assert chain.conclusion.sub_indication in {
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    }


def _certificate(pki: SigningPki, *extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(pki.citizen.issued.certificate.subject)
        .issuer_name(pki.issuing.certificate.subject)
        .public_key(pki.citizen.issued.key.public_key())
        .serial_number(9)
        .not_valid_before(SIGNING_TIME - _DAY)
        .not_valid_after(SIGNING_TIME + _DAY)
    )
    for one, is_critical in extensions:
        builder = builder.add_extension(one, critical=is_critical)
    return builder.sign(pki.issuing.key, SHA256()).public_bytes(Encoding.DER)


def _usage(**said: bool) -> tuple[x509.KeyUsage, bool]:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: said.get(name, False) for name in names}), True


_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
_OTHER = ExtendedKeyUsageOID.EMAIL_PROTECTION


@pytest.mark.parametrize(
    ("usage", "is_taken"),
    [
        ({"digital_signature": True}, True),
        ({"content_commitment": True}, True),
        ({"key_encipherment": True}, False),
        ({"key_cert_sign": True}, False),
    ],
)
def test_a_key_that_is_for_something_else_does_not_sign(
    signing_pki: SigningPki, usage: dict[str, bool], is_taken: bool
) -> None:
    """TT 15/2025/TT-BKHCN, Annex II; RFC 5280 §4.2.1.3."""
    certificate = _certificate(signing_pki, _usage(**usage))
    conclusion = check_purpose(certificate, purpose="signing", policy=OWN_POLICY)
    assert conclusion.is_passed is is_taken
    if not is_taken:
        assert conclusion.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    lenient = replace(OWN_POLICY, needs_signing_purpose=False)
    assert check_purpose(certificate, purpose="signing", policy=lenient).is_passed


@pytest.mark.parametrize(
    ("numbers", "is_taken"),
    [
        ("1.3.6.1.5.5.7.3.36", True),
        ("1.3.6.1.5.5.7.3.4 1.3.6.1.5.5.7.3.2", True),
        ("1.3.6.1.5.5.7.3.2", True),
        ("1.2.3.4 1.3.6.1.5.5.7.3.1", True),
        ("1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.7.3.2", False),
        ("1.3.6.1.5.5.7.3.3", False),
        ("1.3.6.1.5.5.7.3.8", False),
        ("1.3.6.1.5.5.7.3.9", False),
    ],
)
def test_a_certificate_for_servers_programs_or_services_signs_no_document(
    signing_pki: SigningPki, numbers: str, *, is_taken: bool
) -> None:
    """RFC 5280 §4.2.1.12; RFC 9336 (documents); TT 15/2025/TT-BKHCN, Annex II (scope of use)."""
    purposes = x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in numbers.split()])
    certificate = _certificate(signing_pki, _usage(digital_signature=True), (purposes, False))
    conclusion = check_purpose(certificate, purpose="signing", policy=OWN_POLICY)
    assert conclusion.is_passed is is_taken
    if not is_taken:
        assert conclusion.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
        assert conclusion.reasons == (because("extended_key_usage"),)


@pytest.mark.parametrize(
    ("purposes", "is_critical", "is_taken", "is_warned"),
    [
        ([_STAMPING], True, True, False),
        ([_STAMPING], False, True, True),
        ([_STAMPING, _OTHER], True, True, True),
        ([_OTHER], True, False, False),
        (None, False, False, False),
    ],
)
def test_who_stamps_has_a_certificate_for_it(
    signing_pki: SigningPki,
    purposes: list[x509.ObjectIdentifier] | None,
    is_critical: bool,
    is_taken: bool,
    is_warned: bool,
) -> None:
    """RFC 3161 §2.3."""
    extensions = [] if purposes is None else [(x509.ExtendedKeyUsage(purposes), is_critical)]
    certificate = _certificate(signing_pki, _usage(digital_signature=True), *extensions)
    conclusion = check_purpose(certificate, purpose="timestamping", policy=OWN_POLICY)
    assert (conclusion.is_passed, bool(conclusion.warnings)) == (is_taken, is_warned)


def test_what_is_no_certificate_is_for_nothing() -> None:
    assert not check_purpose(b"nothing", purpose="signing", policy=OWN_POLICY).is_passed
