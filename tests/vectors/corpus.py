"""Where the vectors of others are, and how they are read.

What lives here: the folder (`ANTIN_CORPUS`, or `../shared/corpus` beside the project), the
Wycheproof files as flat lists, and the cases of NIST PKITS. Without the folder the lists are empty,
and the last lines of the run say that these tests did not run; `test_corpus_is_there.py` makes that
a failure under CI. A file that a folder lacks is an error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

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


needs_corpus: Final = pytest.mark.skipif(what_is_missing() is not None, reason="no files of others")
"""For tests that read signed files of others; under CI they are there."""


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


@dataclass(frozen=True, slots=True)
class PathVector:
    """One case of NIST PKITS: a certificate, what may lead to the root, and lists; DER.

    Takes   settings: as `pkits.json` names the inputs of RFC 5280 §6.1.1; error: the kind of the
            error that has to be found, empty for a path that is valid.
    """

    name: str
    certificate: bytes = field(repr=False)
    others: tuple[bytes, ...] = field(repr=False)
    lists: tuple[bytes, ...] = field(repr=False)
    settings: Mapping[str, Any]
    error: str


def pkits() -> list[PathVector]:
    """The cases of NIST PKITS, in order."""
    folder = corpus_folder() / "pkits"
    if what_is_missing() is not None:
        return []
    return [
        PathVector(
            name=f"{case['id']}-{case['name']}",
            certificate=pkits_file(f"certs/{case['cert']}"),
            others=tuple(pkits_file(f"certs/{one}") for one in case.get("other_certs", ())),
            lists=tuple(pkits_file(f"crls/{one}") for one in case.get("crls", ())),
            settings=case.get("params", {}),
            error=case.get("error", {}).get("class", ""),
        )
        for case in json.loads((folder / "pkits.json").read_text())
    ]


def pkits_file(name: str) -> bytes:
    """A certificate or a list of NIST PKITS, DER."""
    return (corpus_folder() / "pkits" / name).read_bytes()


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
