"""A client of a timestamp authority takes what it can rely on, and nothing else."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from signing.errors import TimestampUnavailable
from signing.formats.timestamp_client import MAX_SKEW, TimestampClient
from signing.formats.timestamps import verify_timestamp
from tests.support.pki import SmallPki
from tests.support.signatory import POLICY, SIGNING_TIME, RealTimestamps, SigningPki
from tests.support.timestamps import SettableClock

DIGEST = hashlib.sha256(b"what is stamped").digest()


def client(timestamps: RealTimestamps, pki: SigningPki, **changes) -> TimestampClient:
    given = {"roots": [pki.root.der], "policy": POLICY, "clock": SettableClock(SIGNING_TIME).read}
    return TimestampClient(timestamps.authority.respond, **(given | changes))


def why_not(made: TimestampClient) -> str:
    with pytest.raises(TimestampUnavailable) as refused:
        made.stamp(DIGEST, hash_name="sha256")
    return str(refused.value)


def test_a_token_of_a_named_authority_is_taken(
    timestamps: RealTimestamps, signing_pki: SigningPki
) -> None:
    token = client(timestamps, signing_pki).stamp(DIGEST, hash_name="sha256")
    found = verify_timestamp(token, digest=DIGEST, hash_name="sha256")
    assert (found.gen_time, found.policy) == (SIGNING_TIME, POLICY)


def test_an_authority_that_nobody_named_is_refused(
    timestamps: RealTimestamps, signing_pki: SigningPki
) -> None:
    """RFC 3161 §2.2: the requester verifies that the authority is one that it trusts."""
    stranger = SmallPki(SIGNING_TIME - timedelta(days=1)).root.der
    assert why_not(client(timestamps, signing_pki, roots=[stranger])) == "authority"
    assert why_not(client(timestamps, signing_pki, roots=[])) == "authority"


def test_a_policy_that_the_authority_does_not_have_is_refused(
    timestamps: RealTimestamps, signing_pki: SigningPki
) -> None:
    """RFC 3161 §2.4.2: unacceptedPolicy, and no token."""
    assert why_not(client(timestamps, signing_pki, policy="2.999.7")) == "not_granted"


@pytest.mark.parametrize("sign", [1, -1])
def test_an_authority_of_another_time_is_refused(
    timestamps: RealTimestamps, signing_pki: SigningPki, sign: int
) -> None:
    """RFC 3161 §2.2: the requester compares the time with a reference of its own."""
    near = SettableClock(SIGNING_TIME + sign * MAX_SKEW)
    client(timestamps, signing_pki, clock=near.read).stamp(DIGEST, hash_name="sha256")
    far = SettableClock(SIGNING_TIME + sign * (MAX_SKEW + timedelta(seconds=2)))
    assert why_not(client(timestamps, signing_pki, clock=far.read)) == "time"
    client(timestamps, signing_pki, clock=None).stamp(DIGEST, hash_name="sha256")


def test_an_authority_whose_clock_has_stopped_gives_nothing(
    timestamps: RealTimestamps, signing_pki: SigningPki
) -> None:
    timestamps.clock.stopped = "spread"
    assert why_not(client(timestamps, signing_pki, clock=None)) == "not_granted"
