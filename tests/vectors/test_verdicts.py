"""Every signed file of others ends in a report; its verdict agrees with its makers' or says why.

Provenance: test files of the EU's DSS 6.4 and of digidoc4j 6.1; `leads.tsv` beside them.  They are
checked in place.  Files of DSS are checked with trust in nobody, by a policy that wants signatures
to refer to their certificates and to say when they were made, as DSS's own does; those of digidoc4j
with trust in whom their makers trust, at the time when each was made.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest

from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.validation.known_anchors import KnownAnchors
from signing.validation.model import DocumentReport
from signing.validation.policy import POLICY
from signing.validation.validate import Validation
from tests.vectors.corpus import corpus_folder, needs_corpus
from tests.vectors.their_trust import anchors_in, moment_of, read
from tests.vectors.verdicts import (
    Compared,
    Lead,
    agreements,
    compare,
    leads,
    read_reasons,
    table,
)

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
LONGEST_S: Final = 10.0
FILES: Final = 339
_THEIR_POLICY: Final = replace(
    POLICY, needs_certificate_reference=True, refused_doubts=frozenset({"signing_time_odd"})
)


def _reports(isolation: Isolation) -> Iterator[tuple[Lead, DocumentReport, float]]:
    """Each file with its report, and the seconds that it took."""
    every = leads()
    found = {}
    for one in every:
        if one.is_of_folder:
            with Blob.of(one.path.read_bytes()) as document:
                found[one.file] = read(document, isolation=isolation)
    trusted = anchors_in(found[one.file] for one in every if one.integrity == "valid")
    theirs = Validation(isolation, trusted)
    nobody = Validation(isolation, KnownAnchors(), policy=_THEIR_POLICY)
    for one in every:
        checker = theirs if one.is_of_folder else nobody
        moment = moment_of(found[one.file]) if one.file in found else None
        with Blob.of(one.path.read_bytes()) as document:
            begun = time.monotonic()
            report = checker.validate(document, name=one.path.name, now=min(moment or NOW, NOW))
            yield one, report, time.monotonic() - begun


@needs_corpus
def test_verdicts_about_the_files_of_others_agree_or_have_a_written_reason(
    isolation: Isolation, record_property
) -> None:
    """EN 319 102-1 §5.1.3: whatever comes in, one of the three indications comes out."""
    reasons = dict(read_reasons())
    compared: list[Compared] = []
    unexplained: list[str] = []
    for lead, report, seconds in _reports(isolation):
        assert seconds < LONGEST_S, lead.file
        codes = {one.code for one in report.conclusion.reasons}
        assert "fault" not in codes, lead.file
        one = compare(lead, report, told=reasons.get(lead.file, {}))
        compared.append(one)
        reason = reasons.pop(lead.file, None)
        if one.needs_reason != (reason is not None):
            unexplained.append(f"{lead.file}: {one.ours}, {lead}, {reason}")
        elif reason is not None:
            assert reason["reason"].endswith("."), lead.file
            assert one.ours.integrity == reason.get("integrity", one.ours.integrity), lead.file
    record_property("agreement", "\n".join(table(compared)))
    assert len(compared) == FILES
    assert not unexplained, "\n".join(unexplained)
    assert not reasons, "reasons for files about which there is nothing to explain"
    for agreement in agreements(compared):
        assert agreement.share >= agreement.least, agreement.line()


ATTACKS: Final = {
    "dss/pades/siwa.pdf": "signature_wrapping",
    "dss/pades/replace.pdf": "shadow_replace",
    "dss/pades/pdf-removed-pages.pdf": "pages_removed",
    "dss/pades/pades-spoofing-replaced-reason.pdf": "signature_dictionary_replaced",
    "digidoc4j/invalid/zip-bomb-package-zip.asics": "zip_bomb_inside",
}
"""File → the name under which it is refused."""


@needs_corpus
@pytest.mark.parametrize(("file", "name"), ATTACKS.items())
def test_an_attack_is_called_by_its_name(without_walls: Isolation, file: str, name: str) -> None:
    with Blob.of((corpus_folder() / file).read_bytes()) as document:
        report = Validation(without_walls, KnownAnchors()).validate(document, name=file, now=NOW)
    assert report.conclusion.is_failed
    told = {one.code for one in (*report.conclusion.reasons, *report.findings)}
    told |= {one.code for each in report.signatures for one in each.changes}
    assert name in told
