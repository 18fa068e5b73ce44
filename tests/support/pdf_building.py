"""How each PDF of the collection is made; a program that is started with the folder for them.

What lives here: one function per program, the slow ones beside the others.
Not here: who asks for the files (`pdf_programs`).
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pypdfium2
import segno
from PIL import Image, ImageDraw
from pyhanko.pdf_utils import generic, writer
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from tests.support.handmade_pdf import plain_document
from tests.support.office_documents import FORM, LETTER, SKETCH

_TIMEOUT_S: Final = 120


def build_all(folder: Path) -> None:
    """Build every file of the collection into this folder."""
    scratch = folder / "scratch"
    scratch.mkdir()
    with ThreadPoolExecutor(2) as both:
        waiting = [both.submit(make, folder, scratch) for make in (_libreoffice, _chromium)]
        for make in (_pillow, _reportlab, _segno, _pyhanko, _pdfium, _by_hand, _over_reportlab):
            make(folder, scratch)
        for one in waiting:
            one.result()


def _run(*command: str | Path, **environ: str) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **environ},
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, (command[0], done.stdout[-500:], done.stderr[-500:])


def _libreoffice(folder: Path, scratch: Path) -> None:
    """One start for the plain files and one for the archive, which is an option of the whole run.

    The profile is its own: a LibreOffice that runs already would take the order and drop it.
    """
    made = scratch / "office"
    archive = 'pdf:writer_pdf_Export:{"SelectPdfVersion":{"type":"long","value":"2"}}'
    for name, text in (("letter.fodt", LETTER), ("form.html", FORM), ("sketch.fodg", SKETCH)):
        (scratch / name).write_text(text, encoding="utf-8")
    office = shutil.which("soffice") or "libreoffice"
    profile = f"-env:UserInstallation=file://{scratch}/profile"
    command = (office, profile, "--headless", "--norestore", "--convert-to")
    plain = [scratch / name for name in ("letter.fodt", "form.html", "sketch.fodg")]
    _run(*command, "pdf", "--outdir", made, *plain)
    for name in ("letter", "form", "sketch"):
        (made / f"{name}.pdf").rename(folder / f"libreoffice-{name}.pdf")
    _run(*command, archive, "--outdir", made, plain[0])
    (made / "letter.pdf").rename(folder / "libreoffice-archive.pdf")


def _chromium(folder: Path, scratch: Path) -> None:
    page = scratch / "page.html"
    page.write_text(
        '<!doctype html><html lang="vi"><title>Đơn đề nghị</title><h1>Đơn đề nghị</h1>'
        '<p>Kính gửi: Ủy ban nhân dân</p><p style="break-before: page">Trang hai</p></html>',
        encoding="utf-8",
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(found for name in names if (found := shutil.which(name)))
    target = folder / "chromium-print.pdf"
    _run(
        *(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        f"--user-data-dir={scratch}/browser",
        *(f"--print-to-pdf={target}", "--no-pdf-header-footer", page.as_uri()),
    )


def _pillow(folder: Path, _scratch: Path) -> None:
    pages = [Image.new("RGB", (620, 877), "white") for _ in range(2)]
    for number, page in enumerate(pages, 1):
        ImageDraw.Draw(page).text((60, 60), f"scanned page {number}", fill="navy")
    pages[0].save(
        folder / "pillow-scan.pdf", save_all=True, append_images=pages[1:], resolution=75.0
    )
    pages[0].convert("1").save(folder / "pillow-fax.pdf", resolution=75.0)


def _reportlab(folder: Path, _scratch: Path) -> None:
    text = Canvas(str(folder / "reportlab-text.pdf"), pagesize=A4, invariant=1)
    text.setTitle("Report")
    for number, size in enumerate((A4, landscape(A4), A4), 1):
        text.setPageSize(size)
        text.drawString(72, 500, f"Page {number} of 3")
        text.showPage()
    text.save()
    form = Canvas(str(folder / "reportlab-form.pdf"), pagesize=A4, invariant=1)
    form.drawString(72, 700, "Name of the applicant")
    form.acroForm.textfield(name="applicant", x=72, y=650, width=250, value="")
    form.acroForm.checkbox(name="agreed", x=72, y=600, checked=True)
    form.showPage()
    form.save()


def _over_reportlab(folder: Path, scratch: Path) -> None:
    source = folder / "reportlab-text.pdf"
    _run("pdftocairo", "-pdf", source, folder / "cairo-text.pdf")
    page = scratch / "page.txt"
    page.write_text(
        "%%MediaBox 0 0 595 842\n%%Font F1 Helvetica\nBT /F1 24 Tf 72 700 Td (MuPDF) Tj ET\n"
    )
    _run("mutool", "create", "-o", folder / "mutool-create.pdf", page)
    _run("mutool", "clean", "-ggg", "-z", source, folder / "mutool-clean.pdf")
    _run("qpdf", "--linearize", source, folder / "qpdf-linearized.pdf")
    _run("qpdf", "--object-streams=generate", source, folder / "qpdf-object-streams.pdf")
    _run("qpdf", "--rotate=+90", source, folder / "qpdf-rotated.pdf")


def _segno(folder: Path, _scratch: Path) -> None:
    segno.make("Ấn Tín", micro=False).save(str(folder / "segno-code.pdf"), scale=8)


def _pdfium(folder: Path, _scratch: Path) -> None:
    document = pypdfium2.PdfDocument.new()
    document.new_page(595, 842).close()
    document.save(str(folder / "pdfium-blank.pdf"))
    document.close()


def _pyhanko(folder: Path, _scratch: Path) -> None:
    made = writer.PdfFileWriter(stream_xrefs=True)
    name = generic.NameObject
    font = generic.DictionaryObject({
        name("/Type"): name("/Font"),
        name("/Subtype"): name("/Type1"),
        name("/BaseFont"): name("/Courier"),
    })  # fmt: skip
    fonts = generic.DictionaryObject({name("/F1"): font})
    content = generic.StreamObject(stream_data=b"BT /F1 18 Tf 72 720 Td (pyHanko) Tj ET")
    made.insert_page(
        writer.PageObject(
            contents=made.add_object(content),
            media_box=(0, 0, 595, 842),
            resources=generic.DictionaryObject({name("/Font"): fonts}),
        )
    )
    with (folder / "pyhanko-page.pdf").open("wb") as file:
        made.write(file)


def _by_hand(folder: Path, _scratch: Path) -> None:
    made: dict[str, Callable[[], bytes]] = {
        "hybrid": _hybrid,
        "xref-stream": plain_document(pages=2).with_streams,
        "cropped": _cropped,
        "incremental": _incremental,
    }
    for name, build in made.items():
        (folder / f"hand-{name}.pdf").write_bytes(build())


def _hybrid() -> bytes:
    made = plain_document(catalog="/ViewerPreferences 6 0 R")
    hidden = made.add("<< /DisplayDocTitle true >>")
    assert hidden == 6
    return made.hybrid(hidden)


def _cropped() -> bytes:
    turned = "/Rotate 270 /CropBox [-20 10 380 510]"
    return plain_document(page=turned, box="-50 -50 450 550").classic()


def _incremental() -> bytes:
    first = plain_document().classic()
    out = io.BytesIO(first)
    out.seek(0, io.SEEK_END)
    start = out.tell()
    out.write(b"6 0 obj\n<< /Title (Second revision) >>\nendobj\n")
    table = out.tell()
    out.write(b"xref\n6 1\n%010d 00000 n \n" % start)
    previous = first.rsplit(b"startxref\n", 1)[1].split(b"\n", 1)[0]
    out.write(b"trailer\n<< /Size 7 /Root 1 0 R /Info 6 0 R /Prev %b >>\n" % previous)
    out.write(b"startxref\n%d\n%%%%EOF\n" % table)
    return out.getvalue()


if __name__ == "__main__":
    build_all(Path(sys.argv[1]))
