"""Tiles grow as trees do, are never written twice when full, and have one path each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.log.errors import TreeDamaged
from keystore.log.merkle import Frontier, find_root, hash_leaf
from keystore.log.tiles import (
    TILE_BYTES,
    Edge,
    TileCache,
    TileNodes,
    TilePath,
    format_tile_path,
    grow,
    parse_tile_path,
    read_edge,
)


def _grow(tiles: dict[tuple[int, int], bytes], size: int, leaves: list[bytes]) -> bytes:
    edge = read_edge(size, read_tile=lambda level, tile: tiles.get((level, tile)))
    growth = grow(size, edge=edge, leaves=leaves)
    for one in growth.new:
        assert (one.level, one.tile) not in tiles
        tiles[one.level, one.tile] = one.hashes
    for one in growth.grown:
        assert len(tiles[one.level, one.tile]) < TILE_BYTES
        tiles[one.level, one.tile] = one.hashes
    return growth.root


@given(st.lists(st.integers(0, 600), max_size=6))
def test_a_tree_grown_in_any_steps_is_the_same_tree(steps: list[int]) -> None:
    tiles: dict[tuple[int, int], bytes] = {}
    frontier = Frontier()
    for step in steps:
        leaves = [hash_leaf((frontier.size + number).to_bytes(4, "big")) for number in range(step)]
        root = _grow(tiles, frontier.size, leaves)
        for leaf in leaves:
            frontier.append(leaf)
        assert root == frontier.root
        nodes = TileNodes(lambda level, tile: tiles.get((level, tile)))
        assert find_root(frontier.size, nodes=nodes) == frontier.root


def test_three_levels_of_tiles_hold_seventy_thousand_entries() -> None:
    """The example of tlog-tiles: 70,000 entries are 273 + 1, 1 + 1 and 1 tiles."""
    tiles: dict[tuple[int, int], bytes] = {}
    leaves = [hash_leaf(number.to_bytes(4, "big")) for number in range(70_000)]
    _grow(tiles, 0, leaves)
    widths = {key: len(hashes) // 32 for key, hashes in tiles.items()}
    assert sum(1 for key, width in widths.items() if key[0] == 0 and width == 256) == 273
    assert widths[0, 273] == 112
    assert (widths[1, 0], widths[1, 1], widths[2, 0]) == (256, 17, 1)
    assert len(widths) == 277


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("0/000", TilePath(0, 0, 256)),
        ("0/x001/x234/067", TilePath(0, 1_234_067, 256)),
        ("1/x001/000.p/17", TilePath(1, 1_000, 17)),
        ("entries/255.p/255", TilePath(None, 255, 255)),
    ],
)
def test_paths_are_read_and_written(path: str, expected: TilePath) -> None:
    assert parse_tile_path(path) == expected
    assert format_tile_path(expected) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "0/1",
        "00/000",
        "0/x000/001",  # a longer spelling of 001
        "0/001/002",
        "0/x001/x002",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/",
        "8/000",  # no tree of ours is so high
        "64/000",
        "-1/000",
        "entries/000/",
        "../000",
        "0/٠٠٠",
    ],
)
def test_another_spelling_is_no_path(path: str) -> None:
    """tlog-tiles: decimal without more zeros, groups of three, all but the last with an x."""
    assert parse_tile_path(path) is None


@given(st.integers(0, 2**40), st.integers(1, 256), st.sampled_from((None, 0, 1, 7)))
def test_every_tile_has_one_path(tile: int, width: int, level: int | None) -> None:
    path = TilePath(level, tile, width)
    assert parse_tile_path(format_tile_path(path)) == path


def test_a_missing_or_cut_tile_is_named() -> None:
    tiles: dict[tuple[int, int], bytes] = {}
    _grow(tiles, 0, [hash_leaf(bytes([number % 251])) for number in range(300)])
    tiles[0, 1] = tiles[0, 1][:-32]
    with pytest.raises(TreeDamaged, match="tile 0/1"):
        read_edge(300, read_tile=lambda level, tile: tiles.get((level, tile)))
    nodes = TileNodes(lambda level, tile: tiles.get((level, tile)))
    with pytest.raises(TreeDamaged, match="tile 0/1"):
        nodes(0, 299)
    del tiles[0, 0]
    with pytest.raises(TreeDamaged, match="tile 0/0"):
        nodes(0, 3)
    tiles[0, 0] = b"no hash"
    with pytest.raises(TreeDamaged):
        nodes(0, 3)


def test_full_tiles_are_read_once_and_few_are_kept() -> None:
    tiles: dict[tuple[int, int], bytes] = {}
    _grow(tiles, 0, [hash_leaf(number.to_bytes(4, "big")) for number in range(256 * 520)])
    reads: list[tuple[int, int]] = []

    def read(level: int, tile: int) -> bytes | None:
        reads.append((level, tile))
        return tiles.get((level, tile))

    cache = TileCache()
    for _ in range(2):
        TileNodes(read, cache=cache)(0, 5)
    assert reads == [(0, 0)]
    nodes = TileNodes(read, cache=cache)
    for tile in range(520):
        nodes(0, tile * 256)
    assert len(reads) == 520
    nodes(0, 0)  # it was the first to go
    assert len(reads) == 521


def test_tiles_at_the_edge_are_read_once_for_one_root() -> None:
    tiles: dict[tuple[int, int], bytes] = {}
    _grow(tiles, 0, [hash_leaf(bytes([number % 251])) for number in range(300)])
    reads: list[tuple[int, int]] = []

    def read(level: int, tile: int) -> bytes | None:
        reads.append((level, tile))
        return tiles.get((level, tile))

    edge: Edge = {}
    first = TileNodes(read, edge=edge)(0, 299)
    assert TileNodes(read, edge=edge)(0, 299) == first
    assert reads == [(0, 1)]
    TileNodes(read, edge={})(0, 299)  # of another root nothing is believed
    assert reads == [(0, 1), (0, 1)]
