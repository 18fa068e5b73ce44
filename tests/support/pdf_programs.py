"""PDF files as the world makes them: each by another program, or by another way of one.

What lives here: the collection, built once for all workers of a test run, and the session fixture
`pdf_programs`.  `NAMES` is known before anything is built, so that tests can be parametrised.
None of them is signed, encrypted or harmful.  Not here: how each is made (`pdf_building`), files of
our own hand that are meant to be refused (`hostile_pdfs`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from tests.support.tree import ROOT

_TIMEOUT_S: Final = 180


@dataclass(frozen=True, slots=True)
class MadePdf:
    """One file of the collection."""

    name: str
    program: str
    path: Path

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()


_PROGRAMS: Final = {
    "libreoffice-letter": "LibreOffice Writer, embedded fonts, tagged",
    "libreoffice-form": "LibreOffice Writer/Web, fields to fill in",
    "libreoffice-sketch": "LibreOffice Draw",
    "libreoffice-archive": "LibreOffice Writer, PDF/A-2b",
    "chromium-print": "Chromium (Skia), two pages",
    "pillow-scan": "Pillow, two pages of a scanner in colour",
    "pillow-fax": "Pillow, one page in black and white",
    "reportlab-text": "ReportLab, three pages, one of them landscape",
    "reportlab-form": "ReportLab, a form",
    "cairo-text": "cairo (pdftocairo)",
    "mutool-create": "MuPDF",
    "mutool-clean": "MuPDF over ReportLab's, all objects compressed",
    "qpdf-linearized": "qpdf, linearised for the web",
    "qpdf-object-streams": "qpdf, object streams and a cross-reference stream",
    "qpdf-rotated": "qpdf, pages turned by 90 degrees",
    "pdfium-blank": "PDFium",
    "segno-code": "segno, the smallest there is",
    "pyhanko-page": "pyHanko",
    "hand-hybrid": "by hand: hybrid references, as Word writes them",
    "hand-xref-stream": "by hand: a cross-reference stream",
    "hand-cropped": "by hand: cropped, turned, its origin below zero",
    "hand-incremental": "by hand: two revisions",
}
NAMES: Final = tuple(_PROGRAMS)
"""Every file of the collection."""


@pytest.fixture(scope="session")
def pdf_programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, MadePdf]:
    """All of the collection by name; only the first worker that asks builds it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = shared / "pdf-programs", shared / "pdf-programs.done"
    with (shared / "pdf-programs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _build(folder)
            done.touch()
    return MappingProxyType({
        name: MadePdf(name, program, folder / f"{name}.pdf") for name, program in _PROGRAMS.items()
    })  # fmt: skip


def _build(folder: Path) -> None:
    """In a process of its own: what the builder imports would slow every test worker down."""
    done = subprocess.run(
        (sys.executable, "-m", "tests.support.pdf_building", str(folder)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    missing = [name for name in NAMES if not (folder / f"{name}.pdf").exists()]
    assert not missing, f"no program made {missing}: `make test` installs what is needed"
