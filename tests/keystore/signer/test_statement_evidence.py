"""A statement counts when the verifier made it, for exactly this, just now."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keystore.jose import KeySet, import_own_keys, sign_jwt
from keystore.signer.errors import EvidenceRefused
from keystore.signer.evidence import StatementEvidence
from keystore.signer.statement_evidence import (
    STATEMENT_TYP,
    VerifiedStatement,
    VerifierKeys,
    verify_statement,
)
from tests.support.signer import SIGNER, Verifier

_CHALLENGE = bytes(range(32))


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    """The verifier, with its keys in a file."""
    return Verifier(tmp_path / "keys.json")


@pytest.fixture
def keys(verifier: Verifier, tmp_path: Path) -> VerifierKeys:
    """What the signer reads."""
    return VerifierKeys(tmp_path / "keys.json")


def _verify(
    evidence: StatementEvidence, keys: KeySet, *, now: datetime, **changes: Any
) -> VerifiedStatement:
    given: dict[str, Any] = {
        "expected_signer": SIGNER,
        "expected_account": "acc_1",
        "expected_challenge": _CHALLENGE,
    }
    return verify_statement(evidence, keys=keys, now=now, **(given | changes))


def test_a_right_statement_counts(verifier: Verifier, keys: VerifierKeys, now: datetime) -> None:
    evidence = verifier.states(_CHALLENGE, now=now)
    _verify(evidence, keys.current(), now=now + timedelta(seconds=299))
    assert evidence.token not in repr(evidence)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signer": "https://another.example"}, "jwt_claim_invalid"),
        ({"account_id": "acc_2"}, "statement_subject"),
        ({"challenge": bytes(32)}, "statement_for_other"),
    ],
)
def test_a_statement_for_something_else_is_refused(
    verifier: Verifier, keys: VerifierKeys, now: datetime, changes: dict[str, Any], reason: str
) -> None:
    evidence = verifier.states(changes.pop("challenge", _CHALLENGE), now=now, **changes)
    with pytest.raises(EvidenceRefused) as refused:
        _verify(evidence, keys.current(), now=now)
    assert refused.value.reason == reason


@pytest.mark.parametrize(("after", "reason"), [(306, "jwt_expired"), (-6, "jwt_not_yet_valid")])
def test_a_statement_of_another_time_is_refused(
    verifier: Verifier, keys: VerifierKeys, now: datetime, after: int, reason: str
) -> None:
    """RFC 7519 §4.1.4, §4.1.6; five seconds are left to clocks."""
    with pytest.raises(EvidenceRefused) as refused:
        _verify(
            verifier.states(_CHALLENGE, now=now), keys.current(), now=now + timedelta(seconds=after)
        )
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("changes", "typ", "reason"),
    [
        ({"exp": 3600}, STATEMENT_TYP, "statement_too_long"),
        ({"aud": [SIGNER, "https://another.example"]}, STATEMENT_TYP, "statement_audience"),
        ({"confirms": None}, STATEMENT_TYP, "statement_for_other"),
        ({"confirms": 1}, STATEMENT_TYP, "statement_for_other"),
        ({"totp_id": ...}, STATEMENT_TYP, "jwt_claim_invalid"),
        ({"totp_id": "an app"}, STATEMENT_TYP, "statement_totp"),
        ({"jti": ...}, STATEMENT_TYP, "jwt_claim_invalid"),
        ({"iat": ...}, STATEMENT_TYP, "jwt_claim_invalid"),
        ({"sub": 1}, STATEMENT_TYP, "jwt_claim_invalid"),
        ({}, "JWT", "jwt_claim_invalid"),
        ({}, "at+jwt", "jwt_claim_invalid"),
    ],
)
def test_a_token_that_is_no_statement_is_refused(
    verifier: Verifier,
    keys: VerifierKeys,
    now: datetime,
    changes: dict[str, Any],
    typ: str,
    reason: str,
) -> None:
    """RFC 8725 §3.11: one kind of token is never taken for another."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": "https://idp.example",
        "sub": "acc_1",
        "aud": SIGNER,
        "iat": issued,
        "exp": issued + changes.pop("exp", 300),
        "jti": "one",
        "totp_id": "otp_1",
        "confirms": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    }
    claims |= changes
    claims = {name: value for name, value in claims.items() if value is not ...}
    evidence = StatementEvidence(sign_jwt(claims, key=verifier, typ=typ))
    with pytest.raises(EvidenceRefused) as refused:
        _verify(evidence, keys.current(), now=now)
    assert refused.value.reason == reason


def test_nobody_elses_key_counts(verifier: Verifier, keys: VerifierKeys, now: datetime) -> None:
    forger = Verifier(None)
    evidence = forger.states(_CHALLENGE, now=now)
    with pytest.raises(EvidenceRefused, match="jws_key_unknown"):
        _verify(evidence, keys.current(), now=now)
    _verify(evidence, import_own_keys([forger.jwk]), now=now)


@pytest.mark.parametrize(
    "token", ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 20_000, "\u0111.\u0111.\u0111"]
)
def test_what_is_no_token_is_refused(keys: VerifierKeys, now: datetime, token: str) -> None:
    with pytest.raises(EvidenceRefused):
        _verify(StatementEvidence(token), keys.current(), now=now)


def test_the_verifier_changes_its_key_while_the_signer_runs(
    verifier: Verifier, keys: VerifierKeys, tmp_path: Path, now: datetime
) -> None:
    _verify(verifier.states(_CHALLENGE, now=now), keys.current(), now=now)
    successor = Verifier(tmp_path / "next.json")
    (tmp_path / "next.json").replace(tmp_path / "keys.json")
    _verify(successor.states(_CHALLENGE, now=now), keys.current(), now=now)
    with pytest.raises(EvidenceRefused):
        _verify(verifier.states(_CHALLENGE, now=now), keys.current(), now=now)


@pytest.mark.parametrize("written", [None, b"", b"{}", b'{"keys": []}', b"x" * 100_000])
def test_without_keys_nothing_is_believed(
    verifier: Verifier, tmp_path: Path, now: datetime, written: bytes | None
) -> None:
    file = tmp_path / "keys.json"
    keys = VerifierKeys(file)
    _verify(verifier.states(_CHALLENGE, now=now), keys.current(), now=now)
    if written is None:
        file.unlink()
    else:
        file.write_bytes(written)
        os.utime(file, ns=(1, 1))
    with pytest.raises(EvidenceRefused, match="jws_key_unknown"):
        _verify(verifier.states(_CHALLENGE, now=now), keys.current(), now=now)
    with pytest.raises(EvidenceRefused, match="jws_key_unknown"):
        _verify(verifier.states(_CHALLENGE, now=now), VerifierKeys(None).current(), now=now)
    assert json.dumps(verifier.jwk)


_FOR = {"organisation_id": "acc_org", "mandate_id": "mdt_1"}
_AS_ORGANISATION = {"expected_account": "acc_org", "expected_kind": "organisation"}


def test_for_an_organisation_person_and_mandate_are_named(
    verifier: Verifier, keys: VerifierKeys, now: datetime
) -> None:
    evidence = verifier.states(_CHALLENGE, now=now, **_FOR)
    stated = _verify(evidence, keys.current(), now=now, **_AS_ORGANISATION)
    assert stated == VerifiedStatement("acc_1", "mdt_1", "otp_1")
    own = _verify(verifier.states(_CHALLENGE, now=now), keys.current(), now=now)
    assert own == VerifiedStatement("acc_1", totp_id="otp_1")


@pytest.mark.parametrize(
    ("said", "expected", "reason"),
    [
        ({}, _AS_ORGANISATION, "statement_mandate"),
        ({"account_id": "acc_org"}, _AS_ORGANISATION, "statement_mandate"),
        (_FOR | {"mandate_id": ""}, _AS_ORGANISATION, "statement_mandate"),
        (_FOR | {"mandate_id": "no mandate"}, _AS_ORGANISATION, "statement_mandate"),
        (_FOR | {"organisation_id": "acc_other"}, _AS_ORGANISATION, "statement_subject"),
        (_FOR, {}, "statement_mandate"),
        (_FOR | {"organisation_id": "acc_1"}, {}, "statement_mandate"),
    ],
)
def test_a_persons_statement_opens_no_organisations_key_nor_the_other_way_round(
    verifier: Verifier,
    keys: VerifierKeys,
    now: datetime,
    said: dict[str, str],
    expected: dict[str, str],
    reason: str,
) -> None:
    evidence = verifier.states(_CHALLENGE, now=now, **said)
    with pytest.raises(EvidenceRefused) as refused:
        _verify(evidence, keys.current(), now=now, **expected)
    assert refused.value.reason == reason
