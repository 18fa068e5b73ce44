"""What a JWS is over: its payload, or the documents that `sigD` names.

What lives here: `find_payload`.  A document outside is looked for by its name among those that were
handed in, and nowhere else: nothing is fetched.
Source: RFC 7515 §5.2; RFC 7797 §3; ETSI TS 119 182-1 §5.2.8 (sigD).
Not here: headers of HTTP as a payload, which are named and not resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from signing.validation.content import digest_octets
from signing.validation.detached import Detached
from signing.validation.found import ObjectKind, Packaging, SignedObject
from signing.validation.jades_properties import HASHES
from signing.validation.jws_parts import JsonRefused, Members, decode, encode
from signing.validation.verdict import Reason, because

_MECHANISM: Final = "http://uri.etsi.org/19182/"
_MOST_OBJECTS: Final = 256
_LARGEST_OBJECT: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Payload:
    """What is signed: `octets` as they go into the signature, None when they are not there."""

    octets: bytes | None = field(repr=False)
    objects: tuple[SignedObject, ...]
    packaging: Packaging
    malformed: tuple[Reason, ...] = ()


def find_payload(header: Members, written: str | None, detached: Sequence[Detached]) -> Payload:
    """What is signed: inside, or beside, or by what `sigD` says (§5.2.8)."""
    is_encoded = header.get("b64", True) is not False
    if "sigD" in header:
        if written is not None:
            return Payload(None, (), Packaging.DETACHED, (because("payload_and_sigd"),))
        said = header["sigD"]
        return _referenced(said if isinstance(said, dict) else {}, detached, is_encoded=is_encoded)
    if written is not None:
        try:
            octets = decode(written) if is_encoded else written.encode()
        except JsonRefused as refused:
            return Payload(None, (), Packaging.ENVELOPING, (because(str(refused)),))
        # the value is over the payload itself: both stand or fall together
        digest = digest_octets(octets, "sha256")
        one = SignedObject("", ObjectKind.DOCUMENT, "sha256", digest or b"", digest)
        return Payload(written.encode(), (one,), Packaging.ENVELOPING)
    content = _octets(detached[0]) if len(detached) == 1 else None
    digest = None if content is None else digest_octets(content, "sha256")
    name = detached[0].name if len(detached) == 1 else ""
    one = SignedObject(name, ObjectKind.DOCUMENT, "sha256", digest or b"", digest)
    octets_there = None
    if content is not None:
        octets_there = encode(content) if is_encoded else content
    return Payload(octets_there, (one,), Packaging.DETACHED)


def _referenced(
    said: Mapping[str, object], detached: Sequence[Detached], *, is_encoded: bool
) -> Payload:
    mechanism = str(said.get("mId", "")).removeprefix(_MECHANISM)
    names = said.get("pars")
    if not isinstance(names, list) or len(names) > _MOST_OBJECTS:
        names = []
    if mechanism == "HttpHeaders":
        lost = SignedObject("HTTP", ObjectKind.DOCUMENT, "", b"", None)
        return Payload(
            None, (lost,), Packaging.DETACHED, (because("sigd_http_headers_unsupported"),)
        )
    found = [_find(str(name), detached, is_only=len(names) == 1) for name in names]
    if mechanism == "ObjectIdByURIHash":
        return _by_hash(said, [str(name) for name in names], found, is_encoded=is_encoded)
    if mechanism != "ObjectIdByURI" or not names:
        return Payload(None, (), Packaging.DETACHED, (because("sigd_unreadable"),))
    contents = [None if one is None else _octets(one) for one in found]
    objects = tuple(
        _as_it_is(str(name), content) for name, content in zip(names, contents, strict=True)
    )
    held = [one for one in contents if one is not None]
    if len(held) != len(contents):
        return Payload(None, objects, Packaging.DETACHED)
    whole = b"".join(held)
    return Payload(encode(whole) if is_encoded else whole, objects, Packaging.DETACHED)


def _by_hash(
    said: Mapping[str, object],
    names: Sequence[str],
    found: Sequence[Detached | None],
    *,
    is_encoded: bool,
) -> Payload:
    """Digests of the objects stand in the header; the payload itself is empty (§5.2.8.3.3)."""
    hash_name = HASHES.get(str(said.get("hashM", "")), "")
    values = said.get("hashV")
    if not isinstance(values, list) or len(values) != len(names) or not names:
        return Payload(b"", (), Packaging.DETACHED, (because("sigd_unreadable"),))
    malformed = () if hash_name else (because("sigd_hash_unknown"),)
    objects: list[SignedObject] = []
    for name, raw, one in zip(names, values, found, strict=True):
        try:
            expected = decode(raw)
        except JsonRefused:
            expected = b""
        actual = _digest(one, hash_name, expected, is_encoded=is_encoded)
        objects.append(SignedObject(name, ObjectKind.DOCUMENT, hash_name, expected, actual))
    return Payload(b"", tuple(objects), Packaging.DETACHED, malformed)


def _digest(
    one: Detached | None, hash_name: str, expected: bytes, *, is_encoded: bool
) -> bytes | None:
    """Of an object, as it is or in base64url: the standard had it both ways."""
    if one is None or not hash_name:
        return None
    actual = one.digest(hash_name)
    if actual != expected and is_encoded and (content := _octets(one)) is not None:
        encoded = digest_octets(encode(content), hash_name)
        actual = encoded if encoded == expected else actual
    return actual


def _as_it_is(name: str, content: bytes | None) -> SignedObject:
    digest = None if content is None else digest_octets(content, "sha256")
    return SignedObject(name, ObjectKind.DOCUMENT, "sha256", digest or b"", digest)


def _find(name: str, detached: Sequence[Detached], *, is_only: bool) -> Detached | None:
    """A document by its name, or the only one that there is."""
    plain = unquote(name).rpartition("/")[2]
    for one in detached:
        if one.name in {name, unquote(name), plain}:
            return one
    return detached[0] if is_only and len(detached) == 1 else None


def _octets(one: Detached) -> bytes | None:
    if one.content is None or one.content.size > _LARGEST_OBJECT:
        return None
    return one.content.read()
