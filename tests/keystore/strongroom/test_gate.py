"""Who is at the other end of a Unix socket, and what they may ask for.

unix(7), SO_PEERCRED.
"""

from __future__ import annotations

import os
import socket

import pytest

from keystore.strongroom.errors import CallerRefused
from keystore.strongroom.gate import UserGate


def _admitted(gate: UserGate) -> bool:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        admitted = gate.admit(ours, timeout_s=1)
        assert admitted.connection is ours
        return admitted.is_keeper


def test_users_come_in_and_only_keepers_are_keepers() -> None:
    me, nobody = frozenset({os.getuid()}), frozenset({os.getuid() + 1})
    assert not _admitted(UserGate(me, keepers=nobody))
    assert _admitted(UserGate(me, keepers=me))
    assert _admitted(UserGate(nobody, keepers=me)), "a keeper need not be named twice"
    with pytest.raises(CallerRefused, match="user"):
        _admitted(UserGate(nobody, keepers=nobody))
