"""SoftHSM2 for tests: a folder of tokens of one's own, and tokens in it.

What lives here: making the folder, its configuration and tokens.  The library reads the variable
SOFTHSM2_CONF when it is started, so there is one folder per process that tests; a process that a
test starts inherits it.  Tokens are real files: a test that removes one moves `SoftToken.folder`.
"""

from __future__ import annotations

import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MODULE: Final = Path("/usr/lib/softhsm/libsofthsm2.so")
_SO_PIN: Final = "12345678"


@dataclass(frozen=True, slots=True)
class SoftToken:
    """One token: its library, label, PIN and files."""

    module: Path
    label: str
    pin: str = field(repr=False)
    folder: Path


class SoftHsm:
    """A folder of tokens; `environment` is what a process needs to see them."""

    def __init__(self, folder: Path) -> None:
        self._tokens = folder / "tokens"
        self._tokens.mkdir(parents=True)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self._tokens}\n"
            "objectstore.backend = file\n"
            "log.level = ERROR\n"
        )
        self.environment = {"SOFTHSM2_CONF": str(configuration)}

    def make_token(self, label: str) -> SoftToken:
        """A new, empty token; a library that runs already must be started anew to see it."""
        before = set(self._tokens.iterdir())
        pin = secrets.token_hex(8)
        initialise = ["softhsm2-util", "--init-token", "--free", "--so-pin"]
        subprocess.run(
            [*initialise, _SO_PIN, "--label", label, "--pin", pin],
            env={"PATH": "/usr/bin:/bin", **self.environment},
            check=True,
            capture_output=True,
        )
        (folder,) = set(self._tokens.iterdir()) - before
        return SoftToken(MODULE, label, pin, folder)
