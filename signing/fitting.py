"""What each signature format takes, looked at when a request is made.

What lives here: one table of limits per format, and `check_for_format`.  A format refuses by itself
what it cannot sign, but then it is the signer who hears of it, while the portal could have changed
it; here is said beforehand what would be refused later.
Source: ETSI EN 319 162-1 annex A (names in containers); EN 319 132-1 (enveloped and enveloping);
RFC 6838 §4.2 (media types).
Not here: which formats go together, and with which kind of document (`signing/new_request.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from signing.appearance.possible import check_possible
from signing.appearance.wanted import read_wanted
from signing.errors import DocumentRefused, RequestRefused
from signing.formats.asic_container import check_name, check_names
from signing.formats.mime_types import base_type, check_mime_type
from signing.formats.xades import MOST_ENVELOPING_BYTES
from signing.formats.xades_place import MOST_BYTES, MOST_NODES_SHARED
from signing.formats.xades_references import is_plain_path
from signing.model import DocumentKind, SignatureFormat
from signing.new_request import NewDocument, NewRequest
from signing.ports import Seen

KEY_HASHES: Final = frozenset({"sha256"})
"""What people's keys sign: they are P-256 (RSA as PS256 would be the same).

A document that stays with its owner cannot be hashed here once more, so its digest has to be by the
hash of the key; a deployment whose people have P-384 keys would add `sha384`.
"""


@dataclass(frozen=True, slots=True)
class FormatLimits:
    """What one format takes.

    Takes   most_bytes: None for no limit of its own; check_name: of one document, where its name
            becomes a part of the signature; holds_media_type: whether that is signed too.
    """

    most_bytes: int | None = None
    check_name: Callable[[str], object] | None = None
    holds_media_type: bool = True


def _check_reference(name: str) -> None:
    if not is_plain_path(name):
        raise DocumentRefused("name_unusable")


FORMAT_LIMITS: Final = MappingProxyType(
    {
        SignatureFormat.PADES: FormatLimits(holds_media_type=False),
        SignatureFormat.XADES_ENVELOPED: FormatLimits(most_bytes=MOST_BYTES),
        SignatureFormat.XADES_ENVELOPING: FormatLimits(most_bytes=MOST_ENVELOPING_BYTES),
        SignatureFormat.XADES_DETACHED: FormatLimits(check_name=_check_reference),
        SignatureFormat.CADES_DETACHED: FormatLimits(),
        SignatureFormat.CADES_ENVELOPING: FormatLimits(),
        SignatureFormat.ASIC_S_CADES: FormatLimits(check_name=check_name),
        SignatureFormat.ASIC_E_CADES: FormatLimits(check_name=check_name),
        SignatureFormat.ASIC_E_XADES: FormatLimits(check_name=check_name),
    }
)


def check_for_format(
    new: NewRequest,
    seen: Sequence[Seen],
    formats: Sequence[SignatureFormat],
    *,
    hash_names: frozenset[str] = KEY_HASHES,
) -> None:
    """Refuse what the format of a document would refuse when somebody wants to sign.

    1. Each document by itself: size, name, media type, and what intake found out about it.
    2. What shall be seen of the signatures, on each document where something is.
    3. The names in a container together.

    Takes   seen, formats: of each document; hash_names: that the keys of people sign.
    Raises  RequestRefused with the reason of the format, and the part.
    """
    # 1
    for at, (one, looked, wanted) in enumerate(zip(new.documents, seen, formats, strict=True)):
        part = f"documents[{at}]"
        try:
            _check(one, looked, wanted, is_shared=len(new.signers) > 1)
        except DocumentRefused as refusal:
            named = ".name" if refusal.reason.startswith("name_") else ""
            named = ".media_type" if refusal.reason == "mime_type" else named
            raise RequestRefused(refusal.reason, part=part + named) from refusal
        if one.content is None and one.hash_name not in hash_names:
            raise RequestRefused("hash_not_of_key", part=f"{part}.hash")
    # 2
    shown = read_wanted(new.appearance, signers=len(new.signers))
    for looked, wanted in zip(seen, formats, strict=True):
        if looked.pdf is not None and wanted is SignatureFormat.PADES:
            try:
                check_possible(shown, facts=looked.pdf)
            except DocumentRefused as refusal:
                raise RequestRefused(refusal.reason, part="appearance") from refusal
    # 3
    if any(one.is_container for one in formats):
        try:
            check_names([one.name for one in new.documents])
        except DocumentRefused as refusal:
            raise RequestRefused(refusal.reason, part="documents") from refusal


def _check(one: NewDocument, looked: Seen, wanted: SignatureFormat, *, is_shared: bool) -> None:
    limits = FORMAT_LIMITS[wanted]
    if limits.most_bytes is not None and one.size_bytes > limits.most_bytes:
        raise DocumentRefused("too_large")
    if limits.check_name is not None:
        limits.check_name(one.name)
    if limits.holds_media_type and looked.kind is not DocumentKind.DIGEST:
        check_mime_type(base_type(one.media_type) or None)
    if wanted is SignatureFormat.XADES_ENVELOPED:
        if looked.no_enveloped:
            raise DocumentRefused(looked.no_enveloped)
        if is_shared and looked.nodes > MOST_NODES_SHARED:
            raise DocumentRefused("too_large_to_share")
