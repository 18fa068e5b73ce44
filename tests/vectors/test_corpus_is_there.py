"""Under CI the vectors of others must run: a skip would pass for a success."""

from __future__ import annotations

import os

from tests.vectors.corpus import corpus_folder


def test_the_vectors_are_there_under_ci() -> None:
    assert not os.environ.get("CI") or (corpus_folder() / "wycheproof").is_dir()
