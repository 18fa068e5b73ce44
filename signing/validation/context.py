"""What one validation has at hand: rules, trust, the time, and everything that came with the file.

What lives here: `Context`, made once for a document and handed to every building block.
Source: ETSI EN 319 102-1 §5.1.4 and §5.2.4 (validation context).
Not here: any judgement.  Certificates and evidence of all signatures of a document are one pool, as
a timestamp's archive may bring what an earlier signature needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from signing.formats.material import ValidationMaterial
from signing.validation.certificate_path import TrustAnchors
from signing.validation.found import FoundDocument, FoundSignature, FoundTimestamp
from signing.validation.policy import ValidationPolicy
from signing.validation.ports import OnlineStatus


@dataclass(frozen=True, slots=True)
class Context:
    """Of one document.

    Takes   online: None where nobody is asked over the network; now: aware, the current time of
            the procedure; pool: everything that came with the document.
    """

    policy: ValidationPolicy
    anchors: TrustAnchors
    online: OnlineStatus | None
    now: datetime
    pool: ValidationMaterial = field(default_factory=ValidationMaterial)


def pool_of(document: FoundDocument) -> ValidationMaterial:
    """All certificates and all evidence that stand in a document, without doublets."""
    pool = ValidationMaterial()
    for signature in document.signatures:
        pool = pool.with_others(_of_signature(signature))
    return pool.with_others(_of_timestamps(document.timestamps))


def _of_signature(signature: FoundSignature) -> ValidationMaterial:
    own = (signature.candidate,) if signature.candidate is not None else ()
    pool = ValidationMaterial((*own, *signature.certificates)).with_others(signature.material)
    return pool.with_others(_of_timestamps(signature.timestamps))


def _of_timestamps(timestamps: Iterable[FoundTimestamp]) -> ValidationMaterial:
    return ValidationMaterial(tuple(one for stamp in timestamps for one in stamp.certificates))
