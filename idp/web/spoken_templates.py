"""Templates with their sentences in them: every template is compiled once for each language.

What lives here: `SpokenTemplates`.  What `_("…")` says, and whatever else depends on the language
and the release alone, becomes part of the compiled template.  Nothing is looked up for it when a
page is rendered, and nothing rendered is kept: two languages share no cache at all, and what
belongs to a person is in none.
Source: Jinja, "Low Level API" and `Environment._generate`, its hook for other generators.
Not here: which language a page is in (`i18n.py`), what templates may call (`theme.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from flask import Flask, current_app
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from idp.web.i18n import Language

Say = Callable[[str], str]
Constant = Callable[..., str]

_KEPT: Final = "antin_templates"
_PLACE: Final = re.compile(r"%\((\w+)\)s")


class SpokenTemplates(Environment):
    """The templates in one language; safe to share between threads.

    Takes   say: the sentence in that language; constants: by name, what gives the same for the same
            words as long as the process lives: asked when a template is compiled.
    """

    def __init__(self, folder: Path, *, say: Say, constants: Mapping[str, Constant]) -> None:
        super().__init__(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._say = say
        self._constants = constants
        # of sentences that are not known before: those that a page brings along
        self.globals["_"] = _saying(say)
        self.globals.update(constants)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """What every template knows: the same for all, and copied for each page."""
        return self.globals if d is None else super().make_globals(d)

    def _generate(self, source: nodes.Template, *how: Any, **more: Any) -> str:
        said = _Said(self._say, self._constants).visit(source)
        return super()._generate(said, *how, **more)


def keep_templates(app: Flask, *, by_language: Mapping[Language, SpokenTemplates]) -> None:
    """Give an application its templates."""
    app.extensions[_KEPT] = dict(by_language)


def kept_templates(app: Flask) -> Mapping[Language, SpokenTemplates]:
    """The templates of an application, by language."""
    kept: Mapping[Language, SpokenTemplates] = app.extensions[_KEPT]
    return kept


def find_template(name: str, *, language: Language) -> Template:
    """A template of the application that answers, in one language."""
    return kept_templates(current_app)[language].get_template(name)


def _saying(say: Say) -> Callable[..., Markup]:
    def sentence(text: str, **facts: object) -> Markup:
        return Markup(say(text)) % facts  # noqa: S704 - our own sentences, never a reader's

    return sentence


class _Said(NodeTransformer):
    """Puts what is known already in the place of what asks for it."""

    def __init__(self, say: Say, constants: Mapping[str, Constant]) -> None:
        self._say = say
        self._constants = constants

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802  # Jinja's name for it
        """What is printed: the pieces of a sentence stand beside each other."""
        pieces: list[nodes.Expr] = []
        for one in node.nodes:
            seen = self.visit(one)
            pieces += seen.nodes if isinstance(seen, nodes.Concat) and seen is not one else [seen]
        node.nodes = pieces
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802  # Jinja's name for it
        """A sentence, or a constant; anything else stays a call."""
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.dyn_args or node.dyn_kwargs:
            return node
        words = [one.value for one in node.args if isinstance(one, nodes.Const)]
        if len(words) != len(node.args):
            return node
        if node.node.name == "_":
            return self._sentence(node, *words)
        constant = self._constants.get(node.node.name)
        if constant is None or node.kwargs:
            return node
        return _text(str(constant(*words)), node)

    def _sentence(self, node: nodes.Call, text: str) -> nodes.Expr:
        facts = {one.key: one.value for one in node.kwargs}
        parts = _PLACE.split(self._say(text))
        if set(parts[1::2]) != set(facts) or len(parts[1::2]) != len(facts):
            return node  # something is said twice, or not at all: as it is rendered
        if any("%" in part for part in parts[::2]):
            return node
        if not facts:
            return _text(parts[0], node)
        pieces: list[nodes.Expr] = []
        for at, part in enumerate(parts):
            if at % 2:
                pieces.append(facts[part])
            elif part:
                pieces.append(_text(part, node))
        return nodes.Concat(pieces, lineno=node.lineno, environment=node.environment)


def _text(text: str, beside: nodes.Node) -> nodes.TemplateData:
    return nodes.TemplateData(text, lineno=beside.lineno, environment=beside.environment)
