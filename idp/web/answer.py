"""Sending the person back to the portal with an authorization response.

What lives here: the two response modes, `iss` in every response, and which origin the page's CSP
must let its form go to. The redirect URI was matched against the registry before it comes here.
Source: RFC 6749 §4.1.2; OAuth 2.0 Multiple Response Types §2.1; Form Post Response Mode §2; RFC
9207.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Response, g

from clients.registry.redirects import origin_of
from idp.web.pages import FormPostPage, render
from idp.web.request_facts import note_refusal

_SEE_OTHER: Final = 303


def send_back(
    *,
    redirect_uri: str,
    response_mode: str,
    state: str | None,
    issuer: str,
    fields: Mapping[str, str],
) -> Response:
    """An authorization response, successful or not.

    Takes   fields: `code`, or `error` and `error_description`; `state` and `iss` are added.
    """
    if "error" in fields:
        note_refusal(fields["error"])
    members = dict(fields)
    if state is not None:
        members["state"] = state
    members["iss"] = issuer
    if response_mode == "form_post":
        allow_form_action(redirect_uri)
        body = render(FormPostPage(action=redirect_uri, fields=tuple(members.items())))
        return Response(body, mimetype="text/html")
    joint = "&" if urlsplit(redirect_uri).query else "?"
    if redirect_uri.endswith("?"):
        joint = ""
    response = Response(status=_SEE_OTHER)
    # the header must not be touched by Werkzeug's normalisation: the URI is the client's, exactly
    response.autocorrect_location_header = False
    response.headers["Location"] = f"{redirect_uri}{joint}{urlencode(members)}"
    return response


def see_other(location: str) -> Response:
    """Send the browser on to another page of ours by GET.  RFC 9110 §15.4.4."""
    response = Response(status=_SEE_OTHER)
    response.headers["Location"] = location
    return response


def allow_form_action(redirect_uri: str) -> None:
    """Let the page that is being made send its form on to this origin.

    Chromium applies `form-action` to the redirect that follows a form, so every page of an
    interaction needs the origin to which it will lead in the end.
    """
    allowed: tuple[str, ...] = g.get("form_action", ())
    g.form_action = (*allowed, origin_of(redirect_uri))
