"""The state of a certificate by answers: RFC 6960, each rule kept and broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keystore.pki.der import wrap
from signing.formats.der import oid
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.paths import AnchorPurpose, CertificatePath
from signing.validation.revocation import Evidence, find_status
from tests.support.asked_status import (
    DAY,
    GOOD,
    LEAF,
    NO_CHECK,
    NOBODY_KNOWS,
    OCSP_SIGNING,
    POINT,
    RESPONDER,
    REVOKED,
    codes,
    status,
)
from tests.support.certificate_paths import (
    AT,
    UNKNOWN,
    YEAR,
    Extension,
    answer,
    authority,
    entry,
    generalized,
    person,
    point,
    points,
    revocation_list,
    revoked,
    scope,
    usage,
)
from tests.support.judged_paths import CA, ROOT, path_of


def test_an_answer_of_the_issuer_itself():
    """RFC 6960 §4.2.2.2 (1)."""
    found = status(answers=(answer(LEAF, CA, by=CA),))
    assert (found.state, found.kind, found.signers) == (GOOD, "ocsp", ())
    assert found.produced_at == AT - timedelta(hours=1)


@pytest.mark.parametrize("is_by_key", [False, True])
def test_an_answer_of_a_responder_whom_the_issuer_appointed(is_by_key):
    """RFC 6960 §4.2.2.2 (3), §4.2.2.3 (byName, byKey)."""
    given = answer(LEAF, CA, by=RESPONDER, certificates=[RESPONDER.der], is_by_key=is_by_key)
    found = status(answers=(given,))
    assert found.state is GOOD
    assert found.signers[0].certificates == (RESPONDER.der, CA.der)
    beside = answer(LEAF, CA, by=RESPONDER, is_by_key=is_by_key)
    assert status(answers=(beside,), others=(RESPONDER,)).state is GOOD
    assert status(answers=(beside,)).state is NOBODY_KNOWS


def test_the_answer_may_come_without_its_wrapping():
    given = answer(LEAF, CA, by=CA, is_bare=True)
    assert status(answers=(given,)).state is GOOD


def test_an_answer_that_it_is_revoked():
    given = answer(LEAF, CA, by=CA, status=revoked(AT - 3 * DAY, 3))
    found = status(answers=(given,))
    assert (found.state, found.reason) == (REVOKED, "affiliationChanged")
    assert found.revoked_at == AT - 3 * DAY
    assert status(answers=(given,), at=AT - 4 * DAY, now=AT).state is GOOD


def test_revoked_outweighs_good_whichever_is_newer():
    good = answer(LEAF, CA, by=CA)
    named = revocation_list(CA, entry(LEAF.serial))
    assert status(named, answers=(good,)).state is REVOKED
    older = answer(LEAF, CA, by=CA, status=revoked(AT - 3 * DAY, 1), this=AT - timedelta(hours=9))
    assert status(answers=(good, older)).state is REVOKED
    held = revocation_list(CA, entry(LEAF.serial, reason=6))
    # a hold that a newer answer does not know any more was lifted
    assert status(held, answers=(good,)).state is GOOD


@pytest.mark.parametrize(
    ("responder", "code"),
    [
        (person("Responder", NO_CHECK, by=CA), "responder_unknown"),
        (person("Responder", OCSP_SIGNING, NO_CHECK, by=ROOT), "responder_invalid"),
        (
            person("Responder", OCSP_SIGNING, NO_CHECK, by=CA, until=AT - timedelta(minutes=9)),
            "responder_invalid",
        ),
        (
            person("Responder", OCSP_SIGNING, NO_CHECK, usage("keyCertSign"), by=CA),
            "responder_may_not",
        ),
        (
            person("Responder", OCSP_SIGNING, points(point(names=[POINT])), by=CA),
            "responder_status_unknown",
        ),
    ],
)
def test_a_responder_who_may_not_answer(responder, code):
    """RFC 6960 §4.2.2.2: issued by this CA for this purpose; §4.2.2.2.1: its state."""
    given = answer(LEAF, CA, by=responder, certificates=[responder.der])
    found = status(answers=(given,))
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {code})


def test_a_responder_whose_state_is_known():
    """RFC 6960 §4.2.2.2.1."""
    told = person("Responder", OCSP_SIGNING, points(point(names=[POINT])), by=CA)
    given = answer(LEAF, CA, by=told, certificates=[told.der])
    found = status(revocation_list(CA, more=[scope(names=[POINT])]), answers=(given,), leaf=LEAF)
    assert (found.state, found.kind) == (GOOD, "ocsp")
    gone = revocation_list(CA, entry(told.serial), more=[scope(names=[POINT])])
    assert status(gone, answers=(given,)).state is NOBODY_KNOWS


def test_a_responder_whose_state_nobody_tells_is_believed_with_a_word():
    """RFC 6960 §4.2.2.2.1: the CA specifies no method; local policy."""
    silent = person("Responder", OCSP_SIGNING, by=CA)
    given = answer(LEAF, CA, by=silent, certificates=[silent.der])
    found = status(answers=(given,))
    assert (found.state, codes(found)) == (GOOD, {"responder_unchecked"})


@pytest.mark.parametrize(
    ("source", "purpose", "expected"),
    [
        ("test", AnchorPurpose.STATUS, GOOD),
        ("another list", AnchorPurpose.STATUS, NOBODY_KNOWS),
        ("another folder", AnchorPurpose.ANYTHING, GOOD),
        ("test", AnchorPurpose.TIMESTAMPS, NOBODY_KNOWS),
    ],
)
def test_a_responder_who_is_listed_tells_of_the_authorities_of_his_list(source, purpose, expected):
    """RFC 6960 §4.2.2.2: a local configuration for the certificate in question."""
    listed = person("Responder", OCSP_SIGNING, by=authority("Elsewhere"))
    given = answer(LEAF, CA, by=listed, certificates=[listed.der])
    anchor = anchor_of(listed.der, source=source)
    assert anchor is not None
    responders = KnownAnchors([replace(anchor, purpose=purpose)])
    assert status(answers=(given,), responders=responders).state is expected
    assert status(answers=(given,)).state is NOBODY_KNOWS
    late = {"responders": responders, "now": AT + 3 * YEAR, "is_current_needed": False}
    assert status(answers=(given,), **late).state is NOBODY_KNOWS


def test_a_broken_answer():
    """RFC 6960 §3.2 (2)."""
    given = answer(LEAF, CA, by=RESPONDER, certificates=[RESPONDER.der], is_broken=True)
    assert codes(status(answers=(given,))) == {"ocsp_signature_broken"}


def test_an_answer_about_another_certificate_or_another_issuer():
    """RFC 6960 §3.2 (1)."""
    other = person("B", by=CA)
    namesake = authority("CA", by=ROOT)
    for about_another in (
        answer(other, CA, by=CA),
        answer(LEAF, ROOT, by=CA),
        answer(LEAF, CA, by=CA, issuer_bits=namesake.key_bits),
    ):
        assert status(answers=(about_another,)).state is NOBODY_KNOWS


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"this": AT - 3 * DAY, "following": AT - DAY}, "evidence_stale"),
        ({"this": AT - 3 * DAY, "following": None}, "evidence_stale"),
        ({"this": AT + DAY, "following": AT + 2 * DAY}, "evidence_not_yet"),
        ({"produced": AT + DAY}, "evidence_not_yet"),
        ({"status": UNKNOWN}, "ocsp_unknown"),
        (
            {"more": [Extension("1.3.6.1.4.1.99999.9", b"\x05\x00", is_critical=True)]},
            "ocsp_extension_unknown",
        ),
    ],
)
def test_an_answer_that_does_not_count(given, code):
    """RFC 6960 §3.2 (5) and (6), §2.2 (unknown), §4.4 (critical extensions)."""
    found = status(answers=(answer(LEAF, CA, by=CA, **given),))
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {code})


def test_a_good_answer_from_after_the_end_counts_only_where_it_is_remembered():
    """RFC 6960 §4.4.4: archive cutoff."""
    leaf = person("A", by=CA, until=AT - 10 * DAY)
    found = status(answers=(answer(leaf, CA, by=CA),), leaf=leaf)
    assert codes(found) == {"ocsp_after_expiry"}
    kept = Extension("1.3.6.1.5.5.7.48.1.6", generalized(AT - YEAR))
    assert status(answers=(answer(leaf, CA, by=CA, more=[kept]),), leaf=leaf).state is GOOD
    gone = answer(leaf, CA, by=CA, status=revoked(AT - 11 * DAY))
    assert status(answers=(gone,), leaf=leaf).state is REVOKED


def test_a_digest_in_an_answer_is_the_certificates():
    """Common PKI: CertHash."""
    digest = wrap(0x30, wrap(0x30, oid("2.16.840.1.101.3.4.2.1")), wrap(0x04, bytes(32)))
    told = Extension("1.3.36.8.3.13", digest)
    found = status(answers=(answer(LEAF, CA, by=CA, more=[told]),))
    assert codes(found) == {"ocsp_about_other_certificate"}


def test_where_somebody_asks_is_a_place_where_status_is_told():
    """RFC 5280 §4.2.2.1: id-ad-ocsp."""
    place = wrap(0x30, oid("1.3.6.1.5.5.7.48.1"), wrap(0x86, b"http://ocsp.example/"))
    told = person(
        "Responder", OCSP_SIGNING, Extension("1.3.6.1.5.5.7.1.1", wrap(0x30, place)), by=CA
    )
    given = answer(LEAF, CA, by=told, certificates=[told.der])
    assert codes(status(answers=(given,))) == {"responder_status_unknown"}
    lax = status(answers=(given,), is_responder_status_needed=False)
    assert (lax.state, codes(lax)) == (GOOD, {"responder_unchecked"})


def test_a_listed_responder_signs_too():
    """RFC 6960 §3.2 (2)."""
    listed = person("Responder", OCSP_SIGNING, by=authority("Elsewhere"))
    broken = answer(LEAF, CA, by=listed, certificates=[listed.der], is_broken=True)
    anchor = anchor_of(listed.der, source="test")
    assert anchor is not None
    later = replace(anchor, trusted_from=AT + DAY)
    good = answer(LEAF, CA, by=listed, certificates=[listed.der])
    for given, believed in ((broken, anchor), (good, later)):
        responders = KnownAnchors([believed])
        assert status(answers=(given,), responders=responders).state is NOBODY_KNOWS


def test_an_issuer_that_cannot_be_read_issued_nothing():
    anchor = path_of(ROOT).anchor
    evidence = Evidence(ocsp_responses=[answer(LEAF, CA, by=CA)], crls=[revocation_list(CA)])
    broken = CertificatePath((LEAF.der, b"\x30\x00"), anchor)
    assert find_status(broken, evidence=evidence, at=AT).state is NOBODY_KNOWS
