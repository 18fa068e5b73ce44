"""Routes whose code is made once in a process, however many applications a test run makes.

What lives here: a rule that remembers what Werkzeug compiled for one of the same words.  Two small
functions for each of two hundred routes, written, compiled and run anew for each of a thousand
applications, took half of what it costs to make one.
Not here: templates, of which the same is true (`compiled_templates.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from flask import Flask
from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]
_KNOWN: Final[dict[tuple[object, ...], _Builder]] = {}


class RememberedRule(Rule):
    """What is compiled holds neither the rule nor its converters: it is given them when called."""

    def _compile_builder(self, *given: Any, **named: Any) -> _Builder:
        if self.defaults:  # they are written into what is compiled
            return super()._compile_builder(*given, **named)
        words = (self.rule, self.subdomain, self.host, self.merge_slashes)
        key = (*words, *given, *named.items())
        if key not in _KNOWN:
            _KNOWN[key] = super()._compile_builder(*given, **named)
        return _KNOWN[key]


@pytest.hookimpl
def pytest_configure() -> None:
    """For every application."""
    Flask.url_rule_class = RememberedRule
