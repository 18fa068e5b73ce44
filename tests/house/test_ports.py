"""Ports that are given to processes are not those of connections, and none is given twice."""

from __future__ import annotations

from contextlib import closing
from socket import socket

from tests.support.ports import free_port, three_free_ports


def test_no_port_is_given_twice_and_none_that_a_connection_may_take() -> None:
    given = [free_port() for _ in range(50)]
    for _ in range(20):
        first = three_free_ports()
        given += range(first, first + 3)
    assert len(set(given)) == len(given)
    assert all(20_000 <= port < 32_768 for port in given)


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    with closing(_bound_to_the_next()) as taken:
        assert free_port() != taken.getsockname()[1]


def _bound_to_the_next() -> socket:
    """It has the port that would come next; other processes of this machine may have some."""
    while True:
        taken = socket()
        try:
            taken.bind(("127.0.0.1", free_port() + 1))
        except OSError:
            taken.close()
        else:
            return taken
