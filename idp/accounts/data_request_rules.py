"""The clocks of what people ask about their data: rules as data, each with its law.

What lives here: the kinds of requests and one of them as a value, reading the rules, and the times
that they set for a request.
Source: `data_request_rules.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from idp.accounts.working_days import days_after, load_working_days
from idp.ids import AccountId

OPEN: Final = ("asked", "acknowledged")
"""States in which a request waits for somebody."""


class RequestKind(StrEnum):
    """What a person may ask for."""

    VIEW = "view"
    PROVIDE = "provide"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    RESTRICT = "restrict"
    OBJECT = "object"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Rule:
    """The clocks of one kind; `legal_from` is the date from which the reference applies."""

    acknowledge_working_days: int
    answer_days: int
    by_processor_days: int
    extension_days: int
    waiting_days: int
    legal: str
    legal_from: str

    def acknowledge_due(self, asked_at: datetime) -> datetime:
        """Until when the person has to be told that the request arrived."""
        return load_working_days().after(asked_at, working_days=self.acknowledge_working_days)

    def answer_due(self, asked_at: datetime, *, by_processor: bool = False) -> datetime:
        """Until when it has to be done, or refused with its reasons."""
        days = self.by_processor_days if by_processor else self.answer_days
        return days_after(asked_at, days=days)

    def extended(self, answer_due: datetime) -> datetime:
        """Until when after the one extension."""
        return answer_due + timedelta(days=self.extension_days)

    def not_before(self, asked_at: datetime) -> datetime:
        """Before when it is not carried out, so that the person may stop it."""
        return asked_at + timedelta(days=self.waiting_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """One request; the words of both sides are None where there are none, or their key is gone."""

    number: str
    account_id: AccountId
    kind: RequestKind
    state: str
    legal: str
    asked_at: datetime
    acknowledge_due: datetime
    answer_due: datetime
    not_before: datetime
    by_processor: bool = False
    acknowledged_at: datetime | None = None
    extended_at: datetime | None = None
    ended_at: datetime | None = None
    wish: str | None = field(default=None, repr=False)
    reason: str | None = field(default=None, repr=False)
    answer: str | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody."""
        return self.state in OPEN

    def due(self) -> datetime:
        """What has to happen next has to happen until then."""
        return self.acknowledge_due if self.acknowledged_at is None else self.answer_due

    def is_overdue(self, now: datetime) -> bool:
        """Whether a clock has run out."""
        late = self.acknowledged_at is None and now > self.acknowledge_due
        return self.is_open and (late or now > self.answer_due)


def rule_of(kind: RequestKind) -> Rule:
    """The rule of a kind."""
    return _rules()[kind]


@cache
def _rules() -> Mapping[RequestKind, Rule]:
    text = (files(__package__) / "data_request_rules.toml").read_text(encoding="utf-8")
    found: dict[RequestKind, Rule] = {}
    for one in tomllib.loads(text)["rules"]:
        kinds = one.pop("kinds")
        found |= {RequestKind(kind): Rule(**one) for kind in kinds}
    return found
