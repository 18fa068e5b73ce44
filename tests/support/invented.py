"""People and organisations made for one test, put into a database by the use cases of the house.

What lives here: `Inventor`, over the services of a process of ours.  Numbers have province prefixes
that were never assigned; names come from few words, so that the alarm can know them.
Not here: the printed people of the sandbox (`idp/sandbox/invented_people.py`).
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyotp

from idp.accounts.activation import issue_activation_code
from idp.accounts.birthdates import Birthdate
from idp.accounts.credentials import StoredPassword, Totp, TotpHolder
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import add_legal_representative
from idp.accounts.model import AccountKind, AccountLevel, Gender, IdentifierKind, Profile
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.accounts.totp import STEP_S, make_secret, secret_text
from idp.ids import AccountId, make_id
from idp.services import Services
from idp.storage.accounts import find_row
from idp.storage.credentials import replace_totps
from keystore.second_factor.client import VerifierClient
from tests.support.servers import wait_until

_WORDS: Final = ("Suối", "Mây", "Sương", "Khói", "Đèo", "Gió", "Trăng", "Sao", "Vườn", "Bến")


@dataclass(slots=True)
class Invented:
    """Somebody who can sign in."""

    identifier: str = field(repr=False)
    password: str = field(repr=False)
    name: str = field(repr=False)
    totp_secret: str | None = field(default=None, repr=False)
    account_id: AccountId | None = None
    _last_step: int = 0

    def code(self) -> str:
        """A one-time code that was not used yet.

        One step before and one after the present are taken too: three sign-ins need no waiting.
        """
        assert self.totp_secret is not None
        present = int(datetime.now(UTC).timestamp()) // STEP_S
        step = max(self._last_step + 1, present)
        if self._last_step == 0 and _seconds_left() > STEP_S // 2:
            step = present - 1
        assert step <= present + 1, "more codes than three steps have: invent another person"
        self._last_step = step
        return pyotp.TOTP(self.totp_secret).generate_otp(step)

    def late_code(self) -> str:
        """The same for somebody who needs more than three: it waits for a step of its own."""
        wait_until(
            lambda: int(datetime.now(UTC).timestamp()) // STEP_S >= self._last_step,
            what="a step for another code",
            timeout_s=2 * STEP_S,
        )
        return self.code()

    @property
    def secrets(self) -> dict[str, str]:
        """What the alarm has to know."""
        known = {"password": self.password, "number": self.identifier, "name": self.name}
        return known if self.totp_secret is None else {**known, "totp": self.totp_secret}


def _seconds_left() -> int:
    return STEP_S - int(datetime.now(UTC).timestamp()) % STEP_S


class Inventor:
    """Makes people in one database; the same password hash serves as often as it may."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._lifecycle = AccountLifecycle(
            services.database, sealer=services.sealer, log=services.log
        )
        self._passwords = Passwords(Hashing(Argon2Costs()))
        # one after the other: among thousands drawn at random two would be alike now and then
        self._numbers = itertools.count(secrets.randbelow(4 * 10**6))

    def hash(self, password: str) -> StoredPassword:
        """What is kept of a password; about 20 ms."""
        return self._passwords.hash_new(password)

    def person(
        self,
        *,
        level: AccountLevel = AccountLevel.TWO,
        has_totp: bool = True,
        verifier: VerifierClient | None = None,
        organisations: tuple[str, ...] = (),
        password: str | None = None,
        stored: StoredPassword | None = None,
        has_mail: bool = False,
    ) -> Invented:
        """Somebody new.

        Takes   verifier: holds the authenticator, as bound at proofing, so that it confirms
                signatures; organisations: enterprise codes of organisations that are there already;
                password, stored: a password with its hash, to save time with hundreds of people;
                has_mail: with a verified address.
        """
        now = self.services.time()
        province, digits = divmod(next(self._numbers) % (4 * 10**6), 10**6)
        number = f"00{'3579'[province]}085{digits:06d}"
        name = " ".join(("Người", *(secrets.choice(_WORDS) for _ in range(3)), number[-3:]))
        password = password or f"mat-khau-{secrets.token_hex(6)}"
        account = self._lifecycle.open(
            make_account(
                kind=AccountKind.CITIZEN,
                level=level,
                profile=Profile(
                    name=name,
                    birthdate=Birthdate(1985, 2, 17),
                    gender=Gender.FEMALE,
                    email=f"nguoi.{number[-6:]}@mau.example" if has_mail else None,
                    is_email_verified=has_mail,
                ),
                identifiers=[ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, number)],
                now=now,
            ),
            password=stored or self.hash(password),
        )
        made = Invented(number, password, name, account_id=account.account_id)
        if has_totp:
            made.totp_secret = self._enrol(account.account_id, verifier=verifier, now=now)
        for code in organisations:
            self._represent(account.account_id, code, now=now)
        return made

    def activation_code(self, person: Invented) -> str:
        """A code from proofing, for a first authenticator app."""
        services = self.services
        assert person.account_id is not None
        return issue_activation_code(
            services.database,
            person.account_id,
            sealer=services.sealer,
            log=services.log,
            now=services.time(),
        )

    def _enrol(
        self, account_id: AccountId, *, verifier: VerifierClient | None, now: datetime
    ) -> str:
        secret = make_secret()
        totp = Totp(make_id("otp"), secret, now)
        if verifier is not None:
            kept = verifier.take_totp(
                totp.totp_id, account_id=account_id, secret=secret, is_bound_at_proofing=True
            )
            totp = Totp(totp.totp_id, kept, now, TotpHolder.VERIFIER)
        with self.services.database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            assert row is not None
            replace_totps(tx, row, totp, sealer=self.services.sealer)
        return secret_text(secret)

    def _represent(self, account_id: AccountId, code: str, *, now: datetime) -> None:
        found = self.services.people.find_by_identifier(
            ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, code)
        )
        assert found is not None, "no such organisation"
        add_legal_representative(
            self.services.database,
            holder_id=account_id,
            organisation_id=found.account_id,
            source="test",
            log=self.services.log,
            now=now,
        )
