"""A person with passkeys in software: what registers them, and what they sign in with.

What lives here: `PasskeyHouse` over one database and one ephemeral store, and `answer_of`, what a
page's script sends for an assertion.  Not here: HTTP, the authenticator itself (`authenticator`).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from idp.accounts.attempts import Attempts, Source
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, Profile
from idp.accounts.notices import Notices
from idp.accounts.passkey_sign_in import PasskeySignIn
from idp.accounts.passkeys import NewCredential, Passkeys, user_handle
from idp.ids import AccountId, SessionId
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.work.outbox import Outbox
from keystore.base64url import from_base64url, to_base64url
from keystore.kek import load_kek
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from tests.support.authenticator import Authenticator
from tests.support.provider import KEK
from tests.support.signer import RP_ID, SIGNER

SESSION = SessionId("ses_1")
SIGN_IN = "int_1"


def answer_of(
    passkey: Authenticator, challenge: str, *, owner: AccountId | None, **wrong: Any
) -> str:
    """The JSON that the page's script fills in.

    Takes   challenge: base64url, as it stands in the options; owner: whose user handle it says.
    """
    made = passkey.confirm(from_base64url(challenge.encode()), **wrong)

    def text(raw: bytes) -> str:
        return to_base64url(raw).decode()

    return json.dumps(
        {
            "rawId": text(made.credential_id),
            "response": {
                "clientDataJSON": text(made.client_data_json),
                "authenticatorData": text(made.authenticator_data),
                "signature": text(made.signature),
                "userHandle": None if owner is None else text(user_handle(owner)),
            },
        }
    )


class PasskeyHouse:
    """A person, a browser, and what registers passkeys."""

    def __init__(self, database: Database, ephemeral: EphemeralStore, now: datetime) -> None:
        self.database = database
        self.store = ephemeral
        self.sealer = Sealer.open(database, kek=load_kek(file=None, value=KEK), now=now)
        self.log = LogWriter(self.sealer, writer_id="test")
        self.notices = Notices(Outbox(lambda _ids: None), self.sealer)
        self.passkeys = Passkeys(
            database,
            store=ephemeral,
            sealer=self.sealer,
            log=self.log,
            notices=self.notices,
            rp_id=RP_ID,
            rp_name="Ấn Tín",
            origins=[SIGNER],
        )
        self.attempts = Attempts(ephemeral, sealer=self.sealer)
        self.sign_in = PasskeySignIn(
            database,
            store=ephemeral,
            sealer=self.sealer,
            log=self.log,
            attempts=self.attempts,
            rp_id=RP_ID,
            origin=SIGNER,
            lifetime=timedelta(minutes=30),
        )
        self.now = now
        self.person = self.open()

    def open(self) -> Account:
        made = make_account(
            kind=AccountKind.CITIZEN,
            level=AccountLevel.TWO,
            profile=Profile("Nguyễn Thị Lấp Lánh Ánh"),
            identifiers=[],
            now=self.now,
        )
        return AccountLifecycle(self.database, sealer=self.sealer, log=self.log).open(made)

    def begin(self, account: Account | None = None, session: SessionId = SESSION) -> Any:
        """The options, read."""
        given = self.passkeys.begin(
            account or self.person, session_id=session, label="•••0018", now=self.now
        )
        return json.loads(given)

    def finish(
        self,
        challenge: str,
        passkey: Authenticator | None = None,
        *,
        session: SessionId = SESSION,
        account: Account | None = None,
        name: str = "Điện thoại",
        **wrong: Any,
    ) -> Any:
        """The authenticator's answer, and what is said to it."""
        answer = (passkey or Authenticator()).register(from_base64url(challenge.encode()), **wrong)
        return self.passkeys.finish(
            (account or self.person).account_id,
            session_id=session,
            new=NewCredential(*answer, ("internal", "telepathy")),
            name=name,
            now=self.now,
        )

    def register(self, passkey: Authenticator | None = None, **changes: Any) -> Any:
        """Both."""
        return self.finish(self.begin()["challenge"], passkey, **changes)

    def ask(self, interaction_id: str = SIGN_IN) -> str:
        """The challenge of a sign-in page."""
        options = json.loads(self.sign_in.ask_anybody(interaction_id, now=self.now))
        return str(options["challenge"])

    def ask_me(self, interaction_id: str = SIGN_IN, *, person: Account | None = None) -> str:
        """The challenge of the page for a second factor."""
        options = self.sign_in.ask_person(
            interaction_id, account_id=(person or self.person).account_id, now=self.now
        )
        return str(json.loads(options)["challenge"])

    def answer(
        self,
        passkey: Authenticator,
        challenge: str,
        *,
        interaction_id: str = SIGN_IN,
        owner: Account | None = None,
        is_named: bool = True,
        **wrong: Any,
    ) -> Any:
        """Sign in with it."""
        named = (owner or self.person).account_id if is_named else None
        raw = answer_of(passkey, challenge, owner=named, **wrong)
        return self.sign_in.sign_in(
            raw, interaction_id=interaction_id, source=Source("192.0.2.7"), now=self.now
        )

    def confirm(
        self,
        passkey: Authenticator,
        challenge: str,
        *,
        person: Account | None = None,
        is_named: bool = False,
        **wrong: Any,
    ) -> Any:
        """Give it as the second factor of a person."""
        me = (person or self.person).account_id
        raw = answer_of(passkey, challenge, owner=me if is_named else None, **wrong)
        return self.sign_in.confirm(
            raw,
            account_id=me,
            interaction_id=SIGN_IN,
            source=Source("192.0.2.7"),
            now=self.now,
        )
