"""Gives an application its pages: templates, languages, assets, help.

What lives here: `install_pages`, called once by `create_app`, and the few words that templates use
(`strong`, `problem_of`, …).  Must not read settings: it takes what it shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from flask import Flask, request
from markupsafe import Markup

from idp.web import i18n, sentences, sign_sentences
from idp.web.assets import install_assets
from idp.web.pages import AccessibilityPage, HelpPage, Page, SharedRow, render
from idp.web.spoken_templates import SpokenTemplates, keep_templates

_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What every page says about the service.

    `domain` is the host that the footer tells people to look for; `is_secure`: the issuer is
    https; `support` is a telephone number or mail address, empty when the operator gave none.
    """

    domain: str
    is_secure: bool
    is_sandbox: bool = False
    support: str = ""


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """A problem as the reader sees it, and the field it belongs to (empty: none)."""

    field: str
    text: str


def install_pages(app: Flask, *, site: Site) -> None:
    """Make `idp.web.pages.render` work in `app`, and serve `/static/…`, `/help`, `/accessibility`.

    Needs a content security policy that allows `style-src 'self'`, `script-src 'self'` and
    `img-src 'self' data:`; pages hold no inline script, style or handler.
    """
    asset = install_assets(app)
    i18n.install_languages(app, is_secure=site.is_secure)
    spoken = {one: _templates(one, site=site, asset=asset) for one in i18n.LANGUAGES}
    keep_templates(app, by_language=spoken)
    app.add_url_rule("/help", "help", lambda: render(HelpPage()))
    app.add_url_rule("/accessibility", "accessibility", lambda: render(AccessibilityPage()))


def _templates(
    language: i18n.Language, *, site: Site, asset: Callable[[str], str]
) -> SpokenTemplates:
    made = SpokenTemplates(
        _TEMPLATES,
        say=i18n.speaker(language),
        constants={"asset": asset, "language": lambda: language},
    )
    other = next(one for one in i18n.LANGUAGES if one != language)
    made.globals.update(
        site=site,
        boxes_of=boxes_of,
        strong=strong,
        problem_of=problem_of,
        switch_url=switch_url,
        other_language=lambda: other,
        said_in=i18n.said_in,
        error_texts=sentences.ERROR_TEXTS,
        refusal_reasons=sign_sentences.REFUSAL_REASONS,
    )
    made.filters.update(local_moment=i18n.local_moment, local_minute=i18n.local_minute)
    return made


def strong(text: str) -> Markup:
    """The text in bold, escaped: for a name inside a sentence."""
    return Markup("<strong>") + text + Markup("</strong>")


def boxes_of(rows: tuple[SharedRow, ...]) -> list[tuple[SharedRow, list[SharedRow]]]:
    """The check boxes of optional rows: one per row with a key, with the rows that go with it."""
    boxes: list[tuple[SharedRow, list[SharedRow]]] = []
    for row in rows:
        if row.key or not boxes:
            boxes.append((row, []))
        else:
            boxes[-1][1].append(row)
    return boxes


def problem_of(form: str, page: Page) -> ShownProblem | None:
    """The sentence for `page.problem` of that form, or None.

    Takes   form: a key of `sign_sentences.FORMS`; a page with `problem` and, where the form
            has them, `retry_at` and `attempts_left`.
    """
    code = getattr(page, "problem", None)
    if code is None:
        return None
    found = sign_sentences.FORMS[form][code]
    retry_at = getattr(page, "retry_at", None)
    left = getattr(page, "attempts_left", None)
    if found.later and retry_at is not None:
        when = i18n.local_day_clock if found.is_days_away else i18n.local_clock
        text = i18n.translate(found.later, time=when(retry_at))
    elif code in {"wrong_code", "wrong_sent_code"} and left is not None:
        text = i18n.translate("Mã xác thực không đúng. Còn %(count)s lần thử.", count=left)
    else:
        text = i18n.translate(found.sentence)
    return ShownProblem(field=found.field, text=text)


def switch_url(page: Page, wanted: str) -> str:
    """The same page in another language; what the address already says is kept."""
    if page.here:
        joint = "&" if "?" in page.here else "?"
        return f"{page.here}{joint}{urlencode({'lang': wanted})}"
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return f"{request.path}?{urlencode([*kept, ('lang', wanted)])}"
