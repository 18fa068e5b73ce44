"""What a whole signature costs: from a portal's request to what it fetches.

What lives here: a hundred digests in one request, through the use cases of this process and a real
`antin signer`; and PDFs of 200 KB at B-T over HTTP, page by page as a browser goes, by people with
passkeys, on connections that they keep.  Everything that was signed is looked at, off the clock.
Not here: the formats alone (`bench/documents.py`), the signer alone (`bench/personal.py`).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from bench.costs import Bound, Cost, Measure, Spent
from bench.documents import text_document
from bench.keystore import Place
from bench.machine import ROOT, only_on, pinned
from bench.population import PASSWORD, Person, number_of
from bench.processes import Running, run
from bench.provider import clean_environ, open_deployment, variables_of
from bench.signatures import RawSigning
from bench.trust import make_authority
from clients.registry.document import parse_document
from clients.registry.imports import import_document
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind, Profile
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.services import Services, build_services
from idp.settings import Settings
from idp.signing import SigningServices
from keystore.signer.client import SignerClient
from keystore.signer.errors import SignerUnavailable
from signing.formats.material import Level
from signing.model import RequestState, Role
from signing.new_request import NewDocument, NewRequest, NewSigner
from tests.support.authenticator import Authenticator
from tests.support.pdf_checkers import embedded
from tests.support.quick_browser import Kept, QuickBrowser
from tests.support.signing_deployment import CLIENT, PORTAL, Signatory, SigningPortal, enrol

_ROOM: Final = 6
_PEOPLE: Final = 16
_OLD_ENOUGH: Final = timedelta(days=4)
_BATCH: Final = 100
_BATCHES: Final = 10
_DIGESTS: Final = "digest through a whole request, in batches of 100"
_HTTP: Final = "PDF of 200 KB at B-T through HTTP, both cores"
_P99: Final = "the same, 99 of 100 done within"
_SECRET: Final = secrets.token_urlsafe(32)
_START_WITHIN_S: Final = 60
_WEB_WORKERS: Final = 2
_REGISTER: Final = (
    """
[[controllers]]
controller_id = "agency"
name_vi = "Cơ quan"
name_en = "Agency"
dpo_email = "dpo@agency.example"

[[sectors]]
sector_id = "land"
controller_id = "agency"
name_vi = "Đất đai"
name_en = "Land"
"""
    + CLIENT
)


@dataclass(frozen=True, slots=True)
class _Somebody:
    """A person who can sign."""

    person: Person
    sub: str
    passkey: Authenticator = field(repr=False)


@dataclass(frozen=True, slots=True)
class _House:
    """A deployment that signs: services of this process, its signer, its people."""

    services: Services
    signing: SigningServices
    signer: Running
    people: tuple[_Somebody, ...]


def measure_journey(place: Place) -> list[Cost]:
    """Every line; starts a signer and a server and ends them."""
    place.say("whole signatures")
    with _open(place) as house:
        with only_on(place.core):
            digests = _measure_digests(house, place)
        return [digests, *_measure_http(house, place)]


def _measure_digests(house: _House, place: Place) -> Cost:
    raw, taken = RawSigning(), []
    _sign_digests(house, batches=2)
    for _ in range(place.rounds):
        ours = _sign_digests(house, batches=_BATCHES)
        taken.append((ours, raw.measure(seconds=place.seconds / 4)))
    return Cost(_DIGESTS, tuple(taken), Bound(1_000, Measure.RATE))


def _sign_digests(house: _House, *, batches: int) -> Spent:
    """Requests of a hundred digests, from the portal's words to signatures at rest."""
    somebody = house.people[0]
    wanted = [
        NewRequest(
            title="Trăm văn bản",
            documents=[
                NewDocument(
                    name=f"{at}.bin", digest=hashlib.sha256(secrets.token_bytes(32)).digest()
                )
                for at in range(_BATCH)
            ],
            signers=[NewSigner(sub=somebody.sub)],
            level=Level.B,
        )
        for _ in range(batches)
    ]
    before_s = house.signer.cpu_s()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for new in wanted:
        _sign_in_process(house, somebody, new)
    elapsed_s, own_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    used_s = own_s + house.signer.cpu_s() - before_s
    done = batches * _BATCH
    return Spent(elapsed_s * 1000 / done, used_s * 1000 / done)


def _sign_in_process(house: _House, somebody: _Somebody, new: NewRequest) -> None:
    services, signing = house.services, house.signing
    made = signing.requests.create(new, client_id=PORTAL, now=services.time()).request
    signer = signing.signers.get_signer(
        somebody.person.account_id, role=Role.PERSON, organisation_id=None
    )
    (credential,) = signing.credentials.credentials_of(signer, now=services.time())
    window = signing.windows.open(
        made,
        signer=signer,
        credential=credential,
        passkey=somebody.passkey.credential_id,
        now=services.time(),
    )
    done = signing.confirming.confirm(
        made,
        signer=signer,
        confirmation=somebody.passkey.confirm(window.challenge),
        challenge=window.challenge,
        now=services.time(),
    )
    assert done.state is RequestState.SIGNED, done


def _measure_http(house: _House, place: Place) -> tuple[Cost, Cost]:
    settings = msgspec.structs.replace(house.services.settings, workers=_WEB_WORKERS)
    environ = clean_environ() | variables_of(settings) | {"ANTIN_WORKERS": str(_WEB_WORKERS)}
    everywhere = {place.core, *os.sched_getaffinity(0)}
    content, raw = text_document(), RawSigning()
    log = place.folder / "serve.log"
    command = [sys.executable, "-m", "idp.cli", "serve"]
    _spread(house.signer, everywhere)
    with run(command, port=settings.port, core=place.core, log=log, environ=environ) as server:
        _spread(server, everywhere)
        portal = SigningPortal(
            settings.port, settings.issuer, PORTAL, _SECRET, line=Kept(settings.port)
        )
        portal.sign_in()
        visitors = [
            Signatory(
                one.person.number,
                PASSWORD,
                one.sub,
                one.passkey,
                QuickBrowser(settings.port, line=Kept(settings.port)),
            )
            for one in house.people
        ]
        servers = (server, house.signer)
        _sign_over_http(portal, visitors, content, servers=servers, seconds=2)
        rates, slowest = [], []
        for _ in range(place.rounds):
            ours, p99 = _sign_over_http(
                portal, visitors, content, servers=servers, seconds=place.seconds * 4
            )
            yardstick = raw.measure(seconds=place.seconds / 4)
            rates.append((ours, yardstick))
            slowest.append((p99, yardstick))
    return (
        Cost(_HTTP, tuple(rates), Bound(50, Measure.RATE)),
        Cost(_P99, tuple(slowest), Bound(1_000, Measure.MS)),
    )


def _sign_over_http(
    portal: SigningPortal,
    visitors: Sequence[Signatory],
    content: bytes,
    *,
    servers: Sequence[Running],
    seconds: float,
) -> tuple[Spent, Spent]:
    """Everybody signs one document after the other; one signature, and the slowest of a hundred."""
    took: list[float] = []
    last: dict[str, bytes] = {}
    begin, before_s = time.perf_counter(), sum(one.cpu_s() for one in servers)

    def sign(visitor: Signatory) -> None:
        for number in itertools.count():
            if time.perf_counter() - begin >= seconds:
                return
            started = time.perf_counter()
            body = {
                "title": f"Đơn {number}",
                "documents": [{"name": "don.pdf", "part": "file", "media_type": "application/pdf"}],
                "signers": [{"sub": visitor.sub}],
                "level": "B-T",
            }
            request_id = portal.ask_with_file(body, content)["request_id"]
            assert visitor.sign(request_id)
            found = portal.status(request_id)
            assert found["state"] == "signed", found
            last[visitor.sub] = portal.fetch(request_id)
            took.append(time.perf_counter() - started)

    with ThreadPoolExecutor(len(visitors)) as threads:
        for one in [threads.submit(sign, visitor) for visitor in visitors]:
            one.result()
    elapsed_s = time.perf_counter() - begin
    cpu_ms = (sum(one.cpu_s() for one in servers) - before_s) * 1000 / len(took)
    for made in last.values():
        assert made.startswith(content)
        assert len(embedded(made)) == 1
    p99_ms = sorted(took)[int(len(took) * 0.99)] * 1000
    return Spent(elapsed_s * 1000 / len(took), cpu_ms), Spent(p99_ms, cpu_ms)


def _spread(server: Running, cores: set[int]) -> None:
    """Let a process and what it started, on one core so far, have them all."""
    for pid in server.pids():
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), cores)


@contextmanager
def _open(place: Place) -> Iterator[_House]:
    with ExitStack() as stack:
        first = stack.enter_context(
            open_deployment(
                place.stores, folder=place.folder / "journey", room=_ROOM, with_authority=True
            )
        )
        people = _add_people(first)
        _register(first)
        make_authority(first, people=people)
        signer = stack.enter_context(_run_signer(first.settings, place))
        # roots are read when services are made
        services = stack.enter_context(closing(build_services(first.settings)))
        assert services.signing is not None
        now = services.time()
        client = services.registry.find_client(PORTAL, now=now)
        assert client is not None
        able = tuple(
            _Somebody(
                one,
                *enrol(
                    services,
                    one.account_id,
                    client=client,
                    now=now,
                    registered_at=now - _OLD_ENOUGH,
                ),
            )
            for one in people
        )
        yield _House(services, services.signing, signer, able)


@contextmanager
def _run_signer(settings: Settings, place: Place) -> Iterator[Running]:
    with (place.folder / "signer.log").open("wb") as log:
        process = subprocess.Popen(
            [*pinned(place.core), sys.executable, "-m", "idp.cli", "signer"],
            cwd=ROOT,
            env=clean_environ() | variables_of(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(settings)
        yield Running(process.pid, port=0)
    finally:
        process.terminate()
        process.wait()


def _wait(settings: Settings) -> None:
    client, end = (
        SignerClient(settings.effective_signer_address, patience_s=0.2),
        time.monotonic() + _START_WITHIN_S,
    )
    with closing(client):
        while time.monotonic() < end:
            with suppress(SignerUnavailable):
                client.kek_ids()
                return
    raise TimeoutError("antin signer")


def _register(services: Services) -> None:
    text = (
        _REGISTER.replace("$issuer", services.settings.issuer)
        .replace("$secret", _SECRET)
        .replace("$receiver", "https://portal.bench.example")
        .replace('client_id = "portal-ES256"', f'client_id = "{PORTAL}"')
    )
    document = parse_document(text.encode(), file="bench")
    with services.database.transaction() as tx:
        import_document(services.registry, document, tx=tx, operator="bench", now=services.time())


def _add_people(services: Services) -> tuple[Person, ...]:
    """Invented people with a record of their proofing, as `antin accounts import` makes them."""
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    password = Passwords(Hashing(Argon2Costs())).hash_new(PASSWORD)
    made = []
    for index in range(_PEOPLE):
        number = number_of(index)
        account = lifecycle.open(
            make_account(
                kind=AccountKind.CITIZEN,
                level=AccountLevel.TWO,
                profile=Profile(name="Nguyễn Thị Đo Lường"),
                identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number)],
                now=services.time(),
            ),
            password=password,
        )
        made.append(Person(number, account.account_id))
    return tuple(made)
