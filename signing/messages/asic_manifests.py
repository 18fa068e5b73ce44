"""What is asked about the manifests of a container.

What lives here: the task `READ_MANIFESTS` with its argument and answer.
Not here: reading (`signing/parsing/asic_manifests.py`), and whether what a manifest says is so.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

_Text = Annotated[str, msgspec.Meta(max_length=4_096)]


class ManifestsAsked(msgspec.Struct, frozen=True):
    """Asks what manifests say; they lie in the input one after the other, with these sizes."""

    sizes: tuple[int, ...]
    most_entries: int


class ManifestLine(msgspec.Struct, frozen=True):
    """A file as a manifest means it.

    Takes   uri: as written; digest_method: a URI; digest: base64 as written, without white space.
    """

    uri: _Text
    digest_method: _Text
    digest: _Text
    is_root: bool = False


class FoundManifest(msgspec.Struct, frozen=True):
    """What one manifest says.

    Takes   problem: why it could not be read, or empty; signed_by: the URI of its signature or
            timestamp.
    """

    signed_by: _Text = ""
    lines: Annotated[tuple[ManifestLine, ...], msgspec.Meta(max_length=4_000)] = ()
    problem: Annotated[str, msgspec.Meta(max_length=64)] = ""


class FoundManifests(msgspec.Struct, frozen=True):
    """The manifests in the order in which they were asked for."""

    manifests: Annotated[tuple[FoundManifest, ...], msgspec.Meta(max_length=1_000)]


READ_MANIFESTS: Final = Task(
    "signing.parsing.asic_manifests:read", ManifestsAsked, FoundManifests, most_answer_bytes=8 << 20
)
"""Input: the manifests.  Nothing is refused: what cannot be read says so in its answer."""
