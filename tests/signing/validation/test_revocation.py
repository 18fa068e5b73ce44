"""The state of a certificate, by every kind of evidence, and by what is no evidence."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.pki.der import wrap
from signing.formats.der import oid
from signing.validation.certificate_path import CertificatePath
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.model import RevocationState, StatusOrigin
from signing.validation.paths import AnchorPurpose
from signing.validation.revocation import (
    CertificateStatus,
    Evidence,
    StatusSettings,
    find_path_status,
    find_status,
)
from signing.validation.status_evidence import MOST_VERIFIED, Budget
from tests.support.certificate_paths import (
    AT,
    UNKNOWN,
    YEAR,
    Extension,
    Party,
    answer,
    authority,
    delta,
    directory,
    entry,
    generalized,
    person,
    point,
    points,
    purposes,
    revocation_list,
    revoked,
    scope,
    usage,
)

GOOD, REVOKED, HELD = RevocationState.GOOD, RevocationState.REVOKED, RevocationState.ON_HOLD
NOBODY_KNOWS, NOT_NEEDED = RevocationState.UNKNOWN, RevocationState.NOT_NEEDED
ROOT = authority("Root")
CA = authority("CA", by=ROOT)
LEAF = person("A", by=CA)
DAY = timedelta(days=1)
OCSP_SIGNING = purposes("1.3.6.1.5.5.7.3.9")
NO_CHECK = Extension("1.3.6.1.5.5.7.48.1.5", b"\x05\x00")


def path_of(*chain: Party) -> CertificatePath:
    """A path to the root."""
    anchor = anchor_of(ROOT.der, source="test")
    assert anchor is not None
    return CertificatePath(tuple(one.der for one in chain), anchor)


def status(
    *lists: bytes,
    answers: tuple[bytes, ...] = (),
    leaf: Party = LEAF,
    others: tuple[Party, ...] = (),
    at=AT,
    **given,
) -> CertificateStatus:
    """Of a certificate right below the CA."""
    evidence = Evidence(
        certificates=[one.der for one in others], crls=lists, ocsp_responses=answers
    )
    return find_status(
        path_of(leaf, CA), evidence=evidence, at=at, settings=StatusSettings(**given)
    )


def codes(found: CertificateStatus) -> set[str]:
    return {one.code for one in found.findings}


# lists: RFC 5280 §6.3.3


def test_a_list_that_does_not_name_it_says_good():
    found = status(revocation_list(CA, entry(99)))
    assert found.state is GOOD
    assert found.kind == "crl"
    assert found.is_current
    assert found.signers == ()
    assert found.this_update == AT - DAY
    assert found.report(StatusOrigin.FILE).state is GOOD


def test_a_list_that_names_it_says_since_when_and_why():
    found = status(revocation_list(CA, entry(99), entry(LEAF.serial, reason=1)))
    assert (found.state, found.reason) == (REVOKED, "keyCompromise")
    assert found.revoked_at == AT - 30 * DAY


def test_the_day_on_which_a_key_was_lost_is_told():
    """RFC 5280 §5.3.2."""
    lost = Extension("2.5.29.24", generalized(AT - 60 * DAY))
    found = status(revocation_list(CA, entry(LEAF.serial, more=[lost])))
    assert found.invalid_since == AT - 60 * DAY
    assert found.reason == "unspecified"


def test_what_was_revoked_later_was_good_before():
    found = status(revocation_list(CA, entry(LEAF.serial)), at=AT - 31 * DAY, now=AT)
    assert found.state is GOOD
    assert found.revoked_at == AT - 30 * DAY


def test_a_hold_is_a_state_of_its_own():
    """RFC 5280 §5.3.1."""
    found = status(revocation_list(CA, entry(LEAF.serial, reason=6)))
    assert (found.state, found.reason) == (HELD, "certificateHold")


def test_a_number_inside_another_number_is_not_found():
    """Octets that look alike in the middle of an entry are no entry."""
    inside = wrap(0x02, LEAF.serial.to_bytes(2, "big"))
    odd = Extension(f"1.3.6.1.4.1.99999.{LEAF.serial}", inside)
    found = status(revocation_list(CA, entry(99, more=[odd])))
    assert found.state is GOOD


def test_a_list_with_a_broken_signature():
    """RFC 5280 §6.3.3 (g)."""
    found = status(revocation_list(CA, is_broken=True))
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_signature_broken"})


def test_a_list_of_somebody_with_the_same_name():
    """RFC 5280 §6.3.3 (f): the same trust anchor."""
    other_root = authority("Other root")
    impostor = authority("CA", by=other_root)
    found = status(revocation_list(impostor), others=(impostor, other_root))
    assert found.state is NOBODY_KNOWS


def test_an_issuer_whose_key_may_not_sign_lists():
    """RFC 5280 §6.3.3 (f): cRLSign."""
    mute = authority("Mute", usage("keyCertSign"), by=ROOT)
    leaf = person("A", by=mute)
    evidence = Evidence(crls=[revocation_list(mute)])
    found = find_status(path_of(leaf, mute), evidence=evidence, at=AT)
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_signer_may_not"})


@pytest.mark.parametrize(
    ("this", "following", "code"),
    [
        (AT - 9 * DAY, AT - 2 * DAY, "evidence_stale"),
        (AT + DAY, AT + 2 * DAY, "evidence_not_yet"),
        (AT - 9 * DAY, None, "evidence_stale"),
    ],
)
def test_a_list_of_another_time(this, following, code):
    """RFC 5280 §6.3.3 (a), §5.1.2.4 and §5.1.2.5."""
    found = status(revocation_list(CA, this=this, following=following))
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {code})


def test_an_old_list_counts_where_that_is_wanted_and_is_told_to_be_old():
    old = revocation_list(CA, this=AT - 9 * DAY, following=AT - 2 * DAY)
    older = revocation_list(CA, this=AT - 19 * DAY, following=AT - 12 * DAY)
    found = status(older, old, is_current_needed=False)
    assert (found.state, found.is_current) == (GOOD, False)
    assert found.evidence == (old,)


def test_a_list_to_the_end_of_time():
    end = AT.replace(year=9999, month=12, day=31)
    assert status(revocation_list(CA, following=end)).state is GOOD


def test_a_list_from_after_the_end_of_the_certificate_has_forgotten_it():
    """X.509 §9.5.2.6, EN 319 102-1 §5.2.5: unless expiredCertsOnCRL says otherwise."""
    leaf = person("A", by=CA, until=AT - 10 * DAY)
    found = status(revocation_list(CA), leaf=leaf)
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_after_expiry"})
    kept = Extension("2.5.29.60", generalized(AT - YEAR))
    assert status(revocation_list(CA, more=[kept]), leaf=leaf).state is GOOD
    assert status(revocation_list(CA, entry(leaf.serial)), leaf=leaf).state is REVOKED


def test_a_critical_extension_that_nobody_knows():
    """RFC 5280 §5.2: MUST NOT use the list."""
    odd = Extension("1.3.6.1.4.1.99999.9", b"\x05\x00", is_critical=True)
    found = status(revocation_list(CA, more=[odd]))
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_extension_unknown"})


def test_a_critical_extension_that_nobody_knows_in_an_entry_about_another():
    """RFC 5280 §5.3: MUST NOT use the list for any certificate."""
    odd = Extension("1.3.6.1.4.1.99999.9", b"\x05\x00", is_critical=True)
    found = status(revocation_list(CA, entry(99, more=[odd])))
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_entry_extension_unknown"})


POINT = wrap(0x86, b"http://crl.example/1")
OTHER_POINT = wrap(0x86, b"http://crl.example/2")


def test_a_part_of_a_list_counts_for_those_that_name_it():
    """RFC 5280 §6.3.3 (b)(2)(i)."""
    leaf = person("A", points(point(names=[POINT])), by=CA)
    mine = revocation_list(CA, more=[scope(names=[OTHER_POINT, POINT])])
    other = revocation_list(CA, more=[scope(names=[OTHER_POINT])])
    assert status(mine, leaf=leaf).state is GOOD
    found = status(other, leaf=leaf)
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_of_other_point"})


@pytest.mark.parametrize(
    ("flag", "is_authority", "code"),
    [
        (1, True, "crl_only_users"),
        (2, False, "crl_only_authorities"),
        (5, False, "crl_only_attributes"),
    ],
)
def test_a_list_that_is_about_other_kinds_of_certificates(flag, is_authority, code):
    """RFC 5280 §6.3.3 (b)(2)(ii) to (iv)."""
    leaf = authority("A", by=CA) if is_authority else LEAF
    found = status(revocation_list(CA, more=[scope(flags=[flag])]), leaf=leaf)
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {code})


def test_lists_for_some_reasons_say_good_together_alone():
    """RFC 5280 §6.3.3 (d), (e) and (l): until all reasons are covered."""
    lost = revocation_list(CA, more=[scope(reasons=[1, 2])])
    rest = revocation_list(CA, more=[scope(reasons=range(3, 9))])
    found = status(lost)
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_reasons_incomplete"})
    both = status(lost, rest)
    assert both.state is GOOD
    assert set(both.evidence) == {lost, rest}
    named = revocation_list(CA, entry(LEAF.serial, reason=4), more=[scope(reasons=range(3, 9))])
    assert status(lost, named).state is REVOKED


OFFICE = authority("List office", by=ROOT)
INDIRECT = person("A", points(point(names=[POINT], issuer=OFFICE.subject)), by=CA)


def about(issuer: Party) -> Extension:
    """Certificate issuer of an entry."""
    return Extension("2.5.29.29", wrap(0x30, directory(issuer.subject)), is_critical=True)


def office_status(*entries: bytes, flags=(4,), lists=(), others=(OFFICE,)) -> CertificateStatus:
    found = revocation_list(OFFICE, *entries, more=[scope(names=[POINT], flags=flags)])
    of_root = revocation_list(ROOT)
    return status(found, of_root, *lists, leaf=INDIRECT, others=others)


def test_a_list_of_another_office_counts_when_the_certificate_names_it():
    """RFC 5280 §6.3.3 (b)(1), §5.3.3."""
    found = office_status()
    assert found.state is GOOD
    assert [one.certificates for one in found.signers] == [(OFFICE.der,)]
    number = INDIRECT.serial
    assert office_status(entry(number, more=[about(CA)])).state is REVOKED
    assert office_status(entry(number, more=[about(ROOT)])).state is GOOD
    assert office_status(entry(number)).state is GOOD
    # an entry without a name goes on with the last one
    assert office_status(entry(7, more=[about(CA)]), entry(number)).state is REVOKED


def test_a_list_of_another_office_has_to_say_that_it_is_indirect():
    """RFC 5280 §6.3.3 (b)(1)."""
    found = office_status(flags=())
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_not_indirect"})


def test_an_office_that_nobody_knows_signs_nothing():
    """RFC 5280 §6.3.3 (f)."""
    found = office_status(others=())
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_signer_unknown"})


def test_whoever_signs_lists_for_others_says_that_his_key_may():
    """RFC 5280 §4.2.1.3: key usage MUST be there."""
    silent = person("List office", by=ROOT)
    assert silent.subject == OFFICE.subject
    found = revocation_list(silent, more=[scope(names=[POINT], flags=[4])])
    state = status(found, revocation_list(ROOT), leaf=INDIRECT, others=(silent,)).state
    assert state is NOBODY_KNOWS


def test_an_office_that_was_revoked_signs_nothing():
    """RFC 5280 §6.3.3 (f): the path of the issuer of the list is validated, too."""
    newer = revocation_list(ROOT, entry(OFFICE.serial), this=AT - timedelta(hours=1))
    found = office_status(lists=[newer])
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_signer_status_unknown"})


def test_an_office_that_is_over_signs_nothing():
    """RFC 5280 §6.3.3 (f); a proof that the list is older than that lets it count."""
    over = authority("List office", by=ROOT, until=AT - timedelta(hours=2))
    leaf = person("A", points(point(names=[POINT], issuer=over.subject)), by=CA)
    found = revocation_list(over, more=[scope(names=[POINT], flags=[4])])
    heap = (found, revocation_list(ROOT))
    assert codes(status(*heap, leaf=leaf, others=(over,))) == {"crl_signer_invalid"}
    proved = {found: AT - timedelta(hours=3)}.get
    assert status(*heap, leaf=leaf, others=(over,), exists_since=proved).state is GOOD
    late = {found: AT - timedelta(hours=1)}.get
    assert status(*heap, leaf=leaf, others=(over,), exists_since=late).state is NOBODY_KNOWS
    told = status(*heap, leaf=leaf, others=(over,), is_time_of_signers_needed=False)
    assert told.state is GOOD


def test_whoever_was_revoked_since_signs_what_is_proved_to_be_older():
    """EN 319 102-1 §5.6.2.2: evidence counts as of the time at which it is proved to exist."""
    told = person("Responder", OCSP_SIGNING, points(point(names=[POINT])), by=CA)
    given = answer(LEAF, CA, by=told, certificates=[told.der])
    lost = entry(told.serial, at=AT - timedelta(minutes=30), reason=1)
    gone = revocation_list(CA, lost, more=[scope(names=[POINT])], this=AT)
    at = AT - timedelta(minutes=45)
    assert status(gone, answers=(given,), at=at, now=AT).state is NOBODY_KNOWS
    early = {given: AT - timedelta(minutes=40)}.get
    found = status(gone, answers=(given,), at=at, now=AT, exists_since=early)
    assert (found.state, found.kind) == (GOOD, "ocsp")


def test_an_issuer_may_keep_a_key_of_its_own_for_lists():
    """RFC 5280 §6.3.3 (f): the same name, another key, a path to the same anchor."""
    signer = authority("CA", usage("cRLSign"), by=ROOT)
    mute = authority("CA", usage("keyCertSign"), by=ROOT)
    leaf = person("A", by=mute)
    evidence = Evidence(
        certificates=[signer.der], crls=[revocation_list(signer), revocation_list(ROOT)]
    )
    found = find_status(path_of(leaf, mute), evidence=evidence, at=AT)
    assert found.state is GOOD
    assert found.signers[0].certificates == (signer.der,)
    both = find_path_status(path_of(leaf, mute), evidence=evidence, at=AT)
    assert [one.state for one in both] == [GOOD, GOOD]


def test_nobody_vouches_for_himself():
    """A list that says that its own signer is good, where nobody let it."""
    signer = authority("Root", usage("cRLSign"), by=ROOT)
    evidence = Evidence(crls=[revocation_list(signer)])
    found = find_status(path_of(signer), evidence=evidence, at=AT)
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_signer_status_unknown"})


def test_a_delta_says_what_is_new():
    """RFC 5280 §6.3.3 (c), (h), (i), (k), §5.2.4."""
    base = revocation_list(CA, entry(LEAF.serial, reason=6), number=5)
    lifted = revocation_list(
        CA, entry(LEAF.serial, reason=8), number=7, more=[delta(4)], this=AT - timedelta(hours=1)
    )
    found = status(base, lifted)
    assert found.state is GOOD
    assert found.evidence == (base, lifted)
    clean = revocation_list(CA, number=5)
    newer = revocation_list(CA, entry(LEAF.serial, reason=1), number=6, more=[delta(5)])
    assert status(clean, newer).state is REVOKED


@pytest.mark.parametrize(
    "given",
    [
        {"number": 6, "more": [delta(6)]},
        {"number": 4, "more": [delta(3)]},
        {"number": 6, "more": [delta(5), scope(flags=[1])]},
        {"number": 6, "more": [delta(5)], "is_broken": True},
        {"number": 6, "more": [delta(5)], "this": AT - 9 * DAY, "following": AT - 2 * DAY},
        {"number": None, "more": [delta(5)]},
    ],
)
def test_a_delta_that_does_not_go_on_from_this_list(given):
    """RFC 5280 §5.2.4: same issuer, scope and key, a base no later, a number that is later."""
    lifted = revocation_list(CA, entry(LEAF.serial, reason=8), **given)
    held = revocation_list(CA, entry(LEAF.serial, reason=6), number=5)
    assert status(held, lifted).state is HELD


def test_a_delta_alone_says_nothing():
    """RFC 5280 §6.3.3 (a): a complete list is needed."""
    assert status(revocation_list(CA, number=6, more=[delta(5)])).state is NOBODY_KNOWS


# answers: RFC 6960

RESPONDER = person("Responder", OCSP_SIGNING, NO_CHECK, by=CA)


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


# certificates whose state nobody tells, and heaps of anything


def test_a_certificate_that_needs_no_state():
    """RFC 9608 (no revocation available); EN 319 412-1 §5.2 (short life); an anchor."""
    for kind in ("2.5.29.56", "0.4.0.194121.2.1"):
        brief = person("A", Extension(kind, b"\x05\x00"), by=CA)
        assert status(leaf=brief).state is NOT_NEEDED
    told = Extension("2.5.29.56", b"\x05\x00")
    assert status(leaf=person("A", told, points(point(names=[POINT])), by=CA)).state is NOBODY_KNOWS
    assert status(leaf=authority("A", told, by=CA)).state is NOBODY_KNOWS
    itself = path_of(ROOT)
    assert find_status(itself, evidence=Evidence(), at=AT).state is NOT_NEEDED


def test_without_evidence_nobody_knows():
    assert status().state is NOBODY_KNOWS


def test_a_heap_of_rubbish_raises_nothing_and_is_counted():
    rubbish = [b"", b"\x30\x00", b"\x30\x03\x0a\x01\x06", LEAF.der, b"\x00" * 50]
    evidence = Evidence(certificates=rubbish, crls=rubbish, ocsp_responses=rubbish)
    assert find_status(path_of(LEAF, CA), evidence=evidence, at=AT).state is NOBODY_KNOWS
    told = {one.code: one.fact("count") for one in evidence.unreadable}
    assert told == {"ocsp_unreadable": "5", "crl_unreadable": "5"}
    assert find_status(
        CertificatePath((b"", CA.der), path_of(ROOT).anchor), evidence=evidence, at=AT
    ) == CertificateStatus(NOBODY_KNOWS)


def test_thousands_of_lists_of_one_issuer_cost_a_bounded_number_of_signatures():
    heap = [
        revocation_list(CA, number=number, is_broken=True, this=AT - timedelta(seconds=number))
        for number in range(1, 600)
    ]
    evidence = Evidence(crls=heap)
    found = find_status(path_of(LEAF, CA), evidence=evidence, at=AT)
    assert found.state is NOBODY_KNOWS
    assert len(evidence._signed) <= MOST_VERIFIED


def test_a_budget_ends():
    budget = Budget(2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]


_PIECES = (
    revocation_list(CA, entry(99, reason=1), entry(LEAF.serial + 1)),
    revocation_list(CA, number=6, more=[delta(5), scope(names=[POINT], reasons=[1])]),
    answer(LEAF, CA, by=RESPONDER, certificates=[RESPONDER.der]),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(_PIECES), st.data())
def test_evidence_that_somebody_changed_counts_for_nothing(piece, data):
    """Any octet changed inside what is signed: no state comes of it, and nothing is raised."""
    octets = bytearray(piece)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    changed = bytes(octets)
    found = status(changed, answers=(changed,))
    if found.state is not NOBODY_KNOWS:
        # only what stands around the signed octets may differ
        assert found.state is GOOD
        assert _signed_part(piece) in changed


def _signed_part(piece: bytes) -> bytes:
    evidence = Evidence(crls=[piece], ocsp_responses=[piece])
    if evidence._lists:
        return evidence._lists[0].signed.octets
    return evidence._answers[0].signed.octets


def test_openssl_reads_the_same_out_of_lists_and_answers(tmp_path: Path):
    """A second opinion on what the builders make and we read."""
    files = {
        "leaf": LEAF.der,
        "ca": CA.der,
        "root": ROOT.der,
        "list": revocation_list(CA, entry(LEAF.serial, reason=1)),
        "clean": revocation_list(CA),
        "answer": answer(LEAF, CA, by=RESPONDER, certificates=[RESPONDER.der]),
    }
    for file, octets in files.items():
        (tmp_path / file).write_bytes(octets)
    for file, told in (("list", "certificate revoked"), ("clean", "OK")):
        result = _openssl(
            tmp_path,
            *("verify", "-attime", str(int(AT.timestamp())), "-crl_check"),
            *("-trusted", "root", "-untrusted", "ca", "-CRLfile", file, "leaf"),
        )
        assert told in result, result
    result = _openssl(
        tmp_path,
        *("ocsp", "-respin", "answer", "-CAfile", "root.pem", "-verify_other", "ca.pem"),
        *("-sha256", "-issuer", "ca", "-cert", "leaf", "-attime", str(int(AT.timestamp()))),
        *("-validity_period", "999999999"),
    )
    assert "leaf: good" in result, result


def _openssl(folder: Path, *words: str) -> str:
    for file in ("root", "ca"):
        command = ("openssl", "x509", "-in", file, "-out", f"{file}.pem")
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    result = subprocess.run(
        ("openssl", *words), cwd=folder, check=False, capture_output=True, text=True
    )
    return result.stdout + result.stderr


def test_names_of_points_may_continue_the_name_of_the_issuer():
    """RFC 5280 §4.2.1.13 and §5.2.5: nameRelativeToCRLIssuer."""
    part = wrap(0x30, oid("2.5.4.3"), wrap(0x0C, b"Part 1"))
    relative = wrap(0x30, wrap(0xA0, wrap(0xA1, part)))
    leaf = person("A", points(relative), by=CA)
    alike = Extension("2.5.29.28", relative, is_critical=True)
    assert status(revocation_list(CA, more=[alike]), leaf=leaf).state is GOOD
    full = CA.subject[2:] + wrap(0x31, part)
    named = scope(names=[directory(wrap(0x30, full))])
    assert status(revocation_list(CA, more=[named]), leaf=leaf).state is GOOD
