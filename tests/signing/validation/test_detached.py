"""Documents that stand beside their signature."""

from __future__ import annotations

import hashlib

from signing.isolation.blob import Blob
from signing.validation.detached import Detached


def test_a_document_gives_its_digest() -> None:
    with Blob.of(b"content") as content:
        one = Detached("a.txt", content, {"sha256": b"what somebody says of it"})
        assert one.digest("sha256") == hashlib.sha256(b"content").digest()
        assert one.digest("gost") is None


def test_a_document_that_stays_with_its_owner_gives_what_the_owner_said() -> None:
    one = Detached("a.txt", None, {"sha256": b"digest"})
    assert one.digest("sha256") == b"digest"
    assert one.digest("sha512") is None
