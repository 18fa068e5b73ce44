"""Who may ask: controllers, sectors, clients, resource servers and the legal ground of asking.

What lives here: frozen values and the questions they answer by themselves.  What a profile permits
is in `profiles.py`, whether a client obeys it in `validation.py`, where it is kept in `storage.py`.
Source: RFC 7591 §2, OpenID Connect Registration 1.0 §2 for the names of the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

DEFAULT_CONTROLLER_ID: Final = "controller.default"
DEFAULT_SECTOR_ID: Final = "sector.default"

CIVIL_TIME: Final = timezone(timedelta(hours=7))
"""A day in a decision ends at midnight in Viet Nam, which keeps UTC+7 all year."""

_NOT_YET: Final = datetime.fromtimestamp(0, UTC)


class ProfileName(StrEnum):
    """Which column of the table of profiles a client lives under."""

    STANDARD = "standard"
    FAPI2 = "fapi2"
    LEGACY = "legacy"


class ClientStatus(StrEnum):
    """Whether the operator lets the client ask at all."""

    ACTIVE = "active"
    DISABLED = "disabled"


class ApplicationType(StrEnum):
    """OpenID Connect Registration 1.0 §2, `application_type`."""

    WEB = "web"
    NATIVE = "native"


class AuthMethod(StrEnum):
    """`token_endpoint_auth_method`: OpenID Connect Core §9, RFC 7591 §2."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


SECRET_METHODS: Final = frozenset({AuthMethod.BASIC, AuthMethod.POST})


class Pkce(StrEnum):
    """`required`: never without an S256 challenge; `if_sent`: a challenge that is sent holds."""

    REQUIRED = "required"
    IF_SENT = "if_sent"


class GrantType(StrEnum):
    """`grant_types` that this provider knows."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"


class Capacities(StrEnum):
    """In which capacity a person may come to the client."""

    ANY = "any"
    PERSON_ONLY = "person_only"
    ORGANISATION_ONLY = "organisation_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """The agency that answers for the data (bên kiểm soát dữ liệu), and its officer for them."""

    controller_id: str
    name_vi: str
    name_en: str
    dpo_email: str | None = None
    dpo_phone: str | None = None
    privacy_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sector:
    """All clients and resource servers that may see a person under one `sub`."""

    sector_id: str
    controller_id: str
    name_vi: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """What is kept of a secret: its SHA-256 and until when it opens anything (None: no end)."""

    digest: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None

    def is_live(self, *, now: datetime) -> bool:
        """Whether the secret may still be used."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopePurpose:
    """Why a client asks for a scope and how long it keeps what it gets, in two languages."""

    scope: str
    purpose_vi: str
    purpose_en: str
    retention_vi: str
    retention_en: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One relying party as the provider sees it.

    `claims` is the allow-list of claims; None means: all that its scopes give.  `resources` are
    identifiers of resource servers that it may ask tokens for, beside userinfo.  `jwks` holds
    public keys only.  `required_account_level` None means: any, organisations included.
    """

    client_id: str
    name_vi: str
    name_en: str
    controller_id: str = DEFAULT_CONTROLLER_ID
    sector_id: str = DEFAULT_SECTOR_ID
    profile: ProfileName = ProfileName.STANDARD
    status: ClientStatus = ClientStatus.ACTIVE
    application_type: ApplicationType = ApplicationType.WEB
    token_endpoint_auth_method: AuthMethod = AuthMethod.BASIC
    secrets: tuple[ClientSecret, ...] = field(default=(), repr=False)
    jwks: Mapping[str, Any] | None = field(default=None, hash=False)
    jwks_uri: str | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    pkce: Pkce = Pkce.REQUIRED
    grant_types: frozenset[GrantType] = frozenset({GrantType.AUTHORIZATION_CODE})
    scopes: frozenset[str] = frozenset({"openid"})
    claims: frozenset[str] | None = None
    resources: frozenset[str] = frozenset()
    required_level: int = 1
    required_account_level: int | None = None
    capacities: Capacities = Capacities.ANY
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    id_token_signed_response_alg: str = "ES256"
    userinfo_signed_response_alg: str | None = None
    refresh_lifetime_s: int = 30 * 24 * 3600
    acr_aliases: bool = False
    source_allow_list: tuple[IPv4Network | IPv6Network, ...] = ()
    legal_reference: str | None = None
    end_date: date | None = None
    purposes: tuple[ScopePurpose, ...] = ()
    policy_uri: str | None = None
    created_at: datetime = _NOT_YET

    @property
    def is_public(self) -> bool:
        """RFC 6749 §2.1: a client that cannot keep a secret."""
        return self.token_endpoint_auth_method is AuthMethod.NONE

    @property
    def ends_at(self) -> datetime | None:
        """The first instant after `end_date`."""
        if self.end_date is None:
            return None
        return datetime.combine(self.end_date + timedelta(days=1), time(), tzinfo=CIVIL_TIME)

    def is_usable(self, *, now: datetime) -> bool:
        """Whether the client may ask for anything: not disabled and not past its end date."""
        ends_at = self.ends_at
        return self.status is ClientStatus.ACTIVE and (ends_at is None or now < ends_at)

    def may_receive(self, claim: str) -> bool:
        """Whether the allow-list lets a claim through; scopes are another question."""
        return self.claims is None or claim in self.claims

    def find_purpose(self, scope: str) -> ScopePurpose | None:
        """Why the client asks for a scope, if it was registered."""
        return next((purpose for purpose in self.purposes if purpose.scope == scope), None)

    def admits_source(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether the client may call from there; an empty list admits every address."""
        if not self.source_allow_list:
            return True
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.source_allow_list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceServer:
    """An API that takes our access tokens: `identifier` is its `aud` and RFC 8707 `resource`.

    `client_id` is the client as which it introspects (RFC 7662); None: it never does.
    """

    identifier: str
    name_vi: str
    name_en: str
    sector_id: str = DEFAULT_SECTOR_ID
    client_id: str | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatutoryBasis:
    """A rule of law under which a client gets a scope in one procedure without asking consent.

    It counts only once an operator other than `requested_by` has approved it.
    """

    basis_id: str
    client_id: str
    scope: str
    procedure: str
    legal_ref: str
    requested_by: str
    requested_at: datetime
    valid_from: datetime
    valid_to: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None

    def is_in_force(self, *, now: datetime) -> bool:
        """Whether it is approved and its time has come and not gone."""
        return (
            self.approved_by is not None
            and self.approved_by != self.requested_by
            and self.valid_from <= now
            and (self.valid_to is None or now < self.valid_to)
        )
