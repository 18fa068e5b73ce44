"""Secrets are compared in constant time, everywhere; and the rule that says so works."""

from __future__ import annotations

import pytest

from tests.support.comparisons import find_unsafe_comparisons
from tests.support.tree import PACKAGES, name_of, python_files


def test_no_secret_is_compared_with_equals() -> None:
    found = [
        f"{name_of(file)}:{line}"
        for file in python_files(*PACKAGES)
        for line in find_unsafe_comparisons(file.read_text())
    ]
    assert not found, f"use hmac.compare_digest: {found}"


@pytest.mark.parametrize(
    "line",
    [
        "client_secret == given",
        "given != stored.token_hash",
        "if row.mac == expected: pass",
        "ok = a == password",
    ],
)
def test_a_comparison_of_secrets_is_found(line: str) -> None:
    assert find_unsafe_comparisons(line) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "hmac.compare_digest(client_secret, given)",
        "refresh_token == ''",
        "client_secret is None",
        "select(grant).where(grant.c.token_hash == bindparam('hash'))",
        "token_type == expected",
        "len(token) == len(other)",
        "needs_secret != has_secret",
        "client_secret in known",
    ],
)
def test_other_comparisons_pass(line: str) -> None:
    assert find_unsafe_comparisons(line) == []
