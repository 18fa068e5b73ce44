"""The userinfo endpoint.

What lives here: finding the one access token of a request.  Source: OpenID Connect Core §5.3;
RFC 6750 §2.1, §2.2, §3 (a token in the query string is not taken: §2.3, RFC 9700 §4.3.2).
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from idp.oauth.errors import InvalidRequest, InvalidToken, MalformedParameters, OAuthError
from idp.services import Services
from idp.web.request import body_parameters
from idp.web.request_facts import note_refusal

_FORM = "application/x-www-form-urlencoded"
_NOT_KEPT_BUT_SHARED = (("Cache-Control", "no-store"), ("Access-Control-Allow-Origin", "*"))


class NoToken(OAuthError):
    """The request carries no token at all: it is told how to, and nothing else.  RFC 6750 §3.1."""

    code = "invalid_token"
    status = 401


def make_userinfo(services: Services) -> Blueprint:
    """The blueprint of `/userinfo`."""
    blueprint = Blueprint("userinfo", __name__)

    # Flask would answer OPTIONS by itself, without saying who may ask from where
    @blueprint.route("/userinfo", methods=["GET", "POST"], provide_automatic_options=False)
    def userinfo() -> Response:
        try:
            answer = services.userinfo.answer(_bearer_token(), now=services.time())
        except OAuthError as error:
            return _challenge(error)
        except MalformedParameters:
            return _challenge(InvalidRequest("the body cannot be read"))
        return Response(
            answer.body, headers=[("Content-Type", answer.content_type), *_NOT_KEPT_BUT_SHARED]
        )

    @blueprint.route("/userinfo", methods=["OPTIONS"])
    def preflight() -> Response:
        response = Response(status=204)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = "86400"
        return response

    return blueprint


def _bearer_token() -> str:
    """The token of this request; exactly one way of sending it.  RFC 6750 §2."""
    tokens: list[str] = []
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise InvalidToken("the Authorization header is not Bearer")
        tokens.append(value.strip())
    if request.method == "POST" and request.mimetype == _FORM:
        parameters = body_parameters()
        parameters.refuse_repeated()
        in_body = parameters.get("access_token")
        if in_body is not None:
            tokens.append(in_body)
    if len(tokens) > 1:
        raise InvalidRequest("the access token was sent in two ways")
    if not tokens:
        raise NoToken("an access token is needed")
    return tokens[0]


def _challenge(error: OAuthError) -> Response:
    """RFC 6750 §3: the error stands in WWW-Authenticate."""
    note_refusal(error.code)
    parts = ['Bearer realm="userinfo"']
    if not isinstance(error, NoToken):
        parts += [f'error="{error.code}"', f'error_description="{error.description}"']
    response = Response(status=error.status)
    response.headers["WWW-Authenticate"] = ", ".join(parts)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
