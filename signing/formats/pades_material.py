"""Evidence for signatures and timestamps in a PDF, so that they can be judged later.

What lives here: appending evidence to the security store.
Source: ETSI EN 319 142-1 §5.4.2 and §6.3 (B-LT); ISO 32000-2 §12.8.4.3.
Not here: gathering it, and looking whether it covers a chain (`status_material`).
"""

from __future__ import annotations

from signing.errors import ParsingFailed
from signing.formats.material import ValidationMaterial
from signing.formats.pades_revisions import Revisions
from signing.isolation.task import Isolation
from signing.messages.pdf_signature import ADD_MATERIAL, MaterialAsked


def append_material(
    revisions: Revisions, material: ValidationMaterial, *, isolation: Isolation
) -> bool:
    """Append the increment with what is not in the store yet.

    Returns whether anything was new.
    Raises  DocumentRefused; ParsingFailed.
    """
    with revisions.blobs() as blobs:
        asked = MaterialAsked(
            parts=len(blobs),
            certificates=material.certificates,
            ocsp_responses=material.ocsp_responses,
            crls=material.crls,
        )
        answered, written = isolation.run(ADD_MATERIAL, asked, inputs=blobs)
        with written:
            size = _size(material)
            increment = revisions.take(written, beside=size) if written.size else b""
    # NOTE: evidence is DER in a stream as it is, so that it can be found without reading PDF
    missing = [one for one in _all(material) if one not in increment]
    if not revisions.hold(missing) or bool(answered.added) != bool(increment):
        raise ParsingFailed("contradiction")
    if increment:
        revisions.append(increment)
    return bool(increment)


def _all(material: ValidationMaterial) -> tuple[bytes, ...]:
    return material.certificates + material.ocsp_responses + material.crls


def _size(material: ValidationMaterial) -> int:
    return sum(len(one) + 200 for one in _all(material))
