"""Files dropped on the page in a real browser: valid, tampered with, and of strangers.

What lives here: the three answers with their reasons, with scripts and without, on a small phone;
the report that is fetched there is itself a document that the page calls valid.
Not here: every answer and every bad input (`tests/idp/web/verify`).
"""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

_DROP = """async ([name, kind, text]) => {
  const raw = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([raw], name, {type: kind}));
  const at = document.querySelector("#drop");
  for (const type of ["dragenter", "dragover", "drop"])
    at.dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def _plain(folder: Path) -> Path:
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(595, 842))
    canvas.drawString(72, 700, "To whom it may concern")
    canvas.save()
    file = folder / "don.pdf"
    file.write_bytes(written.getvalue())
    return file


def _by_a_stranger(folder: Path) -> Path:
    """A CMS under a certificate that nobody here trusts."""
    openssl = shutil.which("openssl") or "openssl"
    key, certificate, made = folder / "k.pem", folder / "c.pem", folder / "la.p7m"
    make = [
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", "/CN=Stranger", "-days", "30", "-keyout", str(key), "-out", str(certificate)),
    ]
    sign = [
        *("cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "sha256"),
        *("-in", str(_plain(folder)), "-signer", str(certificate), "-inkey", str(key)),
        *("-out", str(made)),
    ]
    for arguments in (make, sign):
        subprocess.run([openssl, *arguments], check=True, capture_output=True)  # ours
    return made


def _check(walk, file: Path, then: str) -> None:
    walk.page.set_input_files("#file", str(file))
    walk.press("#verify-submit", then)


def test_three_files_three_answers(walker, sandbox, tmp_path):
    """TT 15/2025/TT-BKHCN Art. 6: valid or invalid, in Vietnamese, with the reasons."""
    place = f"{sandbox.issuer}/verify"
    with walker(width=320) as walk:
        walk.go(place, "#verify-submit")
        _check(walk, _plain(tmp_path), "#verify-unsigned")
        with walk.page.expect_download() as started:
            walk.page.click("#report-pdf-1")
        valid = tmp_path / "bao-cao.pdf"
        valid.write_bytes(started.value.path().read_bytes())
        # what this service sealed is a signed document like any other
        walk.press("#verify-again", "#verify-submit")
        _check(walk, valid, "#verify-valid")
        assert "nguyên vẹn" in walk.text("#verify-valid")
        with walk.page.context.expect_page() as opened:
            walk.page.click("#signed-show-1-1")
        opened.value.wait_for_selector(".signed-page img")
        raw = bytearray(valid.read_bytes())
        raw[200] ^= 1
        (tmp_path / "sua.pdf").write_bytes(raw)
        walk.page.goto(place)  # the way back was walked, and the form was judged
        _check(walk, tmp_path / "sua.pdf", "#verify-invalid")
        assert "thay đổi" in walk.text("#verify-invalid")
        assert walk.page.locator("#signed-show-1-1").count() == 0
        walk.page.go_back()  # from an answer to the question, not to the page before
        walk.page.wait_for_selector("#verify-submit")
        _check(walk, _by_a_stranger(tmp_path), "#verify-undetermined")
        assert "tin cậy" in walk.text("#verify-undetermined")


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_file_is_dropped_and_no_scripts_are_needed(walker, sandbox, tmp_path, has_scripts):
    """WCAG 2.2 §2.5.7: whatever is dragged can be chosen as well."""
    file = _by_a_stranger(tmp_path)
    with walker(has_scripts=has_scripts, hand="pointer" if not has_scripts else "keyboard") as walk:
        walk.go(f"{sandbox.issuer}/verify", "#verify-submit")
        if has_scripts:
            text = base64.b64encode(file.read_bytes()).decode()
            walk.page.evaluate(_DROP, [file.name, "application/pkcs7-mime", text])
            walk.see("#verify-undetermined")
        else:
            _check(walk, file, "#verify-undetermined")
        assert file.name in walk.text(".file-name")
