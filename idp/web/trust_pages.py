"""What the pages about authorities and the log show, as data.

What lives here: the view-models of the public pages of the keystore; the others are in `pages.py`.
Must not import storage or use cases.  Source: RFC 5280 §4.2.1.13 (where lists are); C2SP
tlog-checkpoint; architecture, "Contracts" (`/ca/…`, `/log/…`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from idp.web.pages import Page

AuthorityRole = Literal["root", "issuing", "external"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One certification authority.

    `fingerprint` is the SHA-256 of its certificate, 64 hexadecimal digits in groups of four;
    `serial` hexadecimal.  Addresses without a value are not shown.
    """

    name: str
    organisation: str
    role: AuthorityRole
    issuer_name: str
    valid_from: datetime
    valid_to: datetime
    retired_at: datetime | None
    serial: str
    fingerprint: str
    page_url: str
    certificate_url: str
    pem_url: str
    crl_url: str | None
    ocsp_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoritiesPage(Page):
    """Every authority of this deployment; `tsa_url` is where timestamps are asked for."""

    template: ClassVar[str] = "authorities.html"
    authorities: tuple[Authority, ...]
    tsa_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityPage(Page):
    """One authority, with what somebody needs to compare before trusting it."""

    template: ClassVar[str] = "authority.html"
    authority: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTree:
    """One tree of the log as its newest checkpoint states it.

    `root` is base64; `witnesses` are the names of those who co-signed, `witnessed_at` when.
    """

    is_public: bool
    origin: str
    size: int
    root: str
    signed_at: datetime
    witnesses: tuple[str, ...]
    witnessed_at: datetime | None
    checkpoint_url: str
    keys_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage(Page):
    """What the append-only log promises, and where it stands."""

    template: ClassVar[str] = "log.html"
    trees: tuple[LogTree, ...]
