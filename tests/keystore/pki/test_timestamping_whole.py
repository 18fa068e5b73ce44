"""The authority as it is put together: a watched clock, a key of the keyring, its certificate."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerifierBuilder,
    decode_timestamp_response,
)

from idp.cli.key_text import ListedKey, what_stops
from keystore.keyring import Keyring
from keystore.pki.profiles import Profile
from keystore.pki.service_certificates import ServiceCertificates
from keystore.pki.timestamp_requests import Failure
from keystore.pki.timestamp_tokens import rejected
from keystore.pki.timestamping import TimestampAuthority
from keystore.purposes import TIMESTAMP
from keystore.time.latch import release_clock
from keystore.time.limits import ClockLimits
from keystore.time.trusted_clock import TrustedClock
from keystore.web.answer import WebRequest
from keystore.web.tsa import TsaEndpoint
from tests.support.clocks import MovableMachine
from tests.support.timestamps import POLICY, SettableClock, openssl_query

_DATA = b"a document"
Ask = Callable[[bytes], bytes]


@pytest.fixture
def machine(now: datetime) -> MovableMachine:
    return MovableMachine(now + timedelta(seconds=1))


@pytest.fixture
def service(real, now: datetime) -> ServiceCertificates:
    keyring = Keyring(real.database, real.sealer, log=real.log, purpose=TIMESTAMP)
    made = ServiceCertificates(
        real.database,
        profile=Profile.TIMESTAMP,
        keyring=keyring,
        authorities=real.authorities,
        certificates=real.certificates,
    )
    made.renew_due(now)
    return made


@pytest.fixture
def ask(real, service: ServiceCertificates, machine: MovableMachine) -> Ask:
    """A POST to /tsa; returns the body of the answer."""
    clock = TrustedClock(
        real.database,
        host="host-1",
        log=real.log,
        limits=ClockLimits.for_accuracy(timedelta(seconds=1)),
        requires_checks=False,
        machine=machine.clock,
    )
    reported: list[Exception] = []
    endpoint = TsaEndpoint(
        TimestampAuthority(
            clock=clock, signer=service.signer, policies=(POLICY,), report=reported.append
        )
    )

    def post(query: bytes) -> bytes:
        request = WebRequest("POST", "/tsa", content_type="application/timestamp-query", body=query)
        answer = endpoint.answer(request, now=machine.now)
        assert answer.status == 200
        assert reported == []
        return answer.body

    return post


def _root(real) -> x509.Certificate:
    return real.authorities.get("root-1").parsed


def test_openssl_accepts_what_the_product_certifies_and_signs(
    real, ask: Ask, machine: MovableMachine, tmp_path: Path
) -> None:
    query = openssl_query(_DATA, "-sha512", "-cert", folder=tmp_path)
    (tmp_path / "answer").write_bytes(ask(query))
    (tmp_path / "root").write_bytes(_root(real).public_bytes(Encoding.PEM))
    command = ["openssl", "ts", "-verify", "-in", "answer", "-data", "data", "-CAfile", "root"]
    command += ["-attime", str(int(machine.now.timestamp()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "Verification: OK" in done.stdout, done.stderr


def test_rfc3161_client_accepts_it_too(real, ask: Ask, machine: MovableMachine) -> None:
    asked = TimestampRequestBuilder().data(_DATA).hash_algorithm(HashAlgorithm.SHA256).build()
    response = decode_timestamp_response(ask(asked.as_bytes()))
    verifier = VerifierBuilder.from_request(asked).add_root_certificate(_root(real)).build()
    assert verifier.verify_message(response, _DATA)
    assert response.tst_info.gen_time == machine.now


def test_a_clock_set_back_answers_time_not_available_until_it_is_released(
    real, ask: Ask, machine: MovableMachine, tmp_path: Path
) -> None:
    query = openssl_query(_DATA, "-sha256", folder=tmp_path)
    assert ask(query) != rejected(Failure.TIME_NOT_AVAILABLE)
    machine.set_by(timedelta(hours=-1))
    assert ask(query) == rejected(Failure.TIME_NOT_AVAILABLE)
    machine.set_by(timedelta(hours=1))
    assert ask(query) == rejected(Failure.TIME_NOT_AVAILABLE)
    release_clock(real.database, log=real.log, now=machine.now)
    machine.pass_time(timedelta(seconds=1))
    assert ask(query) != rejected(Failure.TIME_NOT_AVAILABLE)


def test_the_next_key_signs_without_a_restart(
    ask: Ask, service: ServiceCertificates, machine: MovableMachine, tmp_path: Path
) -> None:
    query = openssl_query(_DATA, "-sha256", "-cert", folder=tmp_path)
    _, (first, *_) = service.signer(machine.now)
    assert first in ask(query)
    machine.pass_time(timedelta(days=365))
    service.renew_due(machine.now)
    machine.pass_time(timedelta(hours=1))
    assert first not in ask(query)


def test_what_an_operator_is_told_before_destroying_the_last_key_is_what_happens(
    real, service: ServiceCertificates, machine: MovableMachine, tmp_path: Path
) -> None:
    """RFC 3161 §2.4.2: timeNotAvailable is about the time source, which is well."""
    keyring = Keyring(real.database, real.sealer, log=real.log, purpose=TIMESTAMP)
    (record,) = keyring.records(machine.now)
    listed = ListedKey(record, is_damaged=False, is_in_token=False)
    assert "/tsa answers systemFailure." in " ".join(what_stops(listed, others=(), now=machine.now))
    keyring.destroy(record.kid, now=machine.now)
    machine.pass_time(timedelta(minutes=5))
    clock = SettableClock(machine.now)
    authority = TimestampAuthority(clock=clock, signer=service.signer, policies=(POLICY,))
    query = openssl_query(_DATA, "-sha256", folder=tmp_path)
    assert authority.respond(query) == rejected(Failure.SYSTEM_FAILURE)
