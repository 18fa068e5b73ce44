"""Where the vectors of others are, and how they are read.

What lives here: the folder (`ANTIN_CORPUS`, or `../shared/corpus` beside the project) and the
Wycheproof files as flat lists.  Without the folder the lists are empty, and the last lines of the
run say that these tests did not run; `test_corpus_is_there.py` makes that a failure under CI.  A
file that a folder lacks is an error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]


def corpus_folder() -> Path:
    """The folder of vectors, whether it exists or not."""
    named = os.environ.get("ANTIN_CORPUS")
    return Path(named) if named else ROOT.parent / "shared" / "corpus"


def what_is_missing() -> str | None:
    """What to say at the end of a run without vectors; None when they are there."""
    folder = corpus_folder() / "wycheproof"
    if folder.is_dir():
        return None
    return f"tests/vectors did not run: no vectors of Wycheproof in {folder} (ANTIN_CORPUS)"


@dataclass(frozen=True, slots=True)
class Vector:
    """One test of a Wycheproof file, with the keys of its group."""

    number: int
    comment: str
    result: str
    group: str
    keys: tuple[dict[str, Any], ...] = field(repr=False)
    jws: Any = field(repr=False)

    @property
    def name(self) -> str:
        """For the list of tests: its number and what it is about."""
        return f"{self.number}-{self.group}-{self.comment}"


def wycheproof_jws(file: str) -> list[Vector]:
    """The vectors of `file` that are about a JWS, in order."""
    content = _read(file)
    return [] if content is None else list(_vectors(content))


@dataclass(frozen=True, slots=True)
class RawVector:
    """One test of a Wycheproof file that is about bytes: its own members and its group's."""

    number: int
    comment: str
    is_valid: bool
    public_spki: bytes = field(repr=False)
    values: Mapping[str, bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """For the list of tests."""
        return f"{self.number}-{self.comment}"


def wycheproof_raw(file: str) -> list[RawVector]:
    """The vectors of `file`, whose members are hexadecimal, in order."""
    content = _read(file)
    if content is None:
        return []
    return [
        RawVector(
            number=test["tcId"],
            comment=test["comment"],
            is_valid=test["result"] == "valid",
            public_spki=bytes.fromhex(group.get("publicKeyDer", "")),
            values={
                name: bytes.fromhex(test[name])
                for name in ("key", "msg", "ct", "sig")
                if name in test
            },
        )
        for group in content["testGroups"]
        for test in group["tests"]
    ]


def _read(file: str) -> dict[str, Any] | None:
    if what_is_missing() is not None:
        return None
    content: dict[str, Any] = json.loads((corpus_folder() / "wycheproof" / file).read_text())
    return content


def _vectors(content: dict[str, Any]) -> Iterator[Vector]:
    for group in content["testGroups"]:
        # symmetric groups have no public half: what a verifier is given is the secret itself
        key = group.get("public", group["private"])
        for test in group["tests"]:
            if "jws" in test:
                yield Vector(
                    number=test["tcId"],
                    comment=test["comment"],
                    result=test["result"],
                    group=group["comment"],
                    keys=tuple(key["keys"]) if "keys" in key else (key,),
                    jws=test["jws"],
                )
