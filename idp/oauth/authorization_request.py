"""The authorization request: the ordered list of checks that it passes, and what is left of it.

What lives here: `CHECKS`, which reads like OpenID Connect Core §3.1.2.2, and the frozen value that
an interaction keeps.  Who is asking and where the answer goes is settled before any of them, by
`find_client_and_redirect`, because an error may only be redirected to a registered URI.
Not here: whether the person must be asked for anything (`prompts.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from clients.registry.model import Capacities, Client, GrantType, ResourceServer
from clients.registry.profiles import RefreshRule, profile_of
from clients.registry.redirects import is_registered_redirect
from idp.oauth import scopes as scope_names
from idp.oauth.claims import VALUES
from idp.oauth.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    MalformedParameters,
    RedirectUriMismatch,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnknownClient,
    UnsupportedResponseType,
)
from idp.oauth.parameters import Parameters
from idp.oauth.pkce import check_challenge

_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_DISPLAYS: Final = frozenset({"page", "popup", "touch", "wap"})
_RESPONSE_MODES: Final = frozenset({"query", "form_post"})
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*\Z")
_CAPACITIES: Final = frozenset({"person", "organisation"})
_PROCEDURE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_ENTERPRISE_CODE: Final = re.compile(r"[0-9]{10}(?:-[0-9]{3})?\Z")
_LONGEST_TAG: Final = 35
"""RFC 5646 §4.4.1: what has to be taken; together with `_MOST_TAGS` they fit their column."""
_MOST_TAGS: Final = 5


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that passed every check; parameters are frozen from here on.

    `procedure` names the administrative procedure (thủ tục hành chính) that a statutory basis may
    be registered for.  `expected_account` is the account that `id_token_hint` or a `sub` in
    `claims` names: no other may answer.
    `capacity` is None, `person`, `organisation` or an enterprise code.
    """

    client_id: str
    redirect_uri: str
    response_mode: str
    state: str | None
    nonce: str | None
    scopes: tuple[str, ...]
    code_challenge: str | None
    prompts: frozenset[str]
    max_age_s: int | None
    acr_values: tuple[str, ...]
    claims: dict[str, Any]
    login_hint: str | None
    expected_account: str | None
    ui_locales: tuple[str, ...]
    claims_locales: tuple[str, ...]
    display: str
    resource: str | None
    capacity: str | None
    procedure: str | None

    @property
    def acr_claim(self) -> Mapping[str, Any] | None:
        """The `acr` member of `claims.id_token`."""
        claim = (self.claims.get("id_token") or {}).get("acr")
        return claim if isinstance(claim, dict) else None


class Hints(Protocol):
    """What this module asks of the house: the registry and the meaning of a hint."""

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """The registered client, if it may ask for anything now."""

    def account_of_hint(self, raw_id_token: str, *, client: Client, now: datetime) -> str | None:
        """The account that an ID token of ours names, expired or signed by a retired key."""

    def account_of_sub(self, sub: str, *, client: Client) -> str | None:
        """The account behind a `sub` of the client's sector."""

    def find_resource_server(self, identifier: str, *, now: datetime) -> ResourceServer | None:
        """The resource server that is registered under this identifier."""


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where an answer may go: settled before any other check."""

    client: Client
    redirect_uri: str
    response_mode: str
    state: str | None


def find_client_and_redirect(
    parameters: Parameters, *, hints: Hints, now: datetime
) -> ReturnAddress:
    """Settle who asks and where the answer goes; an error here is shown, never redirected.

    Raises  MalformedParameters when either is repeated; UnknownClient; RedirectUriMismatch.
    Source  RFC 6749 §4.1.2.1, RFC 9700 §4.1.3, OpenID Connect Core §3.1.2.1.
    """
    for name in ("client_id", "redirect_uri"):
        if parameters.is_repeated(name):
            raise MalformedParameters("repeated_parameter")
    client_id = parameters.get("client_id")
    client = hints.find_client(client_id, now=now) if client_id is not None else None
    if client is None:
        raise UnknownClient
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None or not is_registered_redirect(
        redirect_uri, registered=client.redirect_uris, application_type=client.application_type
    ):
        raise RedirectUriMismatch
    mode = parameters.get("response_mode")
    return ReturnAddress(
        client=client,
        redirect_uri=redirect_uri,
        response_mode=mode if mode in _RESPONSE_MODES else "query",
        state=parameters.get("state"),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    parameters: Parameters
    client: Client
    hints: Hints
    now: datetime


def _refuse_repeated(asked: _Asked) -> dict[str, Any]:
    asked.parameters.refuse_repeated()
    return {}


def _refuse_request_objects(asked: _Asked) -> dict[str, Any]:
    # OpenID Connect Core §6: what is not supported is refused by its own code, not ignored
    if "request" in asked.parameters:
        raise RequestNotSupported("request objects are not supported")
    if "request_uri" in asked.parameters:
        raise RequestUriNotSupported("request_uri is not supported")
    if "registration" in asked.parameters:
        raise RegistrationNotSupported("registration is not supported")
    return {}


def _check_response_type(asked: _Asked) -> dict[str, Any]:
    response_type = asked.parameters.get("response_type")
    if response_type is None:
        raise InvalidRequest("response_type is missing")
    if response_type != "code":
        raise UnsupportedResponseType("response_type must be code")
    if "authorization_code" not in asked.client.grant_types:
        raise UnauthorizedClient("the client is not registered for the code flow")
    mode = asked.parameters.get("response_mode")
    if mode is not None and mode not in _RESPONSE_MODES:
        raise InvalidRequest("response_mode must be query or form_post")
    return {}


def _check_scope(asked: _Asked) -> dict[str, Any]:
    raw = (asked.parameters.get("scope") or "").split()
    if scope_names.OPENID not in raw:
        raise InvalidScope("scope must contain openid")
    # OpenID Connect Core §3.1.2.1: scope values that are not understood should be ignored
    understood = _scopes_about_the_person(asked.client) | _scopes_of_the_resource(asked)
    kept = tuple(scope for scope in dict.fromkeys(raw) if scope in understood)
    if scope_names.OPENID not in kept:
        raise InvalidScope("the client is not registered for openid")
    return {"scopes": kept}


def _scopes_about_the_person(client: Client) -> frozenset[str]:
    registered = client.scopes.intersection(scope_names.SCOPE_CLAIMS)
    refused = set(profile_of(client).scopes_refused)
    if not _may_refresh(client):
        refused.add(scope_names.OFFLINE_ACCESS)
    return registered - refused


def _scopes_of_the_resource(asked: _Asked) -> frozenset[str]:
    """What may be asked for at the resource that the request names: RFC 8707 §2.

    Without a registered purpose the person could not be told what it is for.
    """
    server = _named_server(asked)
    if server is None:
        return frozenset()
    return frozenset(
        purpose.scope
        for purpose in asked.client.purposes
        if purpose.scope in asked.client.scopes
        and purpose.scope in server.scopes
        and purpose.scope not in scope_names.SCOPE_CLAIMS
    )


def _named_server(asked: _Asked) -> ResourceServer | None:
    """The one resource server that the request names and the client may ask for."""
    resources = asked.parameters.all("resource")
    if len(resources) != 1 or resources[0] not in asked.client.resources:
        return None  # none, or `_check_resource` says what is wrong
    return asked.hints.find_resource_server(resources[0], now=asked.now)


def _may_refresh(client: Client) -> bool:
    # OpenID Connect Core §11: offline_access is ignored where it leads to no refresh token
    return (
        GrantType.REFRESH_TOKEN in client.grant_types
        and profile_of(client).refresh is not RefreshRule.FORBIDDEN
    )


def _check_prompt(asked: _Asked) -> dict[str, Any]:
    prompts = frozenset((asked.parameters.get("prompt") or "").split())
    if not prompts <= _PROMPTS:
        raise InvalidRequest("prompt has an unknown value")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none does not go with another value")
    return {"prompts": prompts}


def _check_max_age(asked: _Asked) -> dict[str, Any]:
    raw = asked.parameters.get("max_age")
    if raw is None:
        return {"max_age_s": None}
    if not raw.isascii() or not raw.isdigit() or len(raw) > 10:
        raise InvalidRequest("max_age must be a number of seconds")
    return {"max_age_s": int(raw)}


def _check_pkce(asked: _Asked) -> dict[str, Any]:
    challenge = check_challenge(
        asked.parameters.get("code_challenge"),
        method=asked.parameters.get("code_challenge_method"),
        is_required=asked.client.pkce == "required" or asked.client.is_public,
    )
    return {"code_challenge": challenge}


def _check_claims(asked: _Asked) -> dict[str, Any]:
    raw = asked.parameters.get("claims")
    if raw is None:
        return {"claims": {}}
    try:
        claims = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise InvalidRequest("claims is not JSON") from problem
    if not isinstance(claims, dict):
        raise InvalidRequest("claims must be an object")
    kept: dict[str, Any] = {}
    for place in ("userinfo", "id_token"):
        members = claims.get(place)
        if members is None:
            continue
        if not isinstance(members, dict) or not all(
            value is None or isinstance(value, dict) for value in members.values()
        ):
            raise InvalidRequest("claims has a member of the wrong form")
        kept[place] = {
            name: None if wish is None else _understood(wish)
            for name, wish in members.items()
            if name in VALUES or name in scope_names.ALWAYS
        }
    return {"claims": kept}


def _understood(wish: dict[str, Any]) -> dict[str, Any]:
    """The members of a claim request that we know; others MUST be ignored (Core §5.5.1)."""
    kept: dict[str, Any] = {}
    if isinstance(wish.get("essential"), bool):
        kept["essential"] = wish["essential"]
    if isinstance(wish.get("value"), str):
        kept["value"] = wish["value"]
    if isinstance(wish.get("values"), list):
        kept["values"] = [value for value in wish["values"] if isinstance(value, str)]
    return kept


def _check_resource(asked: _Asked) -> dict[str, Any]:
    resources = asked.parameters.all("resource")
    if not resources:
        return {"resource": None}
    if len(resources) > 1:
        raise InvalidTarget("one resource at a time")
    if _named_server(asked) is None:
        raise InvalidTarget("the resource is unknown or not for this client")
    return {"resource": resources[0]}


def _check_presentation(asked: _Asked) -> dict[str, Any]:
    display = asked.parameters.get("display") or "page"
    nonce = asked.parameters.get("nonce")
    return {
        # an unknown display is shown as a page: §3.1.2.1 leaves it to us
        "display": display if display in _DISPLAYS else "page",
        "ui_locales": _languages(asked.parameters.get("ui_locales")),
        "claims_locales": _languages(asked.parameters.get("claims_locales")),
        "acr_values": tuple((asked.parameters.get("acr_values") or "").split())[:10],
        "login_hint": (asked.parameters.get("login_hint") or "")[:100] or None,
        "nonce": nonce,
    }


def _check_expected_account(asked: _Asked) -> dict[str, Any]:
    expected: str | None = None
    hint = asked.parameters.get("id_token_hint")
    if hint is not None:
        expected = asked.hints.account_of_hint(hint, client=asked.client, now=asked.now)
        if expected is None:
            raise InvalidRequest("id_token_hint is not an ID token of ours for this client")
    claims = _check_claims(asked)["claims"]
    sub = ((claims.get("id_token") or {}).get("sub") or {}).get("value")
    if isinstance(sub, str):
        # OpenID Connect Core §5.5.1: only that subject may answer
        named = asked.hints.account_of_sub(sub, client=asked.client) or "nobody"
        if expected is not None and expected != named:
            raise InvalidRequest("id_token_hint and claims name different persons")
        expected = named
    return {"expected_account": expected}


def _check_capacity(asked: _Asked) -> dict[str, Any]:
    wish = asked.parameters.get("antin_capacity")
    if wish is not None and wish not in _CAPACITIES and not _ENTERPRISE_CODE.match(wish):
        raise InvalidRequest("antin_capacity must be person, organisation or an enterprise code")
    allowed = asked.client.capacities
    if allowed is Capacities.PERSON_ONLY:
        if wish not in {None, "person"}:
            raise InvalidRequest("the client may not ask for an organisation")
        wish = "person"
    elif allowed is Capacities.ORGANISATION_ONLY:
        if wish == "person":
            raise InvalidRequest("the client may not ask for a person alone")
        wish = wish or "organisation"
    elif wish is None and scope_names.ORGANIZATION not in _check_scope(asked)["scopes"]:
        wish = "person"  # who does not ask about organisations is told nothing of them
    procedure = asked.parameters.get("antin_procedure")
    if procedure is not None and not _PROCEDURE.match(procedure):
        raise InvalidRequest("antin_procedure must be a procedure code")
    return {"capacity": wish, "procedure": procedure}


CHECKS: Final[tuple[Callable[[_Asked], dict[str, Any]], ...]] = (
    _refuse_repeated,
    _refuse_request_objects,
    _check_response_type,
    _check_scope,
    _check_prompt,
    _check_max_age,
    _check_pkce,
    _check_claims,
    _check_resource,
    _check_presentation,
    _check_expected_account,
    _check_capacity,
)
"""In order; each returns the fields that it settled.  OpenID Connect Core §3.1.2.2."""


def check_authorization_request(
    parameters: Parameters, *, to: ReturnAddress, hints: Hints, now: datetime
) -> AuthorizationRequest:
    """Run every check on a request whose client and redirect URI are settled.

    Raises  OAuthError of the first check that says no; it is sent to `to.redirect_uri`.
    Source  OpenID Connect Core §3.1.2.1, §3.1.2.2.
    """
    asked = _Asked(parameters, to.client, hints, now)
    fields: dict[str, Any] = {}
    for check in CHECKS:
        fields.update(check(asked))
    return AuthorizationRequest(
        client_id=to.client.client_id,
        redirect_uri=to.redirect_uri,
        response_mode=to.response_mode,
        state=to.state,
        **fields,
    )


def _languages(raw: str | None) -> tuple[str, ...]:
    tags = (raw or "").split()[:_MOST_TAGS]
    return tuple(tag for tag in tags if len(tag) <= _LONGEST_TAG and _LANGUAGE.match(tag))
