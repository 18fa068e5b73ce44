"""What it costs to sign a PDF, beside pyHanko's own signer; and how much memory a large one takes.

What lives here: PAdES B-B of some 200 KB through the walls that the product has, taking turns with
`sign_pdf` on the same core; other levels for comparison; and a PDF of 200 MB with the memory of all
processes and what they share.  What was signed is looked at by pdfsig, off the
clock.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from bench.costs import Spent, take_turns
from bench.machine import only_on
from bench.processes import forget_peak, peak_mib
from signing.formats.material import Level
from signing.formats.pades import PadesParties, finish_pades, prepare_pades
from signing.formats.pades_room import MeasuredTimestamps
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool, Walls
from tests.support.signatory import SIGNING_TIME, SigningPki

_PEER: Final = "pyHanko"
_PAGES: Final = 35
_LARGE_BYTES: Final = 200_000_000
_MOST_MEMORY: Final = 3.0
_LEAST_RATIO: Final = 8.0
_MIB: Final = 1 << 20
_MONTH: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DocumentCost:
    """One line: round by round, one document of ours and one of pyHanko's."""

    name: str
    rounds: tuple[tuple[Spent, Spent], ...]
    least_ratio: float | None = None

    @property
    def ratio(self) -> float:
        """How many of ours go into one of theirs, the median of the rounds."""
        return statistics.median(peer.ms / ours.ms for ours, peer in self.rounds)

    def line(self) -> str:
        """Of the table."""
        ours = statistics.median(one.rate for one, _ in self.rounds)
        ms = statistics.median(one.ms for one, _ in self.rounds)
        peer = statistics.median(one.rate for _, one in self.rounds)
        target, verdict = "", ""
        if self.least_ratio is not None:
            target = f"≥ {self.least_ratio:g} ×"
            verdict = "met" if self.ratio >= self.least_ratio else "missed"
        cells = (self.name, f"{ours:,.0f}", f"{ms:.2f}", f"{peer:.1f}", f"{self.ratio:.1f} ×")
        return "| " + " | ".join((*cells, target, verdict)) + " |"


def measure_documents(
    *, rounds: int, seconds: float, core: int, folder: Path, say: Callable[[str], None]
) -> str:
    """The table and the line about memory, as Markdown."""
    pki = SigningPki(SIGNING_TIME - _MONTH)
    content = text_document()
    with only_on(core), IsolationPool(Walls(processes=1)) as isolation:
        isolation.start()
        work = _Work(pki, isolation)
        calls: dict[str, Callable[[], bytes]] = {
            _PEER: partial(work.theirs, content),
            **{level: partial(work.ours, content, level) for level in Level},
        }
        check = _look(folder)
        say("documents")
        taken = [
            take_turns(calls, seconds=seconds, check=dict.fromkeys(calls, check))
            for _ in range(rounds)
        ]
    costs = [
        DocumentCost(
            f"PAdES {level}, {len(content) / 1000:.0f} KB",
            tuple((one[level], one[_PEER]) for one in taken),
            _LEAST_RATIO if level is Level.B else None,
        )
        for level in Level
    ]
    say("a large document")
    return f"{make_document_table(costs)}\n{_measure_memory(pki, folder / 'large.pdf')}\n"


def make_document_table(costs: Sequence[DocumentCost]) -> str:
    """One line per level."""
    head = "| signed | a second | ms for one | `sign_pdf`, B-B | ratio | target | |"
    return "\n".join(
        (head, "| --- | --: | --: | --: | --: | --- | --- |", *(c.line() for c in costs))
    )


class _Work:
    """Both signers, with everything ready that does not belong to one document."""

    def __init__(self, pki: SigningPki, isolation: IsolationPool) -> None:
        self.pki = pki
        self._parties = PadesParties(
            isolation, MeasuredTimestamps(pki.timestamps()), pki.status(), (pki.root.der,)
        )

    def ours(self, content: bytes, level: Level) -> bytes:
        """All of it: the document into memory that is shared, both halves, the signed document."""
        with Blob.of(content) as document:
            return b"".join((content, *self.sign(document, level)))

    def sign(self, document: Blob, level: Level) -> tuple[bytes, ...]:
        """Both halves; the increments."""
        hand = self.pki.citizen
        prepared = prepare_pades(
            document,
            parties=self._parties,
            signatory=hand.signatory,
            now=SIGNING_TIME,
            level=level,
        )
        value = hand.sign(prepared.to_be_signed.digest)
        return finish_pades(
            prepared, document, signature=value, parties=self._parties, now=SIGNING_TIME
        )

    def theirs(self, content: bytes) -> bytes:
        """As pyHanko's guide signs: one call, everything left at its default."""
        hand = self.pki.citizen
        key = hand.issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        signer = signers.SimpleSigner(
            x509.Certificate.load(hand.issued.der),
            keys.PrivateKeyInfo.load(key),
            SimpleCertificateStore.from_certs([x509.Certificate.load(self.pki.issuing.der)]),
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(content), strict=False)
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature1", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"
        )
        return bytes(signers.sign_pdf(writer, metadata, signer).getvalue())


def _measure_memory(pki: SigningPki, file: Path) -> str:
    """The most that all processes held, with the document in memory that is nobody's in `ps`."""
    forget_peak()
    with IsolationPool(Walls(processes=1)) as isolation, Blob.of_chunks(_large()) as document:
        increments = _Work(pki, isolation).sign(document, Level.B)
        with file.open("wb") as signed:
            signed.writelines(chain(document.chunks(), increments))
        held, shared = peak_mib(os.getpid()), document.size / _MIB
        times = (held + shared) * _MIB / document.size
    file.unlink()
    verdict = "met" if times <= _MOST_MEMORY else "missed"
    return (
        f"A PDF of {_LARGE_BYTES / 1e6:.0f} MB: {held:.0f} MiB in all processes, this one with all "
        f"that it measures included, and {shared:.0f} MiB that they share: {times:.1f} × its size "
        f"(target: ≤ {_MOST_MEMORY:g} ×, {verdict})."
    )


def text_document(pages: int = _PAGES) -> bytes:
    """Pages of text, as an office writes them; nothing is compressed."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=0)
    for page in range(pages):
        for line in range(50):
            words = secrets.token_hex(30)
            canvas.drawString(60, 780 - 14 * line, f"Article {page}.{line}: {words}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _large() -> Iterator[bytes]:
    """A scan that does not compress, of the wanted size."""
    noise = secrets.token_bytes(_MIB)
    objects = (
        b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n",
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n",
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>\nendobj\n",
        b"4 0 obj\n<< /Length %d >>\nstream\n" % _LARGE_BYTES,
    )
    position, places = 0, []
    for part in (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", *objects):
        places.append(position)
        position += len(part)
        yield part
    left = _LARGE_BYTES
    while left:
        piece = noise[:left]
        left -= len(piece)
        yield piece
    tail = b"\nendstream\nendobj\n"
    rows = b"".join(b"%010d 00000 n \n" % place for place in places[1:])
    yield tail
    yield b"xref\n0 5\n0000000000 65535 f \n" + rows + b"trailer\n<< /Size 5 /Root 1 0 R >>\n"
    yield b"startxref\n%d\n%%%%EOF\n" % (position + _LARGE_BYTES + len(tail))


def _look(folder: Path) -> Callable[[Any], None]:
    file = folder / "signed.pdf"

    def check(content: Any) -> None:
        if shutil.which("pdfsig") is None:
            return
        file.write_bytes(content)
        said = subprocess.run(
            ("pdfsig", "-nocert", file), check=True, capture_output=True, text=True
        ).stdout
        assert "Signature is Valid." in said, said

    return check
