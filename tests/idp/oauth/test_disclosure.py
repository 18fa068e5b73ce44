"""What earlier answers are worth for what is asked for now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from clients.registry.model import StatutoryBasis
from idp.ids import AccountId, ConsentId
from idp.model import Consent
from idp.oauth.consent import CONSENT, INFORMATION, Disclosure, Item
from idp.oauth.prompts import Prompt


def a_consent(kind: str, *shared: str) -> Consent:
    return Consent(
        consent_id=ConsentId("con_1"),
        account_id=AccountId("acc_1"),
        client_id="portal",
        kind=kind,
        scopes=("profile",),
        shared=shared,
        language="vi",
        text_version="1",
        text_sha256="0" * 64,
        legal_reference=None,
        given_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


def test_having_been_told_of_more_is_no_consent_to_more() -> None:
    """Law 91/2025/QH15 Art. 9: what was agreed to is `name`, of the rest a law spoke."""
    wider = Disclosure((Item("profile", ("name", "birthdate"), None, None, is_required=True),))
    agreed = a_consent(CONSENT, "name")
    assert wider.judge([agreed, a_consent(INFORMATION, "name", "birthdate")]) is Prompt.CONSENT
    assert wider.judge([agreed, a_consent(CONSENT, "name", "birthdate")]) is None


def test_having_been_told_of_less_is_not_having_been_told() -> None:
    """Law 91/2025/QH15 Art. 9: the data types are named; `birthdate` was not."""
    law = StatutoryBasis(
        basis_id="bas_1",
        client_id="portal",
        scope="profile",
        procedure="1.000001",
        legal_ref="Article 5",
        requested_by="first",
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    )
    wider = Disclosure((Item("profile", ("name", "birthdate"), None, law, is_required=True),))
    assert wider.judge([a_consent(INFORMATION, "name")]) is Prompt.INFORMATION
    assert wider.judge([a_consent(CONSENT)]) is Prompt.INFORMATION
    assert wider.judge([a_consent(INFORMATION, "name", "birthdate")]) is None
    assert wider.judge([a_consent(CONSENT, "name", "birthdate")]) is None


def test_what_was_declined_while_it_was_optional_is_asked_for_once_it_is_required() -> None:
    """Law 91/2025/QH15 Art. 9: offline_access has no claims, and was not agreed to either."""
    required = Disclosure((Item("offline_access", (), None, None, is_required=True),))
    declined = replace(a_consent(CONSENT), scopes=("offline_access",))
    assert required.judge([declined]) is Prompt.CONSENT
    agreed = replace(a_consent(CONSENT, "offline_access"), scopes=("offline_access",))
    assert required.judge([agreed]) is None
    later = replace(declined, given_at=agreed.given_at + timedelta(minutes=1))
    assert required.judge([agreed, later]) is Prompt.CONSENT, "the newest answer counts"


def test_an_optional_item_that_grew_is_asked_for_again_unless_it_was_declined() -> None:
    """Law 91/2025/QH15 Art. 9: neither dropped without a word, nor shared without a question."""
    grown = Disclosure((Item("profile", ("name", "birthdate"), None, None, is_required=False),))
    assert grown.judge([a_consent(CONSENT, "name")]) is Prompt.CONSENT
    assert grown.judge([a_consent(CONSENT)]) is None
