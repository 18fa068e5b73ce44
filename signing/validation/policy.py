"""What is demanded of a signature, as data.

What lives here: `ValidationPolicy` and the one that applies where nobody says otherwise, `POLICY`.
Source: ETSI EN 319 102-1 §5.1.4 (validation constraints) and annex A; TS 119 312 (algorithms);
TT 15/2025/TT-BKHCN, Annex II (status, purpose of the key).
Not here: the rules of paths (`certificate_path.py`), which RFC 5280 fixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from keystore.pki.deployment import EXAMPLE_ARC
from signing.validation.algorithm_acceptance import TS_119_312_OVER_TIME, AlgorithmTable
from signing.validation.model import ChangeKind


class Weight(StrEnum):
    """What something that was found does to the conclusion."""

    FAILS = "fails"
    DOUBTS = "doubts"
    WARNS = "warns"


_CHANGES: Final[Mapping[ChangeKind, Weight]] = MappingProxyType(
    {
        **dict.fromkeys(ChangeKind, Weight.FAILS),
        # what nobody can explain need not be an attack
        ChangeKind.UNDEFINED: Weight.DOUBTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationPolicy:
    """One set of constraints.

    Takes   identifier: stands in reports; algorithms: until when they are good enough;
            longest_status_age: of evidence about a certificate that does not say when there will
            be newer one; asks_after: how old evidence in the file about a signer may be before
            somebody is asked, although newer one was not due; skew: by how much clocks may differ;
            longest_timestamp_delay: between the claimed time and the earliest proof, None for any;
            changes: what a change that is not allowed does, by its kind;
            doubtful_findings: what is noticed while looking for changes, and leaves a signature
            undecided: what could not be looked at may be anything;
            needs_signing_purpose: the key of the signer's certificate has to be one for signing
            (digitalSignature or nonRepudiation) where it says what it is for;
            needs_certificate_reference: a signature has to say, in what it signs, whose certificate
            it is; else there is a warning alone, as plain signatures in XML and CMS do not;
            refused_doubts: codes of what readers noticed and took nevertheless, and that leave a
            signature undecided, such as a signed part of XML that was moved aside, or references
            to two certificates;
            needs_status: a status that cannot be had leaves the signature undecided; else there
            is a warning alone, which TT 15/2025 demands in any case;
            slides_to_issuance: evidence about a certificate counts until it was issued, when the
            past is looked into, and not until newer one was due (§5.6.2.2);
            own_arcs: under which the policies of our own certificates hang;
            own_sources: names of the anchors that are believed when these policies say that a key
            is its holder's alone; empty: all of them.
    """

    identifier: str
    algorithms: AlgorithmTable
    longest_status_age: timedelta = timedelta(hours=24)
    asks_after: timedelta = timedelta(hours=24)
    skew: timedelta = timedelta(minutes=5)
    longest_timestamp_delay: timedelta | None = None
    changes: Mapping[ChangeKind, Weight] = field(default_factory=lambda: _CHANGES)
    doubtful_findings: frozenset[str] = frozenset(
        {
            "changes_not_looked_at",
            "pages_not_compared",
            "pages_compared_by_lot",
            "another_reader_suspects",
        }
    )
    needs_signing_purpose: bool = True
    needs_certificate_reference: bool = False
    refused_doubts: frozenset[str] = frozenset(
        {"signature_wrapped", "certificate_reference_differs"}
    )
    needs_status: bool = True
    slides_to_issuance: bool = False
    own_arcs: frozenset[str] = frozenset({EXAMPLE_ARC})
    own_sources: frozenset[str] = frozenset()


POLICY: Final = ValidationPolicy(identifier="antin-validation-1", algorithms=TS_119_312_OVER_TIME)
