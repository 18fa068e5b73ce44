"""The API of the signing journey in memory, behind the provider of the SDK's tests.

What lives here: `FakeSigning`, which takes requests, remembers keys, and answers; every answer can
be spoiled by the test.  Not here: the real API, whose tests are with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from clients.sdk import HttpAnswer, HttpRequest, ProviderUnavailable
from tests.clients.sdk.provider import CLIENT_ID, ISSUER, FakeProvider

EVENT = "urn:antin:event:signing-request"
Members = dict[str, Any]


class FakeSigning(FakeProvider):
    """Answers `/sign/requests` as well; `lost` answers are made and do not arrive."""

    def __init__(self, clock) -> None:
        super().__init__(clock)
        self.tokens: list[str] = []
        self.revoked: set[str] = set()
        self.token_forms: list[Members] = []
        self.made: dict[str, Members] = {}
        self.by_key: dict[str, tuple[bytes, str]] = {}
        self.bodies: list[Members] = []
        self.files: list[dict[str, bytes]] = []
        self.lost = 0
        self.signed = b"%PDF-signed"
        self.digest_of: bytes | None = None
        self.next_answer: HttpAnswer | None = None
        self.token_lifetime_s: int | None = 300

    def send(self, request: HttpRequest) -> HttpAnswer:
        if request.where == "token":
            form = dict(parse_qsl((request.body or b"").decode()))
            if form["grant_type"] == "client_credentials":
                self.requests.append(request)
                return self._client_token(form)
        if request.where == "sign":
            self.requests.append(request)
            return self._sign(request)
        return super().send(request)

    def finish(self, request_id: str, state: str = "signed", **more: Any) -> None:
        """What happens to a request at the provider."""
        self.made[request_id] |= {"state": state, **more}

    def event_token(self, *, typ: str | None = "secevent+jwt", **changes: Any) -> str:
        """A pushed event, good unless changed; a claim changed to None is left out."""
        claims = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "iat": int(self.clock().timestamp()),
            "jti": secrets.token_urlsafe(8),
            "events": {EVENT: {"request_id": "sr_1", "state": "signed"}},
        } | changes
        return self.sign({k: v for k, v in claims.items() if v is not None}, typ=typ)

    def _client_token(self, form: Members) -> HttpAnswer:
        self.token_forms.append(form)
        token = f"at-{len(self.tokens) + 1}"
        self.tokens.append(token)
        answer = {"access_token": token, "token_type": "Bearer", "scope": form["scope"]}
        if self.token_lifetime_s is not None:
            answer["expires_in"] = self.token_lifetime_s
        return self.json(answer)

    def _sign(self, request: HttpRequest) -> HttpAnswer:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if self.is_down:
            raise ProviderUnavailable(request.where, reason="no_answer")
        if self.next_answer is not None:
            answer, self.next_answer = self.next_answer, None
            return answer
        if token in self.revoked or token not in self.tokens:
            return self._refuse(401, error="invalid_token")
        path = urlsplit(request.url).path.removeprefix("/sign/requests").strip("/").split("/")
        if request.method == "POST":
            answer = self._create(request)
            if self.lost:
                self.lost -= 1
                raise ProviderUnavailable(request.where, reason="no_answer")
            return answer
        known = self.made.get(path[0])
        if known is None:
            return self._refuse(404, error="request_unknown")
        if request.method == "DELETE":
            if known["state"] != "waiting":
                return self._refuse(409, error="request_not_waiting", state=known["state"])
            known |= {"state": "refused", "reason": "withdrawn"}
        if path[1:2] == ["documents"]:
            return self._document(known)
        return self._answer(known)

    def _create(self, request: HttpRequest) -> HttpAnswer:
        kind = request.headers["Content-Type"]
        raw = request.body or b""
        files: dict[str, bytes] = {}
        if kind != "application/json":
            whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
            parts: dict[Any, Any] = {
                part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                for part in whole.walk()
                if not part.is_multipart()
            }
            raw = parts.pop("request")
            files = parts
        key = request.headers["Idempotency-Key"]
        if key in self.by_key:
            body, request_id = self.by_key[key]
            if body != raw:
                return self._refuse(422, error="idempotency_key_reused")
            return self._answer(self.made[request_id])
        members = json.loads(raw)
        self.bodies.append(members)
        self.files.append(files)
        request_id = f"sr_{len(self.made) + 1}"
        self.by_key[key] = raw, request_id
        self.made[request_id] = {
            "request_id": request_id,
            "state": "waiting",
            "sign_uri": f"{ISSUER}/sign/{request_id}",
            "level": members.get("level", "B-LT"),
            "created_at": "2026-11-21T03:00:00Z",
            "expires_at": "2026-11-28T03:00:00Z",
            "documents": [
                {
                    "position": at,
                    "name": one["name"],
                    "kind": "pdf",
                    "format": one.get("format", "pades"),
                    "size": 11,
                    "hash": one.get("hash", "sha256"),
                    "digest": "AAAA",
                    "pages": 1,
                }
                for at, one in enumerate(members["documents"])
            ],
            "signers": [
                {"position": at, "role": one["role"], "state": "waiting"}
                for at, one in enumerate(members["signers"])
            ],
        }
        return self._answer(self.made[request_id])

    def _document(self, known: Members) -> HttpAnswer:
        if known["state"] != "signed":
            return self._refuse(409, error="not_signed", state=known["state"])
        digest = hashlib.sha256(self.digest_of or self.signed).digest()
        headers = {
            "content-type": "application/pdf",
            "repr-digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
        }
        return HttpAnswer(status=200, headers=headers, body=self.signed)

    def _answer(self, members: Members) -> HttpAnswer:
        return self.json(members)

    def _refuse(self, status: int, **members: str) -> HttpAnswer:
        return HttpAnswer(status=status, headers={}, body=json.dumps(members).encode())
