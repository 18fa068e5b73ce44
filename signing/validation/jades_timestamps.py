"""What the timestamps of a JAdES signature have to be over.

What lives here: the imprints of content, signature, reference and archive timestamps.
Source: ETSI TS 119 182-1 §5.2.6 (adoTst), §5.3.4 (sigTst), §5.3.6 (arcTst) and annex A.
Not here: judging tokens.  NOTE: makers differ in the dots between the parts; a reading is over all
of them in either case, and the one that the token agrees with is taken.  What stands in clear in
`etsiU` has no canonical form that makers agree on: its imprint cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from signing.formats.material import ValidationMaterial
from signing.validation.cades_proofs import cms_covers, token_certificates
from signing.validation.cades_timestamps import MOST_TIMESTAMPS
from signing.validation.content import digest_octets
from signing.validation.found import FoundTimestamp, TimestampKind, object_identity
from signing.validation.jades_properties import Entry, read_material, read_tokens
from signing.validation.timestamp_info import find_info
from signing.validation.verdict import because

_KINDS: Final = {
    "adoTst": TimestampKind.CONTENT,
    "sigTst": TimestampKind.SIGNATURE,
    "rfsTst": TimestampKind.REFERENCES,
    "sigRTst": TimestampKind.REFERENCES,
    "arcTst": TimestampKind.ARCHIVE,
}
_REFERENCES: Final = frozenset({"xRefs", "rRefs", "axRefs", "arRefs"})


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature as its timestamps see it.

    Takes   payload: as it is signed, None when it is not there; protected, signature: base64url as
            written; value: the signature value as the procedure knows it.
    """

    payload: bytes | None = field(repr=False)
    protected: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    value: bytes = field(repr=False)
    header: dict[str, Any] = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)


def read_timestamps(signed: Signed, *, identity: str) -> tuple[FoundTimestamp, ...]:
    """All timestamps of a signature, in the order in which they stand."""
    found: list[FoundTimestamp] = []

    def add(
        name: str, value: object, readings: Callable[[], Iterator[bytes]], covers: frozenset[str]
    ) -> None:
        tokens = read_tokens(value)[: MOST_TIMESTAMPS - len(found)]
        for token in tokens:
            number = len(found) + 1
            found.append(
                FoundTimestamp(
                    f"{identity}-T{number}",
                    _KINDS[name],
                    token,
                    _digest_of(token, readings),
                    covers,
                    token_certificates(token),
                )
            )
        if not tokens:
            found.append(_unreadable(name, f"{identity}-T{len(found) + 1}"))

    if "adoTst" in signed.header:
        payload = () if signed.payload is None else (signed.payload,)
        add("adoTst", signed.header["adoTst"], lambda: iter(payload), frozenset())
    for place, (name, value, _) in enumerate(signed.entries):
        if name not in _KINDS or name == "adoTst" or len(found) >= MOST_TIMESTAMPS:
            continue
        earlier = signed.entries[:place]
        # made when they are asked for: each is as large as everything before it
        readings = partial(_readings, signed, name, earlier)
        add(name, value, readings, _covers(signed, name, earlier))
    return tuple(found)


def _readings(signed: Signed, name: str, earlier: tuple[Entry, ...]) -> Iterator[bytes]:
    if name == "sigTst":
        yield signed.signature
        return
    if name == "arcTst":
        if signed.payload is None or any(not written for _, _, written in earlier):
            return
        head = b".".join((signed.payload, signed.protected, signed.signature))
        behind = b"".join(written.encode() for _, _, written in earlier)
        yield head + b"." + behind
        yield head + behind
        return
    kinds = _REFERENCES if name == "rfsTst" else _REFERENCES | {"sigTst"}
    parts = [written.encode() for kind, _, written in earlier if kind in kinds]
    if not all(parts):
        return
    if name == "sigRTst":
        yield signed.signature + b"." + b"".join(parts)
        parts.insert(0, signed.signature)
    yield b"".join(parts)
    yield b".".join(parts)


def _covers(signed: Signed, name: str, earlier: tuple[Entry, ...]) -> frozenset[str]:
    covered = frozenset() if name == "rfsTst" else frozenset({object_identity(signed.value)})
    tokens = [
        token
        for kind, value, _ in earlier
        if kind in _KINDS and (name == "arcTst" or kind == "sigTst")
        for token in read_tokens(value)
    ]
    if name == "arcTst":
        covered |= _identities(read_material(earlier))
    if name in {"arcTst", "sigRTst"}:
        for token in tokens:
            covered |= {object_identity(token)} | cms_covers(token)
    return covered


def _identities(material: ValidationMaterial) -> frozenset[str]:
    return frozenset(
        object_identity(one)
        for one in (*material.certificates, *material.ocsp_responses, *material.crls)
    )


def _digest_of(
    token: bytes, readings: Callable[[], Iterator[bytes]]
) -> Callable[[str], bytes | None]:
    info = find_info(token)

    def digest_of(hash_name: str) -> bytes | None:
        first: bytes | None = None
        for one in readings():
            digest = digest_octets(one, hash_name)
            if digest is not None and info is not None and digest == info.imprint:
                return digest
            first = first or digest
        return first

    return digest_of


def _unreadable(name: str, identity: str) -> FoundTimestamp:
    return FoundTimestamp(
        identity,
        _KINDS[name],
        b"",
        lambda _: None,
        findings=(because("timestamp_unreadable", name=name),),
    )
