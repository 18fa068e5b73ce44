"""What holds for every file: it says what it is, stays readable, names no machine and no index."""

from __future__ import annotations

import ast
import re
from typing import Final

import pytest

from tests.support.tree import ROOT, name_of, project_files, python_files

_MOST_LINES: Final = 450

# put together here so that this file does not name them either
_REGISTRIES: Final = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("proxy", "golang", "org"),
    )
)
_MACHINE_PATH: Final = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[A-Za-z]")
_SILENCED: Final = re.compile(r"#\s*(?:type:\s*ignore|noqa)(?P<rest>.*)$")
_WITH_REASON: Final = re.compile(r"(?:\[[\w, -]+\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)\W+\w.{5,}")
_NOT_RUN: Final = re.compile(r"pytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b")

_TEXT: Final = tuple(
    file
    for file in project_files()
    if file.suffix not in {".png", ".ico", ".woff2", ".mo", ".p12", ".der"}
)


def _text(file) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{name_of(file)}: {host}"
        for file in _TEXT
        for text in [_text(file)]
        for host in _REGISTRIES
        if host in text
    ]
    assert not found, "which index is asked is the business of the machine"


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = [
        f"{name_of(file)}: {hit.group()}"
        for file in _TEXT
        for hit in [_MACHINE_PATH.search(_text(file))]
        if hit
    ]
    assert not found


def test_every_module_says_what_it_is() -> None:
    silent = [
        name_of(file) for file in python_files() if not ast.get_docstring(ast.parse(_text(file)))
    ]
    assert not silent


def test_every_file_of_a_protocol_names_its_source() -> None:
    cited = re.compile(r"RFC \d+|OIDC|OpenID|§")
    silent = [
        name_of(file)
        for file in python_files("idp/oauth")
        if file.name != "__init__.py" and not cited.search(_text(file))
    ]
    assert not silent, "name the document and the section"


def test_no_file_is_too_long_to_read_at_once() -> None:
    long = [
        f"{name_of(file)}: {count}"
        for file in python_files()
        if "migrations/versions" not in name_of(file)  # generated, read once, never changed
        and (count := _text(file).count("\n")) > _MOST_LINES
    ]
    assert not long, f"more than {_MOST_LINES} lines: one feature, one file"


def test_silencing_a_check_gives_a_reason() -> None:
    bare = [
        f"{name_of(file)}:{number}"
        for file in python_files()
        for number, line in enumerate(_text(file).splitlines(), 1)
        if (hit := _SILENCED.search(line)) and not _WITH_REASON.match(hit["rest"])
    ]
    assert not bare, "write the code and then why"


@pytest.mark.parametrize(
    ("comment", "is_reasoned"),
    [
        ("noqa: S310  # the address is a constant", True),
        ("type: ignore[misc]  # the stub lacks it", True),
        ("noqa", False),
        ("noqa: S310", False),
        ("type: ignore", False),
        ("type: ignore[misc]", False),
    ],
)
def test_the_search_for_reasons_works(comment: str, *, is_reasoned: bool) -> None:
    hit = _SILENCED.search(f"x = 1  # {comment}")
    assert hit is not None
    assert bool(_WITH_REASON.match(hit["rest"])) is is_reasoned


def test_no_test_is_left_out() -> None:
    found = [
        name_of(file)
        for file in python_files("tests")
        if _NOT_RUN.search(_text(file)) and file.name not in {"test_files.py", "corpus.py"}
    ]
    assert not found


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(
        r"^## \[Unreleased\]\n(?:\n### \w+\n(?:\n?- .+\n(?:  .+\n)*)+)+", changes, re.MULTILINE
    )


def test_every_decision_is_in_the_list() -> None:
    listed = (ROOT / "docs/adr/README.md").read_text()
    for record in (ROOT / "docs/adr").glob("[0-9]*.md"):
        assert record.name in listed
