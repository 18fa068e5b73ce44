"""The state of a certificate by lists: RFC 5280 §6.3.3, each rule kept and broken."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keystore.pki.der import wrap
from signing.formats.der import oid
from signing.validation.model import StatusOrigin
from signing.validation.revocation import (
    CertificateStatus,
    Evidence,
    find_path_status,
    find_status,
)
from tests.support.asked_status import (
    DAY,
    GOOD,
    HELD,
    LEAF,
    NOBODY_KNOWS,
    OCSP_SIGNING,
    POINT,
    REVOKED,
    codes,
    status,
)
from tests.support.certificate_paths import (
    AT,
    YEAR,
    Extension,
    Party,
    answer,
    authority,
    basic,
    delta,
    directory,
    entry,
    generalized,
    issue,
    name,
    person,
    point,
    points,
    revocation_list,
    scope,
    usage,
)
from tests.support.judged_paths import CA, ROOT, path_of


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


def test_a_list_of_the_anchor_about_those_further_below():
    """RFC 5280 §6.3.3 (f): the anchor signs the list to which a certificate points."""
    leaf = person("A", points(point(names=[POINT], issuer=ROOT.subject)), by=CA)
    told = scope(names=[POINT], flags=[4])
    assert status(revocation_list(ROOT, more=[told]), leaf=leaf).state is GOOD
    named = revocation_list(ROOT, entry(leaf.serial, more=[about(CA)]), more=[told])
    assert status(named, leaf=leaf).state is REVOKED


def test_a_certificate_that_tells_its_own_status_where_its_issuer_let_it():
    """RFC 5280 §4.2.1.13: a cRLIssuer that is the certificate's own name (PKITS 4.14.30)."""
    own = name("Org", "List office")
    office = issue(
        own, basic(), usage("cRLSign"), points(point(names=[POINT], issuer=own)), by=ROOT
    )
    told = scope(names=[POINT], flags=[4])
    for entries, expected in (((), GOOD), ((entry(office.serial, more=[about(ROOT)]),), REVOKED)):
        evidence = Evidence(crls=[revocation_list(office, *entries, more=[told])])
        assert find_status(path_of(office), evidence=evidence, at=AT).state is expected


def test_points_that_make_no_sense_leave_the_issuers_own_lists():
    odd = wrap(0x30, wrap(0xA0, wrap(0xA7, b"")))
    leaf = person("A", points(odd), by=CA)
    assert status(revocation_list(CA), leaf=leaf).state is GOOD
    nothing = revocation_list(CA, more=[Extension("2.5.29.28", odd, is_critical=True)])
    found = status(nothing)
    assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_malformed"})


def test_entries_that_make_no_sense():
    """A list of the issuer's that cannot be walked through says nothing."""
    number = wrap(0x02, LEAF.serial.to_bytes(2, "big"))
    for odd in (b"\x31\x00", b"\x30\x85\x00\x00\x00\x00\x00", b"\x30\x7f", wrap(0x30, number)):
        found = status(revocation_list(CA, odd + number))
        assert (found.state, codes(found)) == (NOBODY_KNOWS, {"crl_malformed"})


def test_a_million_entries_of_a_stranger_are_not_walked_through():
    odd = Extension("1.3.6.1.4.1.99999.9", b"\x05\x00", is_critical=True)
    found = status(revocation_list(CA, *[entry(99, more=[odd])] * 1000, is_broken=True))
    assert codes(found) == {"crl_signature_broken"}


def test_an_entry_deep_in_a_long_list():
    """Entries and lengths of every size."""
    large = entry(98, more=[Extension("1.2.3.4", bytes(300))])
    entries = [entry(number) for number in range(5000, 5300)]
    found = status(revocation_list(CA, large, *entries, entry(LEAF.serial, reason=4)))
    assert (found.state, found.reason) == (REVOKED, "superseded")
