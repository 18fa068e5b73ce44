"""Witnesses are asked through the one door."""

from __future__ import annotations

import pytest

from idp.egress import Egress
from idp.egress.witnesses import EgressWitnesses
from keystore.log.errors import WitnessUnreachable
from keystore.log.witness import SIZE_TYPE
from tests.support.log_trees import RawLogKeys, WitnessThread


@pytest.fixture
def witness(tmp_path, now):
    """A witness that runs."""
    logs = tuple(key for keys in RawLogKeys().by_tree(now).values() for key in keys)
    process = WitnessThread(tmp_path / "w", name="witness.example/w1", logs=logs)
    yield process
    process.stop()


def test_the_whole_reply_comes_back_whatever_its_status(witness: WitnessThread) -> None:
    asking = EgressWitnesses(Egress(allow_insecure=True))
    refused = asking.post(f"{witness.config.url}/add-checkpoint", body=b"nonsense")
    assert (refused.status, refused.body) == (400, b"malformed\n")
    assert refused.content_type != SIZE_TYPE
    assert asking.get(f"{witness.config.url}/latest/{'0' * 64}").status == 404


def test_a_witness_that_may_not_be_called_is_unreachable(witness: WitnessThread) -> None:
    """Architecture, §5.9: only https, and only addresses that the operator has opened."""
    with pytest.raises(WitnessUnreachable):
        EgressWitnesses(Egress()).get(witness.config.url)


def test_a_witness_that_is_away_is_unreachable(witness: WitnessThread) -> None:
    witness.stop()
    with pytest.raises(WitnessUnreachable):
        EgressWitnesses(Egress(allow_insecure=True)).post(witness.config.url, body=b"")
