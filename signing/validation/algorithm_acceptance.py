"""Until when an algorithm was good enough, for signatures that are years old.

What lives here: the table of TS 119 312 with what its earlier editions ended, and the question that
the procedure asks of it.  What is in no row was never good enough.
Source: ETSI TS 119 312 V1.5.1 with its editions since V1.1.1, as dates in the form of TS 119 322;
TT 15/2025/TT-BKHCN, Annex I.
Not here: what we sign with (`formats/algorithm_lifetimes.py`), which is less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The end of what was never good enough."""


@dataclass(frozen=True, slots=True)
class AlgorithmTable:
    """Ends of hashes and of signatures by keys.

    Takes   reference: the document that says so; hashes: by the name of `hashlib`; keys: by family
            (`rsa`, `ec`, `dsa`, …), each with the least size in bits that a row is for, the
            largest first.  An end of None means that none is known.
    """

    reference: str
    hashes: Mapping[str, datetime | None]
    keys: Mapping[str, tuple[tuple[int, datetime | None], ...]]

    def hash_end(self, name: str) -> datetime | None:
        """When a hash stopped being good enough."""
        return self.hashes.get(name, NEVER)

    def key_end(self, family: str, *, bits: int) -> datetime | None:
        """When signatures by a key of this family and size stopped being good enough."""
        for least, end in self.keys.get(family, ()):
            if bits >= least:
                return end
        return NEVER


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


_LEGACY: Final = _day(2029, 1, 1)

TS_119_312_OVER_TIME: Final = AlgorithmTable(
    "ETSI TS 119 312 V1.5.1",
    MappingProxyType(
        {
            "md5": _day(2004, 8, 1),
            "sha1": _day(2012, 8, 1),
            "ripemd160": _day(2014, 8, 1),
            "sha224": _LEGACY,
            "sha3_224": _LEGACY,
            "sha256": None,
            "sha384": None,
            "sha512": None,
            "sha512_256": None,
            "sha3_256": None,
            "sha3_384": None,
            "sha3_512": None,
            "shake256": None,
        }
    ),
    MappingProxyType(
        {
            "rsa": (
                (3000, None),
                (1900, _LEGACY),
                (1024, _day(2019, 10, 1)),
                (786, _day(2010, 8, 1)),
            ),
            "dsa": ((1900, _LEGACY), (1024, _day(2015, 12, 31))),
            "ec": ((256, None), (160, _day(2012, 8, 1))),
            "ed25519": ((1, None),),
            "ed448": ((1, None),),
        }
    ),
)
