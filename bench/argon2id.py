"""What argon2id alone allows: passwords checked in a second by one core that does nothing else.

    python -m bench.argon2id SECONDS

What lives here: a loop over the very function that signing in calls, at its costs.
"""

from __future__ import annotations

import sys
import time

from idp.accounts.passwords import Argon2Costs, Hashing


def measure(seconds: float) -> float:
    """Checks in a second, over `seconds` or a little more."""
    hashing = Hashing(Argon2Costs())
    secret = b"mat-khau-do-luong"
    encoded = hashing.hash(secret)
    done, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds:
        assert hashing.verify(encoded, secret)
        done += 1
    return done / elapsed


if __name__ == "__main__":
    print(measure(float(sys.argv[1])))
