"""What signing leaves for later: portals are told, confirmed requests are finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.egress import EgressFailed, EgressRefused
from idp.egress.door import EgressReply
from idp.signing_work import EVENT, FinishSigning, SigningEvents, SigningWebhook
from idp.storage.database import Database
from idp.storage.outbox import OutboxId
from idp.work.model import Done, GiveUp, Job, Outcome, Retry
from keystore.jose import verify_jwt
from keystore.kek import load_kek
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from signing.errors import RequestUnknown
from signing.formats.material import Level
from signing.model import RequestId, RequestState, RequestText, SigningRequest
from signing.outcomes import Finished

_ISSUER = "https://idp.example"
_HOOK = "https://portal.example/hook"


@pytest.fixture
def keyring(sqlite_url: str, now: datetime) -> Keyring:
    """Keys of tokens."""
    database = Database(sqlite_url)
    kek = load_kek(file=None, value="YSByb290IGtleSBmb3IgdGVzdHMsIDMyIGJ5dGVzISE")
    sealer = Sealer.open(database, kek=kek, now=now)
    made = Keyring(
        database,
        sealer,
        log=LogWriter(sealer, writer_id="test"),
        jwks_cache=timedelta(minutes=10),
        retire_after=timedelta(hours=1),
    )
    made.ensure(now)
    return made


def _job(now: datetime, payload: Mapping[str, Any], *, attempts: int = 1) -> Job:
    return Job(
        outbox_id=OutboxId("job_1"),
        kind="signing",
        lane="signing",
        payload=payload,
        attempts=attempts,
        created_at=now,
        expires_at=now + timedelta(days=1),
    )


@dataclass(slots=True)
class Portal:
    """Stands where the egress door does."""

    outcome: int | Exception
    posted: list[tuple[str, bytes | None, str, str]] = field(default_factory=list)

    def exchange(
        self, url: str, *, body: bytes | None, content_type: str, client_id: str
    ) -> EgressReply:
        """Answer as told."""
        self.posted.append((url, body, content_type, client_id))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return EgressReply(self.outcome, "", b"")


@dataclass(slots=True)
class OneRequest:
    """Knows one request."""

    now: datetime

    def get(self, request_id: str) -> SigningRequest:
        """See `SigningRequests.get`."""
        if request_id != "sig_1":
            raise RequestUnknown
        return SigningRequest(
            request_id=RequestId("sig_1"),
            client_id="portal-a",
            state=RequestState.REFUSED,
            reason="not_mine",
            level=Level.LT,
            created_at=self.now,
            expires_at=self.now + timedelta(days=1),
            webhook_uri=_HOOK,
            text=RequestText("Đơn của Nguyễn Thị Lấp Lánh Ánh", ()),
            documents=(),
            slots=(),
        )


def _tell(
    keyring: Keyring, now: datetime, portal: Portal, *, request_id: str = "sig_1", attempts: int = 1
) -> Outcome:
    webhook = SigningWebhook(
        OneRequest(now), events=SigningEvents(keyring, issuer=_ISSUER), egress=portal
    )
    return webhook(_job(now, {"request_id": request_id}, attempts=attempts), now=now)


def test_a_portal_is_told_with_a_signed_event_that_names_nobody(
    keyring: Keyring, now: datetime
) -> None:
    """RFC 8417 §2.2 and RFC 8935 §2.1."""
    portal = Portal(202)
    assert _tell(keyring, now, portal) == Done()
    [(url, body, content_type, client_id)] = portal.posted
    assert (url, content_type, client_id) == (_HOOK, "application/secevent+jwt", "portal-a")
    assert body is not None
    claims = verify_jwt(
        body.decode(),
        keys=keyring.verification_keys(now),
        allowed_algorithms=frozenset({"ES256"}),
        expected_typ=frozenset({"secevent+jwt"}),
        expected_issuer=_ISSUER,
        expected_audience="portal-a",
        now=now,
        required=frozenset({"iss", "aud", "iat", "jti", "events"}),
    )
    said = {"request_id": "sig_1", "state": "refused", "reason": "not_mine"}
    assert claims["events"] == {EVENT: said}
    assert claims["jti"] == "job_1", "the same each time it is sent"


@pytest.mark.parametrize(
    ("answer", "attempts", "expected"),
    [
        (200, 1, Done()),
        (204, 1, Done()),
        (400, 1, Retry("status_400")),
        (400, 6, GiveUp("client_refused")),
        (404, 1, Retry("status_404")),
        (429, 1, Retry("status_429", is_lane_down=True)),
        (503, 1, Retry("status_503", is_lane_down=True)),
        (EgressRefused("private"), 1, Retry("private")),
        (EgressFailed("timeout"), 1, Retry("timeout", is_lane_down=True)),
    ],
)
def test_what_an_answer_of_the_portal_means(
    keyring: Keyring, now: datetime, answer: int | Exception, attempts: int, expected: Outcome
) -> None:
    """RFC 8935 §2.2 and §2.4; a webhook to a private address goes nowhere."""
    assert _tell(keyring, now, Portal(answer), attempts=attempts) == expected


def test_nobody_is_told_of_a_request_that_is_gone(keyring: Keyring, now: datetime) -> None:
    portal = Portal(200)
    assert _tell(keyring, now, portal, request_id="sig_2") == GiveUp("request_gone")
    assert portal.posted == []


@dataclass(slots=True)
class Outcomes:
    """Finishes as told."""

    done: Finished | Exception

    def finish(self, request_id: str, position: int, *, now: datetime) -> Finished:
        """See `Signing.finish`."""
        assert (request_id, position) == ("sig_1", 0)
        if isinstance(self.done, Exception):
            raise self.done
        return self.done


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (Finished(RequestState.SIGNED), Done()),
        (Finished(RequestState.FAILED, "revoked"), Done()),
        (Finished(RequestState.WAITING), Done()),
        (
            Finished(RequestState.CONFIRMED, "timestamp_unavailable"),
            Retry("timestamp_unavailable", is_attempt=False),
        ),
        (RequestUnknown(), GiveUp("request_gone")),
    ],
)
def test_a_confirmed_request_is_finished_until_there_is_nothing_to_do(
    now: datetime, done: Finished | Exception, expected: Outcome
) -> None:
    job = _job(now, {"request_id": "sig_1", "slot": 0})
    assert FinishSigning(Outcomes(done))(job, now=now) == expected
