"""What representatives give to others, who has to agree, and how it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from idp.accounts.delegation import DelegationRefused, Evidence, MandateUnknown
from idp.accounts.errors import TooManyAttempts
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.mandates import EndReason, add_legal_representative
from idp.accounts.model import EVERYBODY, AccountLevel, MandateKind, MandateStatus
from idp.ids import MandateId
from idp.storage.accounts import account
from idp.storage.database import Database
from idp.storage.mandate_agreements import find_evidence
from idp.storage.mandates import keep_check
from tests.idp.conftest import MakeProvider
from tests.support.delegations import FIRM, Office, wish_for
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG, Somebody

DAY = timedelta(days=1)


@pytest.fixture
def office(provider: Provider) -> Office:
    return Office(provider)


@pytest.fixture(params=["sqlite+sql", "postgresql+redis"])
def office_on_both(make_provider: MakeProvider, request: pytest.FixtureRequest) -> Office:
    """Rows are locked in one way here and in another there."""
    return Office(make_provider(request.param))


def _held(office: Office) -> list[str]:
    people = office.provider.services.people
    found = people.representations(ANH.account_id, now=office.provider.now)
    return [one.mandate_id for one in found]


def test_what_is_given_holds_at_once_and_everyone_is_told(office_on_both: Office) -> None:
    office = office_on_both
    given = office.give()
    assert given.status is MandateStatus.ACTIVE
    (found,) = office.provider.services.people.representations(
        ANH.account_id, now=office.provider.now
    )
    assert (found.mandate_id, found.enterprise_code) == (given.mandate_id, FIRM)
    assert found.scopes == ("submit", "sign")
    assert set(office.notices("mandate_given")) == {
        ANH.account_id,
        BINH.account_id,
        DUNG.account_id,
    }
    events = office.provider.events()
    assert events.count("account:mandate:given") == 1
    kept = office.find(given.mandate_id)
    assert (kept.given_by, kept.given_under) == (BINH.account_id, office.ground().mandate_id)


def test_the_paper_is_sealed(office: Office) -> None:
    given = office.give(evidence=Evidence("SO-BI-MAT/UQ", date(2026, 11, 1), "ab" * 32))
    with office.provider.services.database.read() as connection:
        sealed = find_evidence(connection, given.mandate_id)
    assert sealed is not None
    assert b"BI-MAT" not in sealed
    own = office.provider.services.mandates.own
    (seen,) = own.held_by(ANH.account_id)
    assert seen.evidence == Evidence("SO-BI-MAT/UQ", date(2026, 11, 1), "ab" * 32)
    assert "BI-MAT" not in repr(seen)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": "Người Khác"}, "delegate_unknown"),
        ({"number": "003079099999"}, "delegate_unknown"),
        ({"number": CHI.identifier, "name": CHI.name}, "delegate_unknown"),
        ({"number": FIRM, "name": "Công ty Mẫu 16"}, "delegate_unknown"),
        ({"number": BINH.identifier, "name": BINH.name}, "oneself"),
        ({"number": DUNG.identifier, "name": DUNG.name}, "held_already"),
        ({"scopes": ()}, "scope_missing"),
        ({"scopes": ("submit", "everything")}, "scope_unknown"),
        ({"scopes": ("seal",)}, "scope_unknown"),
        ({"portals": ("nowhere",)}, "portal_unknown"),
        ({"kind": MandateKind.LEGAL_REPRESENTATIVE}, "kind_unknown"),
        ({"evidence": Evidence("", date(2026, 11, 1))}, "reference_missing"),
        ({"evidence": Evidence("1", date(2026, 11, 1), "xyz")}, "hash_wrong"),
    ],
)
def test_what_cannot_be_given_is_refused_and_nothing_is_kept(
    office: Office, changed: dict[str, Any], reason: str
) -> None:
    """Law on Enterprises 59/2020/QH14 Art. 12; NĐ 69/2024/NĐ-CP Art. 12 (an account of level 2)."""
    with pytest.raises(DelegationRefused) as refused:
        office.give(**changed)
    assert refused.value.reason == reason
    assert _held(office) == []
    assert "account:mandate:given" not in office.provider.events()


@pytest.mark.parametrize(
    ("from_days", "to_days", "reason"),
    [(0, 0, "dates_wrong"), (5, 3, "dates_wrong"), (0, -1, "dates_wrong"), (0, 800, "too_long")],
)
def test_it_has_a_beginning_and_an_end_that_is_not_too_far(
    office: Office, from_days: int, to_days: int, reason: str
) -> None:
    now = office.provider.now
    with pytest.raises(DelegationRefused) as refused:
        office.give(valid_from=now + from_days * DAY, valid_to=now + to_days * DAY)
    assert refused.value.reason == reason


def test_accents_and_case_of_a_name_do_not_matter(office: Office) -> None:
    assert office.give(name=f"  {ANH.name.upper()} ").status is MandateStatus.ACTIVE


def test_nobody_is_searched_for(office: Office) -> None:
    """OWASP ASVS 6.3.8: whoever guesses numbers is stopped, right guesses among them."""
    for _ in range(10):
        with pytest.raises(DelegationRefused):
            office.give(name="Đoán Mò")
    with pytest.raises(TooManyAttempts):
        office.give()


def test_only_a_representative_gives_and_a_delegate_gives_nothing_on(office: Office) -> None:
    """Law on Enterprises 59/2020/QH14 Art. 12(2): authority comes from who represents by law."""
    given = office.give()
    delegations = office.provider.services.mandates.delegations
    ground = office.ground(BINH)
    for actor, under in (
        (ANH, given.mandate_id),
        (ANH, ground.mandate_id),
        (DUNG, ground.mandate_id),
        (BINH, MandateId("mdt_none")),
    ):
        wish = _wish(office)
        with pytest.raises(MandateUnknown):
            delegations.give(actor.account_id, under=under, wish=wish, now=office.provider.now)


def _wish(office: Office) -> Any:
    return wish_for(office.provider, DUNG)


def _proof(office: Office, who: Somebody, *, level: AccountLevel = AccountLevel.TWO) -> None:
    """Have an account be of another level."""
    with office.provider.services.database.transaction() as tx:
        tx.connection.execute(
            update(account).where(account.c.account_id == who.account_id).values(level=level)
        )


def test_whoever_has_to_be_proofed_again_acts_for_nobody_meanwhile(office: Office) -> None:
    """NĐ 69/2024/NĐ-CP Art. 12: with an account of level 2; architecture §5.10."""
    services, now = office.provider.services, office.provider.now
    given, ground = office.give(), office.ground()
    _proof(office, BINH, level=AccountLevel.ONE)
    assert services.people.representations(BINH.account_id, now=now) == ()
    with pytest.raises(MandateUnknown):
        services.mandates.delegations.give(
            BINH.account_id, under=ground.mandate_id, wish=wish_for(office.provider), now=now
        )
    with pytest.raises(MandateUnknown):
        services.mandates.delegations.end(BINH.account_id, given.mandate_id, now=now)
    assert _held(office) == [given.mandate_id]


def test_it_never_outlives_the_ground_on_which_it_was_given(office: Office) -> None:
    """docs/adr/0033."""
    services, now = office.provider.services, office.provider.now
    _proof(office, CHI)
    short = add_legal_representative(
        services.database,
        holder_id=CHI.account_id,
        organisation_id=office.account_id,
        source="tests",
        valid_to=now + DAY,
        log=services.log,
        now=now,
    )
    with pytest.raises(DelegationRefused) as refused:
        office.give(by=CHI)
    assert refused.value.reason == "beyond_own"
    given = office.give(by=CHI, valid_to=now + DAY)
    assert services.mandates.ending.end(short.mandate_id, why=EndReason.REGISTER, now=now)
    assert office.find(given.mandate_id).ended_why == "ground_ended"
    assert _held(office) == []


def test_one_whose_ground_lapses_is_in_force_no_more(office: Office) -> None:
    """Also where nobody has ended anything yet."""
    given = office.give()
    services = office.provider.services
    _lapse(services.database, office)
    assert _held(office) == []
    one = services.people.find_representation(
        ANH.account_id, mandate_id=given.mandate_id, now=office.provider.now
    )
    assert one is None


def _lapse(database: Database, office: Office) -> None:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    with database.transaction() as tx:
        assert keep_check(
            tx, office.ground().mandate_id, now=past, recheck_at=past, holds_until=past
        )


def test_others_agree_where_the_charter_demands_it(office_on_both: Office) -> None:
    """NĐ 69/2024/NĐ-CP Art. 12: the other legal representatives have to agree."""
    office = office_on_both
    office.demand(1)
    delegations, now = office.provider.services.mandates.delegations, office.provider.now
    given = office.give()
    assert given.status is MandateStatus.WAITING
    assert _held(office) == []
    assert set(office.notices("mandate_asked")) == {
        ANH.account_id,
        BINH.account_id,
        DUNG.account_id,
    }
    for stranger in (BINH, ANH, CHI):
        with pytest.raises(MandateUnknown):
            delegations.agree(stranger.account_id, given.mandate_id, now=now)
    assert delegations.agree(DUNG.account_id, given.mandate_id, now=now)
    assert _held(office) == [given.mandate_id]
    with pytest.raises(MandateUnknown):
        delegations.agree(DUNG.account_id, given.mandate_id, now=now)


def test_an_agreement_counts_once_and_only_of_who_represents(office: Office) -> None:
    services, now = office.provider.services, office.provider.now
    office.demand(2)
    given = office.give()
    delegations = services.mandates.delegations
    for _ in range(2):
        assert not delegations.agree(DUNG.account_id, given.mandate_id, now=now)
    services.mandates.ending.end(office.ground(DUNG).mandate_id, why=EndReason.REGISTER, now=now)
    _proof(office, CHI)
    third = add_legal_representative(
        services.database,
        holder_id=CHI.account_id,
        organisation_id=office.account_id,
        source="tests",
        log=services.log,
        now=now,
    )
    assert third.mandate_id
    assert not delegations.agree(CHI.account_id, given.mandate_id, now=now)
    assert _held(office) == []


def test_everybody_may_be_what_a_charter_demands(office: Office) -> None:
    office.demand(EVERYBODY)
    given = office.give()
    assert given.status is MandateStatus.WAITING
    now = office.provider.now
    assert office.provider.services.mandates.delegations.agree(
        DUNG.account_id, given.mandate_id, now=now
    )


def test_everybody_is_also_who_cannot_act_at_this_moment(office: Office) -> None:
    """Whoever waits until the other one is locked out gives nothing alone."""
    services = office.provider.services
    office.demand(EVERYBODY)
    AccountLifecycle(services.database, sealer=services.sealer, log=services.log).lock(
        DUNG.account_id, reason="lost_device", now=office.provider.now
    )
    assert office.give().status is MandateStatus.WAITING
    assert _held(office) == []


def test_nobody_is_confirmed_by_a_wish_that_is_refused_anyway(office: Office) -> None:
    """What is wrong with one's own mandate is said before a number is looked up."""
    services, now = office.provider.services, office.provider.now
    _proof(office, CHI)
    add_legal_representative(
        services.database,
        holder_id=CHI.account_id,
        organisation_id=office.account_id,
        source="tests",
        valid_to=now + DAY,
        log=services.log,
        now=now,
    )
    with pytest.raises(DelegationRefused, match="beyond_own"):
        office.give(by=CHI, name="Đoán Mò")


def test_declined_or_not_decided_it_comes_to_nothing(office: Office) -> None:
    office.demand(1)
    delegations = office.provider.services.mandates.delegations
    first = office.give()
    delegations.decline(DUNG.account_id, first.mandate_id, now=office.provider.now)
    assert office.find(first.mandate_id).status is MandateStatus.DECLINED
    second = office.give()
    later = office.provider.clock.advance(days=15)
    with pytest.raises(MandateUnknown):
        delegations.agree(DUNG.account_id, second.mandate_id, now=later)
    assert office.provider.services.mandates.ending.end_out_of_time(now=later) == 1
    assert office.find(second.mandate_id).status is MandateStatus.LAPSED
    assert office.notices("mandate_ended").count(ANH.account_id) == 2


def test_any_representative_ends_it_and_so_does_its_holder(office: Office) -> None:
    delegations = office.provider.services.mandates.delegations
    for who, why in ((DUNG, "representative"), (ANH, "holder")):
        given = office.give()
        with pytest.raises(MandateUnknown):
            delegations.end(CHI.account_id, given.mandate_id, now=office.provider.now)
        delegations.end(who.account_id, given.mandate_id, now=office.provider.now)
        assert office.find(given.mandate_id).ended_why == why
        assert _held(office) == []


def test_what_a_register_says_nobody_ends_by_hand(office: Office) -> None:
    """Law on Enterprises 59/2020/QH14 Art. 12: who represents is registered."""
    delegations, ground = office.provider.services.mandates.delegations, office.ground(DUNG)
    for who in (BINH, DUNG):
        with pytest.raises(MandateUnknown):
            delegations.end(who.account_id, ground.mandate_id, now=office.provider.now)


def test_its_last_day_is_told(office: Office) -> None:
    given = office.give(valid_to=office.provider.now + DAY)
    later = office.provider.clock.advance(days=1)
    assert _held(office) == []
    assert office.provider.services.mandates.ending.end_out_of_time(now=later) == 1
    assert office.find(given.mandate_id).status is MandateStatus.OVER
    assert set(office.notices("mandate_ended")) == {
        ANH.account_id,
        BINH.account_id,
        DUNG.account_id,
    }


def test_a_closed_organisation_ends_everything_given_in_its_name(office: Office) -> None:
    services = office.provider.services
    given = office.give()
    AccountLifecycle(
        services.database,
        sealer=services.sealer,
        log=services.log,
        mandates=services.mandates.ending,
    ).close(office.account_id, reason="dissolved", now=office.provider.now)
    assert office.find(given.mandate_id).status is MandateStatus.REVOKED
    left = services.mandates.own.represented_by(BINH.account_id, now=office.provider.now)
    assert FIRM not in [one.enterprise_code for one in left]
    assert office.provider.events().count("account:mandate:ended") == 3


def test_everyone_concerned_sees_the_same_and_nobody_else_sees_it(office: Office) -> None:
    given = office.give()
    own, now = office.provider.services.mandates.own, office.provider.now
    for who in (ANH, BINH, DUNG):
        seen = own.find(who.account_id, given.mandate_id, now=now)
        assert seen is not None
        assert (seen.holder, seen.giver) == (ANH.name, BINH.name)
        assert ANH.name not in repr(seen)
    assert own.find(CHI.account_id, given.mandate_id, now=now) is None
