"""Events have one vocabulary, and no fact can carry a person's data in the clear."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.errors import EventRefused
from keystore.log.events import Event, EventType, canonical_event, check_event


def test_every_type_is_area_subject_action() -> None:
    for event_type in EventType:
        assert re.fullmatch(
            r"(account|oauth|registry|keys|sign|pki|time|verify|operation)(:[a-z_]+){2}", event_type
        )


def test_codes_ids_and_numbers_are_facts() -> None:
    check_event(
        Event(
            EventType.GRANT_CREATED,
            account_id="acc_" + "0" * 32,
            facts={
                "grant": "grant_" + "1" * 32,
                "scope": "openid profile offline_access",
                "acr": "urn:vn:auth:2",
                "resource": "https://api.example/v1",
                "count": 12,
                "at_ms": 1_795_230_245_000,
                "is_first": True,
                "nothing": "",
                "kid": "-_12345678a",
            },
        )
    )


@pytest.mark.parametrize(
    "value",
    [
        "Nguyễn Văn A",
        "a@example",
        "003183027451",
        "identifier 998040217",
        "tel:0999183217",
        "a\nb",
        "x" * 201,
        '"',
        3_183_027_451,
        9_900_831_740,
        2**60,
    ],
)
def test_what_could_be_a_persons_is_refused_and_not_repeated(value: str | int) -> None:
    with pytest.raises(EventRefused) as refused:
        check_event(Event(EventType.GRANT_CREATED, facts={"fact": value}))
    assert refused.value.fact == "fact"
    assert str(value) not in str(refused.value)


@pytest.mark.parametrize("name", ["", "Name", "a-b", "họ", "1a", "a" * 41])
def test_names_of_facts_are_plain_words(name: str) -> None:
    with pytest.raises(EventRefused):
        check_event(Event(EventType.GRANT_CREATED, facts={name: 1}))


def test_an_event_is_not_a_document() -> None:
    with pytest.raises(EventRefused, match="too_many"):
        check_event(Event(EventType.GRANT_CREATED, facts={f"f{n}": n for n in range(17)}))


def test_personal_facts_are_not_shown() -> None:
    event = Event(EventType.SESSION_STARTED, personal={"address": "198.51.100.7"})
    assert "198.51.100.7" not in repr(event)


@given(
    facts=st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers(0, 9) | st.booleans(), max_size=5
    )
)
def test_the_canonical_form_does_not_depend_on_the_order(
    facts: dict[str, int | bool], now: datetime
) -> None:
    """RFC 8785 §3.2.3."""
    forwards = canonical_event(Event(EventType.GRANT_CREATED, facts=facts), now=now)
    turned = dict(reversed(facts.items()))
    assert forwards == canonical_event(Event(EventType.GRANT_CREATED, facts=turned), now=now)
    assert (
        forwards == json.dumps(json.loads(forwards), sort_keys=True, separators=(",", ":")).encode()
    )
