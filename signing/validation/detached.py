"""A document that a signature is about and that does not stand in the same file.

What lives here: `Detached`, with the document itself or, where it may not leave its owner, its
digests alone.  Not here: which of several a signature means; the readers look by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from signing.isolation.blob import Blob


@dataclass(frozen=True, slots=True)
class Detached:
    """One document beside the signature.

    Takes   name: its file name, empty when nobody said it; content: None when only its digests are
            known; digests: by the name of `hashlib`, used where there is no content.
    """

    name: str = field(repr=False)
    content: Blob | None = field(default=None, repr=False)
    digests: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))

    def digest(self, hash_name: str) -> bytes | None:
        """Its digest; None when it cannot be had under this hash."""
        if self.content is None:
            return self.digests.get(hash_name)
        try:
            return self.content.digest(hash_name)
        except ValueError:
            return None
