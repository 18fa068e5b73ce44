"""From a certificate to what its page shows.

What lives here: the view-model of one certificate, in the language of the request.
Not here: any view.
"""

from __future__ import annotations

from collections.abc import Sequence

from idp.accounts.passkeys import Passkeys
from idp.ids import AccountId
from idp.own_certificates import OwnCertificate, Standing
from idp.web.certificate_pages import ShownCertificate
from idp.web.certificate_sentences import REVOCATION_REASONS
from idp.web.i18n import translate
from keystore.signer.errors import KeyRecordChanged
from keystore.signer.model import PersonalKey
from keystore.signer.records import read_policy


class CertificatesShown:
    """Makes certificates readable; safe to share between threads."""

    def __init__(self, passkeys: Passkeys) -> None:
        self._passkeys = passkeys

    def many(
        self, found: Sequence[OwnCertificate], *, person_id: AccountId
    ) -> tuple[ShownCertificate, ...]:
        """Each, with the names of those passkeys of this person that open its key."""
        names = {}
        if any(one.key is not None and one.key.scal == 2 for one in found):
            names = {one.credential_id: one.name for one in self._passkeys.list_of(person_id)}
        return tuple(_shown(one, names=names) for one in found)


def grouped_serial(serial: int) -> str:
    """A serial number as people compare it: hexadecimal digits in groups of four."""
    text = f"{serial:X}"
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _shown(one: OwnCertificate, *, names: dict[bytes, str]) -> ShownCertificate:
    record = one.record
    is_revoked = one.standing is Standing.REVOKED
    why = ""
    if is_revoked and record.reason is not None and record.reason in REVOCATION_REASONS:
        why = translate(REVOCATION_REASONS[record.reason])
    return ShownCertificate(
        url=f"/account/certificates/{one.name}",
        holder=one.owner.name,
        is_organisation=one.owner.is_organisation,
        standing=one.standing.value,
        serial=grouped_serial(record.serial),
        issuer=one.issuer,
        not_before=record.not_before,
        not_after=record.not_after,
        scal=0 if one.key is None else one.key.scal,
        passkeys=_passkeys(one.key, names=names),
        changed_at=record.changed_at
        if one.standing in {Standing.SUSPENDED, Standing.REVOKED}
        else None,
        why=why,
    )


def _passkeys(key: PersonalKey | None, *, names: dict[bytes, str]) -> tuple[str, ...]:
    if key is None or not names:
        return ()
    try:
        pinned = read_policy(key).credentials
    except KeyRecordChanged:
        return ()
    return tuple(names[one.credential_id] for one in pinned if one.credential_id in names)
