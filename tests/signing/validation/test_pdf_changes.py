"""What stands behind a signature of a PDF: attacks of each kind by name, and what is harmless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.errors import ParsingFailed
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.messages.pdf_changes import COMPARE_PDF, DRAW_PAGES, DrawAnswered
from signing.validation.model import ChangeKind
from signing.validation.pdf import read_pdf
from signing.validation.pdf_changes import PdfChanges, find_changes, signed_revision
from tests.support import pdf_attacks as attacks
from tests.support import pdf_tricks as tricks
from tests.support.handmade_pdf import plain_document
from tests.support.isolation import WithoutWalls
from tests.support.pdf_desk import Desk
from tests.support.signatory import SigningPki

Attack = Callable[[bytes], bytes]
_UNPLEASANT: Final = (
    b"endobj",
    b"stream\n",
    b">>",
    b"<<",
    b"null",
    b"9 0 R",
    b"1 0 R",
    b"/Kids [2 0 R]",
    b"/Parent 5 0 R",
    b"99999999999999999999",
    b"-1",
    b"/ByteRange [0 1 2 3]",
    b"/Contents <00>",
    b"\0" * 30,
    b"(",
)


@pytest.fixture(scope="module")
def archived_once() -> list[bytes]:
    """Made once for all examples."""
    return []


@pytest.fixture
def archived(archived_once: list[bytes], desk: Desk) -> bytes:
    """A document with a signature at B-LTA and an update behind it."""
    if not archived_once:
        archived_once.append(attacks.other_text(desk.sign(attacks.victim(), level=Level.LTA)))
    return archived_once[0]


@pytest.fixture
def damaged(desk: Desk) -> Callable[[bytes], object]:
    """Reads a damaged file to its end, without walls: a fault would be seen."""

    def read(content: bytes) -> object:
        with Blob.of(content) as document:
            found = read_pdf(document, isolation=WithoutWalls())
            return find_changes(document, found, isolation=WithoutWalls())

    return read


@pytest.mark.parametrize(
    ("attack", "name"),
    [
        (attacks.other_text, "incremental_saving"),
        (attacks.other_text_in_a_new_object, "incremental_saving"),
        (attacks.text_without_a_table, "incremental_saving"),
        (attacks.page_added, "pages_added"),
        (attacks.page_removed, "pages_removed"),
        (attacks.picture_freed, "shadow_hide"),
        (attacks.layer_switched, "shadow_hide"),
        (attacks.signature_field_over_the_page, "shadow_hide"),
        (attacks.value_replaced, "shadow_replace"),
        (attacks.looks_replaced, "shadow_replace"),
        (attacks.font_replaced, "shadow_replace"),
        (attacks.action_added, "action_changed"),
        (attacks.note_added, "annotation_added"),
        (attacks.reason_replaced, "signature_dictionary_replaced"),
        (attacks.signature_unlisted, "signature_removed"),
    ],
    ids=lambda one: one.__name__ if callable(one) else one,
)
def test_an_attack_on_a_signed_document_is_called_by_its_name(
    desk: Desk, attack: Attack, name: str
) -> None:
    """ISO 32000-2 §12.8.2.2: what is not known to be harmless is not allowed."""
    changes = desk.changes(attack(desk.sign(attacks.victim())))["S-1"]
    assert name in {one.code for one in changes.changes if not one.is_allowed}
    assert not changes.is_allowed
    assert not changes.covers_whole


@pytest.mark.parametrize(
    "trick",
    [
        "<< /A (endobj) /Im0 7 0 R >>",
        "<< /A (>>\nstream\n) /Im0 7 0 R >>",
        "<< /Im0 7 %endobj\n 0 R >>",
        "<< /#49m0 7 0 R >>",
    ],
)
def test_a_roundabout_way_to_what_was_changed_hides_nothing(desk: Desk, trick: str) -> None:
    """What is not entered because nothing in it was touched must not have been touched."""
    attacked = attacks.picture_replaced(desk.sign(attacks.with_trick(trick)))
    changes = desk.changes(attacked)["S-1"]
    contents = [one for one in changes.changes if one.kind is ChangeKind.CONTENT_CHANGED]
    assert any(1 in one.pages and not one.is_allowed for one in contents)


@pytest.mark.parametrize(
    "attack", [attacks.missing_note_delivered, attacks.missing_picture_delivered]
)
def test_what_the_signed_revision_waited_for_is_a_change(desk: Desk, attack: Attack) -> None:
    """ISO 32000-2 §7.3.10: a reference to nothing is null, and null is what was signed."""
    changes = desk.changes(attack(desk.sign(attacks.with_what_is_missing())))["S-1"]
    assert not changes.is_allowed
    assert any(1 in one.pages for one in changes.changes if not one.is_allowed)


def test_an_object_of_another_generation_is_compared(desk: Desk) -> None:
    """ISO 32000-2 §7.3.10: an object is its number and its generation."""
    signed = desk.sign(attacks.of_another_generation())
    changes = desk.changes(attacks.picture_of_generation_replaced(signed))["S-1"]
    assert ChangeKind.CONTENT_CHANGED in {one.kind for one in changes.changes}
    assert not changes.is_allowed


def test_a_second_field_of_the_same_name_hides_nothing(desk: Desk) -> None:
    """ISO 32000-2 §12.7.4.2: two dictionaries of one name are one field, seen in two places."""
    changes = desk.changes(attacks.twin_field(desk.sign(attacks.victim())))["S-1"]
    assert "shadow_replace" in {one.code for one in changes.changes if not one.is_allowed}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_done_to_a_file_the_answer_is_no_exception(
    damaged: Callable[[bytes], object], archived: bytes, data: st.DataObject
) -> None:
    """Octets replaced, taken out or doubled, anywhere: a description of what was found."""
    at = data.draw(st.integers(0, len(archived) - 1))
    size = data.draw(st.integers(0, 40))
    put = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from(_UNPLEASANT)))
    damaged(archived[:at] + put + archived[at + size :])


def test_octets_behind_the_last_end_are_noticed_behind_evidence_too(desk: Desk) -> None:
    """ISO 32000-2 §7.5.5: the file ends with its last %%EOF; a lenient reader goes on."""
    signed = desk.sign(attacks.victim(), level=Level.LT)
    changes = desk.changes(attacks.text_without_a_table(signed))["S-1"]
    assert "incremental_saving" in {one.code for one in changes.changes if not one.is_allowed}
    assert desk.changes(signed + b"\r\n\0\0")["S-1"].is_allowed


def test_a_table_that_points_at_what_was_prepared_is_hide_and_replace(desk: Desk) -> None:
    """Mainka et al. (2021) §4.3: nothing new is written, and the reader sees another text."""
    attacked = attacks.table_switched(desk.sign(attacks.prepared_victim()))
    names = {one.code for one in desk.changes(attacked)["S-1"].changes if not one.is_allowed}
    assert "shadow_hide_and_replace" in names


@pytest.mark.parametrize(
    ("attack", "name"),
    [
        (attacks.wrapped, "signature_wrapping"),
        (attacks.range_missing, "universal_signature_forgery"),
        (attacks.range_negative, "byte_range_overlap"),
        (attacks.value_emptied, "universal_signature_forgery"),
        (attacks.reason_replaced, "signature_dictionary_replaced"),
        (attacks.signed_twice_by_one, "byte_range_overlap"),
        (attacks.value_said_twice, "signature_dictionary_ambiguous"),
    ],
    ids=lambda one: one.__name__ if callable(one) else one,
)
def test_a_signature_that_does_not_stand_where_it_says_is_malformed(
    desk: Desk, attack: Attack, name: str
) -> None:
    """ISO 32000-2 §12.8.1: the range is everything but the value, and the value is in the hole."""
    found = desk.read(attack(desk.sign(attacks.victim())))
    reasons = {reason.code for one in found.signatures for reason in one.malformed}
    assert name in reasons


@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_a_second_signature_and_evidence_are_no_alarm(
    desk: Desk, signing_pki: SigningPki, level: Level
) -> None:
    """ISO 32000-2 Table 257: both may follow; each is said, and none is forbidden."""
    for content in (attacks.victim(), plain_document(pages=3).with_streams()):
        once = desk.sign(content)
        twice = desk.raise_to(desk.sign(once, hand=signing_pki.seal), level)
        changes = desk.changes(twice)
        assert set(changes) == {"S-1", "S-2"}
        kinds = {one.kind for one in changes["S-1"].changes}
        assert kinds == {ChangeKind.SIGNED_AGAIN, ChangeKind.EVIDENCE_ADDED}
        assert all(each.is_allowed for each in changes.values())
        assert all(each.findings == () for each in changes.values())


@pytest.mark.parametrize("harmless", [attacks.blank_filled, attacks.title_changed])
def test_filling_what_was_empty_is_no_alarm(desk: Desk, harmless: Attack) -> None:
    """A signature that forbids nothing allows filling in and signing."""
    changes = desk.changes(harmless(desk.sign(attacks.victim())))["S-1"]
    assert changes.is_allowed
    assert not changes.covers_whole


@pytest.mark.parametrize(
    ("certify", "attack", "is_allowed"),
    [
        (1, attacks.blank_filled, False),
        (2, attacks.blank_filled, True),
        (2, attacks.value_replaced, True),
        (2, attacks.note_added, False),
        (3, attacks.note_added, False),
        (3, tricks.comment_beside, True),
        (3, attacks.other_text, False),
        (None, attacks.sneaky_signature, True),
        (None, attacks.sneaky_field, False),
        (2, attacks.sneaky_signature, False),
        (2, attacks.sneaky_field, False),
        (2, attacks.sign_field_by_hand, True),
    ],
)
def test_a_certification_says_what_may_follow(
    desk: Desk, certify: int | None, attack: Attack, *, is_allowed: bool
) -> None:
    """ISO 32000-2 Table 257; Rohlmann et al. (2021) §4: what is new and seen behind it deceives."""
    attacked = attack(desk.sign(attacks.victim(), certify=certify))
    of_ours = max(desk.changes(attacked).values(), key=lambda one: one.revision_bytes or 0)
    assert of_ours.is_allowed is is_allowed


def test_behind_a_certification_that_allows_nothing_a_signature_is_forbidden_a_timestamp_not(
    desk: Desk,
) -> None:
    """ISO 32000-2 Table 257: the store and document timestamps are allowed at every level."""
    certified = desk.sign(attacks.victim(), certify=1)
    assert desk.changes(desk.raise_to(certified, Level.LTA))["S-1"].is_allowed
    signed = attacks.sign_field_by_hand(certified)
    of_ours = max(desk.changes(signed).values(), key=lambda one: one.revision_bytes or 0)
    assert not of_ours.is_allowed


def test_a_locked_field_may_not_be_filled(desk: Desk) -> None:
    """ISO 32000-2 §12.8.2.4 (FieldMDP), by the lock of the field that was signed."""
    for action, fields, is_allowed in (
        ("All", "", False),
        ("Include", "/Fields [(Blank)]", False),
        ("Include", "/Fields [(Said)]", True),
        ("Exclude", "/Fields [(Blank)]", True),
    ):
        lock = f"<< /Type /SigFieldLock /Action /{action} {fields} >>"
        locked = desk.sign(attacks.with_signature_field(lock), field_name="Here")
        assert desk.changes(attacks.blank_filled(locked))["S-1"].is_allowed is is_allowed, action


def test_the_signed_revision_is_the_document_as_it_was(desk: Desk) -> None:
    """What was signed can be shown: the first octets, and none behind them."""
    signed = desk.sign(attacks.victim())
    attacked = attacks.other_text(signed)
    changes = desk.changes(attacked)["S-1"]
    with Blob.of(attacked) as document, signed_revision(document, changes) as revision:
        assert revision.read() == signed
    with Blob.of(signed) as document, pytest.raises(ValueError, match="no_signed_revision"):
        signed_revision(document, PdfChanges()).__enter__()


def test_nothing_behind_a_signature_is_nothing_to_compare(desk: Desk) -> None:
    """The walls are not asked at all."""
    signed = desk.sign(attacks.victim())
    changes = desk.changes(signed)["S-1"]
    assert changes == PdfChanges(covers_whole=True, revision_bytes=len(signed))


def test_a_reader_that_says_nothing_is_no_excuse(desk: Desk) -> None:
    """What could not be compared is not allowed, and pages are missed."""

    class Silent:
        def run(self, task: Any, asked: Any, *, inputs: Any = ()) -> Any:
            del asked, inputs
            raise ParsingFailed("crashed")

    attacked = attacks.other_text(desk.sign(attacks.victim()))
    with Blob.of(attacked) as document:
        found = read_pdf(document, isolation=desk.parties.isolation)
        changes = find_changes(document, found, isolation=Silent())["S-1"]
        nothing = read_pdf(document, isolation=Silent())
    assert not changes.is_allowed
    assert [one.code for one in changes.changes] == ["not_compared"]
    assert [one.code for one in nothing.malformed] == ["crashed"]


@pytest.mark.parametrize(("reason", "asked_times"), [("too_slow", 1), ("crashed", 2)])
def test_who_compares_is_asked_once_more_only_if_that_helps(
    desk: Desk, reason: str, asked_times: int
) -> None:
    """A fault may be the library's, and ours goes on without it; time is the document's."""
    isolation = desk.parties.isolation
    asked_for: list[str] = []

    class Failing:
        def run(self, task: Any, asked: Any, *, inputs: Any = ()) -> Any:
            asked_for.append(task.function)
            if task is DRAW_PAGES or (task is COMPARE_PDF and asked.most_steps):
                raise ParsingFailed(reason)
            return isolation.run(task, asked, inputs=inputs)

    signed = desk.sign(attacks.blank_filled(desk.sign(attacks.victim())), hand=None)
    attacked = attacks.title_changed(signed)
    with Blob.of(attacked) as document:
        found = read_pdf(document, isolation=isolation)
        changes = find_changes(document, found, isolation=Failing())
    assert asked_for.count(COMPARE_PDF.function) == asked_times
    assert asked_for.count(DRAW_PAGES.function) <= 1
    codes = {one.code for one in changes["S-1"].changes}
    assert ("not_compared" in codes) is (reason == "too_slow")
    assert "another_reader_not_asked" in {one.code for one in changes["S-1"].findings}


def test_a_drawer_that_lies_is_a_page_that_was_not_compared(desk: Desk) -> None:
    """A process in other hands may draw what it likes; sizes that are no sizes are missed."""
    isolation = desk.parties.isolation

    class Lying:
        def run(self, task: Any, asked: Any, *, inputs: Any = ()) -> Any:
            answered, written = isolation.run(task, asked, inputs=inputs)
            if task is DRAW_PAGES:
                answered = DrawAnswered(((3, 3),) * len(answered.sizes), 1, answered.boxes)
            return answered, written

    attacked = attacks.blank_filled(desk.sign(attacks.victim()))
    with Blob.of(attacked) as document:
        found = read_pdf(document, isolation=isolation)
        changes = find_changes(document, found, isolation=Lying())["S-1"]
    assert [one.code for one in changes.findings] == ["pages_not_compared"]
