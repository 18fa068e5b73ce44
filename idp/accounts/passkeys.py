"""Registering passkeys, and what their owner does with them.

What lives here: `Passkeys`.  One is registered from a session of level 2, for a challenge that is
given out once and to this session; the authenticator has to verify its user.  No attestation is
asked for: which model it is says nothing that is relied on.  What is registered here confirms
nothing by itself: it is pinned when a signing key is made, and from then on the signer judges.
A challenge of a registration is random; a confirmation's is the hash of what is confirmed, and its
client data say `webauthn.get`: neither ever passes for the other.
Source: WebAuthn Level 3 §7.1 (registering), §5.4 (options), §13.4.1 (challenges).
Not here: who is at the browser, signing in (`passkey_sign_in`), assertions that confirm
(`keystore/signer/webauthn_evidence.py`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from webauthn import (
    generate_registration_options,
    options_to_json,
    verify_registration_response,
)
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import InvalidRegistrationResponse
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorAttestationResponse,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from idp.accounts.credentials import Passkey
from idp.accounts.errors import AccountUnknown, LastFactor
from idp.accounts.last_factor import settle_removal
from idp.accounts.model import Account
from idp.accounts.notices import Notice, Notices
from idp.errors import AntinError
from idp.ids import AccountId, SessionId, make_id
from idp.storage import passkeys as rows
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.passkey_party import settle_rp_id
from idp.storage.second_factors import find_second_factors
from idp.storage.sessions import has_ended
from keystore.base64url import from_base64url, to_base64url
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.signer.errors import EvidenceRefused
from keystore.signer.model import PinnedCredential
from keystore.signer.webauthn_evidence import verify_pinnable
from keystore.strict_json import read_json_object

CHALLENGE_LIFETIME: Final = timedelta(minutes=10)
MOST_PASSKEYS: Final = 20
MOST_NAME: Final = 60
_CHALLENGE_BYTES: Final = 32
_MOST_CLIENT_DATA: Final = 4 * 1024
_MOST_ATTESTATION: Final = 8 * 1024
_MOST_ID: Final = 1023
_TRANSPORTS: Final = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
"""Those that the signer pins."""


class PasskeyRefused(AntinError):
    """A passkey that is not taken; `reason` is a code, never said in detail to others.

    Takes   reason: challenge (not given out to this session, used, too old), malformed, origin,
            cross_origin, response (anything else in it is wrong), attestation, public_key, known
            (somebody's already), too_many, name, rp_id (others are enrolled for another one).
    """

    code: ClassVar[str] = "passkey_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NewCredential:
    """The answer of `navigator.credentials.create()`, its parts as bytes; **not** verified."""

    client_data_json: bytes = field(repr=False)
    attestation_object: bytes = field(repr=False)
    transports: tuple[str, ...] = ()


class Passkeys:
    """Safe to share between threads.

    Takes   rp_id, origins: of the pages on which passkeys are used; rp_name: what the authenticator
            shows; notices: the person is told of every one that comes or goes.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        log: LogWriter,
        notices: Notices,
        rp_id: str,
        rp_name: str,
        origins: Collection[str],
    ) -> None:
        self._database = database
        self._store = store
        self._sealer = sealer
        self._log = log
        self._notices = notices
        self._rp_id = rp_id
        self._rp_name = rp_name
        self._origins = frozenset(origins)

    def list_of(self, account_id: AccountId) -> tuple[Passkey, ...]:
        """The passkeys of a person, oldest first."""
        with self._database.read() as connection:
            return rows.list_passkeys(connection, account_id, sealer=self._sealer)

    def begin(self, account: Account, *, session_id: SessionId, label: str, now: datetime) -> str:
        """What `navigator.credentials.create()` is called with, JSON (WebAuthn §5.1.8).

        The challenge takes the place of one that was given to this session before.
        Takes   label: what tells this account from another on the device; no whole number.
        """
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        self._store.put(
            _key(session_id, account.account_id),
            challenge,
            lifetime=CHALLENGE_LIFETIME,
            now=now,
        )
        known = self.list_of(account.account_id)
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name=self._rp_name,
            user_id=user_handle(account.account_id),
            user_name=label,
            user_display_name=account.profile.name,
            challenge=challenge,
            timeout=int(CHALLENGE_LIFETIME / timedelta(milliseconds=1)),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=one.credential_id) for one in known
            ],
            supported_pub_key_algs=_ALGORITHMS,
        )
        return options_to_json(options)

    def finish(
        self,
        account_id: AccountId,
        *,
        session_id: SessionId,
        new: NewCredential,
        name: str,
        now: datetime,
    ) -> Passkey:
        """Register a passkey.

        1. The challenge was given out to this session for this account, and is taken once.
        2. The answer is no longer than any authenticator makes it, of one of our origins, and not
           made inside of a frame of somebody else's page.
        3. It is for our RP ID and this challenge, the user was there and was verified, its
           signature verifies where it has one; no attestation that we did not ask for.
        4. The signer would pin the public key.
        5. Nobody has registered this credential id.

        Raises  PasskeyRefused (carries a reason word); AccountUnknown.
        Source  WebAuthn Level 3 §7.1, steps 5 to 27.
        """
        called = check_name(name)
        # 1
        challenge = self._store.consume(_key(session_id, account_id), now=now)
        if challenge is None:
            raise PasskeyRefused("challenge")
        # 2
        _check_shape(new, origins=self._origins)
        # 3
        verified = self._verify(new, challenge=challenge)
        # 4
        try:
            verify_pinnable(
                PinnedCredential(verified.credential_id, verified.credential_public_key)
            )
        except EvidenceRefused as refusal:
            raise PasskeyRefused("public_key") from refusal
        # 5
        multi = CredentialDeviceType.MULTI_DEVICE
        passkey = Passkey(
            passkey_id=make_id("pky"),
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            is_backup_eligible=verified.credential_device_type is multi,
            is_backed_up=verified.credential_backed_up,
            aaguid=verified.aaguid,
            transports=tuple(sorted(_TRANSPORTS.intersection(new.transports))),
            name=called,
            created_at=now,
        )
        self._keep(account_id, passkey, session_id=session_id, now=now)
        return passkey

    def rename(self, account_id: AccountId, passkey_id: str, *, name: str) -> bool:
        """Call it otherwise; False when the person has none of that id.

        Raises  PasskeyRefused(name).
        """
        called = check_name(name)
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            return row is not None and rows.rename_passkey(
                tx, row, passkey_id, name=called, sealer=self._sealer
            )

    def is_last_factor(self, account_id: AccountId, *, now: datetime) -> bool:
        """Whether there is one passkey, and nothing else that could be asked for."""
        with self._database.read() as connection:
            held = find_second_factors(connection, account_id)
            known = rows.list_credential_ids(connection, account_id)
        return len(known) == 1 and not replace(held, has_passkey=False).is_ready(now)

    def check_removal(self, account_id: AccountId, *, now: datetime) -> None:
        """Before anything ends with a passkey.

        Raises  LastFactor.
        """
        with self._database.read() as connection:
            row = find_row(connection, account_id)
        is_demanded = row is not None and row.demands_second_factor
        if is_demanded and self.is_last_factor(account_id, now=now):
            raise LastFactor

    def remove(self, account_id: AccountId, passkey_id: str, *, now: datetime) -> bool:
        """Forget it; False when the person has none of that id.

        No signing key that it opens is offered to its owner any more (`idp/signing_credentials`).
        Raises  LastFactor.
        """
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None or not rows.remove_passkey(tx, row, passkey_id):
                return False
            settle_removal(tx, row, now=now)
            event = Event(
                EventType.PASSKEY_REMOVED, account_id=account_id, facts={"passkey_id": passkey_id}
            )
            self._log.record(tx, event, data_key=row.data_key, now=now)
            self._notices.tell(tx, row, Notice.PASSKEY_REMOVED, now=now)
        return True

    def accepted(self, account_id: AccountId) -> str:
        """Which passkeys still count, for the devices that keep them, JSON.

        Source  WebAuthn Level 3 §5.1.10.3 (`signalAllAcceptedCredentials`).
        """
        with self._database.read() as connection:
            known = rows.list_credential_ids(connection, account_id)
        options = {
            "rpId": self._rp_id,
            "userId": to_base64url(user_handle(account_id)).decode(),
            "allAcceptedCredentialIds": sorted(to_base64url(one).decode() for one in known),
        }
        return json.dumps(options)

    def note_use(self, credential_id: bytes, *, now: datetime) -> None:
        """Remember that it confirmed something; for its owner to see, nothing hangs on it."""
        with self._database.statement() as connection:
            rows.note_use(connection, credential_id, now=now)

    def _verify(self, new: NewCredential, *, challenge: bytes) -> VerifiedRegistration:
        try:
            raw_id = _credential_id(new.attestation_object)
            credential = RegistrationCredential(
                id=to_base64url(raw_id).decode(),
                raw_id=raw_id,
                response=AuthenticatorAttestationResponse(
                    client_data_json=new.client_data_json,
                    attestation_object=new.attestation_object,
                ),
            )
            return verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=sorted(self._origins),
                require_user_verification=True,
                supported_pub_key_algs=_ALGORITHMS,
            )
        except PasskeyRefused:
            raise
        except InvalidRegistrationResponse as refusal:
            raise PasskeyRefused("response") from refusal
        except Exception as failure:
            # the library lets through what CBOR and key parsers raise
            raise PasskeyRefused("malformed") from failure

    def _keep(
        self, account_id: AccountId, passkey: Passkey, *, session_id: SessionId, now: datetime
    ) -> None:
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None:
                raise AccountUnknown
            if has_ended(tx.connection, session_id, now=now):
                raise PasskeyRefused("challenge")
            held = rows.list_credential_ids(tx.connection, account_id)
            if len(held) >= MOST_PASSKEYS:
                raise PasskeyRefused("too_many")
            if settle_rp_id(tx, self._rp_id, now=now) != self._rp_id:
                raise PasskeyRefused("rp_id")
            if not rows.insert_passkey(tx, row, passkey, sealer=self._sealer):
                raise PasskeyRefused("known")
            event = Event(
                EventType.PASSKEY_ADDED,
                account_id=account_id,
                facts={
                    "passkey_id": passkey.passkey_id,
                    "synced": passkey.is_backed_up,
                    "aaguid": passkey.aaguid,
                },
            )
            self._log.record(tx, event, data_key=row.data_key, now=now)
            self._notices.tell(tx, row, Notice.PASSKEY_ADDED, now=now)


def read_new_credential(raw: str) -> NewCredential:
    """The answer of `navigator.credentials.create()`, as JSON (`toJSON()`, WebAuthn §5.1.6).

    Raises  PasskeyRefused(malformed).
    """
    try:
        response: Any = read_json_object(raw.encode())["response"]
        transports: Sequence[Any] = response.get("transports") or ()
        return NewCredential(
            from_base64url(response["clientDataJSON"].encode()),
            from_base64url(response["attestationObject"].encode()),
            tuple(one for one in transports if isinstance(one, str)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as failure:
        raise PasskeyRefused("malformed") from failure


def check_name(name: str) -> str:
    """What a passkey may be called: one line, NFC, not empty.

    Raises  PasskeyRefused(name).
    """
    called = " ".join(unicodedata.normalize("NFC", name).split())
    if not called or len(called) > MOST_NAME or not called.isprintable():
        raise PasskeyRefused("name")
    return called


def _check_shape(new: NewCredential, *, origins: Collection[str]) -> None:
    if len(new.client_data_json) > _MOST_CLIENT_DATA:
        raise PasskeyRefused("malformed")
    if len(new.attestation_object) > _MOST_ATTESTATION:
        raise PasskeyRefused("malformed")
    try:
        client_data: dict[str, Any] = read_json_object(new.client_data_json)
    except ValueError as failure:
        raise PasskeyRefused("malformed") from failure
    if client_data.get("origin") not in origins:
        raise PasskeyRefused("origin")
    if client_data.get("crossOrigin", False) is not False or "topOrigin" in client_data:
        raise PasskeyRefused("cross_origin")


def _credential_id(attestation_object: bytes) -> bytes:
    parsed = parse_attestation_object(attestation_object)
    # browsers strip what was not asked for, but for a signature by the passkey's own key
    is_own = parsed.fmt == AttestationFormat.PACKED and parsed.att_stmt.x5c is None
    if parsed.fmt != AttestationFormat.NONE and not is_own:
        raise PasskeyRefused("attestation")
    found = parsed.auth_data.attested_credential_data
    if found is None or not 0 < len(found.credential_id) <= _MOST_ID:
        raise PasskeyRefused("malformed")
    return found.credential_id


def user_handle(account_id: AccountId) -> bytes:
    """By what a passkey knows its account: 32 bytes that say nothing of the person.

    The same for every passkey of the account, so that a device replaces instead of adding.
    Source  WebAuthn Level 3 §5.4.3, §14.6.1.
    """
    return hashlib.sha256(f"antin passkey user 1\x00{account_id}".encode()).digest()


def _key(session_id: SessionId, account_id: AccountId) -> str:
    return f"passkey_challenge:{session_id}:{account_id}"
