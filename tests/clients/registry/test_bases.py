"""Data goes out without consent only under a basis that two operators answer for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from clients.registry import (
    Client,
    ClientInvalid,
    NotRegistered,
    Registry,
    SecondOperatorRequired,
    StatutoryBases,
    StatutoryBasis,
)
from clients.registry.storage.tables import statutory_basis
from idp.storage.database import Database

Add = Callable[..., Client]
Edit = Callable[..., Any]
Request = Callable[..., StatutoryBasis]
Find = Callable[..., StatutoryBasis | None]

_DAY = timedelta(days=1)


@pytest.fixture
def request_basis(add: Add, now: datetime, edit: Edit) -> Request:
    """Ask for a basis for the portal; give what is to differ."""
    add(scopes=frozenset({"openid", "identity"}))

    def request(**changes: Any) -> StatutoryBasis:
        basis, _ = edit(
            StatutoryBases.request,
            **{
                "client_id": "portal",
                "scope": "identity",
                "procedure": "1.000001.000.00.00.H99",
                "legal_ref": "NĐ 1/2026/NĐ-CP điều 5",
                "requested_by": "first",
                "valid_from": now - _DAY,
                "valid_to": now + _DAY,
                **changes,
            },
        )
        return basis

    return request


@pytest.fixture
def find(registry: Registry, now: datetime) -> Find:
    """The basis under which the portal may ask, at an instant."""

    def ask(**changes: Any) -> StatutoryBasis | None:
        asked = {"scope": "identity", "procedure": "1.000001.000.00.00.H99", "now": now, **changes}
        return registry.statutory_basis(asked.pop("client_id", "portal"), **asked)

    return ask


def test_a_basis_counts_once_somebody_else_approved_it(
    request_basis: Request, find: Find, edit: Edit
) -> None:
    basis = request_basis()
    assert find() is None
    approved, is_changed = edit(StatutoryBases.approve, basis.basis_id, approved_by="second")
    assert is_changed
    assert find() == approved
    again = edit(StatutoryBases.approve, basis.basis_id, approved_by="third")
    assert again == (approved, False)


@pytest.mark.parametrize("operator", ["first", "FIRST", " ", ""])
def test_who_asked_cannot_approve(
    request_basis: Request, find: Find, operator: str, edit: Edit
) -> None:
    basis = request_basis()
    with pytest.raises(SecondOperatorRequired):
        edit(StatutoryBases.approve, basis.basis_id, approved_by=operator)
    assert find() is None


def test_the_database_itself_refuses_one_operator_twice(
    request_basis: Request, database: Database
) -> None:
    request_basis()
    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.connection.execute(update(statutory_basis).values(approved_by="first"))


def test_a_basis_is_for_one_client_scope_procedure_and_time(
    request_basis: Request, find: Find, now: datetime, edit: Edit
) -> None:
    basis = request_basis()
    edit(StatutoryBases.approve, basis.basis_id, approved_by="second")
    assert find() is not None
    assert find(client_id="other") is None
    assert find(scope="email") is None
    assert find(procedure="1.000001.000.00.00.H98") is None
    assert find(now=now - _DAY) is not None
    assert find(now=now - _DAY - timedelta(milliseconds=1)) is None
    assert find(now=now + _DAY) is None


def test_an_ended_basis_is_out_of_force_at_once(
    request_basis: Request, find: Find, registry: Registry, now: datetime, edit: Edit
) -> None:
    basis = request_basis(valid_to=None)
    edit(StatutoryBases.approve, basis.basis_id, approved_by="second")
    assert find(now=now + 9999 * _DAY) is not None
    ended, is_changed = edit(StatutoryBases.end, basis.basis_id)
    assert is_changed
    assert edit(StatutoryBases.end, basis.basis_id, now=now + _DAY) == (ended, False)
    assert find() is None
    assert [kept.basis_id for kept in registry.list_bases_of("portal")] == [basis.basis_id]


def test_the_same_request_twice_is_one_basis(request_basis: Request, registry: Registry) -> None:
    assert request_basis() == request_basis()
    request_basis(legal_ref="NĐ 2/2026/NĐ-CP")
    assert len(registry.list_bases_of("portal")) == 2


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("client_id", {"client_id": "unknown"}),
        ("scope", {"scope": "email"}),
        ("procedure", {"procedure": " "}),
        ("legal_ref", {"legal_ref": ""}),
        ("requested_by", {"requested_by": ""}),
        ("valid_to", {"valid_to": datetime.fromisoformat("2000-01-01T00:00:00Z")}),
    ],
)
def test_a_request_without_its_ground_is_refused(
    request_basis: Request, field: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(ClientInvalid) as refusal:
        request_basis(**changes)
    assert refusal.value.field == field


def test_what_was_never_asked_for_can_be_neither_approved_nor_ended(edit: Edit) -> None:
    with pytest.raises(NotRegistered):
        edit(StatutoryBases.approve, "basis_unknown", approved_by="second")
    with pytest.raises(NotRegistered):
        edit(StatutoryBases.end, "basis_unknown")
