"""How far a clock may be off before nothing is signed by it.

What lives here: the numbers, and the sum that must hold: what the sources leave open, what nobody
notices between two checks, and what the quartz drifts until a check is too old, stay together
within the accuracy that every token promises.
Source: ETSI EN 319 421 §7.7.1 (1 s or better); a quartz of a server: ± 100 ppm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from keystore.time.errors import ReferenceInvalid

_DRIFT_SHARE: Final = 0.4
_WORST_SHARE: Final = 0.7
_STEP_SHARE: Final = 0.2
_QUARTZ: Final = 100e-6
_CHECK_EVERY: Final = timedelta(seconds=64)
_CHECK_LIFETIME: Final = timedelta(minutes=10)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ClockLimits:
    """What a process and its host go by.

    `drift`: further off than this, by the best guess of the sources, is a stop;
    `worst`: a check passes if not even the worst case is further off than this;
    `step`: set by more than this since the last check, forwards or back, is a stop;
    `check_every`: how often a host asks; `check_lifetime`: for how long a check that passed holds.
    """

    accuracy: timedelta
    drift: timedelta
    worst: timedelta
    step: timedelta
    check_every: timedelta = _CHECK_EVERY
    check_lifetime: timedelta = _CHECK_LIFETIME

    def __post_init__(self) -> None:
        quartz = self.check_lifetime * _QUARTZ
        if not self.drift <= self.worst or self.worst + self.step + quartz > self.accuracy:
            raise ReferenceInvalid("limits")

    @classmethod
    def for_accuracy(cls, accuracy: timedelta) -> ClockLimits:
        """Limits that keep a promise of `accuracy`.

        Raises  ReferenceInvalid: so fine that a quartz cannot keep it for ten minutes.
        """
        return cls(
            accuracy,
            drift=accuracy * _DRIFT_SHARE,
            worst=accuracy * _WORST_SHARE,
            step=accuracy * _STEP_SHARE,
        )
