"""Back-channel logout: what the token says, and what an answer of the client means."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from clients.registry.model import Client, ClientStatus
from idp.egress import EgressAnswer, EgressFailed, EgressRefused
from idp.oauth.backchannel_logout import BackchannelLogout, LogoutTokens
from idp.storage.database import Database
from idp.storage.outbox import OutboxId
from idp.work.model import Done, GiveUp, Job, Outcome, Retry
from keystore.jose import VerifiedClaims, verify_jwt
from keystore.kek import load_kek
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

ISSUER = "https://id.example"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(slots=True)
class Portal:
    """Stands where the egress door does; answers with `statuses`, one after the other."""

    outcomes: list[int | Exception]
    posted: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list)

    def post_form(self, url: str, form: Mapping[str, str], *, client_id: str) -> EgressAnswer:
        """Answer as told."""
        self.posted.append((url, form, client_id))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return EgressAnswer(outcome)


_CLIENT = Client(
    client_id="portal-a",
    name_vi="Cổng A",
    name_en="Portal A",
    backchannel_logout_uri="https://portal.example/bc",
)


@dataclass(slots=True)
class Registered:
    """Stands where the registry does: what is registered now."""

    client: Client | None = _CLIENT

    def find_registered_client(self, client_id: str, *, now: datetime) -> Client | None:
        """The client, if it is this one."""
        del now
        return self.client if client_id == "portal-a" else None


def _handler(
    tokens: LogoutTokens, portal: Portal, clients: Registered | None = None
) -> BackchannelLogout:
    return BackchannelLogout(tokens, clients=clients or Registered(), egress=portal)


@pytest.fixture
def keyring(sqlite_url: str, now: datetime) -> Keyring:
    database = Database(sqlite_url)
    kek = load_kek(file=None, value=base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("="))
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


@pytest.fixture
def tokens(keyring: Keyring) -> LogoutTokens:
    return LogoutTokens(keyring, issuer=ISSUER)


def _job(now: datetime, *, attempts: int = 1) -> Job:
    payload = {
        "client_id": "portal-a",
        "sub": "sub-of-sector",
        "sid": "sid-of-client",
    }
    return Job(
        outbox_id=OutboxId("job_1"),
        kind="backchannel_logout",
        lane="portal-a",
        payload=payload,
        attempts=attempts,
        created_at=now,
        expires_at=now + timedelta(days=1),
    )


def _read(raw: str, *, keyring: Keyring, now: datetime) -> VerifiedClaims:
    return verify_jwt(
        raw,
        keys=keyring.verification_keys(now),
        allowed_algorithms=frozenset({"ES256", "RS256"}),
        expected_typ=frozenset({"logout+jwt"}),
        expected_issuer=ISSUER,
        expected_audience="portal-a",
        now=now,
    )


def _deliver(
    tokens: LogoutTokens, now: datetime, *outcomes: int | Exception, attempts: int = 1
) -> Outcome:
    portal = Portal(list(outcomes))
    return _handler(tokens, portal)(_job(now, attempts=attempts), now=now)


def test_the_token_says_who_is_signed_out_where(
    tokens: LogoutTokens, keyring: Keyring, now: datetime
) -> None:
    """The claims of Back-Channel Logout 1.0 §2.4."""
    portal = Portal([200])
    assert _handler(tokens, portal)(_job(now), now=now) == Done()
    [(url, form, client_id)] = portal.posted
    assert (url, client_id, set(form)) == (
        "https://portal.example/bc",
        "portal-a",
        {"logout_token"},
    )
    claims = dict(_read(form["logout_token"], keyring=keyring, now=now))
    assert len(claims.pop("jti")) >= 16
    issued_at = int(now.timestamp())
    assert claims == {
        "iss": ISSUER,
        "aud": "portal-a",
        "iat": issued_at,
        "exp": issued_at + 120,
        "events": {EVENT: {}},
        "sub": "sub-of-sector",
        "sid": "sid-of-client",
    }


def test_the_token_has_no_nonce(tokens: LogoutTokens, keyring: Keyring, now: datetime) -> None:
    """A nonce MUST NOT be there, so that no ID token passes for a logout token (§2.4)."""
    raw = tokens.issue(client_id="portal-a", sub="s", sid="t", algorithm="ES256", now=now)
    assert "nonce" not in _read(raw, keyring=keyring, now=now)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_the_algorithm_is_that_of_the_clients_id_tokens(
    tokens: LogoutTokens, keyring: Keyring, now: datetime, algorithm: str
) -> None:
    """Signed with what was registered for ID tokens (§2.6 step 3 at the client)."""
    raw = tokens.issue(client_id="portal-a", sub="s", sid=None, algorithm=algorithm, now=now)
    verified = verify_jwt(
        raw,
        keys=keyring.verification_keys(now),
        allowed_algorithms=frozenset({algorithm}),
        expected_typ=frozenset({"logout+jwt"}),
        expected_issuer=ISSUER,
        expected_audience="portal-a",
        now=now,
    )
    assert "sid" not in verified


def test_a_token_names_at_least_a_subject_or_a_session(tokens: LogoutTokens, now: datetime) -> None:
    """A logout token MUST contain sub, sid or both (§2.4)."""
    with pytest.raises(ValueError, match="logout_of_nobody"):
        tokens.issue(client_id="portal-a", sub=None, sid=None, algorithm="ES256", now=now)


def test_each_attempt_has_a_token_of_its_own(
    tokens: LogoutTokens, keyring: Keyring, now: datetime
) -> None:
    """A day later the token of the first attempt would be long expired and its jti used."""
    portal = Portal([503, 200])
    handler = _handler(tokens, portal)
    later = now + timedelta(hours=20)
    assert isinstance(handler(_job(now), now=now), Retry)
    assert handler(_job(now, attempts=2), now=later) == Done()
    first, second = (form["logout_token"] for _, form, _ in portal.posted)
    before = _read(first, keyring=keyring, now=now)
    after = _read(second, keyring=keyring, now=later)
    assert before["jti"] != after["jti"]
    assert after["iat"] == int(later.timestamp())


@pytest.mark.parametrize("status", [200, 204])
def test_these_answers_are_success(tokens: LogoutTokens, now: datetime, status: int) -> None:
    assert _deliver(tokens, now, status) == Done()


def test_a_client_that_refuses_the_token_is_asked_a_few_times_more(
    tokens: LogoutTokens, now: datetime
) -> None:
    """400 says that the request was invalid or the logout failed (§2.8)."""
    assert _deliver(tokens, now, 400) == Retry("status_400")
    assert _deliver(tokens, now, 400, attempts=5) == Retry("status_400")
    assert _deliver(tokens, now, 400, attempts=6) == GiveUp("client_refused")


@pytest.mark.parametrize("status", [201, 301, 302, 307, 408, 429, 500, 502, 503, 504])
def test_a_server_that_cannot_rests_its_lane(
    tokens: LogoutTokens, now: datetime, status: int
) -> None:
    assert _deliver(tokens, now, status, attempts=50) == Retry(
        f"status_{status}", is_lane_down=True
    )


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_that_is_wrong_is_tried_again_without_resting_others(
    tokens: LogoutTokens, now: datetime, status: int
) -> None:
    assert _deliver(tokens, now, status, attempts=50) == Retry(f"status_{status}")


def test_a_portal_that_is_away_rests_its_lane(tokens: LogoutTokens, now: datetime) -> None:
    assert _deliver(tokens, now, EgressFailed("timed_out")) == Retry("timed_out", is_lane_down=True)


def test_an_address_that_the_door_refuses_waits_for_the_operator(
    tokens: LogoutTokens, now: datetime
) -> None:
    refusal = EgressRefused("address_refused")
    assert _deliver(tokens, now, refusal) == Retry("address_refused")


def test_where_it_goes_and_how_it_is_signed_is_looked_up_at_each_attempt(
    tokens: LogoutTokens, keyring: Keyring, now: datetime
) -> None:
    """An operator who puts a wrong address right need not wait for tomorrow's logouts."""
    clients, portal = Registered(), Portal([404, 200])
    handler = _handler(tokens, portal, clients)
    assert handler(_job(now), now=now) == Retry("status_404")
    clients.client = replace(
        _CLIENT,
        backchannel_logout_uri="https://portal.example/right",
        id_token_signed_response_alg="RS256",
        status=ClientStatus.DISABLED,
    )
    assert handler(_job(now, attempts=2), now=now) == Done()
    url, form, _ = portal.posted[-1]
    assert url == "https://portal.example/right"
    header = form["logout_token"].partition(".")[0]
    assert json.loads(base64.urlsafe_b64decode(f"{header}=="))["alg"] == "RS256"
    assert _read(form["logout_token"], keyring=keyring, now=now)


@pytest.mark.parametrize("client", [None, replace(_CLIENT, backchannel_logout_uri=None)])
def test_a_client_that_takes_no_logouts_any_more_is_given_up(
    tokens: LogoutTokens, now: datetime, client: Client | None
) -> None:
    portal = Portal([])
    handler = _handler(tokens, portal, Registered(client))
    assert handler(_job(now), now=now) == GiveUp("no_address")
    assert portal.posted == []
