"""Tiles: a tree cut into pieces of 256 hashes, which never change once they are full.

What lives here: how a tree grows tile by tile, how nodes are read out of tiles, and the paths under
which tiles are served.  A tile of level l holds the hashes of height 8·l; what lies between two
levels is hashed again when it is needed.
Source: C2SP tlog-tiles.  Not here: SQL, HTTP.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from keystore.log.errors import TreeDamaged
from keystore.log.merkle import HASH_BYTES, find_root, hash_row

TILE_WIDTH: Final = 256
HEIGHT: Final = 8
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
_MASK: Final = TILE_WIDTH - 1
_MOST_LEVELS: Final = 8
"""Of 2^63 entries; the specification counts to 63, which nobody's tree reaches."""
_PATH: Final = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)
_CACHED_TILES: Final = 512
"""Eight megabytes at most, inner hashes included."""

ReadTile = Callable[[int, int], bytes | None]
"""(level, tile) → as many hashes as there are."""
Edge = dict[tuple[int, int], list[list[bytes]]]
"""(level, tile) → hashes of a tile that is not full, and everything above them in it."""


@dataclass(frozen=True, slots=True)
class TilePath:
    """Which tile is asked for; `level` is None for entries, `width` 256 for a full tile."""

    level: int | None
    tile: int
    width: int


@dataclass(frozen=True, slots=True)
class StoredTile:
    """Hashes of one height; full with 256 of them."""

    level: int
    tile: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """What leaves do to a tree: tiles to add, tiles to write again with more in them."""

    size: int
    root: bytes
    new: tuple[StoredTile, ...]
    grown: tuple[StoredTile, ...]


def parse_tile_path(path: str) -> TilePath | None:
    """The tile behind what follows `tile/` in a path, in its one spelling; None for others."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = None if found["level"] == "entries" else int(found["level"])
    tile = int(found["index"].replace("x", "").replace("/", ""))
    width = TILE_WIDTH if found["width"] is None else int(found["width"])
    is_partial = found["width"] is not None
    if (width > _MASK and is_partial) or (level is not None and level >= _MOST_LEVELS):
        return None
    asked = TilePath(level, tile, width)
    return asked if format_tile_path(asked) == path else None


def format_tile_path(asked: TilePath) -> str:
    """What follows `tile/`: level, index in groups of three digits, width of a partial tile."""
    digits = f"{asked.tile:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    index = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    level = "entries" if asked.level is None else str(asked.level)
    return f"{level}/{index}" + (f".p/{asked.width}" if asked.width < TILE_WIDTH else "")


def read_edge(size: int, *, read_tile: ReadTile) -> tuple[bytes, ...]:
    """The tiles at the right edge of a tree that are not full, by level; `b""` where none is.

    Raises  TreeDamaged when one is missing or has another width.
    """
    edge = []
    level = 0
    while size >> HEIGHT * level:
        count = size >> HEIGHT * level
        hashes = b""
        if width := count & _MASK:
            hashes = read_tile(level, count >> HEIGHT) or b""
            if len(hashes) != width * HASH_BYTES:
                raise TreeDamaged(f"tile {level}/{count >> HEIGHT}")
        edge.append(hashes)
        level += 1
    return tuple(edge)


def root_of_edge(size: int, *, edge: Sequence[bytes]) -> bytes:
    """The root of a tree, of which the right edge is enough."""

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        start = (index << height) & _MASK
        row = _split(edge[tile_level])[start : start + (1 << height)]
        while len(row) > 1:
            row = hash_row(row)
        return row[0]

    return find_root(size, nodes=node)


def grow(size: int, *, edge: Sequence[bytes], leaves: Sequence[bytes]) -> Growth:
    """Add leaf hashes to a tree of which only the right edge is known.

    Takes   edge: as `read_edge` returned it for `size`.
    """
    new: list[StoredTile] = []
    grown: list[StoredTile] = []
    edges: list[bytes] = []
    added, count, level = list(leaves), size, 0
    while added or level < len(edge):
        before = edge[level] if level < len(edge) else b""
        hashes = before + b"".join(added)
        added = []
        first = count >> HEIGHT
        for number, start in enumerate(range(0, len(hashes), TILE_BYTES)):
            piece = hashes[start : start + TILE_BYTES]
            stored = StoredTile(level, first + number, piece)
            if not before or number:
                new.append(stored)
            elif piece != before:
                grown.append(stored)
            if len(piece) == TILE_BYTES:
                added.append(root_of_tile(piece))
        edges.append(hashes[len(hashes) // TILE_BYTES * TILE_BYTES :])
        count >>= HEIGHT
        level += 1
    total = size + len(leaves)
    return Growth(total, root_of_edge(total, edge=edges), tuple(new), tuple(grown))


class TileNodes:
    """Nodes of one tree, read out of its tiles; safe for any number of threads.

    A full tile is read once and kept with everything between its levels.

    Takes   edge: where tiles that are not full are kept, of one tree of one root, so that they need
            not be read again for it.
    Raises  TreeDamaged when called for a node that is not there.
    """

    def __init__(
        self, read_tile: ReadTile, *, cache: TileCache | None = None, edge: Edge | None = None
    ) -> None:
        self._read_tile = read_tile
        self._cache = TileCache() if cache is None else cache
        self._partial: Edge = {} if edge is None else edge

    def __call__(self, level: int, index: int) -> bytes:
        """The root of the perfect subtree over the leaves from index · 2^level on."""
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        tile = first >> HEIGHT
        rows = self._find_rows(tile_level, tile)
        offset = (first & _MASK) >> height
        if height >= len(rows) or offset >= len(rows[height]):
            raise TreeDamaged(f"tile {tile_level}/{tile}")
        return rows[height][offset]

    def _find_rows(self, level: int, tile: int) -> list[list[bytes]]:
        key = (level, tile)
        rows = self._cache.find(key) or self._partial.get(key)
        if rows is None:
            hashes = self._read_tile(level, tile)
            if not hashes or len(hashes) % HASH_BYTES or len(hashes) > TILE_BYTES:
                raise TreeDamaged(f"tile {level}/{tile}")
            rows = [_split(hashes)]
            while len(rows[-1]) > 1:
                rows.append(hash_row(rows[-1]))
            if len(hashes) == TILE_BYTES:
                self._cache.keep(key, rows)
            else:
                self._partial[key] = rows
        return rows


class TileCache:
    """Full tiles of one tree that were read lately."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: tuple[int, int]) -> list[list[bytes]] | None:
        """What is kept of a tile."""
        with self._lock:
            rows = self._rows.get(key)
            if rows is not None:
                self._rows.move_to_end(key)
            return rows

    def keep(self, key: tuple[int, int], rows: list[list[bytes]]) -> None:
        """Keep a full tile; the one that was not needed for longest goes."""
        with self._lock:
            self._rows[key] = rows
            while len(self._rows) > _CACHED_TILES:
                self._rows.popitem(last=False)


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def root_of_tile(hashes: bytes) -> bytes:
    """The hash that stands for a full tile one level above."""
    row = _split(hashes)
    while len(row) > 1:
        row = hash_row(row)
    return row[0]
