"""Who is at the page of a signing request, and what of it is hers.

What lives here: `Desk`, from a request to a `Visit`: the session, the account, the slots that are
this person's, and as whom she signs at this moment.  Who is not signed in is sent to sign in, and
back to exactly this request; to who is somebody else nothing of it is said.
Source: architecture, J3.  Not here: any page.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from flask import Response, request

from clients.registry.model import Client
from idp.accounts.people import AccountRow
from idp.ids import AccountId
from idp.services import Services
from idp.signing import SigningServices
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import Page
from idp.web.sign_pages import SignOtherAccountPage
from signing.errors import (
    CertificateRefused,
    ConfirmationRefused,
    RequestNotWaiting,
    RequestUnknown,
)
from signing.model import RequestState, SigningRequest, Slot, SlotState
from signing.ports import Signer
from signing.storage.preparations import Preparation


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a page: `slot` is the person's, the one whose turn it is before others.

    `signer` is None when she does not sign at this moment: it is not her turn, or account or
    mandate have ended.  `preparation` was read together with the request.
    """

    request: SigningRequest
    slot: Slot
    account: AccountRow = field(repr=False)
    client: Client | None
    signer: Signer | None
    preparation: Preparation | None
    now: datetime

    @property
    def place(self) -> str:
        """The address of the request's page."""
        return f"/sign/{self.request.request_id}"

    @property
    def state(self) -> RequestState:
        """Where the request stands now."""
        return self.request.state_at(self.now)

    @property
    def is_my_turn(self) -> bool:
        """Whether the request waits for this person."""
        current = self.request.current_slot
        return (
            self.state is RequestState.WAITING
            and current is not None
            and current.position == self.slot.position
        )

    @property
    def may_read(self) -> bool:
        """Whether the documents are shown: while it is her turn, and once she has signed."""
        return (
            self.is_my_turn
            or self.slot.state in {SlotState.CONFIRMED, SlotState.SIGNED}
            or self.state is RequestState.SIGNED
        )

    @property
    def client_name(self) -> str:
        """Of the portal that asks."""
        return self.request.client_id if self.client is None else name_of(self.client)


class Desk:
    """Receives whoever comes; safe to share between threads."""

    def __init__(self, services: Services, signing: SigningServices, *, cookies: Cookies) -> None:
        self.services = services
        self.signing = signing
        self.cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def arrive(self, request_id: str) -> Visit | Response:
        """The request for this person; or the way to sign in, or a page that it is not for her.

        A portal that demands two factors of its visitors has its documents read with two.
        """
        now = self.services.time()
        place = f"/sign/{request_id}"
        found, preparation = self._find(request_id)
        client = None
        if found is not None:
            client = self.services.registry.find_registered_client(found.client_id, now=now)
        level = 1 if client is None else min(client.required_level, 2)
        arrived = self._sign_in.find_person(level=level)
        if arrived is None:
            return self._sign_in.begin(place, level=level)
        session, account = arrived
        slot = None if found is None else _slot_of(found, session.account_id)
        if found is None or slot is None:
            return self._not_for(place, name=self.name_of(account.account_id))
        visit = Visit(found, slot, account, client, None, preparation, now)
        if not visit.is_my_turn:
            return visit  # nothing is signed here now, whoever might
        signer = Signer(
            account_id=slot.account_id,
            role=slot.role,
            organisation_id=slot.organisation_id,
            data_key=account.data_key,
        )
        holding = self.signing.signers.refresh(
            signer, client_id=found.client_id, is_active=not account.is_organisation, now=now
        )
        return replace(visit, signer=holding)

    def posted(self, request_id: str) -> Visit | Response:
        """The same for a form of ours.  Raises CsrfFailed."""
        visit = self.arrive(request_id)
        if isinstance(visit, Visit):
            self._check_form(visit.place)
        return visit

    def change_account(self, request_id: str) -> Response:
        """Sign in as somebody else, and come back.  Raises CsrfFailed."""
        place = f"/sign/{request_id}"
        self._check_form(place)
        return self._sign_in.begin(place, is_another=True)

    def answer(self, page: Page, *, browser: str, problem: str | None = None) -> Response:
        """A page with forms for this browser."""
        status = "too_many_attempts" if problem == "too_many" else problem
        response = page_answer(page, problem=status)
        self.cookies.ensure_browser(response, browser)
        return response

    def browser(self) -> str:
        """The token of this browser, or a new one for `answer`."""
        return self.cookies.read_browser() or make_browser_token()

    def for_whom(self, visit: Visit) -> str:
        """The organisation that the person signs for; empty when for herself."""
        organisation_id = visit.slot.organisation_id
        return "" if organisation_id is None else self.name_of(AccountId(organisation_id))

    def name_of(self, account_id: AccountId) -> str:
        """Of a person or an organisation; empty when unknown."""
        found = self.services.people.find_account(account_id)
        return "" if found is None else found.profile.name

    def _not_for(self, place: str, *, name: str) -> Response:
        browser = self.browser()
        page = SignOtherAccountPage(
            here=place,
            name=name,
            action=f"{place}/account",
            csrf_token=self.cookies.csrf_token(browser, place=place),
        )
        return self.answer(page, browser=browser)

    def _find(self, request_id: str) -> tuple[SigningRequest | None, Preparation | None]:
        try:
            return self.signing.windows.read(request_id)
        except RequestUnknown:
            return None, None

    def _check_form(self, place: str) -> None:
        if not self.cookies.is_csrf_token(request.form.get("csrf_token"), place=place):
            raise CsrfFailed


def holding(visit: Visit) -> Signer:
    """As whom the person signs, where it is her turn.

    Raises  RequestNotWaiting, CertificateRefused (level_too_low), ConfirmationRefused
            (mandate_ended).
    """
    if not visit.is_my_turn:
        raise RequestNotWaiting(visit.state)
    if not visit.account.may_sign:  # also one that was capped while a window was open
        raise CertificateRefused("level_too_low")
    if visit.signer is None:
        raise ConfirmationRefused("mandate_ended")
    return visit.signer


def _slot_of(found: SigningRequest, account_id: str) -> Slot | None:
    """The person's slot: the one whose turn it is, else the next of hers, else her last."""
    mine = [one for one in found.slots if one.account_id == account_id]
    if not mine:
        return None
    waiting = [one for one in mine if one.state is not SlotState.SIGNED]
    return waiting[0] if waiting else mine[-1]
