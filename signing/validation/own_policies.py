"""What certificates of our own say by their policies: who alone has the key, and what is a sandbox.

Source: `keystore/pki/policies.py` (the identifiers); CEN EN 419241-1 (sole control).
Not here: certificates of others, whose identifiers under the same numbers mean something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

_SOLE_CONTROL = "3"
_SANDBOX = "9"
_CONFIRMED = "2"


@dataclass(frozen=True, slots=True)
class OwnPolicies:
    """What is said: `is_key_confirmed` None where it says nothing about the key."""

    is_key_confirmed: bool | None = None
    is_sandbox: bool = False


def read_own_policies(policies: Iterable[str], *, arcs: AbstractSet[str]) -> OwnPolicies:
    """What the policies of a certificate say that hang under one of these arcs.

    Takes   policies: dotted; arcs: ours, dotted.
    """
    sole_control: set[str] = set()
    is_sandbox = False
    for policy in policies:
        for arc in arcs:
            if not policy.startswith(f"{arc}."):
                continue
            kind, _, number = policy[len(arc) + 1 :].partition(".")
            if kind == _SOLE_CONTROL:
                sole_control.add(number)
            is_sandbox = is_sandbox or (kind == _SANDBOX and not number)
    is_confirmed = None if not sole_control else sole_control == {_CONFIRMED}
    return OwnPolicies(is_confirmed, is_sandbox)
