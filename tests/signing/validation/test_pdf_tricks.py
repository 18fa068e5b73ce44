"""What few checkers look for behind a signature of a PDF: each trick, on a file that we signed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.messages.pdf_changes import COMPARE_PDF, CompareAnswered, Compared
from signing.validation.found import object_identity
from signing.validation.known_anchors import KnownAnchors, anchor_of
from signing.validation.pdf import read_pdf
from signing.validation.pdf_changes import find_changes
from signing.validation.verdict import Indication
from tests.support import pdf_attacks as attacks
from tests.support import pdf_tricks as tricks
from tests.support.handmade_pdf import plain_document
from tests.support.pdf_desk import Desk
from tests.support.validation_house import ValidationHouse

Make = Callable[[], bytes]
Attack = Callable[[bytes], bytes]


def _names(desk: Desk, make: Make, attack: Attack, certify: int | None = None) -> set[str]:
    """What is not allowed behind our signature."""
    signed = desk.sign(make(), certify=certify)
    attacked = attack(signed)
    assert attacked.startswith(signed)
    (ours,) = (one for one in desk.changes(attacked).values() if one.revision_bytes == len(signed))
    return {one.code for one in ours.changes if not one.is_allowed}


@pytest.mark.parametrize(
    ("attack", "name"),
    [
        (tricks.key_twice, "update_ambiguous"),
        (tricks.other_header, "not_compared"),
        (tricks.longer_than_said, "incremental_saving"),
        (tricks.fewer_objects, "update_ambiguous"),
        (tricks.row_twice, "update_ambiguous"),
        (partial(tricks.row_twice, first_is_true=False), "update_ambiguous"),
        (tricks.hybrid, "update_ambiguous"),
        (partial(tricks.hybrid, table_is_true=False), "update_ambiguous"),
        (tricks.nothing_named, "incremental_saving"),
        (tricks.no_catalogue_named, "update_ambiguous"),
    ],
)
def test_an_update_that_readers_read_in_two_ways_is_not_allowed(
    desk: Desk, attack: Attack, name: str
) -> None:
    """ISO 32000-2 §7.3.7, §7.5.4, §7.5.8.4: what is not defined is up to who reads it."""
    assert name in _names(desk, attacks.victim, attack)


@pytest.mark.parametrize(
    ("make", "attack", "name"),
    [
        (tricks.with_long_generation, attacks.picture_replaced, "incremental_saving"),
        (tricks.with_inner_stream, attacks.picture_replaced, "not_compared"),
        (tricks.with_packed_resources, tricks.packed_resources_moved, "incremental_saving"),
        (tricks.plain, tricks.inherited_font_replaced, "shadow_replace"),
        (tricks.plain, tricks.resources_overridden, "shadow_replace"),
        (tricks.plain, tricks.parent_replaced, "shadow_replace"),
        (tricks.with_widget_of_nobody, attacks.looks_replaced, "shadow_replace"),
    ],
)
def test_what_is_drawn_is_followed_wherever_it_is_said(
    desk: Desk, make: Make, attack: Attack, name: str
) -> None:
    """ISO 32000-2 §7.5.7, §7.7.3.4: object streams, inherited resources, widgets of no field."""
    assert name in _names(desk, make, attack)


@pytest.mark.parametrize(
    ("make", "attack", "certify", "name"),
    [
        (tricks.with_looks_but_no_value, tricks.shown_value_replaced, None, "shadow_replace"),
        (tricks.with_other_value, tricks.drawn_anew, None, "incremental_saving"),
        (attacks.victim, tricks.form_of_its_own, None, "form_changed"),
        (attacks.victim, tricks.said_to_be_white, None, "field_changed"),
        (tricks.with_form_of_its_own, tricks.form_of_its_own_replaced, None, "form_changed"),
        (attacks.victim, tricks.filled_in_two_places, None, "field_changed"),
        (tricks.with_field_to_sign, tricks.signed_elsewhere, 2, "sneaky_signature"),
        (attacks.victim, tricks.signature_with_a_script, None, "action_changed"),
        (attacks.victim, tricks.signature_for_printers, 2, "sneaky_signature"),
        (attacks.victim, tricks.signature_without_a_place, 2, "sneaky_signature"),
        (attacks.victim, tricks.signature_beyond_measure, 2, "sneaky_signature"),
        (attacks.victim, tricks.coloured_field, None, "field_added"),
        (attacks.victim, attacks.note_added, 3, "evil_annotation"),
        (attacks.victim, tricks.note_with_a_script, 3, "action_changed"),
        (tricks.with_a_link, tricks.link_led_elsewhere, 3, "action_changed"),
    ],
)
def test_what_forms_and_comments_may_not_do(
    desk: Desk, make: Make, attack: Attack, certify: int | None, name: str
) -> None:
    """ISO 32000-2 Table 257; Rohlmann et al. (2021): evil annotations, sneaky signatures."""
    assert name in _names(desk, make, attack, certify)


@pytest.mark.parametrize(
    ("attack", "certify", "name"),
    [
        (tricks.attachment_added, None, "attachment_changed"),
        (tricks.collection_added, None, "attachment_changed"),
        (tricks.labels_added, None, "catalogue_changed"),
        (tricks.certification_hidden, 1, "catalogue_changed"),
        (tricks.store_over_the_content, None, "incremental_saving"),
        (tricks.dictionary_moved, None, "signature_dictionary_replaced"),
    ],
)
def test_what_the_catalogue_may_not_say(
    desk: Desk, attack: Attack, certify: int | None, name: str
) -> None:
    """ISO 32000-2 §7.7.2: what is about the whole document is about what was signed."""
    assert name in _names(desk, attacks.victim, attack, certify)


def test_what_a_signed_field_locks_stays_locked(desk: Desk) -> None:
    """ISO 32000-2 Table 236: nobody takes the lock away behind the signature."""
    made = attacks.with_signature_field("<< /Type /SigFieldLock /Action /All >>")
    signed = desk.sign(made, field_name="Here")
    changes = desk.changes(tricks.lock_removed(signed))["S-1"].changes
    assert [(one.code, one.is_allowed) for one in changes] == [("field_changed", False)]


def test_a_lock_of_all_fields_is_one_of_those_without_a_name(desk: Desk) -> None:
    """ISO 32000-2 Table 236."""
    signed = desk.sign(tricks.with_nameless_field(), field_name="Here")
    changes = desk.changes(attacks.blank_filled(signed))["S-1"].changes
    assert ("field_filled", False) in {(one.code, one.is_allowed) for one in changes}


def test_whoever_says_that_there_are_other_pages_has_to_say_which(desk: Desk) -> None:
    """A process in other hands: no pages are drawn where their numbers differ."""
    isolation = desk.parties.isolation

    class Lying:
        def __init__(self, before: int, now: int) -> None:
            self.compared = Compared(pages_before=before, pages_now=now, is_told=False)

        def run(self, task: Any, asked: Any, *, inputs: Any = ()) -> Any:
            if task is COMPARE_PDF:
                return CompareAnswered((self.compared,), ("none",)), Blob.of(b"")
            return isolation.run(task, asked, inputs=inputs)

    with Blob.of(attacks.other_text(desk.sign(attacks.victim()))) as document:
        found = read_pdf(document, isolation=isolation)
        for before, now in ((1, 2), (0, 0)):
            changes = find_changes(document, found, isolation=Lying(before, now))["S-1"]
            assert [one.code for one in changes.findings] == ["pages_not_compared"]


def test_comments_beside_what_was_signed_are_no_alarm(desk: Desk) -> None:
    """ISO 32000-2 Table 257: permission 3; the library of others suspects every comment."""
    signed = desk.sign(attacks.victim(), certify=3)
    changes = desk.changes(tricks.comment_beside(signed))["S-1"]
    assert changes.is_allowed
    assert [one.code for one in changes.findings] == ["another_reader_not_asked"]


def test_fields_filled_between_two_signatures_are_no_alarm(desk: Desk) -> None:
    """Each of them says what it signed, and what was filled in since."""
    first = desk.sign(attacks.victim())
    second = desk.sign(attacks.blank_filled(first))
    changes = desk.changes(second)
    assert {one.code for one in changes["S-1"].changes} == {"field_filled", "signature_added"}
    assert changes["S-1"].is_allowed
    assert changes["S-2"].covers_whole


def test_more_pages_than_are_drawn_leave_a_doubt(desk: Desk) -> None:
    """What was not looked at may be anything."""
    signed = desk.sign(plain_document(pages=130).classic())
    changes = desk.changes(tricks.more_resources(signed))["S-1"]
    assert [one.code for one in changes.findings if one.facts] == ["pages_compared_by_lot"]


def test_behind_a_timestamp_alone_changes_are_looked_for(
    desk: Desk, validation_house: ValidationHouse
) -> None:
    """ETSI EN 319 102-1 §5.4: what was stamped is the document as it was, and no other."""
    stamped = desk.stamp(attacks.victim())
    issuing = anchor_of(validation_house.pki.issuing.der, source="")
    assert issuing is not None
    anchors = KnownAnchors([issuing])
    online = validation_house.online()
    for content, indication, code in (
        (stamped, Indication.TOTAL_PASSED, None),
        (desk.stamp(stamped), Indication.TOTAL_PASSED, None),
        (attacks.blank_filled(stamped), Indication.TOTAL_PASSED, None),
        (attacks.other_text(stamped), Indication.TOTAL_FAILED, "incremental_saving"),
        (tricks.fewer_objects(stamped), Indication.INDETERMINATE, "update_ambiguous"),
    ):
        report = validation_house.validate(content, anchors=anchors, online=online)
        assert report.conclusion.indication is indication, report.conclusion
        assert code in {None, *(one.code for one in report.conclusion.reasons)}


def test_a_timestamp_proves_nothing_of_what_only_says_that_it_stood_before(desk: Desk) -> None:
    """ETSI EN 319 102-1 §5.6.2.3: a value copied to where no hole is did not exist earlier."""
    attacked = tricks.dated_back(desk.sign(desk.stamp(attacks.victim())))
    found = desk.read(attacked)
    values = {object_identity(one.value.value) for one in found.signatures if one.value}
    assert len(found.signatures) == 2
    assert len(values) == 1
    stamps = {stamp for one in found.signatures for stamp in one.timestamps}
    assert stamps
    assert not any(values & one.covers for one in stamps)


def test_what_was_changed_between_a_timestamp_and_a_signature_is_said_of_the_timestamp(
    desk: Desk, validation_house: ValidationHouse
) -> None:
    """The signature is over the changed document; the timestamp is over another one."""
    signed = desk.sign(attacks.other_text(desk.stamp(attacks.victim())), level=Level.LT)
    report = validation_house.validate(signed)
    assert report.conclusion.indication is Indication.TOTAL_PASSED
    (stamp,) = report.timestamps
    assert "incremental_saving" in {one.code for one in stamp.conclusion.reasons}
