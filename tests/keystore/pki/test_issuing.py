"""Certificates as they are built: serial numbers, validity, addresses, and a broken signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given
from hypothesis import strategies as st

from keystore.backends.errors import SignatureBroken
from keystore.pki.deployment import PkiDeployment
from keystore.pki.issuing import (
    Draft,
    Issuer,
    build_certificate,
    build_root,
    make_serial,
    validity,
)
from keystore.pki.names import PersonSubject, ServiceSubject, subject_name
from keystore.pki.profiles import PROFILES, Profile
from tests.support.pki import ISSUING_ID, ROOT_ID, SmallPki
from tests.support.real_pki import make_deployment

_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def pki(now: datetime) -> SmallPki:
    return SmallPki(now)


def _issuer(pki: SmallPki, *, shards: int = 0) -> Issuer:
    record = replace(pki.ca_record(ISSUING_ID, kid="kid"), shards=shards)
    return Issuer(record, pki.issuing.certificate, pki.issuing.key, hashes.SHA256())


def _draft(now: datetime, profile: Profile = Profile.CITIZEN, **changes) -> Draft:
    rules = PROFILES[profile]
    start, end = validity(rules, now=now)
    is_service = profile != Profile.CITIZEN
    subject = ServiceSubject("service") if is_service else PersonSubject("Người Mây Suối")
    given = {
        "rules": rules,
        "name": subject_name(subject, deployment=make_deployment(), opaque_number="0" * 32),
        "public_key": _KEY.public_key(),
        "serial": make_serial(),
        "not_before": start,
        "not_after": end,
    }
    return Draft(**(given | changes))


def _urls(certificate: x509.Certificate) -> dict[x509.ObjectIdentifier, str]:
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    return {one.access_method: one.access_location.value for one in access.value}


def test_serial_numbers_are_random_positive_and_of_one_length() -> None:
    """RFC 5280 §4.1.2.2: positive, at most 20 octets."""
    made = {make_serial() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {len(f"{serial:x}") for serial in made} == {32}
    assert all(serial >> 127 == 0 for serial in made)


@given(
    start=st.datetimes(
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2040, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.just(UTC),
    ),
    lifetime=st.none() | st.timedeltas(timedelta(days=1), timedelta(days=99_999)),
    profile=st.sampled_from(Profile),
)
def test_no_validity_is_longer_than_its_profile(start, lifetime, profile: Profile) -> None:
    rules = PROFILES[profile]
    begin, end = validity(rules, now=start, lifetime=lifetime)
    assert begin <= start
    assert begin < end
    # both ends belong to it, RFC 5280 §4.1.2.5
    assert end - begin + timedelta(seconds=1) <= rules.longest


def test_a_certificate_names_where_its_status_is(pki: SmallPki, now: datetime) -> None:
    certificate = build_certificate(_draft(now), issuer=_issuer(pki), deployment=_public())
    assert _urls(certificate) == {
        AuthorityInformationAccessOID.CA_ISSUERS: f"http://pki.antin.vn/ca/{ISSUING_ID}.cer",
        AuthorityInformationAccessOID.OCSP: "http://pki.antin.vn/ocsp",
    }


def test_the_list_that_is_named_is_the_one_that_would_have_it(pki: SmallPki, now) -> None:
    """RFC 5280 §4.2.1.13 and §5.2.5: CDP and IssuingDistributionPoint are the same address."""
    for _ in range(8):
        draft = _draft(now)
        certificate = build_certificate(draft, issuer=_issuer(pki, shards=16), deployment=_public())
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        (name,) = next(iter(points)).full_name or []
        shard = draft.serial % 16
        assert name.value == f"http://pki.antin.vn/crl/{ISSUING_ID}/{shard}.crl"


def test_nobody_is_sent_to_ask_a_key_that_is_offline(pki: SmallPki, now: datetime) -> None:
    root = Issuer(pki.ca_record(ROOT_ID), pki.root.certificate, pki.root.key, hashes.SHA384())
    certificate = build_certificate(_draft(now, Profile.ISSUING), issuer=root, deployment=_public())
    assert list(_urls(certificate)) == [AuthorityInformationAccessOID.CA_ISSUERS]


class _Broken(ec.EllipticCurvePrivateKey):
    """A module that signs something else than it is asked to."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def sign(self, data, signature_algorithm) -> bytes:
        return self._key.sign(bytes(data) + b"x", signature_algorithm)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._key.public_key()

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._key.curve

    @property
    def key_size(self) -> int:
        return self._key.key_size

    def exchange(self, *_: object) -> bytes:
        raise NotImplementedError

    def private_bytes(self, *_: object) -> bytes:
        raise NotImplementedError

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        raise NotImplementedError

    def __copy__(self):
        raise NotImplementedError

    def __deepcopy__(self, memo: object):
        raise NotImplementedError


def test_a_signature_that_does_not_verify_never_leaves(pki: SmallPki, now: datetime) -> None:
    issuer = replace(_issuer(pki), key=_Broken(pki.issuing.key))
    with pytest.raises(SignatureBroken):
        build_certificate(_draft(now), issuer=issuer, deployment=_public())
    root = _draft(now, Profile.ROOT)
    with pytest.raises(SignatureBroken):
        build_root(root, key=_Broken(_KEY), digest=hashes.SHA256())


def _public() -> PkiDeployment:
    return make_deployment()
