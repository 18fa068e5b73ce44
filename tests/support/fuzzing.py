"""How long a fuzz run is: the same few examples in every test run, many others in `make fuzz`.

What lives here: `bounded`.  Not here: what is tried (`test_as_described.py`, `test_four_doors.py`).
"""

from __future__ import annotations

from hypothesis import settings


def bounded(examples: int) -> settings:
    """So many examples, always the same; the profile `fuzz` takes many times that, and others.

    Whatever is not the same in every run is nobody's to keep: no examples are saved.
    """
    loaded = settings.default or settings.get_profile("house")
    times = loaded.max_examples // settings.get_profile("house").max_examples
    return settings(max_examples=examples * times, derandomize=times == 1, database=None)
