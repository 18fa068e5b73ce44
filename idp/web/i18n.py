"""The language of a page: which one, and where its sentences come from.

What lives here: the choice of language, and the sentences in it.  Message ids are the Vietnamese
sentences; English is read from `translations/en/LC_MESSAGES/messages.po` when the
application starts, so that no compiled file can be stale.  Must not know any page.

Source  OpenID Connect Core 1.0 §3.1.2.1 (`ui_locales`), RFC 9110 §12.5.4 (Accept-Language).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, request

Language = Literal["vi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")
VIETNAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_PO_FILE: Final = Path(__file__).parent / "translations" / "en" / "LC_MESSAGES" / "messages.po"
_VARIES: Final = ("Accept-Language", "Cookie")
_CHOICE: Final = "antin_language"
_COOKIE_LIFETIME: Final = timedelta(days=365)


def install_languages(app: Flask, *, is_secure: bool) -> None:
    """Let every page of `app` speak the reader's language.

    Takes   is_secure: the issuer is https, so the cookie is `__Host-` and Secure.
    """
    cookie = language_cookie(is_secure=is_secure)

    def choose() -> Language:
        return choose_language(
            switched_to=request.args.get("lang", ""),
            ui_locales=g.get("ui_locales", ()),
            cookie=request.cookies.get(cookie, ""),
            accept_language=request.headers.get("Accept-Language", ""),
        )

    app.extensions[_CHOICE] = choose

    @app.after_request
    def remember(response: Response) -> Response:
        headers = response.headers
        # asked of every answer; Werkzeug's `mimetype` parses the header
        if not headers.get("Content-Type", "").startswith("text/html"):
            return response
        headers["Content-Language"] = language()
        if "Vary" in headers:
            response.vary.update(_VARIES)
        else:
            headers["Vary"] = ", ".join(_VARIES)
        wanted = _supported(request.args.get("lang", ""))
        if wanted is not None:
            asked = _first_supported(g.get("ui_locales", ()))
            response.set_cookie(
                cookie,
                f"{wanted}.{asked}" if asked else wanted,
                max_age=_COOKIE_LIFETIME,
                secure=is_secure,
                httponly=True,
                samesite="Lax",
                path="/",
            )
        return response


def language_cookie(*, is_secure: bool) -> str:
    """The name of the cookie that keeps the reader's own choice."""
    return "__Host-antin_lang" if is_secure else "antin_lang"


def set_ui_locales(ui_locales: tuple[str, ...]) -> None:
    """Say which languages the portal asked for, in its order, before the page is rendered."""
    g.ui_locales = ui_locales
    g.pop("language", None)


def language() -> Language:
    """The language of the current request, chosen when it is first asked for."""
    chosen: Language | None = g.get("language")
    if chosen is None:
        chosen = g.language = current_app.extensions[_CHOICE]()
    return chosen


def choose_language(
    *, switched_to: str, ui_locales: tuple[str, ...], cookie: str, accept_language: str
) -> Language:
    """Choose the language of a page.

    Takes   switched_to: the value of `?lang=`; ui_locales: what the portal asked for; cookie:
            `choice` or `choice.overruled`, where `overruled` is what the portal asked for when
            the reader chose; all as they came, nothing verified.
    Returns `vi` or `en`: the switch; a kept choice that overruled this very wish of the portal;
            the portal's wish; the kept choice; the browser's; Vietnamese.
    Source  OpenID Connect Core 1.0 §3.1.2.1: an unsupported locale is no error.
    """
    kept, _, overruled = cookie.partition(".")
    asked = _first_supported(ui_locales)
    return (
        _supported(switched_to)
        or (_supported(kept) if asked and asked == overruled else None)
        or asked
        or _supported(kept)
        or _first_accepted(accept_language)
        or "vi"
    )


def local_clock(moment: datetime) -> str:
    """Hour and minute in Viet Nam, rounded up, so that trying again then is never too early."""
    return (moment + timedelta(seconds=59)).astimezone(VIETNAM).strftime("%H:%M")


def local_day_clock(moment: datetime) -> str:
    """The same with its date."""
    return local_minute(moment + timedelta(seconds=59))


def local_moment(moment: datetime) -> str:
    """Date, time and offset in Viet Nam: for what is kept and printed."""
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S +07:00")


def local_minute(moment: datetime) -> str:
    """Date and time in Viet Nam, to the minute: for lists that are looked through."""
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def translate(sentence: str, **facts: object) -> str:
    """The sentence in the language of the current request."""
    return speaker(language())(sentence, **facts)


@cache
def speaker(wanted: Language) -> Callable[..., str]:
    """What gives sentences in one language, as `translate` does, outside of any request."""
    catalogue = NullTranslations() if wanted == "vi" else _read_english()

    def say(sentence: str, **facts: object) -> str:
        text = str(catalogue.gettext(sentence))
        return text % facts if facts else text

    return say


def said_in(wanted: Language, sentence: str) -> str:
    """The sentence in a language of its own, whatever the page is in."""
    return speaker(wanted)(sentence)


def _supported(tag: str) -> Language | None:
    primary = tag.strip().lower().replace("_", "-").split("-")[0]
    return next((known for known in LANGUAGES if known == primary), None)


def _first_supported(tags: tuple[str, ...]) -> Language | None:
    return next((found for tag in tags if (found := _supported(tag))), None)


def _first_accepted(accept_language: str) -> Language | None:
    ranked: list[tuple[float, Language]] = []
    for part in accept_language.split(",")[:16]:
        tag, _, quality = part.partition(";")
        found = _supported(tag)
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality.strip() else 1.0
        except ValueError:
            continue
        if found and 0 < weight <= 1:
            ranked.append((weight, found))
    return max(ranked, key=lambda item: item[0])[1] if ranked else None


def _read_english() -> Translations:
    compiled = io.BytesIO()
    with _PO_FILE.open("rb") as source:
        write_mo(compiled, read_po(source, locale="en"))
    compiled.seek(0)
    return Translations(compiled)
