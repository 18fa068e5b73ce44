"""Other people's programs that look at a PDF, and what they say.

What lives here: pdfsig, `openssl cms` and `openssl ts` on what was taken out of a file, qpdf,
mutool and LibreOffice.  Where a signature stands is found by an expression of our own, not by the
product.  Not here: pyHanko's opinion (`pdf_opinions`), as the product stands on pyHanko.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

_TIMEOUT_S: Final = 120
_RANGE: Final = re.compile(rb"/ByteRange *\[ *0 +(\d+) +(\d+) +(\d+) *\]")
_OF_ITSELF: Final = frozenset({"warning: ICC support is not available"})
"""What a program says of how it was built, not of the file."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A signature as it stands in a file: its DER, and the octets that it is about."""

    der: bytes = field(repr=False)
    covered: bytes = field(repr=False)
    is_timestamp: bool
    end: int


def embedded(content: bytes) -> list[Embedded]:
    """Every signature of a file in order."""
    found = []
    for match in _RANGE.finditer(content):
        start, end, rest = map(int, match.groups())
        padded = bytes.fromhex(content[start + 1 : end - 1].decode())
        octets = padded[1] & 0x7F
        size = 2 + octets + int.from_bytes(padded[2 : 2 + octets], "big")
        head = content[max(0, match.start() - 600) : match.start()].rpartition(b" obj")[2]
        found.append(
            Embedded(
                padded[:size],
                content[:start] + content[end : end + rest],
                is_timestamp=b"/ETSI.RFC3161" in head,
                end=end + rest,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Checkers:
    """The programs, with a root that they trust and an instant at which they look."""

    folder: Path
    root: Path
    at: datetime

    def pdfsig(self, file: Path) -> list[str]:
        """What pdfsig says of each signature; timestamps of documents it does not know."""
        text = _run("pdfsig", "-nocert", file).stdout
        return re.findall(r"Signature Validation: (.*)", text)

    def openssl_cms(self, one: Embedded) -> str:
        """What `openssl cms` says: ends in "successful" when all is right."""
        cms, covered = self._write(one)
        done = _run(
            *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", cms),
            *("-content", covered, "-CAfile", self.root, "-purpose", "any"),
            *("-attime", str(int(self.at.timestamp())), "-out", os.devnull),
        )
        return done.stderr.strip()

    def openssl_ts(self, one: Embedded, *, untrusted: Path | None = None) -> str:
        """What `openssl ts` says of a document timestamp: ends in "OK" when all is right."""
        token, covered = self._write(one)
        more = () if untrusted is None else ("-untrusted", untrusted)
        done = _run(
            *("openssl", "ts", "-verify", "-token_in", "-in", token, "-data", covered),
            *("-CAfile", self.root, "-attime", str(int(self.at.timestamp())), *more),
        )
        return done.stdout.strip()

    def complaints(self, file: Path) -> list[str]:
        """What qpdf and mutool find fault with in a file; hopefully nothing."""
        qpdf = _run("qpdf", "--check", file)
        mutool = _run("mutool", "draw", "-q", "-F", "txt", "-o", os.devnull, file)
        found = [f"qpdf {qpdf.returncode}"] if qpdf.returncode else []
        found += [line for line in qpdf.stdout.splitlines() if "WARNING" in line]
        found += [f"mutool {mutool.returncode}"] if mutool.returncode else []
        said = [*qpdf.stderr.splitlines(), *mutool.stderr.splitlines()]
        return [*found, *(line for line in said if line not in _OF_ITSELF)]

    def libreoffice(self, files: Sequence[Path]) -> list[str]:
        """The names of those that LibreOffice could not open, in one start for all."""
        office = shutil.which("soffice") or "libreoffice"
        made = self.folder / "office"
        profile = f"-env:UserInstallation=file://{self.folder}/profile"
        command = (office, profile, "--headless", "--norestore", "--convert-to", "png")
        done = _run(*command, "--outdir", made, *files)
        assert done.returncode == 0, done.stderr
        return [one.name for one in files if not (made / one.with_suffix(".png").name).exists()]

    def _write(self, one: Embedded) -> tuple[Path, Path]:
        der, covered = self.folder / "signature.der", self.folder / "covered.bin"
        der.write_bytes(one.der)
        covered.write_bytes(one.covered)
        return der, covered


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, errors="replace"
    )
