"""The userinfo endpoint.

What lives here: finding the one access token of a request.  Source: OpenID Connect Core §5.3;
RFC 6750 §2.1, §2.2, §3 (a token in the query string is not taken: §2.3, RFC 9700 §4.3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.oauth.errors import InvalidRequest, InvalidToken, MalformedParameters, OAuthError
from idp.services import Services
from idp.web.direct import DirectAnswer, DirectEndpoint, DirectRequest
from idp.web.request_facts import note_refusal

_METHODS: Final = frozenset({"GET", "POST", "OPTIONS"})
_NOT_KEPT_BUT_SHARED: Final = (
    ("Cache-Control", "no-store"),
    ("Access-Control-Allow-Origin", "*"),
)
_PREFLIGHT: Final = DirectAnswer(
    204,
    b"",
    (
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "GET, POST"),
        ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
        ("Access-Control-Max-Age", "86400"),
    ),
)


class NoToken(OAuthError):
    """The request carries no token at all: it is told how to, and nothing else.  RFC 6750 §3.1."""

    code = "invalid_token"
    status = 401


def make_userinfo(services: Services) -> Mapping[str, DirectEndpoint]:
    """`/userinfo`."""

    def userinfo(request: DirectRequest) -> DirectAnswer:
        if request.method == "OPTIONS":
            return _PREFLIGHT
        try:
            answer = services.userinfo.answer(_bearer_token(request), now=services.time())
        except OAuthError as error:
            return _challenge(error)
        except MalformedParameters:
            return _challenge(InvalidRequest("the body cannot be read"))
        return DirectAnswer(
            200, answer.body, (("Content-Type", answer.content_type), *_NOT_KEPT_BUT_SHARED)
        )

    return {"/userinfo": DirectEndpoint(_METHODS, userinfo)}


def _bearer_token(request: DirectRequest) -> str:
    """The token of this request; exactly one way of sending it.  RFC 6750 §2."""
    tokens: list[str] = []
    header = request.authorization
    if header is not None:
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise InvalidToken("the Authorization header is not Bearer")
        tokens.append(value.strip())
    if request.method == "POST" and request.is_form:
        parameters = request.form()
        parameters.refuse_repeated()
        in_body = parameters.get("access_token")
        if in_body is not None:
            tokens.append(in_body)
    if len(tokens) > 1:
        raise InvalidRequest("the access token was sent in two ways")
    if not tokens:
        raise NoToken("an access token is needed")
    return tokens[0]


def _challenge(error: OAuthError) -> DirectAnswer:
    """RFC 6750 §3: the error stands in WWW-Authenticate."""
    note_refusal(error.code)
    parts = ['Bearer realm="userinfo"']
    if not isinstance(error, NoToken):
        parts += [f'error="{error.code}"', f'error_description="{error.description}"']
    return DirectAnswer(
        error.status, b"", (("WWW-Authenticate", ", ".join(parts)), *_NOT_KEPT_BUT_SHARED)
    )
