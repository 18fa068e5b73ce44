"""From an answered interaction to an authorization code: the one write of a sign-in.

What lives here: gathering what the questions of `prompts.py` look at, and storing session, consent,
grant, code and log rows in one transaction.  Not here: HTTP, pages.
Source: OpenID Connect Core §3.1.2.5; architecture, "State" (one write transaction per sign-in).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from clients.registry.model import Client
from clients.registry.profiles import profile_of
from idp.accounts.credentials import SecondFactors
from idp.accounts.model import Account, Representation
from idp.ids import AccountId, ConsentId, GrantId, MandateId, make_id
from idp.model import AuthLevel, Consent, Grant, Session, SessionClient
from idp.oauth.assurance import acr_for
from idp.oauth.authorization_request import AuthorizationRequest
from idp.oauth.consent import CONSENT, Bases, Disclosure, disclose, narrow_request
from idp.oauth.grants.authorization_code import CodeExchange
from idp.oauth.prompts import SELF, Progress, Prompt, Situation
from idp.oauth.resources import ResourceServers, foreign_sector
from idp.oauth.scopes import OFFLINE_ACCESS, SCOPE_CLAIMS
from idp.sessions import OpenedSession, Sessions
from idp.storage.consents import add_consent, live_consents
from idp.storage.data_requests import find_restriction, may_share
from idp.storage.database import Database, Transaction
from idp.storage.sessions import add_session_client, find_session_client, lock_session
from idp.storage.subjects import get_or_make_subject
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


class People(Protocol):
    """Accounts, as far as this module looks."""

    def find_account(self, account_id: AccountId) -> Account | None:
        """The account, whatever its status."""

    def representations(
        self, person_account_id: AccountId, *, now: datetime
    ) -> tuple[Representation, ...]:
        """The organisations that a person may act for now."""

    def second_factors(self, account_id: AccountId) -> SecondFactors:
        """Which second factors the person has."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is kept of one half of a page: of what was agreed to, or of what a law hands over.

    Having read of a law is no agreement, should the law end; so each half is a consent of its own.
    """

    kind: str
    disclosure: Disclosure
    text: str = field(repr=False)
    legal_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person answered on the consent or information page, with the evidence.

    `disclosure` is what the page spoke of; `chosen` are the optional scopes that were ticked;
    `text_sha256` is over the sentences of the whole page, in `language`.
    """

    disclosure: Disclosure
    chosen: tuple[str, ...]
    language: str
    text_version: str
    text_sha256: str
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """A situation with what stands behind it."""

    situation: Situation
    disclosure: Disclosure
    consents: tuple[Consent, ...]

    @property
    def asks_consent(self) -> bool:
        """Whether any of what is handed over rests on the person's consent."""
        return bool(self.disclosure.items) and not self.disclosure.is_by_law_alone

    def shown_on(self, page: Prompt) -> Disclosure:
        """What the consent page (all of it) or the information page (the laws) speaks of."""
        if page is Prompt.INFORMATION:
            return self.disclosure.on_ground(of_law=True)
        return self.disclosure

    def is_settled_by(self, decision: Decision) -> bool:
        """Whether the page spoke of everything that is handed over now.

        A registration may have changed while the person was reading.
        """
        if decision.disclosure == self.disclosure:
            return True
        return (
            self.situation.consent_prompt is not Prompt.CONSENT
            and decision.disclosure == self.shown_on(Prompt.INFORMATION)
        )


class SessionOvertaken(Exception):
    """Another request changed the session in the meantime: the questions are asked again."""


class Authorizations:
    """The use case behind /authorize and the interaction pages."""

    def __init__(
        self,
        database: Database,
        *,
        people: People,
        bases: Bases,
        sessions: Sessions,
        exchange: CodeExchange,
        sealer: Sealer,
        log: LogWriter,
        code_lifetime: timedelta,
        password_fresh: timedelta,
        resources: ResourceServers,
    ) -> None:
        self._database = database
        self._people = people
        self._bases = bases
        self._sessions = sessions
        self._exchange = exchange
        self._sealer = sealer
        self._log = log
        self._code_lifetime = code_lifetime
        self._password_fresh = password_fresh
        self._resources = resources

    def gather(
        self,
        request: AuthorizationRequest,
        *,
        client: Client,
        progress: Progress,
        session: Session | None,
        now: datetime,
    ) -> Gathered:
        """Everything that the questions look at, read once.

        A session of an account that is locked or closed counts as none.
        """
        account = self._people.find_account(session.account_id) if session is not None else None
        if account is None or not account.is_active:
            session, account = None, None
        disclosure = disclose(request, client=client, bases=self._bases, now=now)
        consents: tuple[Consent, ...] = ()
        representations: tuple[Representation, ...] = ()
        second = SecondFactors()
        is_restricted = False
        if account is not None:
            if disclosure.items:
                with self._database.read() as connection:
                    consents = live_consents(
                        connection, account.account_id, client_id=client.client_id
                    )
                    is_restricted = not disclosure.is_by_law_alone and (
                        find_restriction(connection, account.account_id) is not None
                    )
            if request.capacity != "person":
                representations = self._people.representations(account.account_id, now=now)
            second = self._people.second_factors(account.account_id)
        situation = Situation(
            request=request,
            client=client,
            progress=progress,
            session=session,
            account=account,
            has_second_factor=second.is_ready(now),
            demands_second_factor=account is not None and account.demands_second_factor,
            representations=representations,
            consent_prompt=disclosure.judge(consents),
            is_by_law_alone=disclosure.is_by_law_alone,
            password_fresh=self._password_fresh,
            now=now,
            is_restricted=is_restricted,
        )
        return Gathered(situation, disclosure, consents)

    def complete(
        self,
        gathered: Gathered,
        *,
        opened: OpenedSession | None,
        decision: Decision | None,
    ) -> str:
        """Store everything that the sign-in brought and return the authorization code.

        Takes   gathered: a situation in which nothing is left to ask; opened: the session as it
                has to be stored, None when it is stored already; decision: the consent given now.
        Raises  SessionOvertaken.
        """
        at = gathered.situation
        account, session = at.account, at.session
        if account is None or session is None:
            raise SessionOvertaken
        with self._database.transaction() as tx:
            if gathered.asks_consent and not may_share(tx, account.account_id):
                raise SessionOvertaken  # restricted in this instant: the person is told so
            if opened is not None:
                is_held = self._sessions.store(tx, opened, data_key=account.data_key, now=at.now)
            else:
                # a logout that is under way ends this grant as well, or this finds it done
                is_held = lock_session(tx, session.session_id, token_hash=session.token_hash)
            if not is_held:
                raise SessionOvertaken
            consents = gathered.consents
            if decision is not None:
                consents = (
                    *consents,
                    *(self._record_consent(tx, at, proof, decision) for proof in decision.proofs),
                )
            is_new = opened is not None and opened.replaces is None
            entry = self._enter_client(tx, at, account, session, is_new=is_new)
            self._name_at_resource(tx, at, account)
            grant = self._make_grant(gathered, account, session, entry, consents)
            code = self._exchange.issue(
                tx,
                grant,
                client=at.client,
                redirect_uri=at.request.redirect_uri,
                code_challenge=at.request.code_challenge,
                lifetime=self._code_lifetime,
            )
            self._record_grant(tx, grant, data_key=account.data_key, now=at.now)
        return code

    def _enter_client(
        self,
        tx: Transaction,
        at: Situation,
        account: Account,
        session: Session,
        *,
        is_new: bool,
    ) -> SessionClient:
        client_id = at.client.client_id
        entry = None
        if not is_new:  # nobody else knows a session that this transaction makes
            entry = find_session_client(tx.connection, session.session_id, client_id=client_id)
        if entry is None:
            subject = get_or_make_subject(tx, account.account_id, sector_id=at.client.sector_id)
            entry = SessionClient(
                session.session_id, client_id, sid=make_id("sid"), sub=subject.sub
            )
            add_session_client(tx, entry, expires_at=session.expires_at)
        return entry

    def _name_at_resource(self, tx: Transaction, at: Situation, account: Account) -> None:
        """Give the person a `sub` in the sector of the resource that tokens will be for."""
        sector = foreign_sector(
            at.request.resource,
            sector_id=at.client.sector_id,
            servers=self._resources,
            now=at.now,
        )
        if sector is not None:
            get_or_make_subject(tx, account.account_id, sector_id=sector)

    def _make_grant(
        self,
        gathered: Gathered,
        account: Account,
        session: Session,
        entry: SessionClient,
        consents: tuple[Consent, ...],
    ) -> Grant:
        at = gathered.situation
        request, assurance = at.request, at.assurance
        if assurance.level is None or assurance.auth_time is None:
            raise SessionOvertaken
        scopes, claims = narrow_request(request, disclosure=gathered.disclosure, consents=consents)
        capacity = at.chosen_capacity
        return Grant(
            grant_id=GrantId("grt_" + secrets.token_hex(16)),
            account_id=account.account_id,
            client_id=at.client.client_id,
            sector_id=at.client.sector_id,
            sub=entry.sub,
            session_id=session.session_id,
            sid=entry.sid,
            mandate_id=None if capacity in {None, SELF} else MandateId(str(capacity)),
            scopes=scopes,
            claims=claims,
            # a wider allow-list tomorrow hands over nothing that was not shown today
            shared=gathered.disclosure.shared_under(consents),
            claims_locales=request.claims_locales,
            resource=request.resource,
            is_offline=OFFLINE_ACCESS in scopes,
            acr=acr_for(
                AuthLevel(min(assurance.level, profile_of(at.client).level_cap)),
                acr_values=request.acr_values,
                acr_claim=request.acr_claim,
                may_alias=at.client.acr_aliases,
            ),
            amr=assurance.amr,
            auth_time=assurance.auth_time,
            nonce=request.nonce,
            created_at=at.now,
            expires_at=session.expires_at,
        )

    def _record_consent(
        self, tx: Transaction, at: Situation, proof: Proof, decision: Decision
    ) -> Consent:
        account_id = at.account.account_id if at.account is not None else AccountId("")
        given = Consent(
            consent_id=ConsentId(make_id("con")),
            account_id=account_id,
            client_id=at.client.client_id,
            kind=proof.kind,
            scopes=tuple(item.key for item in proof.disclosure.items),
            shared=proof.disclosure.shared_after(decision.chosen),
            language=decision.language,
            text_version=decision.text_version,
            text_sha256=decision.text_sha256,
            legal_reference=proof.legal_reference,
            given_at=at.now,
        )
        data_key = (None if at.account is None else at.account.data_key) or b""
        add_consent(
            tx,
            given,
            text_sealed=self._sealer.seal_personal(
                data_key, proof.text.encode(), context=given.consent_id
            ),
        )
        self._log.record(
            tx,
            Event(
                type=EventType.CONSENT_GIVEN
                if proof.kind == CONSENT
                else EventType.CONSENT_INFORMED,
                account_id=account_id,
                client_id=at.client.client_id,
                facts={
                    "consent_id": given.consent_id,
                    "text_sha256": given.text_sha256,
                    **_facts_of(given.shared),
                },
            ),
            data_key=data_key or None,
            now=at.now,
        )
        return given

    def _record_grant(
        self, tx: Transaction, grant: Grant, *, data_key: bytes | None, now: datetime
    ) -> None:
        self._log.record(
            tx,
            Event(
                type=EventType.GRANT_CREATED,
                account_id=grant.account_id,
                client_id=grant.client_id,
                facts={
                    "grant_id": grant.grant_id,
                    "acr": grant.acr,
                    "amr": " ".join(grant.amr),
                    "capacity": "self" if grant.mandate_id is None else grant.mandate_id,
                    "shared": " ".join(grant.shared)[:200],
                    "api_scopes": sum(1 for one in grant.scopes if one not in SCOPE_CLAIMS),
                },
            ),
            data_key=data_key,
            now=now,
        )


def _facts_of(shared: tuple[str, ...]) -> dict[str, str | int]:
    """Claims by name, scopes of resource servers by their number: their names are not ours."""
    claims = [one for one in shared if "#" not in one]
    return {"shared": " ".join(claims)[:200], "api_scopes": len(shared) - len(claims)}
