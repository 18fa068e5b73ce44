"""How far our verdicts agree with those of the peers whose files these are.

What lives here: the leads of `leads.tsv` beside our reports, what counts as agreement, the written
reasons of `verdicts.toml`, and the table that a run prints.

Three things are compared:
* integrity: whether the peer asserts that some digest, signature or technical check fails, beside
  whether one fails here;
* sub-indication: ours is one of those that the peer asserts;
* digidoc4j's folders, in the trust of its makers and at their time: nothing in `valid` fails, and
  nothing in `invalid` passes.
A file about a document that is not among the corpus cannot be compared in the first and says so.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from signing.validation.model import DocumentReport, SignatureReport, Step, TimestampReport
from signing.validation.verdict import Conclusion, SubIndication
from tests.vectors.corpus import corpus_folder

REASONS: Final = Path(__file__).with_name("verdicts.toml")
INTACT: Final = "intact"
BROKEN: Final = "broken"
ABSENT: Final = "absent"
_BREAKS: Final = frozenset(
    {
        SubIndication.FORMAT_FAILURE,
        SubIndication.HASH_FAILURE,
        SubIndication.SIG_CRYPTO_FAILURE,
    }
)
_UNTOLD: Final = frozenset(
    {SubIndication.SIGNED_DATA_NOT_FOUND, SubIndication.CRYPTO_CONSTRAINTS_FAILURE}
)
"""There is nothing to compare with, or no way to compute."""
_TECHNICAL: Final = frozenset({Step.FORMAT, Step.IDENTIFICATION, Step.CRYPTOGRAPHY, Step.CHANGES})


@dataclass(frozen=True, slots=True)
class Lead:
    """What a peer's own tests say of one of its files."""

    file: str
    indications: tuple[str, ...]
    sub_indications: tuple[str, ...]
    integrity: str

    @property
    def is_of_folder(self) -> bool:
        """Whether all that is said is in which folder it lies."""
        return self.integrity in {"valid", "invalid"}

    @property
    def path(self) -> Path:
        """Where it is."""
        return corpus_folder() / self.file


@dataclass(frozen=True, slots=True)
class Ours:
    """What our report comes to, in the same words."""

    integrity: str
    sub_indications: tuple[str, ...]
    indication: str

    @classmethod
    def of(cls, report: DocumentReport) -> Ours:
        """In those words."""
        conclusions = [report.conclusion]
        conclusions += [one.conclusion for one in report.signatures]
        conclusions += [one.conclusion for one in _timestamps(report)]
        # whoever trusts nobody gets stuck at the chain; what the other building blocks say is there
        conclusions += [
            check.conclusion for signature in report.signatures for check in signature.checks
        ]
        named = dict.fromkeys(one.sub_indication for one in conclusions)
        return cls(
            _integrity(report),
            tuple(one.value for one in named if one is not None),
            report.conclusion.indication.value,
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """One file: for each of the three, whether we agree; None where there is nothing to compare.

    Takes   needs_reason: the lead as it stands and ours are not the same; is_apart: the peer's
            word is about something that is not judged here, or ours about what the peer does not
            read, so that it is not counted.
    """

    lead: Lead
    ours: Ours
    integrity: bool | None
    sub_indication: bool | None
    folder: bool | None
    needs_reason: bool = False
    is_apart: bool = False

    @property
    def is_agreed(self) -> bool:
        """Whether there is nothing to explain."""
        return False not in {self.integrity, self.sub_indication, self.folder}


def leads() -> list[Lead]:
    """All of them, in the order of the file."""
    with (corpus_folder() / "leads.tsv").open(newline="", encoding="utf-8") as told:
        return [
            Lead(
                row["file"],
                _split(row["peer_indications"]),
                _split(row["peer_subindications"]),
                row["peer_integrity"],
            )
            for row in csv.DictReader(told, delimiter="\t")
        ]


def is_said_to_be_broken(lead: Lead) -> bool:
    """Whether the peer asserts a failure: in so many words, or by what it calls the outcome."""
    failures = {"FAILED", "TOTAL_FAILED", *(one.value for one in _BREAKS)}
    told = {*lead.indications, *lead.sub_indications}
    return lead.integrity == BROKEN or not told.isdisjoint(failures)


def compare(lead: Lead, report: DocumentReport, *, told: Mapping[str, Any]) -> Compared:
    """Ours beside the peer's.

    Takes   told: what `verdicts.toml` says of the file: `peer`, the integrity that the peer's test
            asserts where the lead lacks it; `apart`, why it is not counted.
    """
    ours = Ours.of(report)
    as_it_stands = _compared(lead, ours)
    if "peer" in told:
        lead = replace(lead, integrity=told["peer"], indications=(), sub_indications=())
    answers = _compared(lead, ours)
    needs_reason = not as_it_stands.is_agreed
    if "apart" in told:
        return Compared(lead, ours, None, None, None, needs_reason, is_apart=True)
    return replace(answers, needs_reason=needs_reason)


def _compared(lead: Lead, ours: Ours) -> Compared:
    is_broken = ours.integrity == BROKEN
    if lead.is_of_folder:
        has_failed = is_broken or ours.indication == "TOTAL_FAILED"
        has_passed = not is_broken and ours.indication == "TOTAL_PASSED"
        is_valid = lead.integrity == "valid"
        return Compared(lead, ours, None, None, not (has_failed if is_valid else has_passed))
    is_said = is_said_to_be_broken(lead)
    integrity: bool | None = (ours.integrity != INTACT) == is_said
    if ours.integrity == ABSENT and not is_said:
        integrity = None
    sub_indication = None
    if lead.sub_indications:
        sub_indication = not set(lead.sub_indications).isdisjoint(ours.sub_indications)
    return Compared(lead, ours, integrity, sub_indication, None)


def read_reasons() -> Mapping[str, Mapping[str, Any]]:
    """File → what we say and why, for each file about which we do not agree."""
    return tomllib.loads(REASONS.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of how many."""

    name: str
    agreed: int
    compared: int
    least: float

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.agreed / self.compared if self.compared else 1.0

    def line(self) -> str:
        """Of the table."""
        return (
            f"{self.name:<28} {self.agreed:>4} of {self.compared:<4} {self.share:>7.1%}  "
            f"(at least {self.least:.0%})"
        )


def agreements(compared: Iterable[Compared]) -> tuple[Agreement, ...]:
    """The three of them."""
    every = tuple(compared)
    return (
        _agreement("integrity", [one.integrity for one in every], least=0.95),
        _agreement("sub-indication", [one.sub_indication for one in every], least=0.90),
        _agreement("folders of digidoc4j", [one.folder for one in every], least=0.95),
    )


def table(compared: Iterable[Compared]) -> list[str]:
    """What a run prints."""
    every = tuple(compared)
    absent = sum(1 for one in every if one.ours.integrity == ABSENT and one.integrity is None)
    apart = sum(1 for one in every if one.is_apart)
    passed = [one for one in every if one.lead.integrity == "valid"]
    whole = sum(1 for one in passed if one.ours.indication == "TOTAL_PASSED")
    return [
        f"Verdicts about {len(every)} files of others:",
        *(one.line() for one in agreements(every)),
        f"Of the {len(passed)} in `valid`, {whole} are TOTAL_PASSED.",
        f"Not counted: {absent} about documents that are not among the corpus, {apart} apart.",
        f"The reason for each disagreement, and for what is apart, is in {REASONS.name}.",
    ]


def _agreement(name: str, answers: Iterable[bool | None], *, least: float) -> Agreement:
    told = [one for one in answers if one is not None]
    return Agreement(name, sum(told), len(told), least)


def _integrity(report: DocumentReport) -> str:
    conclusions = [report.conclusion, *(one.conclusion for one in _timestamps(report))]
    conclusions += [one for signature in report.signatures for one in _technical(signature)]
    if any(_is_broken(one) for one in conclusions):
        return BROKEN
    if not report.signatures and not report.timestamps and not _has_nothing(report):
        return BROKEN
    return ABSENT if any(one.sub_indication in _UNTOLD for one in conclusions) else INTACT


def _has_nothing(report: DocumentReport) -> bool:
    """Whether it was read to its end, and nobody signed it."""
    return "no_signature" in {one.code for one in report.conclusion.reasons}


def _is_broken(conclusion: Conclusion) -> bool:
    is_bad = not conclusion.is_passed
    no_signer = SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    return is_bad and (
        conclusion.sub_indication in _BREAKS
        or conclusion.sub_indication is no_signer
        or conclusion.is_failed
    )


def _technical(signature: SignatureReport) -> Iterator[Conclusion]:
    yield signature.conclusion
    for check in signature.checks:
        if check.step in _TECHNICAL:
            yield check.conclusion


def _timestamps(report: DocumentReport) -> Iterator[TimestampReport]:
    yield from report.timestamps
    for signature in report.signatures:
        yield from signature.timestamps


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in text.split(";") if one))
