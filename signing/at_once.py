"""A document that is signed at once, by a key of the service that nobody has to confirm.

What lives here: `sign_at_once`, the same way as the journey's (intake, appearance, both halves of a
format), without a request and without a window.  Personal keys are not signed with here: `antin
signer` alone opens them, for what their owner confirmed.
Source: architecture, "Commands" (`sign FILE`).
Not here: which key, who may ask, where the result goes (`idp/cli/sign`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from keystore.clock import from_ms, to_ms
from signing.appearance.appear import Showing, appear
from signing.appearance.general import Details
from signing.appearance.visible import Visible
from signing.appearance.wanted import read_wanted
from signing.errors import RequestRefused
from signing.formats.material import Level, Signatory
from signing.formats.mime_types import base_type
from signing.formats.table import Act, Material, Parties, finish_half, prepare_half
from signing.intake import Intake, TakenIn
from signing.isolation.blob import Blob
from signing.model import SignatureFormat
from signing.new_request import NewDocument, NewRequest, NewSigner, check_bounds, choose_formats


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """A key that signs when it is told to.

    Takes   sign: the signature of a digest by the signatory's hash, ECDSA in DER;
            holder, issuer: as people read them.
    """

    signatory: Signatory
    sign: Callable[[bytes], bytes] = field(repr=False)
    holder: str
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What shall be signed, and how.

    Takes   appearance: JSON as portals send it, empty for nothing; image: PNG, for kinds that show
            one; seal_width_mm: of the real seal; verify_url: the page that checks documents.
    """

    document: NewDocument
    level: Level
    reason: str = field(default="", repr=False)
    location: str = field(default="", repr=False)
    appearance: bytes = field(default=b"", repr=False)
    image: Blob | None = field(default=None, repr=False)
    seal_width_mm: float | None = None
    verify_url: str = ""


@dataclass(frozen=True, slots=True)
class SignedAtOnce:
    """The signed document, or the signature beside it; whoever has it closes `content`."""

    format: SignatureFormat
    signed_at: datetime
    content: Blob


def sign_at_once(
    wish: Wish, *, key: OwnKey, intake: Intake, parties: Parties, most_bytes: int, now: datetime
) -> SignedAtOnce:
    """Look at a document, and sign it.

    1. It is one that can be signed, in that format, at that level.
    2. What shall be seen is drawn and has its place.
    3. Both halves, with the signature between.

    Raises  RequestRefused, DocumentRefused, ParsingFailed, CertificateRefused; TimestampUnavailable
            and StatusUnavailable: later it may go.  Nothing came out then.
    """
    # 1
    document = wish.document
    if document.content is None:
        raise RequestRefused("content_or_digest", part="document")
    asked = NewRequest(
        title=document.name,
        documents=(document,),
        signers=(NewSigner(sub=""),),
        level=wish.level,
        reason=wish.reason,
        location=wish.location,
    )
    check_bounds(asked, largest_bytes=most_bytes)
    taken = intake(document.content, media_type=document.media_type)
    (signature_format,) = choose_formats(asked, [taken.kind])
    signed_at = from_ms(to_ms(now) // 1000 * 1000)
    with ExitStack() as held:
        # 2
        visible = _draw(
            wish, taken=taken, key=key, form=signature_format, parties=parties, now=signed_at
        )
        if visible is not None:
            held.enter_context(visible.drawing)
        act = Act(
            signatory=key.signatory,
            level=wish.level,
            now=signed_at,
            name=key.holder,
            reason=wish.reason,
            location=wish.location,
            place=None if visible is None else visible.place,
            drawn=None if visible is None else visible.drawing,
            field_name=None if visible is None else visible.field_name,
        )
        # 3
        material = Material(
            name=document.name,
            media_type=base_type(document.media_type),
            content=document.content,
            digest=document.computed_digest(),
            hash_name=document.hash_name,
        )
        half = prepare_half(signature_format, {0: material}, act=act, parties=parties)
        made = finish_half(
            half, [material], signature=key.sign(half.digest), act=act, parties=parties
        )
    return SignedAtOnce(signature_format, signed_at, made)


def _draw(
    wish: Wish,
    *,
    taken: TakenIn,
    key: OwnKey,
    form: SignatureFormat,
    parties: Parties,
    now: datetime,
) -> Visible | None:
    (wanted,) = read_wanted(wish.appearance, signers=1)
    if wanted is None:
        return None
    if form is not SignatureFormat.PADES or taken.pdf is None or wish.document.content is None:
        raise RequestRefused("appearance", part="appearance")
    details = Details(
        name=key.holder,
        signed_at=now,
        issuer=key.issuer,
        verify_url=wish.verify_url,
        reason=wish.reason or None,
    )
    return appear(
        parties.isolation,
        [wish.document.content],
        wanted=wanted,
        pages=taken.pdf.pages,
        showing=Showing(
            details=details,
            image=wish.image,
            seal_width_mm=wish.seal_width_mm,
            archive=taken.pdf.archive,
        ),
    )
