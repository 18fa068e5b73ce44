"""What one validation has at hand: rules, trust, the time, and everything that came with the file.

What lives here: `Context`, made once for a document and handed to every building block.
Source: ETSI EN 319 102-1 §5.1.4 and §5.2.4 (validation context).
Not here: any judgement.  Certificates and evidence of all signatures of a document are one pool, as
a timestamp's archive may bring what an earlier signature needs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from signing.formats.material import ValidationMaterial
from signing.validation.certificate_path import TrustAnchors
from signing.validation.found import FoundDocument, FoundSignature, FoundTimestamp
from signing.validation.model import StatusOrigin
from signing.validation.policy import ValidationPolicy
from signing.validation.ports import OnlineStatus
from signing.validation.revocation import Evidence

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Context:
    """Of one document.

    Takes   online: None where nobody is asked over the network; now: aware, the current time of
            the procedure; pool: everything that came with the document;
            deadline: of the monotonic clock, after which no further timestamp is judged.
    What was found out once is remembered, as several signatures share certificates and tokens: a
    context serves one document, in one thread.
    """

    policy: ValidationPolicy
    anchors: TrustAnchors
    online: OnlineStatus | None
    now: datetime
    pool: ValidationMaterial = field(default_factory=ValidationMaterial)
    deadline: float = math.inf
    _memory: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """What `make` gives, made the first time that it is asked for."""
        if key not in self._memory:
            self._memory[key] = make()
        made: _Made = self._memory[key]
        return made

    @property
    def is_late(self) -> bool:
        """Whether the time for this document is over."""
        return time.monotonic() > self.deadline

    @property
    def evidence(self) -> Evidence:
        """What came with the document, as evidence."""
        return self.evidence_of(self.pool)

    def evidence_of(self, material: ValidationMaterial) -> Evidence:
        """Evidence out of some material; certificates of the whole document stand beside it."""
        return self.once(
            ("evidence", material.certificates, material.ocsp_responses, material.crls),
            lambda: Evidence(
                certificates=(*material.certificates, *self.pool.certificates),
                ocsp_responses=material.ocsp_responses,
                crls=material.crls,
            ),
        )

    def ask(self, certificate: bytes, *, issuer: bytes) -> ValidationMaterial:
        """What somebody says over the network about a certificate; asked once."""
        online = self.online
        if online is None:
            return ValidationMaterial()
        return self.once(
            ("online", certificate, issuer),
            lambda: online.find(certificate, issuer=issuer, now=self.now),
        )

    def ask_issuers(self, certificate: bytes) -> tuple[bytes, ...]:
        """Certificates of who issued one, over the network; asked once."""
        online = self.online
        if online is None:
            return ()
        return self.once(
            ("issuers", certificate), lambda: online.find_issuers(certificate, now=self.now)
        )

    def origin(self, evidence: Iterable[bytes]) -> StatusOrigin:
        """Where evidence about a certificate came from."""
        pieces = tuple(evidence)
        if not pieces:
            return StatusOrigin.NONE
        own = self.once(
            "own evidence", lambda: frozenset((*self.pool.ocsp_responses, *self.pool.crls))
        )
        return StatusOrigin.FILE if own.issuperset(pieces) else StatusOrigin.ONLINE


def pool_of(document: FoundDocument) -> ValidationMaterial:
    """All certificates and all evidence that stand in a document, without doublets."""
    certificates: list[bytes] = []
    answers: list[bytes] = []
    lists: list[bytes] = []
    for signature in document.signatures:
        certificates.extend(_certificates(signature))
        answers.extend(signature.material.ocsp_responses)
        lists.extend(signature.material.crls)
    certificates.extend(_stamped(document.timestamps))
    return ValidationMaterial(
        tuple(dict.fromkeys(certificates)),
        tuple(dict.fromkeys(answers)),
        tuple(dict.fromkeys(lists)),
    )


def _certificates(signature: FoundSignature) -> Iterable[bytes]:
    if signature.candidate is not None:
        yield signature.candidate
    yield from signature.certificates
    yield from signature.material.certificates
    yield from _stamped(signature.timestamps)


def _stamped(timestamps: Iterable[FoundTimestamp]) -> Iterable[bytes]:
    for one in timestamps:
        yield from one.certificates
