"""Yardsticks of the signatures: the library's own call, and what OpenSSL says of itself."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature

from bench.signatures import RawSigning, read_speed

_OUTPUT = """\
version: 3.0.2
CPUINFO: N/A
                              sign    verify    sign/s verify/s
 256 bits ecdsa (nistp256)   0.0000s   0.0001s  40000.0  13000.0
"""


def test_the_signatures_in_a_second_are_read_out_of_openssl_speed() -> None:
    spent = read_speed(_OUTPUT)
    assert spent.rate == pytest.approx(40_000)
    assert spent.cpu_ms == spent.ms


def test_output_without_such_a_line_is_no_figure() -> None:
    with pytest.raises(ValueError, match="openssl_speed"):
        read_speed(_OUTPUT.replace("nistp256", "nistp384"))


def test_the_yardstick_signs_and_a_wrong_signature_is_found() -> None:
    raw = RawSigning()
    raw.check(raw.sign_and_verify())
    with pytest.raises(InvalidSignature):
        raw.check(RawSigning().sign())
    assert raw.measure(seconds=0.002).cpu_ms > 0
