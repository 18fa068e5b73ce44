"""What every view needs of the request at hand.

What lives here: strict parameters, the caller's address, the time.  Source: RFC 6749 §3.1, §3.2.
"""

from __future__ import annotations

from typing import Final

from flask import request

from idp.accounts.attempts import Source
from idp.oauth.errors import MalformedParameters
from idp.oauth.parameters import MAX_BYTES, Parameters, parse_parameters
from idp.web.cookies import Cookies
from idp.web.source import TrustedProxies

_FORM: Final = "application/x-www-form-urlencoded"


def query_parameters() -> Parameters:
    """The parameters of the query string.  Raises MalformedParameters."""
    return parse_parameters(request.query_string)


def body_parameters() -> Parameters:
    """The parameters of a form body; a query string beside it is not read.

    Raises  MalformedParameters: wrong media type, too large, no length.
    """
    media_type = request.content_type
    if media_type != _FORM:
        # most say exactly this, and need not be parsed
        media_type = request.mimetype
    if media_type != _FORM:
        raise MalformedParameters("not_a_form")
    length = request.content_length
    if length is None or length > MAX_BYTES:
        # without a length a body can be cut off in silence: refuse
        raise MalformedParameters("too_large" if length else "no_length")
    raw = request.get_data(cache=True)
    if len(raw) != length:
        raise MalformedParameters("cut_off")
    return parse_parameters(raw)


def source_address(proxies: TrustedProxies) -> str:
    """The client's address."""
    return proxies.client_address(
        request.remote_addr or "", forwarded_for=request.headers.get("X-Forwarded-For")
    )


def source_of_attempt(proxies: TrustedProxies, cookies: Cookies) -> Source:
    """Where an attempt to sign in comes from."""
    return Source(address=source_address(proxies), device=cookies.read_device())
