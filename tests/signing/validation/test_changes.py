"""What changes behind a signature do to what it comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signing.validation.changes import weigh_changes, with_changes
from signing.validation.found import Form, Packaging
from signing.validation.model import Change, ChangeKind, SignatureReport, Step
from signing.validation.pdf_changes import PdfChanges
from signing.validation.policy import POLICY, Weight
from signing.validation.verdict import Conclusion, Indication, SubIndication, because

_REPORT = SignatureReport(
    identity="S-1",
    form=Form.PADES,
    packaging=Packaging.ENVELOPED,
    place="Signature1",
    level="B-B",
    conclusion=Conclusion(Indication.TOTAL_PASSED),
    checks=(),
    chain=(),
    objects=(),
)


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_what_is_allowed_changes_nothing(kind: ChangeKind) -> None:
    assert weigh_changes([Change(kind, is_allowed=True)], policy=POLICY).is_passed


@pytest.mark.parametrize("kind", sorted(set(ChangeKind) - {ChangeKind.UNDEFINED}))
def test_what_is_not_allowed_makes_it_fail_under_its_name(kind: ChangeKind) -> None:
    """ISO 32000-2 §12.8.2."""
    change = Change(kind, is_allowed=False, code="shadow_hide", pages=(2, 3))
    conclusion = weigh_changes([change], policy=POLICY)
    assert conclusion.sub_indication is SubIndication.FORMAT_FAILURE
    assert conclusion.reasons == (because("shadow_hide", kind=kind.value, pages="2,3"),)


def test_what_nobody_can_explain_is_a_doubt() -> None:
    conclusion = weigh_changes([Change(ChangeKind.UNDEFINED, is_allowed=False)], policy=POLICY)
    assert conclusion.is_indeterminate
    assert conclusion.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE
    assert conclusion.reasons[0].code == "undefined"


def test_a_policy_may_be_content_with_a_warning() -> None:
    policy = replace(POLICY, changes={ChangeKind.ANNOTATED: Weight.WARNS})
    conclusion = weigh_changes([Change(ChangeKind.ANNOTATED, is_allowed=False)], policy=policy)
    assert conclusion.is_passed
    assert [one.code for one in conclusion.warnings] == ["annotated"]
    # a kind that a policy does not mention fails
    assert weigh_changes([Change(ChangeKind.OVERLAPPED, is_allowed=False)], policy=policy).is_failed


@pytest.mark.parametrize(
    "code",
    [
        "changes_not_looked_at",
        "pages_not_compared",
        "pages_compared_by_lot",
        "another_reader_suspects",
    ],
)
def test_what_was_not_looked_at_leaves_it_undecided(code: str) -> None:
    found = PdfChanges(findings=(because(code),), covers_whole=False)
    report = with_changes(_REPORT, found, policy=POLICY)
    assert report.conclusion.indication is Indication.INDETERMINATE
    assert report.checks[-1].step is Step.CHANGES


def test_nobody_having_looked_leaves_it_undecided() -> None:
    assert with_changes(_REPORT, None, policy=POLICY).conclusion.is_indeterminate


def test_other_findings_are_warnings_and_none_is_said_twice() -> None:
    change = Change(ChangeKind.ANNOTATED, is_allowed=True, code="annotation_added")
    found = PdfChanges(
        (change,),
        (because("annotation_added"), because("another_reader_not_asked")),
        revision_bytes=9,
    )
    report = with_changes(_REPORT, found, policy=POLICY)
    assert report.conclusion.indication is Indication.TOTAL_PASSED
    assert [one.code for one in report.conclusion.warnings] == ["another_reader_not_asked"]
    assert (report.changes, report.revision_bytes) == ((change,), 9)
