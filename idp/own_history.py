"""What happened to an account, for the person whose it is, with proofs.

What lives here: which events of the log a person is shown, a page of them, and the proof that one
of them is in the append-only log.  Everything comes from the log: sessions, grants and consents are
purged or change, their rows there do not.  A row of somebody else does not exist as far as anybody
can see.
Source: architecture, J5 and "State"; Law 91/2025/QH15 Art. 4 (a person knows what is done with
their data).
Not here: words and pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from idp.errors import AntinError
from idp.history import HistoryPlace, HistoryRow
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.history import history_of
from keystore.errors import SealBroken
from keystore.log.errors import EntryPending, EntryUnknown
from keystore.log.events import EventType
from keystore.log.openings import Opening, find_owner, open_event
from keystore.log.proof_text import format_proof
from keystore.log.proofs import Everyone, Proofs
from keystore.sealing import Sealer

PAGE_ROWS: Final = 30

SHOWN: Final = (
    EventType.SESSION_STARTED,
    EventType.SESSION_RAISED,
    EventType.SESSIONS_ALL_ENDED,
    EventType.SESSIONS_OTHERS_ENDED,
    EventType.LOGIN_REFUSED_MANY,
    EventType.GRANT_CREATED,
    EventType.CONSENT_GIVEN,
    EventType.CONSENT_INFORMED,
    EventType.CONSENT_WITHDRAWN,
    EventType.PASSWORD_SET,
    EventType.PASSWORD_CHANGED,
    EventType.SECOND_FACTOR_CHANGED,
    EventType.TOTP_ENROLLED,
    EventType.TOTP_REMOVED,
    EventType.CONTACT_CHANGED,
    EventType.CONTACT_FACTOR_CHANGED,
    EventType.RECOVERY_CODES_MADE,
    EventType.RECOVERY_CODE_USED,
    EventType.PASSKEY_ADDED,
    EventType.PASSKEY_REMOVED,
    EventType.ACTIVATION_ACCEPTED,
    EventType.ACTIVATION_REFUSED,
    EventType.CERTIFICATE_ISSUED,
    EventType.CERTIFICATE_RENEWED,
    EventType.CERTIFICATE_SUSPENDED,
    EventType.CERTIFICATE_LIFTED,
    EventType.CERTIFICATE_REVOKED,
    EventType.SIGNATURE_IMAGE_SET,
    EventType.SIGNATURE_IMAGE_REMOVED,
    EventType.DATA_EXPORTED,
    EventType.DATA_REQUEST_CHANGED,
    EventType.BREACH_TOLD,
    EventType.ACCOUNT_STATUS_CHANGED,
    EventType.ACCOUNT_ADDED,
    EventType.OPENING_REFUSED,
    EventType.IDENTIFIER_ADDED,
    EventType.IDENTIFIER_RETIRED,
    EventType.REGISTER_ASKED,
    EventType.OFFICIAL_ADDED,
    EventType.OFFICIAL_ENDED,
    EventType.OFFICIAL_LOOKED_UP,
    EventType.OFFICIAL_FOUND_NOBODY,
    EventType.PROOFING_STARTED,
    EventType.PROOFING_COMPLETED,
    EventType.PROOFING_STOPPED,
    EventType.PASSWORD_FIRST_SET,
    EventType.INVITATION_ASKED,
    EventType.INVITATION_CONFIRMED,
    EventType.INVITATION_STOPPED,
    EventType.INVITATION_USED,
    EventType.TOTP_ACTIVATION_ISSUED,
    EventType.ACCOUNT_LEVEL_CHANGED,
    EventType.PASSWORD_RESET,
    EventType.PASSWORD_VOIDED,
    EventType.RECOVERY_ASKED,
    EventType.RECOVERY_STOPPED,
    EventType.CASE_OPENED,
    EventType.CASE_CLOSED,
    EventType.MANDATE_ADDED,
    EventType.MANDATE_ENDED,
    EventType.MANDATE_ASKED,
    EventType.MANDATE_GIVEN,
    EventType.MANDATE_AGREED,
    EventType.MANDATE_DECLINED,
    EventType.MANDATE_WITHDRAWN,
)


class HistoryUnknown(AntinError):
    """There is no such row, or it is somebody else's."""

    code = "history_unknown"


class ProofNotYet(AntinError):
    """The row is not in a signed tree yet; in some minutes it is."""

    code = "proof_not_yet"


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some rows, newest first; `goes_on`: where the next page begins, None at the end."""

    rows: tuple[HistoryRow, ...]
    goes_on: HistoryPlace | None


@dataclass(frozen=True, slots=True)
class OwnHistory:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    proofs: Proofs

    def page(self, account_id: AccountId, *, before: HistoryPlace | None) -> HistoryPage:
        """The rows right before a place, or the newest."""
        with self.database.read() as connection:
            rows = history_of(
                connection, account_id, types=SHOWN, before=before, limit=PAGE_ROWS + 1
            )
        shown = rows[:PAGE_ROWS]
        return HistoryPage(shown, shown[-1].place if len(rows) > PAGE_ROWS else None)

    def prove(self, account_id: AccountId, *, writer: str, seq: int) -> str:
        """The proof of one row, with the event itself, as a text that is checked without us.

        Raises  HistoryUnknown; ProofNotYet.
        """
        with self.database.read() as connection:
            try:
                owner = find_owner(connection, writer=writer, seq=seq)
            except EntryUnknown as unknown:
                raise HistoryUnknown from unknown
        if owner != account_id:
            raise HistoryUnknown
        try:
            # whose it is was looked at right above
            proof = self.proofs.include_row(writer, seq=seq, asking=Everyone())
        except (EntryUnknown, EntryPending) as early:
            raise ProofNotYet from early
        return format_proof(proof, opening=self._open(account_id, writer=writer, seq=seq))

    def _open(self, account_id: AccountId, *, writer: str, seq: int) -> Opening | None:
        with self.database.read() as connection:
            row = find_row(connection, account_id)
            for data_key in (None if row is None else row.data_key, None):
                try:
                    return open_event(
                        connection, writer=writer, seq=seq, sealer=self.sealer, data_key=data_key
                    )
                except SealBroken:
                    continue  # what another process recorded may be sealed otherwise
        return None
