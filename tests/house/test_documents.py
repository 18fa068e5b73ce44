"""What the README promises exists: commands, dependencies, files; and the locks are up to date."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import click
import pytest

from idp.settings import Settings
from tests.support.tree import ROOT, name_of, project_files

_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
_DOCUMENTS: Final = tuple(file for file in project_files() if file.suffix == ".md")


def _names(requirements: list[str]) -> list[str]:
    return [re.split(r"[\[<>=!~; ]", one)[0] for one in requirements]


def _locked(file: str) -> dict[str, set[str]]:
    """Distribution → versions (one per platform at most) that a lock holds."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


_RUN: Final = _names(_PROJECT["project"]["dependencies"])
_TEST: Final = _names(_PROJECT["dependency-groups"]["dev"])


@pytest.mark.parametrize("name", [*_RUN, *_TEST])
def test_every_dependency_has_its_line_in_the_readme(name: str) -> None:
    readme = (ROOT / "README.md").read_text()
    assert re.search(rf"^\|.*`{re.escape(name)}`.*\| .+ \|$", readme, re.MULTILINE)


def test_every_dependency_is_locked_and_the_locks_agree() -> None:
    run, test = _locked("requirements/run.txt"), _locked("requirements/test.txt")
    build = _locked("requirements/build.txt")
    assert not set(_RUN) - set(run), "run `make lock`"
    assert not set(_TEST) - set(test), "run `make lock`"
    for name in run:
        assert run[name] == test.get(name), name
    for name in set(build) & set(test):
        assert build[name] == test[name], name


def _code_in(document: Path) -> Iterator[str]:
    # defaults of settings are no commands, and are compared with the settings elsewhere
    text = re.sub(
        r"<!-- settings -->.*<!-- /settings -->", "", document.read_text(), flags=re.DOTALL
    )
    for block in re.findall(r"^ *```.*?\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", prose)


def test_every_make_command_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = [
        f"{name_of(document)}: {line}"
        for document in _DOCUMENTS
        for line in _code_in(document)
        for found in [re.match(r"(?:\$ )?(?:[A-Z]+=\S+ )*make ([a-z-]+)", line)]
        if found and found[1] not in targets
    ]
    assert not unknown


def _resolve(words: list[str]) -> str | None:
    """The first word that is no command or option of it, or None."""
    command: click.Command = import_module("idp.cli").cli
    options: set[str] = set()
    for number, word in enumerate(words):
        if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z][a-z-]*", word):
            given = [one.partition("=")[0] for one in words[number:] if one.startswith("--")]
            return next((one for one in given if one not in options), None)
        found = command.get_command(click.Context(command), word)
        if found is None:
            return word
        command = found
        options = {
            spelling
            for one in command.params
            if isinstance(one, click.Option)
            for spelling in (*one.opts, *one.secondary_opts)
        } | {"--help"}
    return None


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        ("keys list --json", None),
        ("keys lost", "lost"),
        ("keys list --jason", "--jason"),
        ("nothing", "nothing"),
    ],
)
def test_a_command_or_an_option_that_is_not_there_is_noticed(
    words: str, unknown: str | None
) -> None:
    assert _resolve(words.split()) == unknown


def test_every_antin_command_in_the_documents_exists() -> None:
    unknown = [
        f"{name_of(document)}: {line}"
        for document in _DOCUMENTS
        for line in _code_in(document)
        for found in [re.match(r" *(?:\$ )?(?:\.venv/bin/)?antin ([a-z][^#|>]*)", line)]
        if found and _resolve(found[1].split())
    ]
    assert not unknown


def test_the_map_of_folders_is_whole() -> None:
    readme = (ROOT / "README.md").read_text()
    folders = {
        file.relative_to(ROOT).parts[0]
        for file in project_files()
        if len(file.relative_to(ROOT).parts) > 1
        and not file.relative_to(ROOT).parts[0].startswith(".")
    }
    missing = [folder for folder in sorted(folders) if f"\n{folder}/" not in readme]
    assert not missing


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{name_of(document)}: {target}"
        for document in _DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text())
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert not broken


def test_every_file_of_ours_that_a_document_names_exists() -> None:
    missing = [
        f"{name_of(document)}: {named}"
        for document in _DOCUMENTS
        for code in _code_in(document)
        for named in re.findall(r"(?<![\w./-])(?:\w+/)+\w+\.py\b", code)
        if not (ROOT / named).is_file()
    ]
    assert not missing


@pytest.mark.parametrize("page", ["walk.md", "walk-signature.md", "walk-verdict.md"])
def test_a_walk_through_the_files_names_what_is_there(page: str) -> None:
    walk = (ROOT / "docs" / page).read_text()
    rows = re.findall(r"^\| (\d+) \| `([^`]+)` \| `([^`]+)` \|", walk, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    gone = [
        f"{number}: {name} in {file}"
        for number, file, name in rows
        if not (ROOT / file).is_file()
        or not re.search(
            rf"^ *(?:(?:def|class) )?{name}\b *[\(:\[]", (ROOT / file).read_text(), re.MULTILINE
        )
    ]
    assert rows
    assert not gone
    # a file that moves is looked for in the table alone
    prose = "\n".join(line for line in walk.splitlines() if not line.startswith("|"))
    assert not re.search(r"\.py\b", prose)


def test_the_sandbox_stays_out_of_the_production_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "idp/sandbox" in ignored
    assert "var" in ignored


def test_every_setting_of_the_deployment_files_exists() -> None:
    known = {f"ANTIN_{name.upper()}" for name in Settings.__struct_fields__}
    for name in ("compose.yaml", "Dockerfile", "README.md"):
        used = set(re.findall(r"\bANTIN_[A-Z_]+\b", (ROOT / name).read_text()))
        assert used <= known, name


def test_the_small_deployment_grants_signer_and_verifier_what_the_guide_says() -> None:
    """Neither has the role of the tables' owner, and neither gets more than the guide lists."""
    grants = [
        set(re.findall(r"^ *(GRANT .* TO antin_(?:signer|verifier);)$", text, re.MULTILINE))
        for text in (
            (ROOT / "docs/guides/operator.md").read_text(),
            (ROOT / "compose.yaml").read_text(),
        )
    ]
    assert len(grants[0]) == 8
    assert grants[0] == grants[1]
    compose = (ROOT / "compose.yaml").read_text()
    for who in ("signer", "verifier"):
        section = compose.split(f"command: [{who}]")[1].split("networks:")[0]
        assert f"//antin_{who}:" in section
        assert "//antin:" not in section
