"""A timestamp token, whoever made it, into what the procedure reads; **not verified**.

What lives here: `read_token`: what the token says, and the authority's signature as a
`FoundSignature`, so that it is judged by the same building blocks as any other.
Source: RFC 3161 §2.4.2; RFC 5816; ETSI EN 319 102-1 §5.4.
Not here: whether the imprint is right, which only whoever holds what was stamped can tell; asking
for timestamps (`signing/formats/timestamps.py`, which is strict).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from signing.formats.der import DerMalformed
from signing.formats.signed_data import TST_INFO
from signing.validation.cades_references import find_named, find_referenced
from signing.validation.cms import read_signer
from signing.validation.found import Form, FoundSignature, ObjectKind, ReadToken
from signing.validation.timestamp_info import TimestampInfo, read_info, read_token_parts
from signing.validation.verdict import because


def read_token(
    raw_token: bytes, *, among: Sequence[bytes] = (), identity: str = "", place: str = ""
) -> ReadToken:
    """What a token says, and by whose signature.

    1. It is a SignedData with a TSTInfo inside, and one signature.
    2. The certificate of the authority: inside, or among those that came with the document.
    3. What it says.

    Takes   raw_token: ContentInfo, DER or BER; among: certificates that stand elsewhere, for tokens
            without any; identity: of the timestamp, for its signature.
    Returns also for what is no token: its signature is `malformed` then.
    Raises  nothing.
    """
    # 1
    signatures = read_signer(
        raw_token, identity=identity, place=place, content=None, form=Form.TIMESTAMP, name="TSTInfo"
    )
    signature = signatures[0]
    try:
        parts = read_token_parts(raw_token)
    except (DerMalformed, ValueError):
        return ReadToken(_malformed(signature, "token_malformed"))
    if len(parts.signers) != 1:
        return ReadToken(_malformed(signature, "token_signers"))
    if signature.value is None or parts.signers[0].signed_octets is None:
        signature = _malformed(signature, "signed_attributes_missing")
    # 2
    if signature.candidate is None and among:
        candidate = find_named(parts.signers[0].sid, among=among)
        candidate = candidate or find_referenced(signature.references, among=among)
        signature = replace(signature, candidate=candidate)
    objects = tuple(replace(one, kind=ObjectKind.OTHER) for one in signature.objects)
    signature = replace(signature, objects=objects, content_type=TST_INFO)
    # 3
    try:
        info = read_info(raw_token)
    except (DerMalformed, ValueError):
        return ReadToken(_malformed(signature, "token_malformed"))
    return _read(signature, info)


def _read(signature: FoundSignature, info: TimestampInfo) -> ReadToken:
    return ReadToken(
        signature,
        generated_at=info.generated_at,
        accuracy=info.accuracy,
        policy=info.policy,
        hash_name=info.hash_name,
        imprint=info.imprint,
    )


def _malformed(signature: FoundSignature, code: str) -> FoundSignature:
    return replace(signature, malformed=(*signature.malformed, because(code)))
