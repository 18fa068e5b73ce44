"""kill -9 under signatures: each request ends signed once, and every use of a key is on record.

What lives here: two hundred documents on their way through the API and the pages, confirmed with
passkeys and some with codes, while web workers, `antin signer`, `antin verifier` and `antin work`
are killed at random; PostgreSQL and Redis, two server processes, one address, an authority of the
deployment's own.
Source: architecture, J3 and decision 11.  Not here: sign-ins (`test_killed.py`).
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select, update

from clients.registry.model import Client
from idp.accounts.credentials import StoredPassword
from idp.cli.verifier import write_public_keys
from idp.sandbox.signing_keys import make_at_counter
from idp.sandbox.trust import make_authority, make_signer_log_key
from idp.storage.outbox import outbox
from idp.storage.subjects import get_or_make_subject
from keystore.clock import to_ms
from keystore.log.events import EventType
from keystore.log.record import log_chain, log_event
from keystore.pki.model import CaKind
from keystore.signer.storage import spent_activation
from signing.model import Role
from signing.storage.preparations import signing_preparation
from signing.storage.request_tables import signing_request
from tests.support.cms_opinions import openssl_verifies
from tests.support.deployment import SECRET, Deployment, Killable, open_deployment
from tests.support.handmade_pdf import plain_document
from tests.support.many_people import PASSWORD, invent
from tests.support.pdf_checkers import embedded
from tests.support.pii_alarm import PiiAlarm
from tests.support.quick_browser import Cut, QuickBrowser
from tests.support.quiet_server import QuietServer
from tests.support.servers import PostgresqlServer, RedisServer, wait_until
from tests.support.signing_deployment import (
    CLIENT,
    PORTAL,
    SETTINGS,
    Signatory,
    SigningPortal,
    enrol,
)

SIGNINGS = 200
PEOPLE = 6
"""Who sign at once, one document after the other."""
WITH_CODES = 10
"""Who sign one document each, now and then: nobody has more than three codes at a time."""
PDF_EVERY = 10
TRIES = 8
"""How often a person confirms before she comes back later."""
_HONEST = {"signed", "failed", "waiting", "confirmed"}


@dataclass
class Told:
    """A portal's address for webhooks: which requests it was told to be signed."""

    signed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                token = self.rfile.read(int(self.headers["Content-Length"])).decode()
                payload = token.split(".")[1]
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
                (said,) = claims["events"].values()
                if said["state"] == "signed":
                    told.signed[said["request_id"]] += 1
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def told() -> Iterator[Told]:
    opened = Told()
    yield opened
    opened.close()


@dataclass
class House:
    """The deployment, its processes by what they do, who asks and who signs."""

    deployment: Deployment
    told: Told
    portal: SigningPortal
    people: list[Signatory]
    folder: Path
    with_codes: list[Signatory] = field(default_factory=list)
    running: dict[str, list[Killable]] = field(default_factory=dict)
    asked: dict[str, bytes] = field(default_factory=dict)
    """What was handed over, by request; and who signs it."""
    owners: dict[str, Signatory] = field(default_factory=dict)

    def kill(self, what: str) -> None:
        """`kill -9` for one of them, and another in its place, as whatever watches over it does."""
        self.running[what].pop(0).kill()
        self.start(what)

    def start(self, what: str) -> None:
        """One more of them."""
        match what:
            case "web":
                (made,) = self.deployment.serve(1)
            case "signer":
                made = self.deployment.signer()
            case "verifier":
                made = self.deployment.verifier()
            case _:
                made = self.deployment.work()
        self.running.setdefault(what, []).append(made)

    def root(self) -> bytes:
        """The root of its authority, PEM."""
        pki = self.deployment.services.trust.pki
        assert pki is not None
        (der,) = (one.certificate for one in pki.authorities.records() if one.kind is CaKind.ROOT)
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)

    def ask(self, number: int, person: Signatory) -> str:
        """Hand a document over until it is answered; the same one however often."""
        if number % PDF_EVERY:
            name, content = f"{number}.txt", f"Quyết định số {number}".encode()
        else:
            name, content = f"{number}.pdf", plain_document().classic()
        body: dict[str, Any] = {
            "title": f"Văn bản {number}",
            "documents": [{"name": name, "content": base64.b64encode(content).decode()}],
            "signers": [{"sub": person.sub}],
            "level": "B-T",
            "webhook_uri": f"{self.told.url}/webhook",
        }
        while True:
            try:
                made = self.portal.ask(body, key=f"document-{number}")
            except Cut:
                time.sleep(0.1)
                continue
            request_id: str = made["request_id"]
            self.asked[request_id] = content
            self.owners[request_id] = person
            return request_id

    def have_signed(self, request_id: str, person: Signatory) -> str:
        """The person at the pages, who tries again a few times; the state that she leaves."""
        tries, state = 0, "waiting"
        while tries < TRIES and state == "waiting":
            try:
                person.sign(request_id)
                state = self.portal.status(request_id)["state"]
            except Cut:
                time.sleep(0.1)
                continue
            if state == "waiting":
                tries += 1
                time.sleep(0.2)
        return state

    def has_been_asked(self, often: int) -> bool:
        """Whether so many documents have come in."""
        return len(self.asked) >= often

    def states(self) -> dict[str, str]:
        """Every request with its state, as it stands in the database."""
        query = select(signing_request.c.request_id, signing_request.c.state)
        with self.deployment.services.database.read() as connection:
            return {row.request_id: row.state for row in connection.execute(query)}

    def rows(self, kind: EventType) -> Counter[str]:
        """Of the log: how often that is on record for each request."""
        query = select(log_event.c.facts).where(log_event.c.type == kind)
        with self.deployment.services.database.read() as connection:
            facts = connection.execute(query).scalars().all()
        return Counter(json.loads(one)["request_id"] for one in facts)


def _rooms(var: Path) -> dict[str, str]:
    return {
        "ANTIN_VERIFIER_ADDRESS": f"unix:{var / 'verifier.sock'}",
        "ANTIN_SIGNER_VERIFIER_KEYS": str(var / "verifier-keys.json"),
    }


def _with_codes(deployment: Deployment, client: Client, *, stored: StoredPassword) -> Signatory:
    """Somebody whose authenticator the verifier holds, with a key that takes its codes."""
    services, inventor = deployment.services, deployment.inventor
    verifier, signing = services.verifier, services.signing
    assert verifier is not None
    assert signing is not None
    one = inventor.person(verifier=verifier, password=PASSWORD, stored=stored)
    assert one.account_id is not None
    signer = signing.signers.get_signer(one.account_id, role=Role.PERSON, organisation_id=None)
    # not before the verifier has taken her authenticator
    make_at_counter(signing, signer, verifier=verifier, now=services.time())
    with services.database.transaction() as tx:
        sub = get_or_make_subject(tx, one.account_id, sector_id=client.sector_id).sub
    browser = QuickBrowser(deployment.address.port)
    return Signatory(one.identifier, PASSWORD, sub, None, browser, one.late_code)


@pytest.fixture
def house(
    tmp_path: Path,
    postgresql_server: PostgresqlServer,
    own_redis: RedisServer,
    told: Told,
    pii_alarm: PiiAlarm,
) -> Iterator[House]:
    """Everything running, everybody with a certificate."""
    pii_alarm.seed(PASSWORD, kind="the password")
    with open_deployment(
        tmp_path,
        postgresql=postgresql_server,
        redis=own_redis,
        receiver=told.url,
        settings={**SETTINGS, **_rooms(tmp_path / "var")},
        more=CLIENT,
    ) as deployment:
        services = deployment.services
        make_authority(services, now=services.time())
        # before the signer starts: it believes statements of that key
        keys = services.settings.signer_verifier_keys
        assert keys is not None
        write_public_keys(services.settings, keys)
        signer_key = make_signer_log_key(services.settings)
        deployment.environ = {**deployment.environ, "ANTIN_SIGNER_LOG_KEYS": signer_key}
        portal = SigningPortal(deployment.address.port, services.settings.issuer, PORTAL, SECRET)
        made = House(deployment, told, portal, [], tmp_path)
        for what in ("signer", "verifier", "work"):
            made.start(what)
        made.running["web"] = deployment.serve(2)
        client = services.registry.find_client(PORTAL, now=services.time())
        assert client is not None
        for one in invent(deployment, PEOPLE):
            assert one.account_id is not None
            sub, passkey = enrol(services, one.account_id, client=client, now=services.time())
            browser = QuickBrowser(deployment.address.port)
            made.people.append(Signatory(one.identifier, PASSWORD, sub, passkey, browser))
        stored = deployment.inventor.hash(PASSWORD)
        made.with_codes = [
            _with_codes(deployment, client, stored=stored) for _ in range(WITH_CODES)
        ]
        portal.sign_in()
        yield made
        pii_alarm.watch(deployment.logs(), "log of the processes")


def _one_after_the_other(house: House, numbers: range, person: Signatory) -> list[str]:
    return [house.have_signed(house.ask(number, person), person) for number in numbers]


def _when_it_is_her_turn(house: House, at: int, person: Signatory) -> list[str]:
    """One document, as long after the first as she comes after the others."""
    moment = at * (SIGNINGS - 50) // WITH_CODES
    wait_until(partial(house.has_been_asked, moment), what="documents", timeout_s=300)
    request_id = house.ask(SIGNINGS - WITH_CODES + at, person)
    return [house.have_signed(request_id, person)]


def _kill_at_random(house: House) -> None:
    """Everybody twice, in any order, at any moment while documents come in."""
    chance = secrets.SystemRandom()
    victims = ["web", "signer", "verifier", "work"] * 2
    chance.shuffle(victims)
    moments = sorted(chance.sample(range(5, SIGNINGS - 40), len(victims)))
    for what, moment in zip(victims, moments, strict=True):
        wait_until(partial(house.has_been_asked, moment), what="documents", timeout_s=300)
        house.kill(what)


def _as_if_time_had_passed(house: House) -> None:
    """What only waits for minutes to go by: leases of work, confirmations that were cut off."""
    services = house.deployment.services
    assert services.signing is not None
    now = services.time()
    with services.database.transaction() as tx:
        tx.connection.execute(update(signing_preparation).values(finishing_ms=None))
    services.signing.confirming.recover(now + timedelta(minutes=3))
    with services.database.transaction() as tx:
        tx.connection.execute(
            update(outbox).where(outbox.c.state == "waiting").values(due_ms=to_ms(now))
        )


def _waiting_work(house: House) -> int:
    query = select(func.count()).select_from(outbox).where(outbox.c.state == "waiting")
    with house.deployment.services.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def test_two_hundred_signatures_outlive_whoever_is_killed_and_no_use_of_a_key_is_missing(
    house: House,
) -> None:
    """CEN EN 419 241-1 SRG_AA: a use of a key is on record before its signature leaves."""
    with_passkeys = SIGNINGS - WITH_CODES
    with ThreadPoolExecutor(PEOPLE + WITH_CODES + 1) as threads:
        killing = threads.submit(_kill_at_random, house)
        signing = [
            threads.submit(_one_after_the_other, house, range(at, with_passkeys, PEOPLE), person)
            for at, person in enumerate(house.people)
        ]
        signing += [
            threads.submit(_when_it_is_her_turn, house, at, person)
            for at, person in enumerate(house.with_codes)
        ]
        left = [state for one in signing for state in one.result()]
        killing.result()
    assert len(left) == SIGNINGS
    # none was made twice by a portal that did not hear the answer, none has gone
    states = house.states()
    assert set(states) == set(house.asked)
    assert len(states) == SIGNINGS
    assert set(states.values()) <= _HONEST
    _check_record(house, states)

    _as_if_time_had_passed(house)
    _finish_the_rest(house)
    states = house.states()
    assert set(states.values()) == {"signed"}
    _check_record(house, states)
    _check_documents(house)
    _check_log_is_whole(house)
    # the portal is told of each, by whichever worker is left
    _as_if_time_had_passed(house)
    wait_until(lambda: set(house.told.signed) == set(states), what="webhooks", timeout_s=300)
    wait_until(lambda: _waiting_work(house) == 0, what="the outbox to be empty", timeout_s=300)


def _finish_the_rest(house: House) -> None:
    """The worker finishes what was confirmed; who was interrupted comes and confirms again."""
    wait_until(
        lambda: "confirmed" not in house.states().values(), what="confirmed requests", timeout_s=300
    )
    for request_id, state in house.states().items():
        if state == "waiting":
            assert house.have_signed(request_id, house.owners[request_id]) == "signed"


def _check_record(house: House, states: dict[str, str]) -> None:
    accepted, signed = (
        house.rows(EventType.ACTIVATION_ACCEPTED),
        house.rows(EventType.REQUEST_SIGNED),
    )
    done = {request_id for request_id, state in states.items() if state == "signed"}
    assert signed == Counter(done), "signed is on record once for each that is signed, and no other"
    assert done <= set(accepted), "a result of a key whose use is not on record"
    with house.deployment.services.database.read() as connection:
        spent = connection.execute(select(func.count()).select_from(spent_activation)).scalar_one()
    enrolled = PEOPLE + WITH_CODES
    assert accepted.total() + enrolled == spent, "each person's key was enrolled by one as well"


def _check_documents(house: House) -> None:
    """Every result is there, over what was handed over, and OpenSSL verifies it."""
    root, services = house.root(), house.deployment.services
    house.portal.sign_in()

    def check(request_id: str) -> bool:
        content, made = house.asked[request_id], house.portal.fetch(request_id)
        signature = made
        if content.startswith(b"%PDF"):
            assert made.startswith(content), "the document is not what was handed over"
            (one,) = embedded(made)
            content, signature = one.covered, one.der
        folder = house.folder / request_id
        folder.mkdir()
        said = openssl_verifies(
            signature, root=root, folder=folder, content=content, at=services.time()
        )
        return said.is_valid

    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(check, house.asked))


def _check_log_is_whole(house: House) -> None:
    """Every row of every writer, those of killed ones as well, comes into the trees."""
    heads = select(log_event.c.writer, func.max(log_event.c.seq)).group_by(log_event.c.writer)
    chains = select(log_chain.c.writer, log_chain.c.integrated, log_chain.c.stuck_ms)

    def is_integrated() -> bool:
        with house.deployment.services.database.read() as connection:
            known = {row.writer: row for row in connection.execute(chains)}
            written = connection.execute(heads).all()
        assert not any(row.stuck_ms for row in known.values())
        return all(writer in known and known[writer].integrated == seq for writer, seq in written)

    wait_until(is_integrated, what="the log to be integrated", timeout_s=300)
