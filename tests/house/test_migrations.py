"""A revision that databases have been through stays what it was: no database goes through it again.

What lives here: what each of them was when it was released.  A change of the tables since then is a
revision of its own.
"""

from __future__ import annotations

import hashlib
from typing import Final

from tests.support.tree import ROOT

VERSIONS: Final = ROOT / "idp" / "storage" / "migrations" / "versions"
RELEASED: Final = {
    "0001_first_tables.py": "fdafd4a392d21301053d425bd11d30c2515268416c91e8e28562e14e5cd2e1f5",
    "0002_root_keys.py": "0345c800f640de1ff9d32fbd1fb19c41aa9b8ed4083b8305a03800b9730c19f6",
    "0003_keystore.py": "91d998eb5f5afea2b3b34fdd9f0937f73fbc40cfd3b3bd2a6b4628f4cd8c0b7c",
}
"""SHA-256 of each; a line is only ever added."""


def test_what_was_released_is_what_it_was() -> None:
    found = {name: hashlib.sha256((VERSIONS / name).read_bytes()).hexdigest() for name in RELEASED}
    assert found == RELEASED, "put the change into a new revision"


def test_released_revisions_come_before_all_others() -> None:
    names = sorted(file.name for file in VERSIONS.glob("[0-9]*.py"))
    assert names[: len(RELEASED)] == sorted(RELEASED)
