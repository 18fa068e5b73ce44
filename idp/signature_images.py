"""Images of people's signatures and organisations' seals, checked before they are kept.

What lives here: `SignatureImages`.  An image comes from outside: it is opened behind the walls and
nowhere else, and has the colour that the decree names.  It proves nothing: what is believed is the
digital signature, and this is what is seen of it.
A person sends a photograph of paper: the strokes are cut out of it and come out in blue.  That of a
seal is set by an operator alone, from the specimen that the organisation registered.
Source: NĐ 30/2020/NĐ-CP Annex I II.7d (blue, PNG, clear background), II.8a (red, true size).
Not here: who may set one (`idp/web/account/signature_image`, the operator's command), drawing
(`signing/appearance`).
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from idp.accounts.errors import AccountUnknown
from idp.accounts.model import AccountKind, SignatureImage
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.signature_images import (
    find_signature_image,
    remove_signature_image,
    replace_signature_image,
)
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from signing.appearance.rules import PERSON, SEAL
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation, for_tenant
from signing.messages.appearance import CHECK_IMAGE, AppearanceRefusal, CheckImage
from signing.messages.signature_photo import CUT_SIGNATURE, CutSignature
from signing.ports import ShownImage

_INK: Final = CutSignature(red=29, green=60, blue=153)
"""Blue as of a pen; the decree names the colour and no number."""


class SignatureImages:
    """`Images` of one deployment; safe to share between threads."""

    def __init__(
        self, database: Database, *, sealer: Sealer, log: LogWriter, isolation: Isolation
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._isolation = isolation

    def find_image(self, owner_id: str) -> ShownImage | None:
        """See `Images`."""
        with self._database.read() as connection:
            found = find_signature_image(connection, AccountId(owner_id), sealer=self._sealer)
        return None if found is None else ShownImage(found.png, found.width_mm)

    def set_image(
        self,
        account_id: AccountId,
        png: bytes,
        *,
        width_mm: float | None = None,
        now: datetime,
        log: LogWriter | None = None,
    ) -> None:
        """Keep an image for an account in the place of the one before.

        Takes   width_mm: of the real seal, for an organisation and for nobody else;
                log: of who does it, where that is not the service.
        Raises  DocumentRefused (image_…, seal_size_unlikely); ParsingFailed; AccountUnknown.
        """
        with self._database.read() as connection:
            row = find_row(connection, account_id)
        if row is None:
            raise AccountUnknown
        is_seal = row.kind is AccountKind.ORGANISATION
        if is_seal != (width_mm is not None) or not _is_likely(width_mm):
            raise DocumentRefused(AppearanceRefusal.SEAL_SIZE_UNLIKELY)
        with Blob.of(png) as image:
            ink = SEAL.ink if is_seal else PERSON.ink
            _checked, output = self._isolation.run(CHECK_IMAGE, CheckImage(ink), inputs=[image])
            output.close()
        self.keep(account_id, SignatureImage(png, width_mm), now=now, log=log)

    def set_from_photo(self, account_id: AccountId, photo: Blob, *, now: datetime) -> None:
        """Cut a signature out of a photograph, and keep it in the place of the one before.

        It is opened by a process that opens this person's photographs and no other's; what that
        one makes of it is looked at by another, which never opens a photograph.
        Takes   photo: JPEG or PNG; whoever has it closes it.
        Raises  DocumentRefused (photo_…, image_…); ParsingFailed; AccountUnknown, also for an
                organisation, which has a seal.
        """
        with self._database.read() as connection:
            row = find_row(connection, account_id)
        if row is None or row.kind is AccountKind.ORGANISATION:
            raise AccountUnknown
        cutting = for_tenant(self._isolation, account_id)
        looking = for_tenant(self._isolation, f"cut:{account_id}")
        _cut, output = cutting.run(CUT_SIGNATURE, _INK, inputs=[photo])
        with output:
            # what comes back is believed as little as what came in
            _checked, nothing = looking.run(CHECK_IMAGE, CheckImage(PERSON.ink), inputs=[output])
            nothing.close()
            self.keep(account_id, SignatureImage(output.read(), None), now=now)

    def keep(
        self,
        account_id: AccountId,
        image: SignatureImage,
        *,
        now: datetime,
        log: LogWriter | None = None,
    ) -> None:
        """Keep an image that is known to be good, such as a specimen of ours.

        **Not** checked here.
        Raises  AccountUnknown.
        """
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None:
                raise AccountUnknown
            replace_signature_image(tx, row, image, sealer=self._sealer, now=now)
            event = Event(EventType.SIGNATURE_IMAGE_SET, account_id=account_id)
            (log or self._log).record(tx, event, data_key=row.data_key, now=now)

    def remove_image(
        self, account_id: AccountId, *, now: datetime, log: LogWriter | None = None
    ) -> bool:
        """Forget it; False when there was none."""
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None or not remove_signature_image(tx, row):
                return False
            event = Event(EventType.SIGNATURE_IMAGE_REMOVED, account_id=account_id)
            (log or self._log).record(tx, event, data_key=row.data_key, now=now)
        return True


def _is_likely(width_mm: float | None) -> bool:
    return width_mm is None or (
        math.isfinite(width_mm) and SEAL.least_mm <= width_mm <= SEAL.most_mm
    )
