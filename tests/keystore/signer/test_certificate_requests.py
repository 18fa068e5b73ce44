"""A personal key asks for its own certificate, and a document never passes for such a request."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from keystore.pki.csr import csr_info, verify_csr
from keystore.pki.der import SEQUENCE, wrap
from keystore.pki.errors import CsrRefused
from keystore.pki.personal_requests import (
    PreparedRequest,
    activation_for,
    finish_csr_for_personal_key,
    prepare_csr_for_personal_key,
)
from keystore.signer import errors
from keystore.signer.activation import SignatureActivation
from keystore.signer.client import SignerClient
from keystore.signer.storage import find_personal_key
from tests.support.signer import SIGNER, Bench, Person, events, store
from tests.support.signer_process import utc_now

_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Nguyễn Thị Lấp Lánh Ánh"),
    ]
)


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody, what their key shall sign, and what they confirm."""

    person: Person
    prepared: PreparedRequest
    activation: SignatureActivation


def _ask(person: Person, prepared: PreparedRequest, *, now: datetime) -> Asking:
    activation = activation_for(
        prepared,
        signer=SIGNER,
        request_id="req_1",
        client_id="portal",
        credential_id=person.passkey.credential_id,
        now=now,
    )
    return Asking(person, prepared, activation)


@pytest.fixture
def ask(bench: Bench, now: datetime) -> Callable[..., Asking]:
    def make(**changes: object) -> Asking:
        person = bench.enrol(now=now, **changes)
        with bench.database.read() as connection:
            key = find_personal_key(connection, person.key.key_id)
        assert key is not None
        return _ask(person, prepare_csr_for_personal_key(key, name=_NAME), now=now)

    return make


def _check_with_openssl(csr: bytes, *, folder: Path) -> None:
    file = folder / "request.der"
    file.write_bytes(csr)
    done = subprocess.run(
        ["openssl", "req", "-inform", "DER", "-in", file, "-verify", "-noout"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "verify OK" in done.stdout + done.stderr


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256-3072"])
def test_a_key_of_the_signer_asks_for_its_certificate(
    bench: Bench, ask: Callable[..., Asking], now: datetime, tmp_path: Path, algorithm: str
) -> None:
    """RFC 2986 §4.2; RFC 4055 §3.1 for RSASSA-PSS."""
    asking = ask(algorithm=algorithm)
    (signature,) = bench.service.activate(
        asking.activation,
        asking.person.confirm(asking.activation),
        request_info=asking.prepared.info,
        now=now,
    )
    csr = finish_csr_for_personal_key(asking.prepared, signature=signature)
    _check_with_openssl(csr, folder=tmp_path)
    assert verify_csr(csr, expected_name=_NAME).public_spki == asking.person.key.public_spki
    (row,) = events(bench.database, "sign:activation:accepted")
    assert '"purpose":"certificate_request"' in row["facts"]
    with pytest.raises(CsrRefused):
        finish_csr_for_personal_key(asking.prepared, signature=signature[:-1] + b"\x00")


def test_the_signer_itself_is_asked(client: SignerClient, somebody: Person, tmp_path: Path) -> None:
    """Over its socket, as a portal's page would."""
    info = csr_info(name=_NAME, public_spki=somebody.key.public_spki)
    prepared = PreparedRequest(somebody.key.key_id, somebody.account_id, "ES256", info)
    asking = _ask(somebody, prepared, now=utc_now())
    evidence = somebody.confirm(asking.activation)
    with pytest.raises(errors.ActivationMalformed, match="request"):
        client.activate(asking.activation, evidence)
    (signature,) = client.activate(asking.activation, evidence, request_info=info)
    csr = finish_csr_for_personal_key(prepared, signature=signature)
    _check_with_openssl(csr, folder=tmp_path)


def _refused(bench: Bench, asking: Asking, *, info: bytes, now: datetime) -> None:
    with pytest.raises(errors.ActivationMalformed, match="request"):
        bench.service.activate(
            asking.activation,
            asking.person.confirm(asking.activation),
            request_info=info,
            now=now,
        )


def _confirmed(asking: Asking, info: bytes, **changes: object) -> Asking:
    """The same person confirms that instead."""
    given = {"digests": (hashlib.sha256(info).digest(),)} | changes
    return replace(asking, activation=replace(asking.activation, **given))


def test_a_document_is_no_request(bench: Bench, ask: Callable[..., Asking], now: datetime) -> None:
    """The signer hashes what it is handed, and looks at it: a digest alone is never enough."""
    asking = ask()
    document = b"%PDF-1.7 I sell my house"
    for info in (b"", document, asking.prepared.info):
        _refused(bench, _confirmed(asking, document), info=info, now=now)
    assert events(bench.database, "sign:activation:accepted") == []


def test_an_activation_for_a_request_signs_one_request(
    bench: Bench, ask: Callable[..., Asking], now: datetime
) -> None:
    asking = ask()
    info = asking.prepared.info
    digest = hashlib.sha256(info).digest()
    other = hashlib.sha256(b"something beside it").digest()
    _refused(bench, _confirmed(asking, info, digests=(digest, other)), info=info, now=now)
    _refused(bench, _confirmed(asking, info, digests=(digest, digest)), info=info, now=now)
    _refused(bench, _confirmed(asking, info, digests=(other,)), info=info, now=now)


def test_an_activation_for_a_document_takes_no_request(
    bench: Bench, ask: Callable[..., Asking], now: datetime
) -> None:
    """What was confirmed as a document is recorded as one, and hashed by whoever asked."""
    asking = ask()
    info = asking.prepared.info
    _refused(bench, _confirmed(asking, info, purpose="document"), info=info, now=now)


def test_a_request_is_for_the_key_that_signs_it_and_says_no_more(
    bench: Bench, ask: Callable[..., Asking], now: datetime
) -> None:
    """RFC 2986 §4.1: version, subject, key, attributes, in this order and nothing else."""
    asking, another = ask(), ask(account_id="acc_2")
    spki = asking.person.key.public_spki
    name, version, none = _NAME.public_bytes(), b"\x02\x01\x00", b"\xa0\x00"
    right = wrap(SEQUENCE, version, name, spki, none)
    assert right == asking.prepared.info
    for info in (
        another.prepared.info,
        wrap(SEQUENCE, version, name, spki, b"\xa0\x02\x30\x00"),
        wrap(SEQUENCE, version, name, spki),
        wrap(SEQUENCE, b"\x02\x01\x01", name, spki, none),
        wrap(SEQUENCE, version, spki, none),
        wrap(SEQUENCE, version, b"\x31\x00", spki, none),
        wrap(SEQUENCE, version, name, name, spki, none),
        wrap(0x31, version, name, spki, none),
        right + b"\x00",
        right[:-1],
        wrap(SEQUENCE, version, wrap(SEQUENCE, bytes(8 * 1024)), spki, none),
        b"\x30\x80" + right[2:] + b"\x00\x00",
    ):
        _refused(bench, _confirmed(asking, info), info=info, now=now)


def test_the_public_half_is_that_of_the_key_and_not_of_the_row(
    bench: Bench, ask: Callable[..., Asking], now: datetime
) -> None:
    """Whoever owns the database puts a key of his own there: the signature would not verify."""
    asking, another = ask(), ask(account_id="acc_2")
    foreign = another.person.key.public_spki
    info = csr_info(name=_NAME, public_spki=foreign)
    store(bench.database, asking.person.key.key_id, public_spki=foreign)
    changed = _confirmed(asking, info)
    with pytest.raises(errors.KeyRecordChanged):
        bench.service.activate(
            changed.activation,
            changed.person.confirm(changed.activation),
            request_info=info,
            now=now,
        )
