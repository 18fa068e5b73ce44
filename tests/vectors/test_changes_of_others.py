"""PDFs of others: each is read to its end, and the attacked ones alone are called attacked.

Provenance: test resources of the EU's DSS 6.4 and of digidoc4j 6.1, as the corpus has them; what is
expected follows what their own tests assert about modifications (object modifications that are
undefined, annotations that were added, dictionaries that are inconsistent).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.pdf import read_pdf
from signing.validation.pdf_changes import find_changes
from tests.vectors.corpus import corpus_folder

_LONGEST_S: Final = 60.0
FORBIDDEN: Final = {
    "replace.pdf": {"shadow_replace"},
    "pdf-removed-pages.pdf": {"pages_removed"},
    "pades-spoofing-replaced-reason.pdf": {"signature_dictionary_replaced"},
    "pades-signed-annot-added.pdf": {"annotation_added", "action_changed"},
}
"""Changes that are not allowed, by file; there is none in any other."""
MALFORMED: Final = {
    "siwa.pdf": {"signature_wrapping"},
    "pades-spoofing-replaced-reason.pdf": {"signature_dictionary_replaced"},
    "hello_signed_INCSAVE_signed_EDITED.pdf": {"signature_dictionary_replaced"},
    "pdf-signed-corrupted.pdf": {"byte_range_invalid"},
    "pdf-signed-out-of-byteRange.pdf": {"byte_range_invalid"},
    "pades-enveloping-empty-bytes-cms.pdf": {"content_encapsulated"},
}
"""What is wrong with where a signature stands, by file; nothing is with any other."""


def _files() -> list[Path]:
    folder = corpus_folder()
    return sorted([*folder.glob("dss/pades/*.pdf"), *folder.glob("digidoc4j/*/*.pdf")])


@pytest.mark.parametrize("file", _files(), ids=lambda file: file.stem)
def test_only_what_was_attacked_is_called_attacked(file: Path, isolation: Isolation) -> None:
    """No exception, no alarm without a reason, no attack without its name; within the limits."""
    begun = time.monotonic()
    with Blob.of(file.read_bytes()) as document:
        found = read_pdf(document, isolation=isolation)
        changes = find_changes(document, found, isolation=isolation)
    assert time.monotonic() - begun < _LONGEST_S
    assert found.signatures
    assert not found.malformed
    named = {one.code for each in changes.values() for one in each.changes if not one.is_allowed}
    assert named == FORBIDDEN.get(file.name, set())
    wrong = {reason.code for one in found.places for reason in one.ranges.malformed}
    wrong |= {
        reason.code
        for one in found.signatures
        for reason in one.malformed
        if reason.code == "content_encapsulated"
    }
    assert wrong == MALFORMED.get(file.name, set())
