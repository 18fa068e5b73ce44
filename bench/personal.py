"""Digests in a second through `antin signer`: a process of its own, asked over its socket.

What lives here: people with passkeys, what they confirm, prepared off the clock, and asking for the
signatures in batches as a web worker does.  The signer is on the server's core; whoever asks and
the database are on another.  Every signature is verified afterwards.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from pathlib import Path
from typing import Final

from bench.costs import Bound, Cost, Measure, Spent
from bench.machine import only_on
from bench.processes import Running
from bench.signatures import RawSigning
from bench.stores import Stores
from keystore.signer.activation import SignatureActivation
from keystore.signer.client import SignerClient
from keystore.signer.evidence import Evidence
from keystore.verifying import verify_digest
from tests.support.signer import Person
from tests.support.signer_process import SignerProcess, utc_now

_TARGET: Final = Bound(1_000, Measure.RATE)
_ROWS: Final = (
    ("digest through `antin signer`, one at a time", 1, 100, None),
    ("digest through `antin signer`, in batches of 100", 100, 20, _TARGET),
)
"""Name, digests of one confirmation, confirmations in a round."""


def measure_signer(
    stores: Stores, *, rounds: int, seconds: float, core: int, folder: Path
) -> list[Cost]:
    """Both lines; starts a signer and ends it."""
    signer, raw = SignerProcess(folder, stores.make_database()), RawSigning()
    with only_on(core):
        signer.start()
    client = signer.client()
    try:
        person = signer.enrol(client)
        _sign(signer, client, person, at_once=1, times=20)  # everything is imported and compiled
        costs = []
        for name, at_once, times, bound in _ROWS:
            taken = []
            for _ in range(rounds):
                ours = _sign(signer, client, person, at_once=at_once, times=times)
                with only_on(core):
                    taken.append((ours, raw.measure(seconds=seconds / 4)))
            costs.append(Cost(name, tuple(taken), bound))
        return costs
    finally:
        client.close()
        signer.stop()


def _sign(
    signer: SignerProcess, client: SignerClient, person: Person, *, at_once: int, times: int
) -> Spent:
    assert signer.process is not None
    server = Running(signer.process.pid, port=0)
    asked = [_confirm(person, at_once=at_once) for _ in range(times)]
    before_s, begin = server.cpu_s(), time.perf_counter()
    answers = [client.activate(activation, evidence) for activation, evidence in asked]
    elapsed_s, used_s = time.perf_counter() - begin, server.cpu_s() - before_s
    for (activation, _), signatures in zip(asked, answers, strict=True):
        for digest, signature in zip(activation.digests, signatures, strict=True):
            verify_digest(
                person.key.public_spki,
                algorithm="ES256",
                digest=digest,
                hash_name="sha256",
                signature=signature,
            )
    digests = at_once * times
    return Spent(elapsed_s * 1000 / digests, used_s * 1000 / digests)


def _confirm(person: Person, *, at_once: int) -> tuple[SignatureActivation, Evidence]:
    digests = tuple(hashlib.sha256(secrets.token_bytes(32)).digest() for _ in range(at_once))
    activation = person.activation(now=utc_now(), digests=digests)
    return activation, person.confirm(activation)
