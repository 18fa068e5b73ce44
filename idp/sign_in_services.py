"""What somebody signs in with, built once.

What lives here: `SignInServices` and the function that builds it from the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from idp.accounts.attempts import OTP_LIMITS, PASSWORD_LIMITS, Attempts
from idp.accounts.code_holders import CodeHolders, VerifierHolder
from idp.accounts.enrolment import TotpEnrolment
from idp.accounts.login import Login
from idp.accounts.passkey_sign_in import PasskeySignIn
from idp.accounts.passkeys import Passkeys
from idp.accounts.passwords import Passwords
from idp.delivery_services import DeliveryServices
from idp.passkey_services import build_passkeys
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.verifier_client import open_verifier_client
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.second_factor.client import VerifierClient

APP_NAME: Final = "Ấn Tín"
"""What an authenticator app and a device call the service."""


@dataclass(frozen=True, slots=True)
class SignInServices:
    """All of it is safe to share between threads."""

    attempts: Attempts
    passkeys: Passkeys
    passkey_sign_in: PasskeySignIn
    verifier: VerifierClient | None
    codes: CodeHolders
    login: Login
    enrolment: TotpEnrolment


def build_sign_in(
    settings: Settings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    passwords: Passwords,
    delivery: DeliveryServices,
) -> SignInServices:
    """Build everything; nothing is connected to."""
    attempts = Attempts(
        ephemeral,
        sealer=sealer,
        password=PASSWORD_LIMITS.with_source(settings.source_passwords_per_15min),
        otp=OTP_LIMITS.with_source(settings.source_codes_per_15min),
    )
    passkeys, passkey_sign_in = build_passkeys(
        settings,
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        notices=delivery.notices,
        attempts=attempts,
        app_name=APP_NAME,
    )
    verifier = open_verifier_client(settings)
    codes = CodeHolders(ephemeral, verifier=None if verifier is None else VerifierHolder(verifier))
    login = Login(
        database,
        store=ephemeral,
        sealer=sealer,
        attempts=attempts,
        passwords=passwords,
        codes=codes,
    )
    enrolment = TotpEnrolment(
        database,
        store=ephemeral,
        sealer=sealer,
        log=log,
        attempts=attempts,
        notices=delivery.notices,
        issuer=APP_NAME,
        codes=codes,
    )
    return SignInServices(attempts, passkeys, passkey_sign_in, verifier, codes, login, enrolment)
