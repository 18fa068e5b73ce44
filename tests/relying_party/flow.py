"""The code flow as a relying party lives it, with the checks that hold in every run.

What lives here: requests to the authorization, token, userinfo and end-session endpoints of a
provider that is known by its issuer alone.  Source: OpenID Connect Core §3.1, §5.3, §12;
RP-Initiated Logout 1.0 §2; RFC 9207.  Not here: what one test demands beyond that.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from tests.relying_party.browser import Answer, Browser
from tests.relying_party.person import Arrival, Person, Stopped, Visit
from tests.relying_party.providers import Provider, RegisteredClient
from tests.relying_party.tokens import (
    Token,
    check_id_token,
    check_standard_claims,
    verify_signature,
)

USER_INTERFACE_NEEDED: Final = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)
"""What `prompt=none` is refused with: OpenID Connect Core §3.1.2.6."""
_PRINTABLE: Final = frozenset(chr(code) for code in range(0x20, 0x7F)) - {'"', "\\"}
"""What error and error_description may consist of: RFC 6749 §4.1.2.1, §5.2."""
_URI_SIGNS: Final = frozenset(chr(code) for code in range(0x21, 0x7F)) - {'"', "\\"}
_SUCCESS: Final = frozenset({"code", "state", "iss", "session_state"})
_FAILURE: Final = frozenset({"error", "error_description", "error_uri", "state", "iss"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """A successful token response."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    id_token: Token | None
    response: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A whole sign-in: where the browser came back, what was issued, who it was."""

    request: dict[str, str]
    arrival: Arrival
    login_languages: tuple[str, ...]
    code: str
    tokens: Tokens
    id_token: Token
    userinfo: dict[str, Any] = field(repr=False)

    @property
    def asked(self) -> tuple[str, ...]:
        """The pages that the person filled in."""
        return self.arrival.asked


class RelyingParty:
    """One client at one provider, using one response mode, with one browser at a time."""

    def __init__(
        self,
        provider: Provider,
        client: RegisteredClient,
        *,
        response_mode: str | None = None,
        watch: Callable[[str, str], None] | None = None,
    ) -> None:
        """Takes response_mode: None to leave the parameter out."""
        self.provider = provider
        self.client = client
        self.response_mode = response_mode
        self._watch = watch
        self.browser = self.new_browser()
        self.metadata: dict[str, Any] = provider.metadata

    def new_browser(self) -> Browser:
        """A browser that nobody is signed in at."""
        return Browser(self.provider.context, watch=self._watch)

    def with_client(self, name: str) -> RelyingParty:
        """The same browser at another relying party."""
        other = RelyingParty(
            self.provider,
            self.provider.clients[name],
            response_mode=self.response_mode,
            watch=self._watch,
        )
        other.browser = self.browser
        return other

    # -- authorization endpoint

    def request(self, *, scope: str = "openid", **extra: str | None) -> dict[str, str]:
        """Parameters of an authorization request; None leaves one out."""
        parameters: dict[str, str | None] = {
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": scope,
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12),
            "response_type": "code",
            "response_mode": self.response_mode,
            **extra,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def visit(
        self, request: Mapping[str, str], *, method: str = "GET", person: Person | None = None
    ) -> tuple[Arrival | Stopped, Visit]:
        """Send the browser to the authorization endpoint and fill in what it shows."""
        endpoint = self.metadata["authorization_endpoint"]
        visit = Visit(self.browser, person or self.provider.person, home=self.client.redirect_uri)
        if method == "POST":
            answer = self.browser.post(endpoint, request)
        else:
            answer = self.browser.get(f"{endpoint}?{urlencode(request)}")
        return visit.follow(answer), visit

    def arrive(self, request: Mapping[str, str], *, method: str = "GET") -> tuple[Arrival, Visit]:
        """As `visit`; fails when the browser does not come back."""
        end, visit = self.visit(request, method=method)
        assert isinstance(end, Arrival), (
            f"stopped at {end.answer.status} {end.page.headings}: {end.page.text[:300]}"
        )
        self._check_response_mode(end)
        return end, visit

    def _check_response_mode(self, arrival: Arrival) -> None:
        if self.response_mode == "form_post":
            # Form Post Response Mode §2: POST, form-encoded, nothing in the address.
            assert arrival.method == "POST"
            assert not arrival.query
        else:
            assert arrival.method == "GET"
        assert "#" not in arrival.url

    def check_success(self, arrival: Arrival, request: Mapping[str, str]) -> str:
        """An authorization response with a code: OpenID Connect Core §3.1.2.5, RFC 9207."""
        fields = arrival.fields
        assert "error" not in fields, fields
        assert fields.get("state") == request.get("state")
        self._check_iss(fields)
        assert set(fields) <= _SUCCESS, f"unexpected parameters {sorted(set(fields) - _SUCCESS)}"
        assert fields["code"]
        return fields["code"]

    def check_failure(self, arrival: Arrival, request: Mapping[str, str]) -> str:
        """An authorization error response, well formed: §3.1.2.6, RFC 6749 §4.1.2.1."""
        fields = arrival.fields
        assert fields.get("state") == request.get("state")
        self._check_iss(fields)
        assert "code" not in fields
        assert set(fields) <= _FAILURE, f"unexpected parameters {sorted(set(fields) - _FAILURE)}"
        check_error_members(fields)
        return fields["error"]

    def _check_iss(self, fields: Mapping[str, str]) -> None:
        if self.metadata.get("authorization_response_iss_parameter_supported"):
            assert fields.get("iss") == self.provider.issuer
        else:
            assert fields.get("iss", self.provider.issuer) == self.provider.issuer

    # -- token endpoint

    def token_request(self, form: Mapping[str, str]) -> Answer:
        """A token request, authenticated as the client was registered."""
        client = self.client
        body, headers = dict(form), {"Accept": "application/json"}
        if client.auth_method == "client_secret_basic":
            # RFC 6749 §2.3.1: both halves form-encoded before they are joined.
            pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif client.auth_method == "client_secret_post":
            body |= {"client_id": client.client_id, "client_secret": client.client_secret}
        else:
            body |= {"client_id": client.client_id}
        # Not through the person's browser: no cookie of theirs may matter here.
        browser = self.new_browser()
        try:
            return browser.post(self.metadata["token_endpoint"], body, headers=headers)
        finally:
            browser.close()

    def code_request(self, code: str, **extra: str) -> Answer:
        """Exchange a code."""
        redirect_uri = self.client.redirect_uri
        return self.token_request(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                **extra,
            }
        )

    def read_tokens(
        self, answer: Answer, *, nonce: str | None, is_refreshed: bool = False
    ) -> Tokens:
        """A token response and its ID token: OpenID Connect Core §3.1.3.3, RFC 6749 §5.1."""
        assert answer.status == 200, answer.text
        assert answer.media_type == "application/json"
        assert "no-store" in answer.headers.get("cache-control", "")
        response = answer.json()
        assert response["token_type"].lower() == "bearer"
        access_token = response["access_token"]
        assert access_token.isascii()
        assert len(access_token) >= 22, "an access token has at least 128 bits"
        if "expires_in" in response:
            assert isinstance(response["expires_in"], int)
            assert response["expires_in"] > 0
        refresh_token = response.get("refresh_token")
        id_token = None
        if "id_token" in response:
            id_token = self.verify(response["id_token"])
            check_id_token(
                id_token,
                issuer=self.provider.issuer,
                client_id=self.client.client_id,
                nonce=nonce,
                is_refreshed=is_refreshed,
                access_token=access_token,
            )
        return Tokens(access_token, refresh_token, id_token, response)

    def verify(self, raw: str) -> Token:
        """Verify a token with the keys published now, by the algorithm of the registration."""
        return verify_signature(raw, keys=self.keys(), algorithm=self.client.algorithm)

    def keys(self) -> Sequence[Mapping[str, Any]]:
        """The published JWK set, fetched anew."""
        answer = self._get_json(self.metadata["jwks_uri"])
        keys: Sequence[Mapping[str, Any]] = answer["keys"]
        return keys

    def _get_json(self, url: str) -> Any:
        browser = self.new_browser()
        try:
            answer = browser.get(url, headers={"Accept": "application/json"})
        finally:
            browser.close()
        assert answer.status == 200, answer.text
        return answer.json()

    # -- userinfo endpoint

    def call_userinfo(self, access_token: str, *, how: str = "get") -> Answer:
        """Takes how: `get` and `post_header` send a Bearer header, `post_body` a form field."""
        endpoint = self.metadata["userinfo_endpoint"]
        bearer = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        browser = self.new_browser()
        try:
            if how == "post_body":
                form = {"access_token": access_token}
                return browser.post(endpoint, form, headers={"Accept": "application/json"})
            if how == "post_header":
                return browser.request("POST", endpoint, headers=bearer)
            return browser.get(endpoint, headers=bearer)
        finally:
            browser.close()

    def read_userinfo(self, answer: Answer, *, sub: str) -> dict[str, Any]:
        """A userinfo response: OpenID Connect Core §5.1, §5.3.2."""
        assert answer.status == 200, f"{answer.status} {answer.headers.get('www-authenticate')}"
        assert answer.media_type == "application/json"
        claims: dict[str, Any] = answer.json()
        assert claims["sub"] == sub, "the sub of userinfo MUST be that of the ID token (§5.3.2)"
        check_standard_claims(claims)
        return claims

    # -- the whole

    def sign_in(
        self,
        request: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        **token_extra: str,
    ) -> SignIn:
        """Authorization, token and userinfo request in a row, every answer checked."""
        sent = dict(request if request is not None else self.request())
        arrival, visit = self.arrive(sent, method=method)
        return self.finish(sent, arrival, visit, **token_extra)

    def finish(
        self, request: Mapping[str, str], arrival: Arrival, visit: Visit, **token_extra: str
    ) -> SignIn:
        """What follows once the browser is back with a code."""
        code = self.check_success(arrival, request)
        answer = self.code_request(code, **token_extra)
        tokens = self.read_tokens(answer, nonce=request.get("nonce"))
        assert tokens.id_token is not None, "no ID token (§3.1.3.3)"
        sub = tokens.id_token.claims["sub"]
        userinfo = self.read_userinfo(self.call_userinfo(tokens.access_token), sub=sub)
        languages = tuple(page.language for page in visit.login_pages)
        return SignIn(
            request=dict(request),
            arrival=arrival,
            login_languages=languages,
            code=code,
            tokens=tokens,
            id_token=tokens.id_token,
            userinfo=userinfo,
        )

    def expect_no_session(self) -> None:
        """`prompt=none` is refused because somebody would have to be asked."""
        request = self.request(prompt="none")
        arrival, _ = self.arrive(request)
        assert self.check_failure(arrival, request) in USER_INTERFACE_NEEDED
        assert not arrival.asked

    def expect_session(self) -> None:
        """`prompt=none` succeeds: the person is still signed in."""
        request = self.request(prompt="none")
        arrival, _ = self.arrive(request)
        self.check_success(arrival, request)

    # -- end-session endpoint

    def end_session(self, parameters: Mapping[str, str]) -> Arrival | Stopped:
        """Send the browser to sign out; stops where a confirmation is asked for."""
        endpoint = self.metadata["end_session_endpoint"]
        url = f"{endpoint}?{urlencode(parameters)}" if parameters else endpoint
        return self._visit_logout().follow(self.browser.get(url))

    def confirm_logout(self, end: Arrival | Stopped) -> Arrival | Stopped:
        """Press the confirmation where there is one."""
        confirm = end.page.find_button("logout-confirm") if isinstance(end, Stopped) else None
        if confirm is None or not isinstance(end, Stopped):
            return end
        return self._visit_logout().follow(self.browser.press(end.page, confirm))

    def _visit_logout(self) -> Visit:
        home = self.client.post_logout_redirect_uri
        return Visit(self.browser, self.provider.person, home=home)


def check_error_members(fields: Mapping[str, Any]) -> None:
    """Signs that error members may consist of: RFC 6749 §4.1.2.1 and §5.2."""
    assert isinstance(fields["error"], str)
    assert fields["error"]
    assert set(fields["error"]) <= _PRINTABLE
    assert set(fields.get("error_description", "")) <= _PRINTABLE
    assert set(fields.get("error_uri", "")) <= _URI_SIGNS


def check_token_error(answer: Answer, *, error: str) -> None:
    """A token error response: OpenID Connect Core §3.1.3.4, RFC 6749 §5.2."""
    assert answer.status == 400, f"{answer.status} {answer.text}"
    assert answer.media_type == "application/json"
    members = answer.json()
    check_error_members(members)
    assert members["error"] == error
    assert "access_token" not in members
