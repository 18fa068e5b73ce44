"""Where a browser may be sent back to: exact strings, and loopback ports for native apps.

What lives here: the matcher for a request and the check for a registration.  Not here: fetching or
resolving anything.  Source: RFC 6749 §3.1.2, RFC 8252 §7 and §8.3, RFC 9700 §4.1.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

from clients.registry.model import ApplicationType

MAX_LENGTH: Final = 2000

_LOOPBACK: Final = re.compile(
    r"(?P<host>http://(?:127\.0\.0\.1|\[::1\]))(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>[/?].*)?"
)
_ALLOWED: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=]|%[0-9A-Fa-f]{2})+")
_DNS_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_PRIVATE_USE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
_HIGHEST_PORT: Final = 65535


def is_registered_redirect(
    raw_uri: str, *, registered: Iterable[str], application_type: ApplicationType
) -> bool:
    """Whether a URI from a request is one that the client registered.

    Compared as strings, character by character: nothing is normalised, no prefix, no pattern.  For
    native apps alone the port of a registered `http://127.0.0.1` or `http://[::1]` is free, because
    the system gives it out when the app starts to listen; `localhost` is matched exactly.
    Source  RFC 6749 §3.1.2.3, RFC 9700 §4.1.3, RFC 8252 §7.3.
    """
    candidates = tuple(registered)
    if raw_uri in candidates:
        return True
    if application_type is not ApplicationType.NATIVE:
        return False
    asked = _split_loopback(raw_uri)
    return asked is not None and any(_split_loopback(uri) == asked for uri in candidates)


def find_redirect_problem(raw_uri: str, *, application_type: ApplicationType) -> str | None:
    """Why a URI cannot be registered for redirects, or None when it can."""
    if len(raw_uri) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if "*" in raw_uri:
        return "wildcards are not taken: register each address"
    if "#" in raw_uri:
        return "it has a fragment (RFC 6749 §3.1.2)"
    if _ALLOWED.fullmatch(raw_uri) is None:
        return "it has a character that a URI cannot carry unescaped (RFC 3986 §2)"
    scheme, colon, rest = raw_uri.partition(":")
    if not colon:
        return "it is not an absolute URI"
    if scheme == "https":
        return _find_authority_problem(raw_uri)
    if scheme == "http":
        problem = _find_authority_problem(raw_uri)
        if problem is None and not is_loopback(raw_uri):
            problem = "http is taken only for 127.0.0.1, [::1] and localhost: use https"
        return problem
    if application_type is not ApplicationType.NATIVE:
        return "the scheme has to be https"
    if _PRIVATE_USE_SCHEME.fullmatch(scheme) is None:
        return "a scheme of one's own is a domain name in reverse, with a dot (RFC 8252 §7.1)"
    if not rest.startswith("/"):
        return "a slash has to follow the scheme (RFC 8252 §7.1)"
    return None


def is_loopback(uri: str) -> bool:
    """Whether a valid URI is plain http to the same machine."""
    parts = urlsplit(uri)
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}


def origin_of(uri: str) -> str:
    """What a Content-Security-Policy calls the target of a registered redirect.

    `scheme://host[:port]` for web addresses, `scheme:` for a private-use scheme.
    Source  CSP Level 3 §2.3.1 (host-source, scheme-source).
    """
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https"}:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"


def _split_loopback(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.fullmatch(uri)
    if match is None or int(match["port"] or 1) > _HIGHEST_PORT:
        return None
    return match["host"], match["rest"] or ""


def _find_authority_problem(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        port = parts.port
        host = parts.hostname
    except ValueError:
        return "its host or port is malformed"
    if not uri.startswith(f"{parts.scheme}://") or not host:
        return "it names no host"
    if "@" in parts.netloc:
        return "it carries a user name"
    if port == 0 or parts.netloc.endswith(":"):
        return "its port is malformed"
    if not parts.netloc.startswith("[") and _DNS_NAME.fullmatch(host) is None:
        return "its host is malformed"
    if any(unquote(segment) in {".", ".."} for segment in parts.path.split("/")):
        return "its path has dot segments"
    return None
