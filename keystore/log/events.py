"""The vocabulary of the append-only log, and what an event may carry.

What lives here: the event types (`area:subject:action`, a type never changes its meaning: a new
meaning is a new version) and the canonical form that is hashed.  Facts are codes, ids and numbers.
Whatever says something about a person goes into `personal`, which is only ever stored sealed under
that person's data key; the shapes of facts are narrow enough that a name, an address or a personal
number cannot slip in.  Source: architecture, "State"; RFC 8785 for the canonical form.
Not here: the table and the chain (`keystore/log/record.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from keystore.clock import to_ms
from keystore.errors import EventRefused

Fact = str | int | bool


class EventType(StrEnum):
    """Everything that is ever recorded."""

    SESSION_STARTED = "account:session:started"
    SESSION_RAISED = "account:session:raised"
    """A second factor was given in a running session."""
    SESSION_ENDED = "account:session:ended"
    SESSIONS_ALL_ENDED = "account:session:all_ended"
    SESSIONS_OTHERS_ENDED = "account:session:others_ended"
    """Every session ended but the one in hand, and every grant that does not live by it."""
    LOGIN_REFUSED_MANY = "account:login:refused_many"
    """Refused sign-ins, counted per account and minute; never one row per attempt."""
    PASSWORD_SET = "account:password:set"
    PASSWORD_CHANGED = "account:password:changed"
    PASSWORD_RESET = "account:password:reset"
    """Set anew with two independent proofs, by somebody who did not give the one before."""
    PASSWORD_VOIDED = "account:password:voided"
    """There is none any more; another is set by the reset with two proofs."""
    RECOVERY_ASKED = "account:recovery:asked"
    """Somebody gave the first proof of a reset."""
    RECOVERY_STOPPED = "account:recovery:stopped"
    """Somebody with access to a channel of the person said that a reset was not the person's."""
    CASE_OPENED = "account:case:opened"
    CASE_CLOSED = "account:case:closed"
    TOTP_ACTIVATION_ISSUED = "account:totp:activation_issued"
    TOTP_ENROLLED = "account:totp:enrolled"
    SECOND_FACTOR_CHANGED = "account:second_factor:changed"
    """The holder wants a second factor at every sign-in, or leaves it to the portals again."""
    TOTP_RETIRED = "account:totp:retired"
    TOTP_RESTORED = "account:totp:restored"
    TOTP_REMOVED = "account:totp:removed"
    CONTACT_CHANGED = "account:contact:changed"
    """An address was confirmed with a code sent there; the one before it counts no more."""
    CONTACT_FACTOR_CHANGED = "account:contact:factor_changed"
    """Codes sent to an address are a second factor from now on, or not any more."""
    RECOVERY_CODES_MADE = "account:recovery_codes:made"
    RECOVERY_CODE_USED = "account:recovery_codes:used"
    PASSKEY_ADDED = "account:passkey:added"
    PASSKEY_REMOVED = "account:passkey:removed"
    PASSKEY_COUNT_WENT_BACK = "account:passkey:count_went_back"
    """A right answer whose count was not beyond the last: there may be a copy of the passkey."""
    SIGNATURE_IMAGE_SET = "account:signature_image:set"
    SIGNATURE_IMAGE_REMOVED = "account:signature_image:removed"
    ACCOUNT_ADDED = "account:account:added"
    OPENING_REFUSED = "account:account:opening_refused"
    """Somebody who knows the holder's data tried to open an account that there is already."""
    ACCOUNT_IMPORTED = "account:account:imported"
    ACCOUNT_STATUS_CHANGED = "account:status:changed"
    ACCOUNT_LEVEL_CHANGED = "account:level:changed"
    IDENTIFIER_ADDED = "account:identifier:added"
    IDENTIFIER_RETIRED = "account:identifier:retired"
    MANDATE_ADDED = "account:mandate:added"
    MANDATE_ENDED = "account:mandate:ended"
    MANDATE_ASKED = "account:mandate:asked"
    """Somebody who represents an organisation wants to give a mandate; others have to agree."""
    MANDATE_AGREED = "account:mandate:agreed"
    MANDATE_DECLINED = "account:mandate:declined"
    MANDATE_GIVEN = "account:mandate:given"
    """By whom; the row of whoever holds it is `MANDATE_ADDED`."""
    MANDATE_WITHDRAWN = "account:mandate:withdrawn"
    """By whom; the row of whoever held it is `MANDATE_ENDED`."""
    CHARTER_CHANGED = "account:charter:changed"
    """How many others have to agree when somebody gives a mandate to act for an organisation."""
    DATA_EXPORTED = "account:data:exported"
    """A person was given everything that is held about them."""
    DATA_REQUEST_CHANGED = "account:data_request:changed"
    """A person asked for something about their data, or somebody answered."""
    BREACH_TOLD = "account:breach:told"
    """A person was told that their data was in a breach."""
    IMPORT_FINISHED = "account:import:finished"
    REGISTER_ASKED = "account:register:asked"
    """A register of the state was asked about somebody or something, or an answer of it used."""

    OFFICIAL_ADDED = "account:official:added"
    """A person was given a duty at a counter or a helpdesk."""
    OFFICIAL_ENDED = "account:official:ended"
    OFFICIAL_LOOKED_UP = "account:official:looked_up"
    """An official found this person by a number."""
    OFFICIAL_FOUND_NOBODY = "account:official:found_nobody"
    """An official typed a number that nobody has; the row is the official's own."""
    PROOFING_STARTED = "account:proofing:started"
    """An official stated what was seen at a counter; it raises nobody before its second act."""
    PROOFING_COMPLETED = "account:proofing:completed"
    """The person, or a second official, did the second act."""
    PROOFING_STOPPED = "account:proofing:stopped"
    INVITATION_ASKED = "account:invitation:asked"
    """One official of the helpdesk wants a person to enrol anew."""
    INVITATION_CONFIRMED = "account:invitation:confirmed"
    """Another one does so too: the person has three days to stop it."""
    INVITATION_STOPPED = "account:invitation:stopped"
    INVITATION_USED = "account:invitation:used"
    """The person took the activation code that an invitation led to."""
    PASSWORD_FIRST_SET = "account:password:first_set"
    """The holder of an account that was opened at a counter chose its first password."""

    GRANT_CREATED = "oauth:grant:created"
    GRANT_REVOKED = "oauth:grant:revoked"
    CODE_REPLAYED = "oauth:grant:code_replayed"
    REFRESH_REPLAYED = "oauth:grant:refresh_replayed"
    CONSENT_GIVEN = "oauth:consent:given"
    CONSENT_WITHDRAWN = "oauth:consent:withdrawn"
    CONSENT_INFORMED = "oauth:consent:informed"
    """Shared on a statutory basis: the person was told, not asked."""
    LOGOUT_COMPLETED = "oauth:logout:completed"
    LOGOUT_UNDELIVERED = "oauth:logout:undelivered"
    """A portal could not be told that the session ended, and no more attempts are made."""

    CONTROLLER_ADDED = "registry:controller:added"
    CONTROLLER_CHANGED = "registry:controller:changed"
    SECTOR_ADDED = "registry:sector:added"
    SECTOR_CHANGED = "registry:sector:changed"
    CLIENT_ADDED = "registry:client:added"
    CLIENT_CHANGED = "registry:client:changed"
    CLIENT_DISABLED = "registry:client:disabled"
    CLIENT_ENABLED = "registry:client:enabled"
    CLIENT_SECRET_ROTATED = "registry:client:secret_rotated"
    RESOURCE_SERVER_ADDED = "registry:resource_server:added"
    RESOURCE_SERVER_CHANGED = "registry:resource_server:changed"
    STATUTORY_BASIS_PROPOSED = "registry:statutory_basis:proposed"
    STATUTORY_BASIS_APPROVED = "registry:statutory_basis:approved"
    STATUTORY_BASIS_ENDED = "registry:statutory_basis:ended"

    SIGNING_KEY_CREATED = "keys:signing_key:created"
    SIGNING_KEY_ACTIVATED = "keys:signing_key:activated"
    SIGNING_KEY_RETIRED = "keys:signing_key:retired"
    SIGNING_KEY_DESTROYED = "keys:signing_key:destroyed"
    PURPOSE_KEY_REPLACED = "keys:purpose_key:replaced"
    KEK_ADDED = "keys:kek:added"
    """Another root key was made; nothing is under it yet."""
    KEK_REMOVED = "keys:kek:removed"
    """A root key that nothing is under is taken away, for good where a token held it."""
    KEK_ROTATION_STARTED = "keys:kek:rotation_started"
    KEK_ROTATION_FINISHED = "keys:kek:rotation_finished"
    """Nothing is left under the root key before; it may be destroyed."""
    DATA_KEY_DESTROYED = "keys:data_key:destroyed"
    PERSONAL_KEY_CREATED = "keys:personal_key:created"
    PERSONAL_KEY_SUSPENDED = "keys:personal_key:suspended"
    PERSONAL_KEY_RESUMED = "keys:personal_key:resumed"
    PERSONAL_KEY_DESTROYED = "keys:personal_key:destroyed"
    PERSONAL_KEYS_LEFT = "keys:personal_key:left"
    """The signer could not be made to suspend or destroy the keys of an account that was locked or
    has ended, and no more attempts are made: somebody has to.
    """

    ACTIVATION_ACCEPTED = "sign:activation:accepted"
    """A personal key signed exactly the digests that its owner confirmed."""
    ACTIVATION_REFUSED = "sign:activation:refused"
    REQUEST_CREATED = "sign:request:created"
    """A portal asked somebody to sign."""
    REQUEST_CONFIRMED = "sign:request:confirmed"
    REQUEST_INTERRUPTED = "sign:request:interrupted"
    """It was confirmed and came to nothing; it waits for its signer again."""
    REQUEST_SIGNED_BY_ONE = "sign:request:signed_by_one"
    """One of several signers has signed."""
    REQUEST_SIGNED = "sign:request:signed"
    REQUEST_REFUSED = "sign:request:refused"
    REQUEST_EXPIRED = "sign:request:expired"
    REQUEST_FAILED = "sign:request:failed"
    REQUEST_UNTOLD = "sign:request:untold"
    """The portal could not be told how its request stands, and no more attempts are made."""
    REQUEST_FETCHED = "sign:request:fetched"
    """The portal fetched what was signed."""
    SERVICE_SIGNED = "sign:service:signed"
    """An operator had the service sign a document in its own name."""
    DOCUMENT_RENEWED = "sign:document:renewed"
    """An operator's archive got another link in the chain of timestamps of one document."""
    REPORT_KEPT = "verify:report:kept"
    """A portal had the report of a check kept, with what it rests upon."""
    SIGNER_CLOCK_TRUSTED = "sign:clock:trusted"
    """An operator says that the clock of a signer is right although it went back."""

    CA_CREATED = "pki:ca:created"
    CA_RETIRED = "pki:ca:retired"
    CERTIFICATE_REQUESTED = "pki:certificate:requested"
    """A request waits for a licensed authority of somebody else."""
    CERTIFICATE_ISSUED = "pki:certificate:issued"
    CERTIFICATE_RENEWED = "pki:certificate:renewed"
    CERTIFICATE_SUSPENDED = "pki:certificate:suspended"
    CERTIFICATE_LIFTED = "pki:certificate:lifted"
    CERTIFICATE_REVOKED = "pki:certificate:revoked"
    CRL_PUBLISHED = "pki:crl:published"

    TSA_STOPPED = "time:tsa:stopped"
    """The clock could not be believed; no timestamps until an operator releases it."""
    TSA_RELEASED = "time:tsa:released"

    BREACH_OPENED = "operation:breach:opened"
    BREACH_NOTED = "operation:breach:noted"
    """Something was added to the file of a breach: a step, who was told, who is affected."""
    BREACH_CLOSED = "operation:breach:closed"

    BACKUP_RESTORED = "operation:backup:restored"
    LOG_BEGUN_ANEW = "operation:log:begun_anew"
    """The trees were made again under another name, after rows were lost for good."""
    LOG_ROW_ACCEPTED = "operation:log:row_accepted"
    """An operator vouches for a row whose mark is of nobody that is known."""
    LOG_ROWS_MARKED = "operation:log:rows_marked"
    """An operator vouches for rows that were written before rows had marks."""


MADE_FORM: Final = "%Y-%m-%dT%H:%MZ"
"""How `BACKUP_RESTORED` says in its fact `made` when the backup was made."""

_VERSIONS: Final[Mapping[EventType, int]] = MappingProxyType({})
"""Types whose facts changed their meaning; every other type is at version 1."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z0-9 ._:/+-]{0,200}", re.ASCII)
_PERSONAL_NUMBER: Final = re.compile(r"(?<![A-Za-z0-9_-])[0-9]{9,14}(?![A-Za-z0-9_-])", re.ASCII)
_LARGEST: Final = 2**53
_PERSONAL_RANGE: Final = range(10**9, 10**12)
"""Where a personal or tax number would lie as an integer; times in milliseconds lie above."""
_MAX_FACTS: Final = 16

_encode: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Takes   account_id: the account that it concerns, or None; client_id: the client, or None;
            facts: codes, ids, numbers, readable by whoever reads the log;
            personal: the rest, sealed under the person's data key.
    """

    type: EventType
    account_id: str | None = None
    client_id: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    personal: Mapping[str, Fact] = field(default_factory=dict, repr=False)

    @property
    def version(self) -> int:
        """The version of the type that this code writes."""
        return _VERSIONS.get(self.type, 1)


def check_event(event: Event) -> None:
    """Refuse facts that could be personal data, or that cannot be written canonically.

    Raises  EventRefused (carries the name of the fact, never its value).
    """
    if len(event.facts) + len(event.personal) > _MAX_FACTS:
        raise EventRefused(fact="", reason="too_many")
    for name, value in event.facts.items():
        if not _NAME.fullmatch(name):
            raise EventRefused(fact="", reason="name")
        if isinstance(value, str):
            if not _CODE.fullmatch(value):
                raise EventRefused(fact=name, reason="not_a_code")
            if _PERSONAL_NUMBER.search(value):
                raise EventRefused(fact=name, reason="looks_personal")
        elif not -_LARGEST < value < _LARGEST:
            raise EventRefused(fact=name, reason="out_of_range")
        elif value in _PERSONAL_RANGE:
            raise EventRefused(fact=name, reason="looks_personal")


def encode_facts(facts: Mapping[str, Fact]) -> bytes:
    """Facts as JSON: members sorted, no white space, UTF-8."""
    return _encode(facts)


def canonical_event(event: Event, *, now: datetime) -> bytes:
    """The bytes of an event that its leaf stands for: JSON, members sorted, no white space."""
    return _encode(
        {
            "account_id": event.account_id,
            "at_ms": to_ms(now),
            "client_id": event.client_id,
            "facts": event.facts,
            "personal": event.personal,
            "type": event.type.value,
            "version": event.version,
        }
    )
