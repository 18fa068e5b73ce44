"""What is seen of a signature in a request: what the portal asked for, drawn for this signer.

What lives here: `DrawnSignatures`, the `Draws` of the window.  It is drawn when the window opens,
on the revision that the signer saw: her image goes between title and name as they stand on that
page, a seal over the signature that is there.
Source: NĐ 30/2020/NĐ-CP Annex I.
Not here: drawing (`signing/appearance`), where images are kept (the port `Images`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime

from signing.appearance.appear import Showing, appear
from signing.appearance.general import Details
from signing.appearance.visible import Visible
from signing.appearance.wanted import PersonWanted, SealWanted, Wanted, read_wanted
from signing.errors import DocumentRefused
from signing.intake import Intake
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation, for_tenant
from signing.model import Document, Role, SignatureFormat, SigningRequest, Slot
from signing.ports import Images, SigningCredential


class DrawnSignatures:
    """See `Draws`; safe to share between threads.

    Takes   verify_url: of the page on which anybody checks a document, for the QR code; name_of:
            the name of an organisation, empty when unknown.
    """

    def __init__(
        self,
        isolation: Isolation,
        *,
        intake: Intake,
        images: Images,
        name_of: Callable[[str], str],
        verify_url: str,
    ) -> None:
        self._isolation = isolation
        self._intake = intake
        self._images = images
        self._name_of = name_of
        self._verify_url = verify_url

    def __call__(
        self,
        request: SigningRequest,
        slot: Slot,
        document: Document,
        *,
        content: Blob,
        credential: SigningCredential,
        now: datetime,
    ) -> Visible | None:
        """See `Draws`: nothing for what is no PDF, or where this signer's shall not be seen."""
        if document.format is not SignatureFormat.PADES:
            return None
        wanted = read_wanted(request.text.appearance, signers=len(request.slots))[slot.position]
        if wanted is None:
            return None
        tenant = request.client_id
        field = getattr(wanted, "field", None) or ""
        facts = self._intake.look_at_pdf(content, field=field, tenant=tenant)
        if facts.forbids_visible:
            raise DocumentRefused(facts.forbids_visible)
        with ExitStack() as held:
            image, width_mm = self._image(wanted, slot, held=held)
            showing = Showing(
                details=Details(
                    name=credential.holder,
                    signed_at=now,
                    issuer=credential.issuer,
                    verify_url=self._verify_url,
                    reason=request.text.reason or None,
                    on_behalf_of=self._office_of(slot),
                ),
                image=image,
                seal_width_mm=width_mm,
                archive=facts.archive,
            )
            return appear(
                for_tenant(self._isolation, tenant),
                [content],
                wanted=wanted,
                pages=facts.pages,
                showing=showing,
            )

    def _office_of(self, slot: Slot) -> str | None:
        """For whom a person signs; a seal names its organisation by itself."""
        if slot.role is Role.SEAL or slot.organisation_id is None:
            return None
        return self._name_of(slot.organisation_id) or None

    def _image(
        self, wanted: Wanted, slot: Slot, *, held: ExitStack
    ) -> tuple[Blob | None, float | None]:
        """The image that this kind shows: the person's own, or the seal of whom she signs for."""
        owner = slot.account_id
        if slot.role is Role.SEAL and slot.organisation_id is not None:
            owner = slot.organisation_id
        if not isinstance(wanted, PersonWanted | SealWanted):
            return None, None
        # the image of a person's hand is no seal, and a seal no hand
        if isinstance(wanted, SealWanted) != (slot.role is Role.SEAL):
            return None, None
        found = self._images.find_image(owner)
        if found is None:
            return None, None
        return held.enter_context(Blob.of(found.png)), found.width_mm
