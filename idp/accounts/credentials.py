"""What is kept of a person's means of signing in, as frozen values.

What lives here: the stored forms of passwords and authenticators.  Not here: how they are checked
(`passwords`, `totp`) or kept (`idp.storage.credentials`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idp.accounts.channels import Channel
from idp.accounts.model import AccountStatus
from idp.ids import AccountId


class PasswordForm(StrEnum):
    """How a stored password hash is to be checked.

    NATIVE   argon2id of ours over the password in NFKC.
    DIRECT   imported argon2id at exactly our cost, over the password in NFC.
    WRAPPED  argon2id of ours over an imported hash, which is no longer kept.
    FOREIGN  an imported hash, sealed, that has yet to be wrapped.
    """

    NATIVE = "native"
    DIRECT = "direct"
    WRAPPED = "wrapped"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """One password hash at rest.

    `scheme` names the work that checking costs beside one argon2id (`bcrypt:12`), empty when
    there is none; it decides what an unknown identifier has to cost.  `salt` is that of the
    imported hash, empty for NATIVE and DIRECT.  `secret` is the argon2 PHC string, or for FOREIGN
    the digest of the imported hash.
    """

    form: PasswordForm
    scheme: str
    salt: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the check of a password needs to know of an account, and no more."""

    account_id: AccountId
    status: AccountStatus
    password: StoredPassword | None


class TotpHolder(StrEnum):
    """Who can compute the codes of an authenticator.

    SERVICE   this service, under the person's data key.
    VERIFIER  the second-factor verifier alone; what is kept here opens under its root key.
    """

    SERVICE = "service"
    VERIFIER = "verifier"


@dataclass(frozen=True, slots=True)
class Totp:
    """An authenticator app of a person.  RFC 6238.

    Takes   secret: 20 random bytes; of one that the verifier holds, what it gave us to keep.
    """

    totp_id: str
    secret: bytes = field(repr=False)
    created_at: datetime
    holder: TotpHolder = TotpHolder.SERVICE
    name: str = field(default="", repr=False)
    """What its owner calls it; only `storage/authenticators` reads it."""
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivationCode:
    """That a code was handed out after proofing; `code_mac` is a keyed hash of it, 32 bytes."""

    activation_id: str
    code_mac: bytes = field(repr=False)
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """What a person can be asked for after the password.

    Takes   sms_from, email_from: from when on a code sent there signs in, None where the person
            does not want that; has_recovery_codes: a way back, and no second factor.
    """

    has_totp: bool = False
    has_passkey: bool = False
    sms_from: datetime | None = None
    email_from: datetime | None = None
    has_recovery_codes: bool = False

    @property
    def has_any(self) -> bool:
        """Whether there is one, be it one that has to wait."""
        by_message = self.sms_from is not None or self.email_from is not None
        return self.has_totp or self.has_passkey or by_message

    def channels(self, now: datetime) -> tuple[Channel, ...]:
        """By which messages a code can be sent now that signs in."""
        waits = ((Channel.SMS, self.sms_from), (Channel.EMAIL, self.email_from))
        return tuple(channel for channel, from_ in waits if from_ is not None and from_ <= now)

    def is_ready(self, now: datetime) -> bool:
        """Whether one of them can be asked for now."""
        return self.has_totp or self.has_passkey or bool(self.channels(now))


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a person, as WebAuthn registered it.

    Takes   public_key: COSE; is_backup_eligible, is_backed_up: whether its private half can be, and
            was then, on more than one device; aaguid: which model it says to be, unverified;
            transports: how the browser says that it is reached; name: what its owner calls it.
    """

    passkey_id: str
    credential_id: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    is_backup_eligible: bool
    is_backed_up: bool
    aaguid: str
    transports: tuple[str, ...]
    name: str = field(repr=False)
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnedPasskey:
    """What signing in needs of a passkey, and whose it is; `is_active`: the account signs in."""

    passkey_id: str
    account_id: AccountId
    public_key: bytes = field(repr=False)
    is_backup_eligible: bool
    is_active: bool
