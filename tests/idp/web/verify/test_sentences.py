"""Everything that a check can say has a sentence; none is said as a code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from idp.web.verify_reasons import REASONS
from idp.web.verify_sentences import (
    ADVICE,
    CHANGES,
    HEADINGS,
    ORIGINS,
    STATES,
    STEPS,
    SUB_INDICATIONS,
    TIMESTAMP_KINDS,
)
from signing.validation.found import TimestampKind
from signing.validation.model import ChangeKind, RevocationState, StatusOrigin, Step
from signing.validation.report.summary import Answer
from signing.validation.verdict import SubIndication
from tests.support.translations import english
from tests.support.tree import name_of, python_files

_TABLES = (
    (SubIndication, SUB_INDICATIONS),
    (Answer, HEADINGS),
    (Answer, ADVICE),
    (Step, STEPS),
    (RevocationState, STATES),
    (StatusOrigin, ORIGINS),
    (ChangeKind, CHANGES),
    (TimestampKind, TIMESTAMP_KINDS),
)


def _words(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _words(node.body)
        yield from _words(node.orelse)


def _codes(source: str) -> Iterator[tuple[str, set[str]]]:
    """The codes that `because` is called with, and the names of their facts."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "because" and node.args:
            facts = {keyword.arg for keyword in node.keywords if keyword.arg}
            has_more = any(keyword.arg is None for keyword in node.keywords)
            for code in _words(node.args[0]):
                yield code, facts | ({"*"} if has_more else set())


@pytest.mark.parametrize(("words", "table"), _TABLES, ids=lambda one: getattr(one, "__name__", ""))
def test_every_word_of_a_vocabulary_has_a_sentence(words, table):
    assert set(words) == set(table)


def test_every_reason_that_is_given_has_a_sentence():
    missing = {
        f"{name_of(file)}: {code}"
        for file in python_files("signing/validation")
        for code, _ in _codes(file.read_text(encoding="utf-8"))
        if code not in REASONS
    }
    assert not missing


def test_no_sentence_waits_for_a_fact_that_its_reason_never_has():
    for file in python_files("signing/validation"):
        for code, facts in _codes(file.read_text(encoding="utf-8")):
            wanted = set(re.findall(r"%\((\w+)\)s", REASONS.get(code, "")))
            assert "*" in facts or wanted <= facts, (name_of(file), code)


def test_both_languages_name_the_same_facts():
    catalogue = english()
    for sentence in REASONS.values():
        said = catalogue.get(sentence)
        assert said is not None
        pattern = r"%\(\w+\)s"
        assert set(re.findall(pattern, sentence)) == set(re.findall(pattern, str(said.string)))
