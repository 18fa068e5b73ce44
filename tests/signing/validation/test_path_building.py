"""Paths are found among whatever somebody put there, in bounded steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.pki.der import wrap
from signing.validation import certificates, path_building
from signing.validation.certificate_path import (
    CertificatePath,
    TrustAnchor,
    find_paths,
    validate_path,
)
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.path_building import LONGEST, MOST_PATHS, MOST_STEPS, CertificatePool
from signing.validation.paths import AnchorPurpose
from tests.support.certificate_paths import (
    AT,
    Extension,
    Party,
    authority,
    key_identifiers,
    key_number,
    name,
    person,
    trusting,
)

ROOT = authority("Root")
CA = authority("CA", by=ROOT)
LEAF = person("A", by=CA)


def found(certificate: Party, *among: Party, anchors: KnownAnchors) -> list[CertificatePath]:
    """All paths."""
    heap = [one.der for one in among]
    return list(find_paths(certificate.der, among=heap, anchors=anchors, at=AT))


def test_a_path_is_found_whatever_lies_around():
    heap = (b"", b"\x30\x03\x02\x01", LEAF.der, ROOT.der, CA.der, CA.der)
    paths = list(find_paths(LEAF.der, among=heap, anchors=trusting(ROOT), at=AT))
    assert [one.certificates for one in paths] == [(LEAF.der, CA.der)]
    assert paths[0].chain == (LEAF.der, CA.der, ROOT.der)
    assert paths[0].above(1).certificates == (CA.der,)


def test_without_an_anchor_there_is_no_path():
    assert found(LEAF, CA, ROOT, anchors=KnownAnchors()) == []


def test_something_that_is_no_certificate_has_no_path():
    assert list(find_paths(b"\x30\x00", among=(), anchors=trusting(ROOT), at=AT)) == []


def test_an_anchor_of_the_same_name_with_another_key_is_no_end():
    other = authority("Root")
    assert found(LEAF, CA, ROOT, anchors=trusting(other)) == []


def test_a_signature_that_does_not_fit_is_no_link():
    forged = authority("CA", by=ROOT, is_broken=True, key=CA.key)
    assert found(LEAF, forged, anchors=trusting(ROOT)) == []


def test_an_authority_that_is_itself_an_anchor_ends_the_path():
    paths = found(LEAF, CA, ROOT, anchors=trusting(CA))
    assert [one.certificates for one in paths] == [(LEAF.der,)]
    both = found(LEAF, CA, ROOT, anchors=trusting(CA, ROOT))
    assert [one.certificates for one in both] == [(LEAF.der,)]


def test_an_authority_that_is_believed_for_little_ends_no_other_path():
    anchor = anchor_of(CA.der, source="list")
    root = anchor_of(ROOT.der, source="list")
    assert anchor is not None
    assert root is not None
    little = replace(anchor, purpose=AnchorPurpose.TIMESTAMPS)
    paths = found(LEAF, CA, ROOT, anchors=KnownAnchors([little, root]))
    assert [one.anchor for one in paths] == [little, root]


def test_a_certificate_that_is_itself_an_anchor_is_a_path_by_itself():
    first, *_ = found(LEAF, CA, anchors=trusting(LEAF, ROOT))
    assert first.is_anchor
    assert validate_path(first, at=AT).is_valid


def test_an_anchor_without_a_certificate_ends_a_path():
    anchor = TrustAnchor(name=ROOT.subject, key=ROOT.spki, source="list")
    (path,) = found(LEAF, CA, anchors=KnownAnchors([anchor]))
    assert path.chain == (LEAF.der, CA.der)
    assert validate_path(path, at=AT).is_valid


def test_nothing_becomes_an_anchor_that_is_no_certificate():
    assert anchor_of(b"\x30\x00", source="folder") is None


def test_the_right_key_comes_first_and_what_is_over_comes_last():
    over = authority("CA", by=ROOT, key=CA.key, until=AT - timedelta(days=1))
    paths = found(LEAF, over, CA, anchors=trusting(ROOT))
    assert [one.certificates[1] for one in paths] == [CA.der, over.der]


def test_every_way_over_cross_certificates_is_found():
    other_root = authority("Other root")
    crossed = authority("CA", by=other_root, key=CA.key)
    paths = found(LEAF, CA, crossed, anchors=trusting(ROOT, other_root))
    assert {one.anchor.name for one in paths} == {ROOT.subject, other_root.subject}


def test_authorities_that_certify_each_other_end_somewhere():
    """RFC 4158 §2.4.2: no name with the same key twice."""
    keys = [key_number(one) for one in range(4)]
    names = [f"Mesh {one}" for one in range(4)]
    alone = [authority(one, key=key) for one, key in zip(names, keys, strict=True)]
    mesh = [
        authority(one, by=above, key=key)
        for one, key in zip(names, keys, strict=True)
        for above in alone
        if above.key is not key
    ]
    leaf = person("A", by=alone[0])
    assert found(leaf, *mesh, *alone, anchors=trusting(ROOT)) == []
    entry = authority(names[3], by=ROOT, key=keys[3])
    paths = found(leaf, *mesh, *alone, entry, anchors=trusting(ROOT))
    assert paths
    assert min(len(one.certificates) for one in paths) == len(paths[0].certificates) == 3
    assert all(validate_path(one, at=AT).is_valid for one in paths)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch):
    """How many signatures were verified."""
    calls: list[int] = []
    verify = certificates.is_signed_by

    def counting(certificate, *, key):
        calls.append(1)
        return verify(certificate, key=key)

    monkeypatch.setattr(path_building, "is_signed_by", counting)
    return calls


def test_thousands_of_authorities_of_the_same_name_are_tried_in_bounded_steps(counted):
    real = authority("Crowd", by=ROOT, key=key_number(1))
    heap = [
        authority("Crowd", by=ROOT, key=key_number(2), serial=number, is_broken=True)
        for number in range(2000)
    ]
    stranger = person("A", by=authority("Crowd", key=key_number(3)))
    assert found(stranger, *heap, real, anchors=trusting(ROOT)) == []
    assert len(counted) <= 2 * MOST_STEPS


def test_the_authority_with_the_right_key_is_found_among_thousands(counted):
    wanted, own = key_identifiers(ROOT)
    named = authority("Crowd", own, by=ROOT, key=key_number(1))
    heap = [
        authority("Crowd", by=ROOT, key=key_number(2), serial=number, is_broken=True)
        for number in range(1500)
    ]
    identifier = wrap(0x30, wrap(0x80, own.value[2:]))
    leaf = person("A", Extension(wanted.kind, identifier), by=named)
    paths = found(leaf, *heap, named, anchors=trusting(ROOT))
    assert [one.certificates for one in paths] == [(leaf.der, named.der)]
    assert counted


def test_a_path_is_no_longer_than_anybody_needs():
    chain = [ROOT]
    for number in range(LONGEST + 4):
        chain.append(authority(f"Level {number}", by=chain[-1]))
    for depth, expected in ((LONGEST - 1, 1), (LONGEST, 0)):
        leaf = person("A", by=chain[depth])
        assert len(found(leaf, *chain, anchors=trusting(ROOT))) == expected


def test_a_pool_is_read_once_and_serves_many_searches():
    pool = CertificatePool([CA.der, ROOT.der, b"\x00"])
    assert pool.by_subject(name("oRG", "CA"))[0].der == CA.der
    for _ in range(2):
        assert len(list(find_paths(LEAF.der, among=pool, anchors=trusting(ROOT), at=AT))) == 1


_PARTY = st.integers(0, 5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(_PARTY, _PARTY, st.booleans()), max_size=25),
    st.sets(_PARTY, max_size=2),
    _PARTY,
)
def test_whoever_certifies_whom_each_path_is_signed_and_leads_to_an_anchor(edges, trusted, start):
    """Any heap of authorities, in circles and with forgeries among them."""
    alone = [authority(f"P{one}", key=key_number(50 + one)) for one in range(6)]
    heap = [
        authority(
            f"P{one}", by=alone[above], key=key_number(50 + one), is_broken=is_broken, serial=1
        )
        for one, above, is_broken in edges
    ]
    anchors = trusting(*(alone[one] for one in trusted))
    leaf = person("A", by=alone[start], serial=2, key=key_number(60))
    paths = found(leaf, *heap, anchors=anchors)
    assert len(paths) <= MOST_PATHS
    for path in paths:
        assert validate_path(path, at=AT).is_valid
        assert len(set(path.certificates)) == len(path.certificates) <= LONGEST
    assert bool(paths) == _is_reachable(start, edges, trusted)


def _is_reachable(start: int, edges: list[tuple[int, int, bool]], trusted: set[int]) -> bool:
    seen, waiting = set(), [start]
    while waiting:
        one = waiting.pop()
        if one in trusted:
            return True
        if one not in seen:
            seen.add(one)
            waiting += [above for below, above, broken in edges if below == one and not broken]
    return False


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_octets_that_somebody_changed_raise_nothing(data):
    """Any octet of a certificate changed: a path that is no more valid, or none."""
    octets = bytearray(data.draw(st.sampled_from([LEAF.der, CA.der, ROOT.der])))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= data.draw(st.integers(1, 255))
    changed = bytes(octets)
    heap = [CA.der, changed, ROOT.der]
    for path in find_paths(changed, among=heap, anchors=trusting(ROOT), at=AT):
        assert not validate_path(path, at=AT).is_valid or path.certificates[0] != changed
