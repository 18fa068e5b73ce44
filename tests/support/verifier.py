"""A second-factor verifier for tests: people with authenticator apps, and what they confirm.

What lives here: `VerifierBench`, a verifier inside of the test's own process, `App`, a client that
reaches it without a socket, and a thread that serves one.
Not here: the real process (`verifier_process.py`).
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from keystore.kek import Kek, KekRing
from keystore.key_handle import SigningKey
from keystore.one_time_codes import STEP_S, code_at
from keystore.second_factor.answering import Answering
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.memory import VerifierMemory
from keystore.second_factor.model import CodeOutcome, HeldTotp
from keystore.second_factor.statement_key import open_statement_key
from keystore.second_factor.verifier import SecondFactorVerifier
from keystore.second_factor.wire import decode_answer, decode_request
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.model import MadeKey
from keystore.strongroom.frames import Address, Message, Refused, encode_frame
from keystore.strongroom.gate import UserGate
from keystore.strongroom.listening import listen
from keystore.strongroom.server import RoomServer
from tests.support.signer import SIGNER, activation_of

PERSON = "acc_1"
ORGANISATION = "acc_org"
MANDATE = "mdt_1"
_HEAD = 4
_KEY = MadeKey("pkey_1", "ES256", b"spki")


@dataclass(frozen=True, slots=True)
class App:
    """An authenticator app: what the service keeps of it, and what only the telephone knows."""

    held: HeldTotp
    secret: bytes = field(repr=False)
    account_id: str = PERSON

    def code(self, *, now: datetime) -> str:
        """What it shows."""
        return code_at(self.secret, now=now)


@dataclass(slots=True)
class Registers:
    """What the registers say; a test writes into them."""

    locked: set[str] = field(default_factory=set)
    mandates: dict[str, tuple[str, str, tuple[str, ...], datetime]] = field(default_factory=dict)
    enrolled: dict[str, datetime] = field(default_factory=dict)

    def is_active(self, account_id: str) -> bool:
        """Everybody but who was locked."""
        return account_id not in self.locked

    def may_act(
        self,
        account_id: str,
        *,
        mandate_id: str,
        organisation_id: str,
        client_id: str | None,
        now: datetime,
    ) -> bool:
        """Whether the mandate is there and runs."""
        person, organisation, portals, until = self.mandates.get(mandate_id, ("", "", (), now))
        return (
            (person, organisation) == (account_id, organisation_id)
            and now < until
            and (client_id is None or not portals or client_id in portals)
        )

    def enrolled_at(self, account_id: str, *, totp_id: str) -> datetime | None:
        """When the log says so."""
        return self.enrolled.get(totp_id)


@dataclass(slots=True)
class VerifierBench:
    """One verifier in this process: what it is made of lies open."""

    folder: Path
    ring: KekRing = field(default_factory=lambda: KekRing([Kek(bytes(range(32)))]))
    registers: Registers = field(default_factory=Registers)
    confirms_at_once: bool = False
    memory: VerifierMemory = field(init=False)
    key: SigningKey = field(init=False)
    verifier: SecondFactorVerifier = field(init=False)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        """Put it together."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.start()

    def start(self) -> None:
        """As a verifier that is started again: the same files."""
        self.memory = VerifierMemory(self.folder / "memory.db")
        self.key = open_statement_key(self.folder, ring=self.ring)
        self.verifier = SecondFactorVerifier(
            ring=self.ring,
            memory=self.memory,
            key=self.key,
            registers=self.registers,
            issuer=SIGNER,
            signer=SIGNER,
            confirms_at_once=self.confirms_at_once,
        )

    def enrol(self, *, now: datetime, account_id: str = PERSON, is_proofed: bool = True) -> App:
        """Somebody with an app, whose first code was given half a minute ago."""
        totp_id = f"otp_{next(self._numbers)}"
        before = now.fromtimestamp(now.timestamp() - 4 * STEP_S, tz=now.tzinfo)
        code = f"ACTIVATION-{totp_id}" if is_proofed else ""
        if is_proofed:
            self.verifier.expect_activation(account_id, code, expires_at=now, now=before)
        made = self.verifier.make(totp_id, account_id=account_id, activation_code=code, now=before)
        app = App(HeldTotp(totp_id, made.kept), made.secret, account_id)
        said = self.verifier.check(account_id, [app.held], app.code(now=before), now=before)
        assert said.outcome == "right"
        self.registers.enrolled[totp_id] = before
        return app

    def client(self, time: Callable[[], datetime], *, is_keeper: bool = False) -> VerifierClient:
        """A client that needs no socket; every message is written and read as on the wire."""
        return _DirectClient(Answering(self.verifier, time=time), is_keeper=is_keeper)


def signing_of(now: datetime, **changes: Any) -> SignatureActivation:
    """What a code may confirm: one document, with a key that statements open."""
    return activation_of(_KEY, None, now=now, **changes)


def check_with(bench: VerifierBench, app: App, now: datetime, **changes: Any) -> str:
    """Sign in with the code of the moment, or another; what is said."""
    code = changes.get("code", app.code(now=now))
    return bench.verifier.check(app.account_id, [app.held], code, now=now).outcome


def confirm_with(
    bench: VerifierBench,
    app: App,
    wanted: SignatureActivation | KeyEnrolment,
    now: datetime,
    **changes: Any,
) -> CodeOutcome | str:
    """Confirm with the code of the moment, or another; the statement, or what is said."""
    return bench.verifier.confirm(
        app.account_id,
        [app.held],
        changes.get("code", app.code(now=now)),
        wanted=wanted,
        mandate_id=changes.get("mandate_id", ""),
        now=now,
    )


@contextmanager
def serving(bench: VerifierBench, path: Path, *, time: Callable[[], datetime]) -> Iterator[None]:
    """The verifier of a bench behind a real socket, at the time of the test; nobody is a keeper."""
    with listen(Address(path=path)) as listener:
        server = RoomServer(
            listener,
            name="verifier",
            gate=UserGate(frozenset({os.getuid()}), keepers=frozenset()),
            decode_request=decode_request,
            answering=Answering(bench.verifier, time=time),
        )
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield
        finally:
            server.stop()
            thread.join()


class _DirectClient(VerifierClient):
    def __init__(self, answering: Answering, *, is_keeper: bool) -> None:
        super().__init__("unix:/nowhere")
        self._answering = answering
        self._is_keeper = is_keeper

    def ask(self, request: Message, expected: type[Any]) -> Any:
        received = decode_request(encode_frame(request)[_HEAD:])
        answer = self._answering.answer(received, is_keeper=self._is_keeper)
        read = decode_answer(encode_frame(answer)[_HEAD:])
        if isinstance(read, Refused):
            raise read.error(self.refusals, otherwise=self.refused)
        assert isinstance(read, expected)
        return read
