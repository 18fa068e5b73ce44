"""A sign-in, from the portal's button to a verified ID token.

What lives here: the authorization request and what becomes of its response (authorization code
flow with PKCE).  Not here: the steps of the ID token (`id_token.py`) and the request to the token
endpoint (`token_endpoint.py`).

Source  OIDC Core §3.1.2; RFC 7636; RFC 8707; RFC 9207; RFC 9700 §2.1.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from clients.sdk.client_auth import ClientCredentials
from clients.sdk.errors import (
    AuthorizationRefused,
    IssuerMismatch,
    LoginExpired,
    ResponseMalformed,
    StateMismatch,
    TokenAnswerMalformed,
)
from clients.sdk.id_token import ExpectedIdToken, verify_id_token
from clients.sdk.jose import encode_base64url
from clients.sdk.keys import ProviderKeys
from clients.sdk.model import Login, Metadata, PendingLogin, StartedLogin, Tokens
from clients.sdk.token_endpoint import TokenAnswer, request_tokens
from clients.sdk.transport import Transport

Capacity = Literal["person", "organisation"]

_RANDOM_BYTES = 32
_ERROR_CODE = re.compile(r"[a-z_]{1,64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginWishes:
    """What the portal asks for beside the sign-in itself; None and empty are not sent.

    `acr_values`: levels that the portal can live with; the sign-in is refused when the lowest is
    not reached.  `is_acr_essential` asks the provider to refuse it already.  `capacity` hints in
    which capacity the person should act (our parameter `antin_capacity`).
    """

    scope: tuple[str, ...] = ("openid",)
    acr_values: tuple[str, ...] = ()
    is_acr_essential: bool = False
    claims: Mapping[str, Mapping[str, object]] | None = None
    prompt: tuple[str, ...] = ()
    max_age: timedelta | None = None
    login_hint: str | None = None
    ui_locales: tuple[str, ...] = ()
    resource: str | None = None
    capacity: Capacity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginDoor:
    """The portal's side of every sign-in."""

    credentials: ClientCredentials
    redirect_uri: str
    algorithm: str
    transport: Transport
    keys: ProviderKeys
    leeway: timedelta
    lifetime: timedelta


def start_login(
    wishes: LoginWishes, *, door: LoginDoor, metadata: Metadata, now: datetime
) -> StartedLogin:
    """Make an authorization request with state, nonce and PKCE S256 of its own.

    Source  OIDC Core §3.1.2.1; RFC 7636 §4.1–4.3.
    """
    pending = PendingLogin(
        state=secrets.token_urlsafe(_RANDOM_BYTES),
        nonce=secrets.token_urlsafe(_RANDOM_BYTES),
        code_verifier=secrets.token_urlsafe(_RANDOM_BYTES),
        started_at_epoch_s=int(now.timestamp()),
        acr_values=wishes.acr_values,
        max_age_s=None if wishes.max_age is None else int(wishes.max_age.total_seconds()),
        is_reauthentication="login" in wishes.prompt,
        resource=wishes.resource,
    )
    challenge = hashlib.sha256(pending.code_verifier.encode("ascii")).digest()
    parameters = {
        "response_type": "code",
        "client_id": door.credentials.client_id,
        "redirect_uri": door.redirect_uri,
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": encode_base64url(challenge),
        "code_challenge_method": "S256",
        **_wish_parameters(wishes),
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    url = metadata.authorization_endpoint + joint + urlencode(parameters)
    return StartedLogin(url=url, state_to_keep=pending)


def finish_login(
    callback_params: Mapping[str, str] | Iterable[tuple[str, str]],
    kept: PendingLogin,
    *,
    door: LoginDoor,
    metadata: Metadata,
    now: datetime,
) -> Login:
    """Judge what the browser brought back, exchange the code, verify the ID token.

    1. No parameter that counts comes twice.
    2. `state` is that of the sign-in this browser started; it started not too long ago.
    3. `iss` is the provider that was asked; it must be there when the provider says it sends it.
    4. An error response is an answer too.
    5. The code is exchanged, with the verifier that only this sign-in knows.
    6. The ID token holds in all its steps.

    Takes   callback_params: query (or form) parameters; pairs where the framework keeps repeats.
    Raises  ResponseMalformed; StateMismatch; LoginExpired; IssuerMismatch; AuthorizationRefused;
            TokenRequestRefused; TokenAnswerMalformed; IdTokenInvalid; ProviderUnavailable.
    Source  OIDC Core §3.1.2.5–3.1.3.7; RFC 9207 §2.4; RFC 9700 §4.4.
    """
    # 1
    response = _read_once(callback_params)
    # 2
    state = response.get("state", "").encode(errors="surrogatepass")
    if not hmac.compare_digest(state, kept.state.encode()):
        raise StateMismatch
    started_at = datetime.fromtimestamp(kept.started_at_epoch_s, tz=UTC)
    if not -door.leeway <= now - started_at < door.lifetime:
        raise LoginExpired
    # 3
    iss = response.get("iss")
    if iss is None and metadata.has_iss_in_response:
        raise IssuerMismatch
    if iss is not None and iss != metadata.issuer:
        raise IssuerMismatch
    # 4
    if "error" in response:
        error = response["error"]
        raise AuthorizationRefused(error if _ERROR_CODE.match(error) else "unknown_error")
    if not response.get("code"):
        raise ResponseMalformed("code_missing")
    # 5
    answer = _exchange(response["code"], kept=kept, door=door, metadata=metadata, now=now)
    # 6
    return _verify(answer, kept=kept, started_at=started_at, door=door, metadata=metadata, now=now)


def _exchange(
    code: str, *, kept: PendingLogin, door: LoginDoor, metadata: Metadata, now: datetime
) -> TokenAnswer:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": door.redirect_uri,
        "code_verifier": kept.code_verifier,
    }
    if kept.resource is not None:
        form["resource"] = kept.resource
    return request_tokens(
        form,
        transport=door.transport,
        metadata=metadata,
        credentials=door.credentials,
        now=now,
    )


def _verify(
    answer: TokenAnswer,
    *,
    kept: PendingLogin,
    started_at: datetime,
    door: LoginDoor,
    metadata: Metadata,
    now: datetime,
) -> Login:
    if answer.unverified_id_token is None:
        raise TokenAnswerMalformed("id_token")
    claims = verify_id_token(
        answer.unverified_id_token.reveal(),
        keys=door.keys,
        expected=ExpectedIdToken(
            issuer=metadata.issuer,
            client_id=door.credentials.client_id,
            algorithm=door.algorithm,
            nonce=kept.nonce,
            access_token=answer.access_token.reveal(),
            acr_values=kept.acr_values,
            max_age=None if kept.max_age_s is None else timedelta(seconds=kept.max_age_s),
            reauthenticated_after=started_at if kept.is_reauthentication else None,
        ),
        leeway=door.leeway,
        now=now,
    )
    tokens = Tokens(
        access_token=answer.access_token,
        id_token=answer.unverified_id_token,
        refresh_token=answer.refresh_token,
        expires_at=answer.expires_at,
        scope=answer.scope or (),
    )
    return Login(claims=claims, tokens=tokens)


def _wish_parameters(wishes: LoginWishes) -> dict[str, str]:
    scope = wishes.scope if "openid" in wishes.scope else ("openid", *wishes.scope)
    claims = _claims_request(wishes)
    sent = {
        "scope": " ".join(scope),
        "acr_values": " ".join(wishes.acr_values),
        "claims": "" if claims is None else json.dumps(claims, separators=(",", ":")),
        "prompt": " ".join(wishes.prompt),
        "max_age": "" if wishes.max_age is None else str(int(wishes.max_age.total_seconds())),
        "login_hint": wishes.login_hint or "",
        "ui_locales": " ".join(wishes.ui_locales),
        "resource": wishes.resource or "",
        "antin_capacity": wishes.capacity or "",
    }
    return {name: value for name, value in sent.items() if value}


def _claims_request(wishes: LoginWishes) -> dict[str, dict[str, object]] | None:
    """Merge an essential `acr` into what the portal asks for (OIDC Core §5.5.1.1)."""
    claims = {name: dict(members) for name, members in (wishes.claims or {}).items()}
    if wishes.is_acr_essential and wishes.acr_values:
        id_token = claims.setdefault("id_token", {})
        id_token["acr"] = {"essential": True, "values": list(wishes.acr_values)}
    return claims or None


def _read_once(parameters: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    response: dict[str, str] = {}
    for name, value in pairs:
        # RFC 6749 §3.1: response parameters MUST NOT be included more than once.
        if name in response:
            raise ResponseMalformed("parameter_repeated")
        response[name] = value
    return response
