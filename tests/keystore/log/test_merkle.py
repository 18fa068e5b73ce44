"""Roots, proofs and their verification, against published values and a second implementation.

The eight entries and their roots are those of the Certificate Transparency reference tree; the
proofs are from github.com/transparency-dev/merkle, testdata/ (Apache-2.0), commit bcba819.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.log.errors import ProofInvalid
from keystore.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    find_peaks,
    find_root,
    hash_leaf,
    hash_row,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from tests.support.rfc9162 import is_consistent, is_included, tree_head

_ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
_ROOTS = [
    bytes.fromhex(root)
    for root in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
_INCLUSION = (
    5,
    8,
    (
        "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
        "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
    ),
)
_CONSISTENCY = (
    (
        6,
        8,
        (
            "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ),
    ),
    (
        2,
        5,
        (
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        ),
    ),
)


def _nodes(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    rows = [leaves]
    while len(rows[-1]) > 1:
        rows.append(hash_row(rows[-1]))
    return lambda level, index: rows[level][index]


def _decoded(hashes: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(one) for one in hashes)


_LEAVES = [hash_leaf(entry) for entry in _ENTRIES]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_tree(size: int) -> None:
    frontier = Frontier()
    for leaf in _LEAVES[:size]:
        frontier.append(leaf)
    assert frontier.root == _ROOTS[size]
    assert find_root(size, nodes=_nodes(_LEAVES)) == _ROOTS[size]
    assert tree_head(_ENTRIES[:size]) == _ROOTS[size]


def test_published_proofs_are_made_and_verify() -> None:
    index, size, hashes = _INCLUSION
    proof = prove_inclusion(index, size=size, nodes=_nodes(_LEAVES))
    assert proof == _decoded(hashes)
    verify_inclusion(_LEAVES[index], index=index, size=size, proof=proof, root=_ROOTS[size])
    for old, new, published in _CONSISTENCY:
        proof = prove_consistency(old, new=new, nodes=_nodes(_LEAVES))
        assert proof == _decoded(published)
        verify_consistency(proof, old=old, old_root=_ROOTS[old], new=new, new_root=_ROOTS[new])


def test_proofs_between_any_two_of_two_hundred_random_sizes_verify_independently() -> None:
    """RFC 9162 §2.1.4.2."""
    leaves = [hash_leaf(number.to_bytes(4, "big")) for number in range(70_000)]
    sizes = sorted({1, *(1 + secrets.randbelow(len(leaves)) for _ in range(199))})
    while len(sizes) < 200:
        sizes = sorted({*sizes, 1 + secrets.randbelow(len(leaves))})
    nodes = _nodes(leaves)
    roots = {size: find_root(size, nodes=nodes) for size in sizes}
    for old, new in product(sizes, sizes):
        if old > new:
            continue
        path = prove_consistency(old, new=new, nodes=nodes)
        assert is_consistent(
            path, first=old, second=new, first_hash=roots[old], second_hash=roots[new]
        ), (old, new)
    for old, new in pairwise(sizes):
        path = prove_consistency(old, new=new, nodes=nodes)
        verify_consistency(path, old=old, old_root=roots[old], new=new, new_root=roots[new])


@given(st.integers(1, 300), st.data())
def test_every_place_is_proven_and_both_verifiers_agree(size: int, data: st.DataObject) -> None:
    leaves = [hash_leaf(bytes([number % 256])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    nodes = _nodes(leaves)
    root = find_root(size, nodes=nodes)
    path = prove_inclusion(index, size=size, nodes=nodes)
    verify_inclusion(leaves[index], index=index, size=size, proof=path, root=root)
    assert is_included(leaves[index], index=index, size=size, path=path, root=root)


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_a_consistency_proof_with_anything_changed_is_refused(
    first: int, second: int, data: st.DataObject
) -> None:
    """RFC 9162 §2.1.4.2: both roots have to follow; the second opinion says the same."""
    old, new = sorted((first, second))
    nodes = _nodes([hash_leaf(number.to_bytes(2, "big")) for number in range(new)])
    path = list(prove_consistency(old, new=new, nodes=nodes))
    roots = [find_root(old, nodes=nodes), find_root(new, nodes=nodes)]
    what = data.draw(st.sampled_from(("hash", "drop", "add", "old_root", "new_root")))
    if what in {"hash", "drop"}:
        if not path:
            return
        at = data.draw(st.integers(0, len(path) - 1))
        path = [*path[:at], *([] if what == "drop" else [bytes(32)]), *path[at + 1 :]]
    elif what == "add":
        path.insert(data.draw(st.integers(0, len(path))), bytes(32))
    else:
        roots[what == "new_root"] = bytes(32)
    assert not is_consistent(path, first=old, second=new, first_hash=roots[0], second_hash=roots[1])
    with pytest.raises(ProofInvalid):
        verify_consistency(path, old=old, old_root=roots[0], new=new, new_root=roots[1])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (0, 2**63)])
def test_no_place_outside_of_a_tree_is_proven(index: int, size: int) -> None:
    """RFC 9162 §2.1.3.2: an index not below the size fails."""
    with pytest.raises(ProofInvalid, match="range"):
        verify_inclusion(bytes(32), index=index, size=size, proof=[], root=bytes(32))
    with pytest.raises(ProofInvalid, match="range"):
        prove_inclusion(index, size=size, nodes=_nodes(_LEAVES))


def test_a_leaf_at_another_place_is_refused() -> None:
    """RFC 9162 §2.1.3.2."""
    proof = prove_inclusion(3, size=8, nodes=_nodes(_LEAVES))
    for index in (0, 2, 4, 7):
        with pytest.raises(ProofInvalid):
            verify_inclusion(_LEAVES[3], index=index, size=8, proof=proof, root=_ROOTS[8])
    for size in (4, 9, 17):
        with pytest.raises(ProofInvalid):
            verify_inclusion(_LEAVES[3], index=3, size=size, proof=proof, root=_ROOTS[8])


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(ProofInvalid, match="hash_length"):
        verify_inclusion(_LEAVES[0], index=0, size=2, proof=[b"short"], root=_ROOTS[2])


def test_nothing_is_the_beginning_of_everything_and_needs_no_proof() -> None:
    verify_consistency([], old=0, old_root=EMPTY_ROOT, new=8, new_root=_ROOTS[8])
    with pytest.raises(ProofInvalid, match="too_long"):
        verify_consistency([bytes(32)], old=0, old_root=EMPTY_ROOT, new=8, new_root=_ROOTS[8])
    with pytest.raises(ProofInvalid, match="old_root"):
        verify_consistency([], old=0, old_root=bytes(32), new=8, new_root=_ROOTS[8])


def test_a_tree_does_not_shrink() -> None:
    with pytest.raises(ProofInvalid, match="range"):
        prove_consistency(5, new=4, nodes=_nodes(_LEAVES))
    with pytest.raises(ProofInvalid, match="range"):
        verify_consistency([], old=5, old_root=_ROOTS[5], new=4, new_root=_ROOTS[4])


@given(st.integers(0, 5_000))
def test_a_frontier_can_be_taken_up_where_it_was_left(size: int) -> None:
    peaks = find_peaks(size)
    assert sum(1 << level for level, _index in peaks) == size
    leaves = [hash_leaf(number.to_bytes(2, "big")) for number in range(min(size, 200) + 1)]
    size = len(leaves) - 1
    nodes = _nodes(leaves)
    frontier = Frontier(size, peaks=[nodes(*peak) for peak in find_peaks(size)])
    frontier.append(leaves[-1])
    assert frontier.root == find_root(len(leaves), nodes=nodes)
