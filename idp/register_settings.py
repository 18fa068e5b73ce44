"""The settings of the registers that a deployment asks.

What lives here: part of `Settings`, and what is refused of it.  Not here: how a register is asked
(`idp/registers`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from idp.errors import SettingsInvalid
from idp.mandate_settings import MandateSettings

_TOKEN: Final = re.compile(r"[!-9;-~]{1,128}", re.ASCII)
"""Printable, without a colon, which ends a user in an Authorization header (RFC 7617 §2)."""

BOUNDS: Final = {
    "population_timeout_s": (1, 30),
    "population_valid_s": (0, 24 * 3600),
    "business_timeout_s": (1, 30),
    "business_valid_s": (0, 24 * 3600),
    "source_comparisons_per_15min": (5, 100_000),
}
PATHS: Final = frozenset(
    {"population_secret_file", "population_api_key_file", "business_authorization_file"}
)


class RegisterSettings(MandateSettings, frozen=True, kw_only=True):
    """Settings of the population service and of the business register."""

    population_url: str = ""
    """Address of the population service (SOAP), https; empty: this deployment has none, and
    accounts are opened at a counter."""
    population_user: str = ""
    """User of the connection to it."""
    population_secret_file: Path | None = None
    """The secret of that user, in a file of mode 0600."""
    population_authorization: Literal["base64", "plain"] = "base64"
    """Whether user and hash in its Authorization header are wrapped in base64, as RFC 7617 has it;
    platforms differ."""
    population_api_key_file: Path | None = None
    """Key of the integration platform (header `ApiKey`), in a file of mode 0600; empty: none."""
    population_xroad_client: str = ""
    """Our subsystem on an X-Road platform (header `X-Road-Client`); empty: none."""
    population_integration_code: str = "037"
    """Integration code (`MaTichHop`) agreed with the operator of the population service."""
    population_service_code: str = ""
    """Service or procedure code (`MaDVC`) that it is asked under."""
    population_unit: str = ""
    """Unit that asks (`MaDonVi`)."""
    population_officer: str = ""
    """Code of the officer who answers for what people ask about themselves (`MaCanBo`)."""
    population_phone: str = ""
    """Telephone number of that unit (`SoDienThoai`); empty: none is sent."""
    population_timeout_s: int = 5
    """How long one question to it may take, all in all."""
    population_valid_s: int = 600
    """How long a confirmation of it may be used again, by whoever asked and for what they asked;
    0: once. No contradiction is ever kept."""

    source_comparisons_per_15min: int = 30
    """How often one network address (IPv6: /64) may have people's data compared with the population
    service in 15 minutes, to open an account or to follow a new number."""

    business_url: str = ""
    """Address of the business register's look-up (`…/chiTietDoanhNghiep`), https; empty: this
    deployment has none, and nobody becomes a representative by it."""
    business_authorization_file: Path | None = None
    """What its Authorization header says, whole, in a file of mode 0600; empty: no such header."""
    business_timeout_s: int = 5
    """How long one question to it may take, all in all."""
    business_valid_s: int = 3600
    """How long an answer of it may be used again; never beyond a day on which the status changes.
    0: once."""


def refuse_half_a_register(settings: RegisterSettings) -> None:
    """Raises  SettingsInvalid with the name of the setting that is wrong or missing."""
    for whose in ("population", "business"):
        url = getattr(settings, f"{whose}_url")
        parts = urlsplit(url)
        # http is for the simulators of a sandbox, on this machine; the door refuses all other
        if url and (parts.scheme not in {"https", "http"} or not parts.hostname):
            _refuse(f"{whose}_url", "must be an https address")
        if url and (parts.query or parts.fragment or parts.username):
            _refuse(f"{whose}_url", "must be an address without user, query or fragment")
        is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme == "http" and not is_local:
            _refuse(f"{whose}_url", "must be https")
    if not settings.population_url:
        return
    if not _TOKEN.fullmatch(settings.population_user):
        _refuse("population_user", "who we are there: printable ASCII without a colon")
    if settings.population_secret_file is None:
        _refuse("population_secret_file", "the secret of population_user")
    for key in ("service_code", "unit", "officer", "integration_code"):
        if not getattr(settings, f"population_{key}"):
            _refuse(f"population_{key}", "the population service is asked under it")
    if settings.population_xroad_client and not _TOKEN.fullmatch(settings.population_xroad_client):
        _refuse("population_xroad_client", "must be printable ASCII")


def _refuse(key: str, reason: str) -> None:
    raise SettingsInvalid(f"ANTIN_{key.upper()}", reason=reason)
