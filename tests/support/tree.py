"""The files of the project, for rules that hold over all of them.

What lives here: which files belong to it (tracked, or new and not ignored) and how they are read.
Not here: a rule; those are in `tests/house/`.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("idp", "signing", "keystore", "clients")


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that git has or would take, as absolute paths."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return tuple(ROOT / name for name in sorted(listed.split("\0")) if (ROOT / name).is_file())


def python_files(*folders: str) -> tuple[Path, ...]:
    """The Python files below `folders`, or all of them."""
    return tuple(
        file
        for file in project_files()
        if file.suffix == ".py"
        and (not folders or any(file.is_relative_to(ROOT / folder) for folder in folders))
    )


def name_of(file: Path) -> str:
    """The path as a reader writes it, for messages."""
    return file.relative_to(ROOT).as_posix()
