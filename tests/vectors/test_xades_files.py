"""What is found in the XAdES files of others: every one ends, and every imprint is computed.

Source: the peer's own tests say of each file below what is wrong with it; every other timestamp is
over what the standard says.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from signing.isolation.task import Isolation
from signing.validation.found import FoundTimestamp, TimestampKind
from signing.validation.timestamp_info import find_info
from tests.support.xml_found import find_in, holds, said_of
from tests.vectors.corpus import corpus_folder

FOLDER: Final = corpus_folder() / "dss" / "xades"
FILES: Final = sorted(FOLDER.glob("*")) if FOLDER.is_dir() else []
DIFFERENT: Final = {
    # over individual data objects, and wrong by the name of the peer's test
    "Signature-X-CZ_ICZ-1.xml": {"S-1-T1"},
    # over a document that is not there
    "Signature-X-PT-4.xml": {"S-1-T3"},
    "xades-detached-with-object-type-ref.xml": {"S-1-T1", "S-1-T2", "S-1-T4"},
    # the document was changed, and the archive timestamp is over it
    "Signature-X-RO_TRA-4.xml": {"S-2-T4"},
    # copied from another signature
    "xades-counter-sig-copied-sigtst.xml": {"S-2-T1"},
    "xades-lta-copied-atst.xml": {"S-1-T2"},
    "xades-two-sig-copied-tst.xml": {"S-2-T1"},
    # by no choice and no order of the parts of the signature
    "xades-enveloped-arcTst132-no-objects.xml": {"S-1-T2"},
    # records of evidence: over documents that are not there
    "X-E-ERS-DETACHED-LT.xml": {"S-1-R1.1"},
    "X-E-ERS-DETACHED-LT-chain-renewal.xml": {"S-1-R1.1", "S-1-R1.3"},
    "X-E-ERS-DETACHED-LT-data-not-covered-chain-renewal.xml": {"S-1-R1.1", "S-1-R1.2"},
    "X-E-ERS-DETACHED-LT-data-not-covered-chain-renewal-invalid.xml": {"S-1-R1.1", "S-1-R1.2"},
    "X-E-ERS-DETACHED-LT-orphan-ref.xml": {"S-1-R1.1"},
    "X-E-ERS-DETACHED-LT-sig-invalid-digest.xml": {"S-1-R1.1"},
    "X-E-ERS-MANIFEST.xml": {"S-1-R1.1"},
    # wrong by the names of the peer's tests
    "X-E-ERS-basic-chain-renewal-master-sig-not-found.xml": {"S-1-R1.3"},
    "X-E-ERS-two-parallel-ers-one-invalid.xml": {"S-1-R2.1"},
    "XAdES-B_ER_Renewed_no_can.xml": {"S-1-R1.2"},
}
SAID: Final = {
    "XSW-enveloped-fake-content-two-same-id.xml": "duplicate_id",
    "XSW-enveloped-fake-signedProperties.xml": "signature_wrapped",
    "broken-dom.xml": "not_xml",
    "dss-signed-altered-signedPropsRemoved.xml": "signed_properties_not_signed",
    "xades-sign-cert-v1-wrong-serialnumber.xml": "issuer_serial_differs",
    "Signature-X-CY-1.xml": "manifest_not_followed",
    "qes-xades111-filter2.xml": "reference_not_recomputed",
    "xades-invalid-reference.xml": "data_object_unmatched",
}


@pytest.mark.parametrize("file", FILES, ids=[one.name for one in FILES])
def test_every_timestamp_is_over_what_it_has_to_be_over(file: Path, isolation: Isolation) -> None:
    found = find_in(file.read_bytes(), isolation=isolation)
    stamps = [stamp for one in found.signatures for stamp in one.timestamps]
    assert _different(stamps) == DIFFERENT.get(file.name, set())
    for stamp in stamps:
        # whatever it is over, a later look-up can ask what it proves
        assert stamp.covers or stamp.kind in {TimestampKind.CONTENT, TimestampKind.REFERENCES}
        assert stamp.certificates
    if file.name in SAID:
        assert SAID[file.name] in said_of(found)
    assert "contradiction" not in said_of(found)


def test_what_others_made_holds_as_it_holds_for_them() -> None:
    """Those that are whole and about nothing outside of them."""
    if not FILES:
        return
    count = sum(
        bool(found.signatures) and all(map(holds, found.signatures))
        for found in (find_in(file.read_bytes()) for file in FILES)
    )
    assert count == 54


def _different(stamps: Sequence[FoundTimestamp]) -> set[str]:
    found = set()
    for stamp in stamps:
        info = find_info(stamp.token)
        if info is None or stamp.digest_of(info.hash_name) != info.imprint:
            found.add(stamp.identity)
    return found
