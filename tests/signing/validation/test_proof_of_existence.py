"""Since when things are proved to have existed."""

from __future__ import annotations

from datetime import timedelta

from signing.validation.found import object_identity
from signing.validation.proof_of_existence import ProofsOfExistence
from tests.support.signatory import SIGNING_TIME

_DAY = timedelta(days=1)


def test_everything_that_is_there_exists_now() -> None:
    """ETSI EN 319 102-1 §5.6.3, step 1."""
    proofs = ProofsOfExistence(SIGNING_TIME)
    assert proofs.octets_since(b"anything") == SIGNING_TIME
    assert proofs.find_since(b"anything") is None


def test_the_earliest_proof_counts() -> None:
    """ETSI EN 319 102-1 §5.6.2.3."""
    proofs = ProofsOfExistence(SIGNING_TIME)
    for days in (2, 5, 1):
        proofs.prove([object_identity(b"list")], at=SIGNING_TIME - days * _DAY)
    assert proofs.octets_since(b"list") == SIGNING_TIME - 5 * _DAY
    assert proofs.find_since(b"list") == SIGNING_TIME - 5 * _DAY
    assert proofs.since(object_identity(b"list")) == SIGNING_TIME - 5 * _DAY
    assert proofs.octets_since(b"another") == SIGNING_TIME


def test_nothing_is_proved_for_the_future() -> None:
    proofs = ProofsOfExistence(SIGNING_TIME)
    proofs.prove([object_identity(b"list")], at=SIGNING_TIME + _DAY)
    assert proofs.octets_since(b"list") == SIGNING_TIME
