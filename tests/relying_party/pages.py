"""What a person sees of a page: its heading, its text, its forms and their buttons.

What lives here: a reader of HTML that knows forms as a browser without JavaScript does.
Source: HTML Living Standard §4.10.21 (form submission).  Not here: requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

_VOID_OF_TEXT: Final = frozenset({"script", "style", "template", "noscript"})
_BUTTON_TYPES: Final = frozenset({"submit", "image"})


@dataclass(slots=True)
class Button:
    """A control that submits: its form, and the pair it adds to the form's data."""

    id: str
    name: str
    value: str
    form: int | str | None
    """Position of the form that holds it, or the id its `form` attribute names."""
    form_action: str | None = None
    form_method: str | None = None
    is_disabled: bool = False


@dataclass(slots=True)
class Form:
    """A form as it would be submitted untouched."""

    id: str
    action: str
    method: str
    encoding: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    """Successful controls in document order, without buttons."""
    open_fields: set[str] = field(default_factory=set)
    """Names that a person can type or choose."""
    unticked: list[tuple[str, str]] = field(default_factory=list)
    """Checkboxes that are not ticked yet."""


@dataclass(slots=True)
class Page:
    """A page, read."""

    url: str
    html: str
    language: str = ""
    title: str = ""
    headings: list[str] = field(default_factory=list)
    text: str = ""
    forms: list[Form] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def find_button(self, button_id: str) -> Button | None:
        """The button with this id that a person could press."""
        for button in self.buttons:
            if button.id == button_id and not button.is_disabled:
                return button
        return None

    def form_of(self, button: Button) -> Form:
        """The form that the button submits; raises LookupError when there is none."""
        for position, form in enumerate(self.forms):
            if button.form == position or (isinstance(button.form, str) and button.form == form.id):
                return form
        raise LookupError(f"button {button.id!r} belongs to no form")


def read_page(html: str, *, url: str) -> Page:
    """Read a page; addresses of forms come out absolute."""
    reader = _Reader(Page(url=url, html=html))
    reader.feed(html)
    reader.close()
    page = reader.page
    page.text = " ".join(" ".join(reader.words).split())
    page.title = " ".join(page.title.split())
    return page


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.words: list[str] = []
        self._open_form: int | None = None
        self._in: list[str] = []
        self._by_id: dict[str, int] = {}
        self._choice: tuple[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        names = {name for name, _ in attrs}
        if tag == "html":
            self.page.language = given.get("lang", "")
        elif tag == "form":
            self._start_form(given)
        elif tag == "input":
            self._input(given, names)
        elif tag == "button" and given.get("type", "submit").lower() in _BUTTON_TYPES:
            self._button(given, names)
        elif tag == "select":
            self._choice = (given.get("name", ""), None)
        elif tag == "option" and self._choice is not None:
            name, chosen = self._choice
            if chosen is None or "selected" in names:
                self._choice = (name, given.get("value", ""))
        elif tag in {"h1", "h2"}:
            self.page.headings.append("")
        if tag in _VOID_OF_TEXT or tag in {"title", "h1", "h2"}:
            self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open_form = None
        elif tag == "select" and self._choice is not None:
            name, chosen = self._choice
            form = self._form_for({})
            if form is not None and name:
                form.fields.append((name, chosen or ""))
                form.open_fields.add(name)
            self._choice = None
        if self._in and self._in[-1] == tag:
            self._in.pop()

    def handle_data(self, data: str) -> None:
        if any(tag in _VOID_OF_TEXT for tag in self._in):
            return
        if "title" in self._in:
            self.page.title += data
            return
        if self._in and self.page.headings:
            self.page.headings[-1] = " ".join(f"{self.page.headings[-1]} {data}".split())
        self.words.append(data)

    def _start_form(self, given: dict[str, str]) -> None:
        self._open_form = len(self.page.forms)
        form = Form(
            id=given.get("id", ""),
            action=urljoin(self.page.url, given.get("action", "") or self.page.url),
            method=given.get("method", "get").lower(),
            encoding=given.get("enctype", "application/x-www-form-urlencoded").lower(),
        )
        if form.id:
            self._by_id[form.id] = self._open_form
        self.page.forms.append(form)

    def _form_for(self, given: dict[str, str]) -> Form | None:
        place = self._by_id.get(given["form"]) if "form" in given else self._open_form
        return None if place is None else self.page.forms[place]

    def _input(self, given: dict[str, str], names: set[str]) -> None:
        kind = given.get("type", "text").lower()
        if kind in _BUTTON_TYPES:
            self._button(given, names)
            return
        form = self._form_for(given)
        name = given.get("name", "")
        if form is None or not name or "disabled" in names or kind in {"button", "reset", "file"}:
            return
        if kind in {"checkbox", "radio"}:
            form.open_fields.add(name)
            pair = (name, given.get("value", "on"))
            if "checked" in names:
                form.fields.append(pair)
            elif kind == "checkbox":
                form.unticked.append(pair)
            return
        if kind != "hidden":
            form.open_fields.add(name)
        form.fields.append((name, given.get("value", "")))

    def _button(self, given: dict[str, str], names: set[str]) -> None:
        self.page.buttons.append(
            Button(
                id=given.get("id", ""),
                name=given.get("name", ""),
                value=given.get("value", ""),
                form=given.get("form", self._open_form),
                form_action=urljoin(self.page.url, given["formaction"])
                if "formaction" in given
                else None,
                form_method=given.get("formmethod", "").lower() or None,
                is_disabled="disabled" in names,
            )
        )
