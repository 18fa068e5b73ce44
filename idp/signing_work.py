"""What is done later, and again and again, for signing.

What lives here: finishing what was confirmed, telling portals what became of their requests, and
the duties that note when time is up.  A portal is told with a security event token, pushed: signed,
about the request and nothing else; whoever gets it asks for the rest.
Source: RFC 8417 §2.2 (the token), RFC 8935 §2 (the push and its answers).
Not here: when any of it runs (`idp/work`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from idp.egress import Egress, EgressFailed, EgressRefused
from idp.egress.door import EgressReply
from idp.signing import SigningServices
from idp.work.model import Done, Duty, GiveUp, Handler, Job, Outcome, Retry
from keystore.jose import sign_jwt
from keystore.keyring import Keyring
from signing.errors import RequestUnknown
from signing.model import RequestState, SigningRequest
from signing.outcomes import Finished
from signing.sign import FINISH_SIGNING, FINISH_SIGNING_OF_BEFORE
from signing.telling import SEND_WEBHOOK

EVENT: Final = "urn:antin:event:signing-request"
TYP: Final = "secevent+jwt"
_CONTENT_TYPE: Final = "application/secevent+jwt"
_TAKEN: Final = frozenset({200, 202, 204})
_UP: Final = frozenset(range(400, 500)) - {408, 429}
_MOST_REFUSALS: Final = 6


class Exchange(Protocol):
    """The egress door, as far as this module looks."""

    def exchange(
        self, url: str, *, body: bytes | None, content_type: str, client_id: str
    ) -> EgressReply:
        """Post, and return the whole reply.  Raises EgressRefused, EgressFailed."""


class Finishes(Protocol):
    """`Signing`, as far as this module looks."""

    def finish(self, request_id: str, position: int, *, now: datetime) -> Finished:
        """See `Signing.finish`."""


class Asked(Protocol):
    """`SigningRequests`, as far as this module looks."""

    def get(self, request_id: str) -> SigningRequest:
        """See `SigningRequests.get`."""


class FinishSigning:
    """Handler of rows of kind `FINISH_SIGNING`: a signature that waits for what it needs."""

    def __init__(self, signing: Finishes) -> None:
        self._signing = signing

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Try again; a timestamp authority that is away is no fault of the request."""
        try:
            done = self._signing.finish(job.payload["request_id"], job.payload["slot"], now=now)
        except RequestUnknown:
            return GiveUp("request_gone")
        if done.state is RequestState.CONFIRMED:
            return Retry(done.reason, is_lane_down=False, is_attempt=False)
        return Done()


class SigningEvents:
    """The security event tokens of one issuer."""

    def __init__(self, keyring: Keyring, *, issuer: str) -> None:
        self._keyring = keyring
        self._issuer = issuer

    def issue(self, request: SigningRequest, *, event_id: str, now: datetime) -> str:
        """What is said about a request: its id, its state and, where there is one, the reason.

        Takes   event_id: the same each time that one event is sent.
        Source  RFC 8417 §2.2: `jti` names the event, `exp` is not used.
        """
        said: dict[str, Any] = {"request_id": request.request_id, "state": request.state}
        if request.reason:
            said["reason"] = request.reason
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": request.client_id,
            "iat": int(now.timestamp()),
            "jti": event_id,
            "events": {EVENT: said},
        }
        return sign_jwt(claims, key=self._keyring.signing_key("ES256", now=now), typ=TYP)


class SigningWebhook:
    """Handler of rows of kind `signing_webhook`; safe to call from several threads."""

    def __init__(self, requests: Asked, *, events: SigningEvents, egress: Exchange) -> None:
        self._requests = requests
        self._events = events
        self._egress = egress

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Tell the portal how its request stands now."""
        try:
            request = self._requests.get(job.payload["request_id"])
        except RequestUnknown:
            return GiveUp("request_gone")
        token = self._events.issue(request, event_id=job.outbox_id, now=now)
        try:
            answer = self._egress.exchange(
                request.webhook_uri,
                body=token.encode("ascii"),
                content_type=_CONTENT_TYPE,
                client_id=request.client_id,
            )
        except EgressRefused as refusal:
            return Retry(refusal.reason)
        except EgressFailed as failure:
            return Retry(failure.reason, is_lane_down=True)
        if answer.status in _TAKEN:
            return Done()
        if answer.status == 400 and job.attempts >= _MOST_REFUSALS:
            return GiveUp("client_refused")
        return Retry(f"status_{answer.status}", is_lane_down=answer.status not in _UP)


def signing_handlers(
    services: SigningServices, *, keyring: Keyring, issuer: str, egress: Egress
) -> Mapping[str, Handler]:
    """Who does what signing left for later."""
    events = SigningEvents(keyring, issuer=issuer)
    finish = FinishSigning(services.signing)
    return {
        FINISH_SIGNING: finish,
        FINISH_SIGNING_OF_BEFORE: finish,
        SEND_WEBHOOK: SigningWebhook(services.requests, events=events, egress=egress),
    }


def signing_duties(services: SigningServices) -> tuple[Duty, ...]:
    """What signing needs done again and again."""
    return (
        Duty("expire_signing_requests", timedelta(seconds=10), services.requests.expire),
        Duty("recover_signing", timedelta(seconds=30), services.confirming.recover),
        Duty("purge_documents", timedelta(minutes=1), services.documents.purge),
        Duty("sweep_documents", timedelta(hours=1), services.documents.sweep),
    )
