"""The graph of policies comes to what the tree of RFC 5280 comes to, without its growth."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from signing.validation.paths import ANY_POLICY
from signing.validation.policy_graph import PolicyGraph

_POLICY = st.sampled_from(["1.1", "1.2", "1.3"])
_POLICIES = st.none() | st.sets(_POLICY | st.just(ANY_POLICY), min_size=1)
_MAPPINGS = st.dictionaries(_POLICY, st.sets(_POLICY, min_size=1), max_size=2)


@dataclass(eq=False)
class Node:
    """A node of the tree as RFC 5280 §6.1.2 (a) draws it."""

    policy: str
    expected: set[str]
    above: Node | None
    children: list[Node] = field(default_factory=list)

    def grow(self, policy: str, expected: set[str]) -> None:
        self.children.append(Node(policy, expected, self))


class Tree:
    """valid_policy_tree, word for word, growth included."""

    def __init__(self) -> None:
        self.root: Node | None = Node(ANY_POLICY, {ANY_POLICY}, None)
        self.depth = 0

    def row(self, depth: int) -> list[Node]:
        nodes = [self.root] if self.root else []
        for _ in range(depth):
            nodes = [child for one in nodes for child in one.children]
        return nodes

    def prune(self) -> None:
        for depth in range(self.depth - 1, -1, -1):
            for node in self.row(depth):
                if not node.children:
                    self.cut(node)

    def cut(self, node: Node) -> None:
        if node.above is None:
            self.root = None
        else:
            node.above.children.remove(node)

    def add(self, policies: set[str] | None, *, is_any_taken: bool) -> None:
        above = self.row(self.depth)
        self.depth += 1
        if policies is None:
            self.root = None
            return
        for policy in policies - {ANY_POLICY}:
            matched = [one for one in above if policy in one.expected]
            for one in matched or [one for one in above if one.policy == ANY_POLICY]:
                one.grow(policy, {policy})
        if ANY_POLICY in policies and is_any_taken:
            for one in above:
                for policy in one.expected - {child.policy for child in one.children}:
                    one.grow(policy, {policy})
        self.prune()

    def map(self, mappings: dict[str, set[str]], *, is_allowed: bool) -> None:
        for policy, equal in mappings.items():
            row = self.row(self.depth)
            mine = [one for one in row if one.policy == policy]
            if not is_allowed:
                for one in mine:
                    self.cut(one)
                self.prune()
                continue
            for one in mine:
                one.expected = set(equal)
            if not mine:
                for one in row:
                    if one.policy == ANY_POLICY and one.above is not None:
                        one.above.grow(policy, set(equal))

    def user_policies(self, wanted: set[str]) -> set[str]:
        last = self.row(self.depth)
        tops = set()
        for one in last:
            node: Node | None = one
            while node is not None and node.above is not None:
                if node.above.policy == ANY_POLICY and node.policy != ANY_POLICY:
                    tops.add(node.policy)
                node = node.above
        has_any = any(one.policy == ANY_POLICY for one in last)
        if ANY_POLICY in wanted:
            return tops | ({ANY_POLICY} if has_any else set())
        return wanted if has_any else tops & wanted


_STEPS = st.lists(
    st.tuples(_POLICIES, st.booleans(), _MAPPINGS, st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=300, deadline=None)
@given(_STEPS, st.sets(_POLICY, min_size=1) | st.just({ANY_POLICY}))
def test_the_graph_comes_to_what_the_tree_comes_to(steps, wanted):
    """RFC 9618 §5 against RFC 5280 §6.1.3 (d), (e), §6.1.4 (b), §6.1.5 (g)."""
    graph, tree = PolicyGraph(), Tree()
    for number, (policies, is_any_taken, mappings, is_allowed) in enumerate(steps):
        if policies is None:
            graph.clear()
        else:
            graph.add(policies, is_any_taken=is_any_taken)
        tree.add(policies, is_any_taken=is_any_taken)
        assert graph.is_null == (not tree.row(tree.depth))
        if number + 1 < len(steps):
            graph.map(mappings, is_allowed=is_allowed)
            tree.map(mappings, is_allowed=is_allowed)
    assert graph.user_policies(frozenset(wanted)) == tree.user_policies(set(wanted))


def test_a_path_that_doubles_the_tree_with_each_certificate_costs_the_graph_nothing():
    """RFC 9618 §1: mappings that send each of two policies to both of them."""
    graph = PolicyGraph()
    both = {"1.1", "1.2"}
    for _ in range(200):
        graph.add(both, is_any_taken=True)
        graph.map({"1.1": both, "1.2": both}, is_allowed=True)
    graph.add(both, is_any_taken=True)
    assert graph.user_policies(frozenset({ANY_POLICY})) == both
    assert sum(map(len, graph._rows)) < 1000
