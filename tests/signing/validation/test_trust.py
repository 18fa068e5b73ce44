"""What of a trusted list becomes an anchor, for what, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.known_anchors import anchor_of
from signing.validation.paths import AnchorPurpose, TrustAnchor
from signing.validation.trust import anchors_of_list, make_book, read_certificates
from signing.validation.trusted_list import open_list
from tests.support.pki import SmallPki
from tests.support.trusted_lists import (
    CA_QC,
    GRANTED,
    OCSP_QC,
    TSA_QTST,
    WITHDRAWN,
    ListDraft,
    Listed,
    Scheme,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
UNDER_SUPERVISION = (
    "http://uri.etsi.org/TrstSvc/eSigDir-1999-93-EC-TrustedList/Svcstatus/undersupervision"
)


def _day(number: int) -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number)


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    """Certificates to be listed."""
    return SmallPki(NOW - timedelta(days=30))


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    """Who signs the list."""
    return Scheme.of("Scheme", since=NOW - timedelta(days=100))


def _anchors(*services: Listed, isolation: Isolation, scheme: Scheme) -> list[TrustAnchor]:
    raw = ListDraft(NOW, services).signed_by(scheme)
    with Blob.of(raw) as blob:
        opened = open_list(blob, isolation=isolation, signers=[scheme.certificate], now=NOW)
    return list(anchors_of_list(opened, source="https://lists.example/vn.xml"))


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        (CA_QC, AnchorPurpose.ANYTHING),
        (TSA_QTST, AnchorPurpose.TIMESTAMPS),
        (OCSP_QC, AnchorPurpose.STATUS),
    ],
)
def test_a_service_is_trusted_for_what_it_is_listed_as(
    without_walls: Isolation, scheme: Scheme, pki: SmallPki, kind: str, purpose: AnchorPurpose
) -> None:
    """TS 119 612 §5.5.1."""
    listed = Listed(pki.issuing.der, ((kind, GRANTED, _day(0)),))
    (anchor,) = _anchors(listed, isolation=without_walls, scheme=scheme)
    assert anchor.purpose is purpose
    assert anchor.certificate == pki.issuing.der
    assert (anchor.trusted_from, anchor.trusted_until) == (_day(0), None)
    assert anchor.source == "https://lists.example/vn.xml"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (CA_QC, WITHDRAWN),
        (CA_QC, "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/deprecatedatnationallevel"),
        (CA_QC, "http://elsewhere.example/Svcstatus/granted"),
        (CA_QC, "granted"),
        ("http://uri.etsi.org/TrstSvc/Svctype/unspecified", GRANTED),
        ("http://uri.etsi.org/TrstSvc/Svctype/EDS/Q", GRANTED),
    ],
)
def test_what_is_withdrawn_or_vouches_for_no_key_is_no_anchor(
    without_walls: Isolation, scheme: Scheme, pki: SmallPki, kind: str, status: str
) -> None:
    """TS 119 612 §5.5.4."""
    listed = Listed(pki.issuing.der, ((kind, status, _day(0)),))
    assert _anchors(listed, isolation=without_walls, scheme=scheme) == []


def test_a_withdrawn_service_was_trusted_before(
    without_walls: Isolation, scheme: Scheme, pki: SmallPki
) -> None:
    """TS 119 612 §5.6: each status of the history holds until the next one begins."""
    listed = Listed(
        pki.issuing.der,
        (
            (CA_QC, WITHDRAWN, _day(300)),
            # in any order
            (CA_QC, UNDER_SUPERVISION, _day(0)),
            (CA_QC, GRANTED, _day(100)),
        ),
    )
    (anchor,) = _anchors(listed, isolation=without_walls, scheme=scheme)
    assert (anchor.trusted_from, anchor.trusted_until) == (_day(0), _day(300))


def test_a_gap_makes_two_spans(without_walls: Isolation, scheme: Scheme, pki: SmallPki) -> None:
    listed = Listed(
        pki.issuing.der,
        ((CA_QC, GRANTED, _day(200)), (CA_QC, WITHDRAWN, _day(100)), (CA_QC, GRANTED, _day(0))),
    )
    anchors = _anchors(listed, isolation=without_walls, scheme=scheme)
    assert [(one.trusted_from, one.trusted_until) for one in anchors] == [
        (_day(0), _day(100)),
        (_day(200), None),
    ]
    found = make_book(anchors).contains(pki.issuing.der)
    assert found is not None
    assert found.trusted_until is None


def test_a_certificate_that_nobody_can_read_is_left_out(
    without_walls: Isolation, scheme: Scheme, pki: SmallPki
) -> None:
    broken = Listed(b"no certificate", ((CA_QC, GRANTED, _day(0)),))
    good = Listed(pki.issuing.der, ((CA_QC, GRANTED, _day(0)),))
    anchors = _anchors(broken, good, isolation=without_walls, scheme=scheme)
    assert [one.certificate for one in anchors] == [pki.issuing.der]


def test_a_book_is_opened_at_a_name_and_at_a_certificate(pki: SmallPki) -> None:
    anchor = anchor_of(pki.root.der, source="own")
    assert anchor is not None
    book = make_book([anchor])
    name = pki.root.certificate.subject.public_bytes()
    assert [one.certificate for one in book.by_subject(name)] == [pki.root.der]
    assert book.contains(pki.root.der) is not None
    assert book.contains(pki.issuing.der) is None
    assert list(book.by_subject(pki.issuing.certificate.subject.public_bytes())) == []
    assert list(book.by_subject(b"no name")) == []


def test_certificates_are_read_as_pem_and_der(pki: SmallPki) -> None:
    assert read_certificates(pki.root.der) == (pki.root.der,)
    assert read_certificates(pki.root.pem + pki.issuing.pem) == (pki.root.der, pki.issuing.der)
    for raw in (b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(ValueError, match=r"."):
            read_certificates(raw)


def _purpose(*names: str) -> str:
    uri = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt"
    return "".join(
        '<Extension Critical="false"><AdditionalServiceInformation><URI xml:lang="en">'
        f"{uri}/{name}</URI></AdditionalServiceInformation></Extension>"
        for name in names
    )


@pytest.mark.parametrize(
    ("extensions", "is_anchor"),
    [
        (_purpose("ForeSignatures"), True),
        (_purpose("ForeSeals", "ForWebSiteAuthentication"), True),
        (_purpose("ForWebSiteAuthentication"), False),
        ('<Extension Critical="true"><q:Qualifications xmlns:q="urn:q"/></Extension>', True),
        ('<Extension Critical="false"><q:Something xmlns:q="urn:q"/></Extension>', True),
        ('<Extension Critical="true"><q:Something xmlns:q="urn:q"/></Extension>', False),
    ],
)
def test_a_service_for_something_else_or_with_demands_that_nobody_knows_is_no_anchor(
    isolation: Isolation, pki: SmallPki, scheme: Scheme, extensions: str, *, is_anchor: bool
) -> None:
    """TS 119 612 §5.5.9: whoever does not know a critical extension takes no notice of the service.

    §5.5.9.4: what a service issues certificates for, where it says so.
    """
    listed = Listed(pki.root.der, ((CA_QC, GRANTED, _day(0)),), extensions=extensions)
    assert bool(_anchors(listed, isolation=isolation, scheme=scheme)) is is_anchor
