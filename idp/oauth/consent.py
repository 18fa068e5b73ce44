"""What a request would hand over, and whether the person has agreed to that.

What lives here: the disclosure, judged over the final claims (scopes, `claims` parameter, client's
allow-list), item by item; which of it rests on a law instead; what is left of the request when an
optional item was not chosen.  The words are made in `idp/web/consent_text.py`.
Source: Law 91/2025/QH15 Art. 9, 19; NĐ 356/2025 Art. 6; OpenID Connect Core §3.1.2.4, §11;
RFC 8707 §2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from clients.registry.model import Client, ResourceServer, ScopePurpose, StatutoryBasis
from idp.model import Consent
from idp.oauth.authorization_request import AuthorizationRequest
from idp.oauth.claims import admitted_by, members_of, shared_claims
from idp.oauth.prompts import Prompt
from idp.oauth.scopes import ALWAYS, OFFLINE_ACCESS, OPENID, SCOPE_CLAIMS

CONSENT: Final = "consent"
INFORMATION: Final = "information"
"""Kinds of `Consent`: agreed to, or told because a law says so."""
SINGLE_CLAIMS: Final = "claims"
"""The item of claims that were asked for one by one and belong to no granted scope."""


class Bases(Protocol):
    """The registry, as far as this module looks."""

    def statutory_basis(
        self, client_id: str, *, scope: str, procedure: str, now: datetime
    ) -> StatutoryBasis | None:
        """The approved rule of law in force, if there is one."""

    def find_resource_server(self, identifier: str, *, now: datetime) -> ResourceServer | None:
        """The resource server that a `resource` parameter names."""


def consent_key(scope: str, *, resource: str | None) -> str:
    """A scope as consents name it: one of a resource server belongs to that server alone.

    Two of them may use one name for different things.  An identifier has no fragment (RFC 8707 §2).
    """
    return scope if scope in SCOPE_CLAIMS or resource is None else f"{resource}#{scope}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is handed over: a scope with the claims that the client may receive of it.

    `basis` is the rule of law on which it is handed over without consent; `server` whose scope it
    is, when it opens somebody else's API instead of anything that is kept here.
    """

    scope: str
    claims: tuple[str, ...]
    purpose: ScopePurpose | None
    basis: StatutoryBasis | None
    is_required: bool
    server: ResourceServer | None = None

    @property
    def key(self) -> str:
        """What forms and consents call it."""
        return consent_key(
            self.scope, resource=None if self.server is None else self.server.identifier
        )

    @property
    def content(self) -> tuple[str, ...]:
        """By what a consent remembers it: its claims; without any (offline_access) its key."""
        return self.claims or (self.key,)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Everything that one request would hand over."""

    items: tuple[Item, ...]

    def judge(self, consents: Iterable[Consent]) -> Prompt | None:
        """What the person must be asked, or None when these consents cover everything.

        CONSENT when something needs an agreement that is not there, INFORMATION when the person
        was not told yet of something that rests on law.  An optional item that was declined has
        been answered.
        """
        given = tuple(consents)
        agreements = _agreements(given)
        if any(item.basis is None and not _is_answered(item, agreements) for item in self.items):
            return Prompt.CONSENT
        if any(item.basis is not None and not _is_told(item, given) for item in self.items):
            return Prompt.INFORMATION
        return None

    @property
    def is_by_law_alone(self) -> bool:
        """Whether there is nothing to agree to, because all of it rests on law."""
        return bool(self.items) and all(item.basis is not None for item in self.items)

    def settle(self, consents: Iterable[Consent]) -> frozenset[str]:
        """Keys of the items that may be handed over under these consents."""
        agreements = _agreements(consents)
        return frozenset(
            item.key
            for item in self.items
            if item.is_required or item.basis is not None or _is_chosen(item, agreements)
        )

    def shared_under(self, consents: Iterable[Consent]) -> tuple[str, ...]:
        """Claim names that may be handed over under these consents."""
        settled = self.settle(consents)
        names = [claim for item in self.items if item.key in settled for claim in item.claims]
        return tuple(dict.fromkeys(names))

    def on_ground(self, *, of_law: bool) -> Disclosure:
        """The items that rest on a law, or those that need an agreement."""
        return Disclosure(tuple(item for item in self.items if (item.basis is not None) is of_law))

    def shared_after(self, chosen: Iterable[str]) -> tuple[str, ...]:
        """What is shared when these optional items (keys) were chosen: claims, or keys."""
        wanted = set(chosen)
        names = [
            claim
            for item in self.items
            if item.is_required or item.basis is not None or item.key in wanted
            for claim in item.content
        ]
        return tuple(dict.fromkeys(names))


def _agreements(consents: Iterable[Consent]) -> tuple[Consent, ...]:
    """What was agreed to.  Having been told of a law is no answer to a question."""
    return tuple(one for one in consents if one.kind == CONSENT)


def _is_answered(item: Item, agreements: Sequence[Consent]) -> bool:
    """Whether the person need not be asked about this item again.

    An optional one is answered by a refusal as well, but not by an agreement to less than it holds
    now.  Claims that were asked for one by one add up: no two requests need name the same.
    """
    if item.scope == SINGLE_CLAIMS:
        return {claim for one in agreements for claim in one.shared}.issuperset(item.content)
    latest = _latest(item, agreements)
    if latest is None:
        return False
    is_refused = not item.is_required and set(latest.shared).isdisjoint(item.content)
    return is_refused or _is_chosen(item, agreements)


def _is_chosen(item: Item, agreements: Sequence[Consent]) -> bool:
    """Whether an item was agreed to the last time that the person was asked about it."""
    latest = _latest(item, agreements)
    return latest is not None and set(latest.shared).issuperset(item.content)


def _latest(item: Item, agreements: Sequence[Consent]) -> Consent | None:
    """The newest answer to a question that this item was part of."""
    asked = [one for one in agreements if item.key in one.scopes]
    return max(reversed(asked), key=lambda one: one.given_at) if asked else None


def _is_told(item: Item, given: Sequence[Consent]) -> bool:
    """Whether the person knows that the client gets all of this item.

    Having been asked and having declined is no knowledge of that: on the contrary.
    """
    return _is_chosen(item, _agreements(given)) or any(
        one.kind == INFORMATION
        and item.key in one.scopes
        and set(one.shared).issuperset(item.content)
        for one in given
    )


def disclose(
    request: AuthorizationRequest, *, client: Client, bases: Bases, now: datetime
) -> Disclosure:
    """What a request would hand over to a client, item by item, in the order of the scopes."""
    final = shared_claims(request.scopes, claims=request.claims, may_receive=admitted_by(client))
    items: list[Item] = []
    covered: set[str] = set()
    for scope in request.scopes:
        if scope == OPENID:
            continue
        if scope not in SCOPE_CLAIMS:
            items.extend(_access(scope, request=request, client=client, bases=bases, now=now))
            continue
        claims = tuple(claim for claim in members_of(scope) if claim in final)
        covered.update(claims)
        if not claims and scope != OFFLINE_ACCESS:
            continue
        purpose = client.find_purpose(scope)
        basis = (
            bases.statutory_basis(
                client.client_id, scope=scope, procedure=request.procedure, now=now
            )
            if request.procedure is not None
            else None
        )
        items.append(Item(scope, claims, purpose, basis, purpose is None or purpose.required))
    single = tuple(claim for claim in final if claim not in covered)
    if single:
        items.append(
            Item(SINGLE_CLAIMS, single, client.find_purpose(SINGLE_CLAIMS), None, is_required=True)
        )
    return Disclosure(tuple(items))


def _access(
    scope: str, *, request: AuthorizationRequest, client: Client, bases: Bases, now: datetime
) -> Iterator[Item]:
    """The scope of a resource server, if everything that made it one still holds.

    It always needs an agreement: a statutory basis says what of a person's data is handed over
    from here, not what a client may do elsewhere in the person's name.
    """
    resource, purpose = request.resource, client.find_purpose(scope)
    if resource not in client.resources or scope not in client.scopes or purpose is None:
        return
    server = bases.find_resource_server(resource, now=now)
    if server is not None and scope in server.scopes:
        yield Item(scope, (), purpose, None, purpose.required, server)


def narrow_request(
    request: AuthorizationRequest, *, disclosure: Disclosure, consents: Sequence[Consent]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Scopes and `claims` parameter of the grant: what was not agreed to is taken out."""
    settled = disclosure.settle(consents)
    scopes = tuple(
        scope
        for scope in request.scopes
        if scope == OPENID or consent_key(scope, resource=request.resource) in settled
    )
    kept = ALWAYS.union(disclosure.shared_under(consents))
    claims = {
        place: {name: value for name, value in members.items() if name in kept}
        for place, members in request.claims.items()
    }
    return scopes, claims
