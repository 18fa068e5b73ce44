"""Certificate policies along a path, as a graph whose size is bounded.

What lives here: the valid policy graph and its steps.  A tree as RFC 5280 describes it doubles with
each certificate that an attacker adds; the graph has one node for a policy at each depth and comes
to the same.
Source: RFC 9618 §5 (replaces RFC 5280 §6.1.2 (a), §6.1.3 (d), §6.1.4 (b), §6.1.5 (g)).
Qualifiers of policies are for reading, and are not carried along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from signing.validation.paths import ANY_POLICY


@dataclass(slots=True, eq=False)
class _Node:
    policy: str
    expected: set[str]
    parents: list[_Node] = field(default_factory=list)


class PolicyGraph:
    """valid_policy_graph: one row of nodes for each certificate, the anchor's first."""

    def __init__(self) -> None:
        self._rows: list[dict[str, _Node]] = [{ANY_POLICY: _Node(ANY_POLICY, {ANY_POLICY})}]

    @property
    def is_null(self) -> bool:
        """Whether no policy is left."""
        return not self._rows[-1]

    def clear(self) -> None:
        """A certificate without policies ends them for good: §6.1.3 (e)."""
        self._rows.append({})

    def add(self, policies: Iterable[str], *, is_any_taken: bool) -> None:
        """One certificate: §6.1.3 (d).

        Takes   policies: of the certificate; is_any_taken: whether its anyPolicy counts.
        """
        above = self._rows[-1]
        row: dict[str, _Node] = {}
        policies = set(policies)
        expecting: dict[str, list[_Node]] = defaultdict(list)
        for node in above.values():
            for policy in node.expected:
                expecting[policy].append(node)
        # (d)(1) those that the row above expects, or takes any
        for policy in policies - {ANY_POLICY}:
            if policy in expecting:
                row[policy] = _Node(policy, {policy}, list(expecting[policy]))
            elif ANY_POLICY in above:
                row[policy] = _Node(policy, {policy}, [above[ANY_POLICY]])
        # (d)(2) those that anyPolicy stands for
        if ANY_POLICY in policies and is_any_taken:
            for policy, nodes in expecting.items():
                if policy not in row:
                    row[policy] = _Node(policy, {policy}, list(nodes))
        self._rows.append(row)
        # (d)(3): nodes that lead nowhere are never walked, as walks begin at the last row

    def map(self, mappings: Mapping[str, set[str]], *, is_allowed: bool) -> None:
        """What policies are called from the next certificate on: §6.1.4 (b).

        Takes   mappings: of an issuer's policy, those of the subject that equal it;
                is_allowed: policy_mapping > 0.
        """
        row = self._rows[-1]
        for policy, equal in mappings.items():
            if not is_allowed:
                # (b)(2) mapping is over
                row.pop(policy, None)
            elif policy in row:
                # (b)(1) from here on under other names
                row[policy].expected = set(equal)
            elif ANY_POLICY in row:
                row[policy] = _Node(policy, set(equal), list(row[ANY_POLICY].parents))

    def authority_policies(self) -> frozenset[str]:
        """Policies in the words of the anchor for which the path is valid: §6.1.5 (g)."""
        found: set[str] = set()
        if ANY_POLICY in self._rows[-1]:
            found.add(ANY_POLICY)
        waiting = list(self._rows[-1].values())
        seen = set(map(id, waiting))
        while waiting:
            node = waiting.pop()
            if node.policy != ANY_POLICY and any(one.policy == ANY_POLICY for one in node.parents):
                found.add(node.policy)
            for one in node.parents:
                if id(one) not in seen:
                    seen.add(id(one))
                    waiting.append(one)
        return frozenset(found)

    def user_policies(self, wanted: frozenset[str]) -> frozenset[str]:
        """Those of them that the user takes: the user-constrained policy set."""
        found = self.authority_policies()
        if ANY_POLICY in wanted:
            return found
        return wanted if ANY_POLICY in found else found & wanted
