"""Tokens that other people's tools accept, and a refusal for everything else."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from keystore.errors import KeyUnavailable
from keystore.pki.timestamp_requests import Failure
from keystore.pki.timestamp_tokens import prepare_signer, rejected
from keystore.purposes import TOKENS
from tests.support.pki import SmallPki
from tests.support.timestamps import (
    OTHER_POLICY,
    POLICY,
    REFUSED_POLICY,
    SettableClock,
    SmallTsa,
    openssl_query,
)

_DATA = "một văn bản".encode()
_HASHES = ("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512")


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    return SmallPki(datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC))


@pytest.fixture
def tsa(pki: SmallPki, now: datetime, tmp_path: Path) -> SmallTsa:
    return SmallTsa(pki, SettableClock(now), tmp_path)


def _text(response: bytes, folder: Path) -> str:
    (folder / "answer").write_bytes(response)
    command = ["openssl", "ts", "-reply", "-in", str(folder / "answer"), "-text"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("hash_name", _HASHES)
def test_openssl_accepts_a_token_for_every_hash_that_is_taken(
    tsa: SmallTsa, hash_name: str, tmp_path: Path
) -> None:
    request = openssl_query(_DATA, f"-{hash_name}", "-cert", folder=tmp_path)
    response = tsa.authority().respond(request)
    said = tsa.verify_with_openssl(response, request=request)
    assert "Verification: OK" in said


def test_openssl_accepts_a_token_without_certificates_if_it_has_them(
    tsa: SmallTsa, tmp_path: Path
) -> None:
    """RFC 3161 §2.4.1: without certReq the certificates field MUST NOT be present."""
    request = openssl_query(_DATA, "-sha256", folder=tmp_path)
    response = tsa.authority().respond(request)
    chain = [tsa.pki.tsa.certificate, tsa.pki.issuing.certificate]
    assert "Verification: OK" in tsa.verify_with_openssl(response, request=request, untrusted=chain)
    assert tsa.pki.tsa.der not in response
    assert "Verification: FAILED" in tsa.verify_with_openssl(response, request=request)


def test_openssl_refuses_a_token_for_other_data(tsa: SmallTsa, tmp_path: Path) -> None:
    request = openssl_query(_DATA, "-sha256", "-cert", "-no_nonce", folder=tmp_path)
    other = openssl_query(_DATA + b"!", "-sha256", "-cert", "-no_nonce", folder=tmp_path)
    said = tsa.verify_with_openssl(tsa.authority().respond(request), request=other)
    assert "message imprint mismatch" in said


def test_rfc3161_client_accepts_and_refuses(tsa: SmallTsa) -> None:
    asked = TimestampRequestBuilder().data(_DATA).hash_algorithm(HashAlgorithm.SHA512).build()
    response = decode_timestamp_response(tsa.authority().respond(asked.as_bytes()))
    verifier = (
        VerifierBuilder.from_request(asked)
        .add_root_certificate(tsa.pki.root.certificate)
        .tsa_certificate(tsa.pki.tsa.certificate)
        .policy_id(x509.ObjectIdentifier(POLICY))
        .build()
    )
    assert verifier.verify_message(response, _DATA)
    with pytest.raises(VerificationError):
        verifier.verify_message(response, _DATA + b"!")
    info = response.tst_info
    assert info.nonce == asked.nonce
    assert info.gen_time == tsa.clock.now
    assert info.accuracy.seconds == 1
    assert info.ordering is False


def test_the_token_names_its_certificate_by_a_hash_that_openssl_checks(
    tsa: SmallTsa, tmp_path: Path
) -> None:
    """RFC 5816 §2.2.1: ESSCertIDv2 is there; other certificates beside it do not do."""
    request = openssl_query(_DATA, "-sha256", folder=tmp_path)
    response = tsa.authority().respond(request)
    assert hashlib.sha256(tsa.pki.tsa.der).digest() in response
    foreign = [tsa.pki.citizen.certificate, tsa.pki.issuing.certificate]
    said = tsa.verify_with_openssl(response, request=request, untrusted=foreign)
    assert "Verification: FAILED" in said


def test_the_time_is_written_to_the_microsecond_and_the_nonce_as_it_came(
    tsa: SmallTsa, tmp_path: Path
) -> None:
    tsa.clock.now += timedelta(microseconds=123_450)
    said = _text(
        tsa.authority(accuracy=timedelta(milliseconds=250, microseconds=3)).respond(
            openssl_query(_DATA, "-sha256", folder=tmp_path)
        ),
        tmp_path,
    )
    assert "Time stamp: Nov 21 03:04:05.12345 2026 GMT" in said
    assert "Accuracy: unspecified seconds, 0xFA millis, 0x03 micros" in said
    assert "Ordering: no" in said


def test_serial_numbers_are_never_the_same(tsa: SmallTsa, tmp_path: Path) -> None:
    """RFC 3161 §2.4.2: unique for each token, also after a crash; 160 bits at most."""
    authority, request = tsa.authority(), openssl_query(_DATA, "-sha256", folder=tmp_path)
    numbers = {
        int(
            re.findall("Serial number: 0x([0-9A-F]+)", _text(authority.respond(request), tmp_path))[
                0
            ],
            16,
        )
        for _ in range(5)
    }
    assert len(numbers) == 5
    assert all(0 < number < 1 << 127 for number in numbers)


@pytest.mark.parametrize(
    ("asked", "given_policy"), [((), POLICY), (("-tspolicy", OTHER_POLICY), OTHER_POLICY)]
)
def test_the_policy_is_the_one_that_was_asked_for(
    tsa: SmallTsa, asked: tuple[str, ...], given_policy: str, tmp_path: Path
) -> None:
    request = openssl_query(_DATA, "-sha256", *asked, folder=tmp_path)
    assert f"Policy OID: {given_policy}" in _text(tsa.authority().respond(request), tmp_path)


def test_a_policy_that_is_not_ours_is_refused(tsa: SmallTsa, tmp_path: Path) -> None:
    """RFC 3161 §2.4.2: unacceptedPolicy."""
    request = openssl_query(_DATA, "-sha256", "-tspolicy", REFUSED_POLICY, folder=tmp_path)
    response = tsa.authority().respond(request)
    assert response == rejected(Failure.UNACCEPTED_POLICY)
    said = _text(response, tmp_path)
    assert "Status: Rejected." in said
    assert "TST info:\nNot included." in said


def test_without_a_believable_clock_there_is_no_token(tsa: SmallTsa, tmp_path: Path) -> None:
    """RFC 3161 §2.1: a trustworthy source of time; §2.4.2: timeNotAvailable."""
    tsa.clock.stopped = "stopped"
    request = openssl_query(_DATA, "-sha256", folder=tmp_path)
    assert tsa.authority().respond(request) == rejected(Failure.TIME_NOT_AVAILABLE)
    assert tsa.reported == []


def test_an_order_makes_the_times_and_says_so(tsa: SmallTsa, tmp_path: Path) -> None:
    """RFC 3161 §2.4.2: ordering is true only if every token can be ordered by genTime."""
    step = timedelta(microseconds=7)
    said = _text(
        tsa.authority(order=lambda now: now + step).respond(
            openssl_query(_DATA, "-sha256", folder=tmp_path)
        ),
        tmp_path,
    )
    assert "Ordering: yes" in said
    assert "03:04:05.000007" in said


def test_outside_of_the_life_of_its_certificate_a_key_signs_nothing(
    tsa: SmallTsa, tmp_path: Path
) -> None:
    request = openssl_query(_DATA, "-sha256", folder=tmp_path)
    for instant in (
        tsa.pki.tsa.certificate.not_valid_before_utc - timedelta(seconds=1),
        tsa.pki.tsa.certificate.not_valid_after_utc + timedelta(seconds=1),
    ):
        tsa.clock.now = instant
        assert tsa.authority().respond(request) == rejected(Failure.SYSTEM_FAILURE)


def test_without_a_key_the_answer_is_a_system_failure_and_somebody_is_told(
    tsa: SmallTsa, tmp_path: Path
) -> None:
    def no_key(_now: datetime) -> None:
        raise KeyUnavailable("ES256")

    request = openssl_query(_DATA, "-sha256", folder=tmp_path)
    assert tsa.authority(signer=no_key).respond(request) == rejected(Failure.SYSTEM_FAILURE)
    assert [type(failure) for failure in tsa.reported] == [KeyUnavailable]


def test_a_key_of_another_purpose_makes_no_token(tsa: SmallTsa, tmp_path: Path) -> None:
    request = openssl_query(_DATA, "-sha256", folder=tmp_path)
    wrong = SmallTsa(tsa.pki, tsa.clock, tmp_path, purpose=TOKENS)
    assert wrong.authority().respond(request) == rejected(Failure.SYSTEM_FAILURE)
    assert type(wrong.reported[0]).__name__ == "KeyPurposeRefused"


def test_a_certificate_of_another_key_is_noticed(tsa: SmallTsa, now: datetime) -> None:
    key, chain = tsa.signer(now)
    with pytest.raises(ValueError, match="certificate_of_another_key"):
        prepare_signer(key, chain=chain[1:])


def test_the_next_key_is_taken_when_it_comes(tsa: SmallTsa, tmp_path: Path) -> None:
    """A key follows another without a restart."""
    keys = [tsa.signer(tsa.clock.now)]
    authority = tsa.authority(signer=lambda _now: keys[-1])
    request = openssl_query(_DATA, "-sha256", "-cert", folder=tmp_path)
    before = authority.respond(request)
    following = SmallPki(tsa.clock.now)
    next_key, chain = SmallTsa(following, tsa.clock, tmp_path).signer(tsa.clock.now)
    keys.append((replace(next_key, kid="next"), chain))
    after = authority.respond(request)
    assert "Verification: OK" in tsa.verify_with_openssl(before, request=request)
    assert following.tsa.der in after


@pytest.mark.parametrize("accuracy", [timedelta(0), timedelta(seconds=1, microseconds=1)])
def test_an_accuracy_that_nobody_promises_is_refused(tsa: SmallTsa, accuracy: timedelta) -> None:
    with pytest.raises(ValueError, match="accuracy"):
        tsa.authority(accuracy=accuracy)


@given(raw=st.binary(max_size=300))
def test_whatever_comes_in_an_answer_goes_out(raw: bytes, pki: SmallPki) -> None:
    tsa = SmallTsa(pki, SettableClock(pki.now), Path("unused"))
    assert tsa.authority().respond(raw)[:1] == b"\x30"
    assert tsa.reported == []
