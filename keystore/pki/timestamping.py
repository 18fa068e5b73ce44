"""The timestamp authority: from a request in DER to an answer in DER.

What lives here: the decisions about one request.  Whatever comes in, an answer of the protocol
goes out: a token, or the failure that says why there is none.  `ordering` is false unless all
tokens of the authority come through one `TakeOrder`: clocks of several hosts agree to within the
accuracy, not to the order of two tokens.
Source: RFC 3161 §2.1 and §2.4; RFC 5816; ETSI EN 319 422 §5.2 (accuracy of a second or better,
present; ordering absent or false is what everybody must accept).
Not here: whether the clock may be believed (`keystore/time`), the encoding
(`keystore/pki/timestamp_tokens.py`), HTTP (`keystore/web/tsa.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from cryptography.x509 import ObjectIdentifier

from keystore.key_handle import SigningKey
from keystore.pki.timestamp_requests import (
    Failure,
    TimestampRequest,
    read_timestamp_request,
)
from keystore.pki.timestamp_tokens import (
    Accuracy,
    PreparedSigner,
    TimestampFacts,
    prepare_signer,
    rejected,
)
from keystore.time.errors import TimeNotAvailable

MAX_ACCURACY: Final = timedelta(seconds=1)
_SERIAL_BITS: Final = 127
"""At most 160 bits are allowed; random, so that no two are alike even after a crash."""
_MICROSECOND: Final = timedelta(microseconds=1)

SignerNow = Callable[[datetime], tuple[SigningKey, tuple[bytes, ...]]]
"""The key that signs timestamps at an instant and its chain (DER, its own certificate first)."""

TakeOrder = Callable[[datetime], datetime]
"""Makes an instant later than every instant it gave before, to any process."""


class ClockLike(Protocol):
    """A clock that knows whether it may be believed."""

    def read(self) -> datetime:
        """The time now, aware UTC.

        Raises  TimeNotAvailable when it would be a guess.
        """


class TimestampAuthority:
    """Answers requests; one object for all threads of a process.

    Takes   signer: looked up for every token, so that it should keep what it finds;
            policies: the first is meant where a request names none, the others are taken too;
            accuracy: what the watch over the clock guarantees, one second at most;
            order: given where all tokens of the authority go through it; then they are ordered;
            report: is told of what the answer only calls a system failure.
    Raises  ValueError for an accuracy that nobody promises.
    """

    def __init__(
        self,
        *,
        clock: ClockLike,
        signer: SignerNow,
        policies: tuple[str, ...],
        accuracy: timedelta = MAX_ACCURACY,
        order: TakeOrder | None = None,
        report: Callable[[Exception], None] | None = None,
    ) -> None:
        self._clock = clock
        self._signer = signer
        self._policies = tuple(ObjectIdentifier(policy) for policy in policies)
        self._accuracy = _as_accuracy(accuracy)
        self._order = order
        self._report = report
        self._prepared: tuple[tuple[str, tuple[bytes, ...]], PreparedSigner] | None = None

    def respond(self, raw_request: bytes) -> bytes:
        """The TimeStampResp to a request; never raises.

        1. The request is one that can be granted (`read_timestamp_request`).
        2. The policy that was asked for is one of ours.
        3. The clock is to be believed; genTime is read now, not when the request came in.
        4. There is a key whose certificate is valid at that time.
        """
        # 1
        asked = read_timestamp_request(raw_request)
        if isinstance(asked, Failure):
            return rejected(asked)
        # 2
        policy = asked.policy or self._policies[0]
        if policy not in self._policies:
            return rejected(Failure.UNACCEPTED_POLICY)
        try:
            return self._grant(asked, policy=policy)
        except TimeNotAvailable:
            return rejected(Failure.TIME_NOT_AVAILABLE)
        except Exception as failure:  # noqa: BLE001 - the protocol has an answer for it
            if self._report is not None:
                self._report(failure)
            return rejected(Failure.SYSTEM_FAILURE)

    def _grant(self, asked: TimestampRequest, *, policy: ObjectIdentifier) -> bytes:
        # 3
        gen_time = self._clock.read()
        if self._order is not None:
            gen_time = self._order(gen_time)
        # 4
        signer = self._signer_at(gen_time)
        if not signer.not_before <= gen_time <= signer.not_after:
            return rejected(Failure.SYSTEM_FAILURE)
        return signer.granted(
            TimestampFacts(
                imprint=asked.imprint,
                policy=policy,
                serial_number=secrets.randbits(_SERIAL_BITS),
                gen_time=gen_time,
                accuracy=self._accuracy,
                is_ordered=self._order is not None,
                nonce=asked.nonce,
            ),
            with_certificates=asked.wants_certificates,
        )

    def _signer_at(self, now: datetime) -> PreparedSigner:
        key, chain = self._signer(now)
        prepared, name = self._prepared, (key.kid, chain)
        if prepared is None or prepared[0] != name:
            prepared = self._prepared = (name, prepare_signer(key, chain=chain))
        return prepared[1]


def _as_accuracy(accuracy: timedelta) -> Accuracy:
    if not _MICROSECOND <= accuracy <= MAX_ACCURACY:
        raise ValueError("accuracy")
    millis, micros = divmod(accuracy.microseconds, 1000)
    return Accuracy(seconds=accuracy.seconds or None, millis=millis or None, micros=micros or None)
