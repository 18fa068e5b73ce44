"""Descriptors: as many as the system allows, and never fewer than there were."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

_SHOW: Final = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, min(hard, {hard})))
from idp.cli.descriptors import raise_descriptor_limit
print(raise_descriptor_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _SHOW.format(hard=1_000)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert said.stdout.split() == ["1000", "1000", "1000"]
