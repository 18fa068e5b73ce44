"""Templates in which the sentences of one language are compiled."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import UndefinedError
from markupsafe import Markup

from idp.web.i18n import LANGUAGES, Language
from idp.web.pages import render
from idp.web.spoken_templates import SpokenTemplates, kept_templates
from tests.support.pages import SPECIMENS, make_gallery

_ENGLISH = {
    "Chào": "Hello",
    "Chào %(name)s, số %(number)s": "Number %(number)s, hello <em>%(name)s</em>",
    "%(name)s và %(name)s": "%(name)s and %(name)s",
    "100%% của %(name)s": "100%% of %(name)s",
}


def say(sentence: str) -> str:
    return _ENGLISH.get(sentence, sentence)


def rendered(folder: Path, source: str, **given: object) -> str:
    (folder / "one.html").write_text(source, encoding="utf-8")
    asked: list[str] = []

    def address(name: str) -> str:
        asked.append(name)
        return f"/static/{name}"

    templates = SpokenTemplates(folder, say=say, constants={"address": address})
    template = templates.get_template("one.html")
    first = template.render(**given)
    known = len(asked)
    assert template.render(**given) == first
    assert len(asked) == known or "name_of_file" in given, "asked when compiled, not when rendered"
    return first


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ _('Chào') }}", "Hello"),
        ("<p title=\"{{ _('Chào') }}\">", '<p title="Hello">'),
        (
            "{{ _('Chào %(name)s, số %(number)s', name=who, number=1 + 1) }}",
            "Number 2, hello <em>&lt;b&gt;</em>",
        ),
        ("{{ _('%(name)s và %(name)s', name=who) }}", "&lt;b&gt; and &lt;b&gt;"),
        ("{{ _('100%% của %(name)s', name=who) }}", "100% of &lt;b&gt;"),
        ("{{ _(brought) }}", "Hello"),
        ("{% set at = [_('Chào'), who] %}{{ at | join(': ') }}", "Hello: &lt;b&gt;"),
        ("{{ who ~ _('Chào') }}", "&lt;b&gt;Hello"),
        ("{{ _('Chào') if who else who }}", "Hello"),
        (
            "{{ _('Chào %(name)s, số %(number)s', name=_('Chào'), number=safe) }}",
            "Number <i>, hello <em>Hello</em>",
        ),
        ("{{ address('a.css') }}", "/static/a.css"),
        ("{{ address(name_of_file) }}", "/static/&lt;b&gt;"),
        ("{% if address('x') == '/static/x' %}yes{% endif %}", "yes"),
    ],
)
def test_sentence_is_said_and_what_stands_in_it_is_escaped(tmp_path, source, text):
    given = {"who": "<b>", "brought": "Chào", "safe": Markup("<i>")}
    if "name_of_file" in source:
        given["name_of_file"] = "<b>"
    assert rendered(tmp_path, source, **given) == text


def test_what_is_not_there_is_an_error_and_not_an_empty_place(tmp_path):
    with pytest.raises(UndefinedError):
        rendered(tmp_path, "{{ _('%(name)s', name=nobody) }}")


def test_sentence_that_lacks_a_fact_is_an_error(tmp_path):
    with pytest.raises(KeyError):
        rendered(tmp_path, "{{ _('%(name)s và %(name)s', other=1) }}")


def test_languages_share_no_template():
    app = make_gallery()
    with app.test_request_context("/?lang=vi"):
        render(SPECIMENS["sign"])
    kept = kept_templates(app)
    assert set(kept) == set(LANGUAGES)
    assert kept["vi"].cache is not kept["en"].cache
    assert len(kept["en"].cache or ()) == 0


def test_languages_never_mix_where_threads_alternate():
    """Every page is what it is alone, while both languages are rendered at once."""
    alone, app = make_gallery(), make_gallery()
    names = ("sign", "sign_confirm_passkey", "sign_signed", "login", "consent", "verify_invalid")
    wanted = {(name, one): _page(alone, name, one) for name in names for one in LANGUAGES}
    wrong: list[tuple[str, Language]] = []
    together = threading.Barrier(4)

    def read(first: int) -> None:
        together.wait()
        for at in range(first, first + 24):
            name, one = names[at // 2 % len(names)], LANGUAGES[at % 2]
            if _page(app, name, one) != wanted[name, one]:
                wrong.append((name, one))

    threads = [threading.Thread(target=read, args=(first,)) for first in (0, 1, 6, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert all(wanted[name, "vi"] != wanted[name, "en"] for name in names)


def test_nothing_of_a_person_stays_in_a_template():
    """The next reader's page, with all of its words different, shows none of the first one's."""
    app = make_gallery()
    first = _page(app, "sign", "vi")
    assert _page(app, "sign_many", "vi") == _page(make_gallery(), "sign_many", "vi") != first
    for templates in kept_templates(app).values():
        for template in (templates.cache or {}).values():
            module = vars(template).get("_module")
            names = set() if module is None else set(vars(module)) - {"_body_stream"}
            assert "page" not in names


def _page(app: Flask, name: str, language: Language) -> str:
    with app.test_request_context(f"/somewhere?lang={language}"):
        return render(SPECIMENS[name])
