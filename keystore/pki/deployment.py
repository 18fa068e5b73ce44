"""What a deployment decides about its certificates.

What lives here: one frozen value, checked once.  Every certificate carries some of it for years, so
nothing is guessed: what cannot stand in a certificate is refused at start.
Source: RFC 5280 §4.2; ETSI EN 319 412-1 §5.1 (identifiers).  Not here: profiles and names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from keystore.pki.addresses import PkiAddresses
from keystore.pki.errors import DeploymentInvalid

EXAMPLE_ARC: Final = "1.3.6.1.4.1.32473"
"""RFC 5612: for examples.  What is issued under it means nothing outside a sandbox.

ITU-T has an arc for that too, 2.999, but readers that are about take its first two octets wrong.
"""

_EXAMPLE_ARCS: Final = (EXAMPLE_ARC, "2.999")
_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,9})){1,16}", re.ASCII)
_IDENTIFIER: Final = re.compile(r"(?:NTR|VAT|GOV)[A-Z]{2}-[0-9A-Za-z.-]{1,48}", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_LONGEST_NAME: Final = 24
_MOST_SHARDS: Final = 4096


class SubjectNumbers(StrEnum):
    """How a person's certificate tells two people of one name apart."""

    OPAQUE = "opaque"
    """A random number of our own, the same in every certificate of that person."""
    ETSI = "etsi"
    """The identification number as ETSI EN 319 412-1 §5.1.3 writes it, `PNOVN-…`."""
    VIETNAMESE = "vietnamese"
    """The opaque number, and beside it `UID=CCCD:…` as Vietnamese public authorities put it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PkiDeployment:
    """What all certificates of one deployment have in common.

    Takes   base_url: origin of the addresses in certificates; policy_arc: where our policies hang;
            organisation, organisation_identifier: who runs the authority (`GOVVN-…`, `NTRVN-…`);
            ca_name: how its authorities are called; numbers: see `SubjectNumbers`;
            shards: partitions of a new issuing CA's CRL, 0 for one list;
            qualified_in: the country under whose law certificates of persons and seals are issued
            as qualified, and then `pds_url` (https, the disclosure statement in English) is needed;
            cps_url: the certification practice statement, or None.
    Raises  DeploymentInvalid with the name of the field.
    """

    base_url: str
    organisation: str
    organisation_identifier: str
    policy_arc: str = EXAMPLE_ARC
    ca_name: str = "Ấn Tín"
    country: str = "VN"
    numbers: SubjectNumbers = SubjectNumbers.OPAQUE
    shards: int = 0
    qualified_in: str | None = None
    pds_url: str | None = None
    cps_url: str | None = None
    is_sandbox: bool = False

    def __post_init__(self) -> None:
        _check_url(self.base_url, field="base_url", schemes=("http", "https"), is_origin=True)
        for field, url in (("pds_url", self.pds_url), ("cps_url", self.cps_url)):
            if url is not None:
                _check_url(url, field=field, schemes=("https",))
        if not _OID.fullmatch(self.policy_arc):
            raise DeploymentInvalid("policy_arc", reason="must be an object identifier")
        if not self.organisation.strip():
            raise DeploymentInvalid("organisation", reason="is missing")
        if not 0 < len(self.ca_name) <= _LONGEST_NAME:
            raise DeploymentInvalid("ca_name", reason=f"must have 1 to {_LONGEST_NAME} characters")
        if not _IDENTIFIER.fullmatch(self.organisation_identifier):
            reason = "must be like NTRVN-…, VATVN-… or GOVVN-…"
            raise DeploymentInvalid("organisation_identifier", reason=reason)
        for field, country in (("country", self.country), ("qualified_in", self.qualified_in)):
            if country is not None and not _COUNTRY.fullmatch(country):
                raise DeploymentInvalid(field, reason="must be a country code of two letters")
        if self.qualified_in is not None and self.pds_url is None:
            raise DeploymentInvalid("pds_url", reason="is needed where certificates are qualified")
        if not 0 <= self.shards <= _MOST_SHARDS:
            raise DeploymentInvalid("shards", reason=f"must be from 0 to {_MOST_SHARDS}")
        is_example = any(f"{self.policy_arc}.".startswith(f"{arc}.") for arc in _EXAMPLE_ARCS)
        if is_example and not self.is_sandbox:
            raise DeploymentInvalid("policy_arc", reason="is the arc for examples")
        if self.is_sandbox and self.qualified_in is not None:
            raise DeploymentInvalid("qualified_in", reason="a sandbox qualifies nobody")

    @property
    def addresses(self) -> PkiAddresses:
        """The addresses that stand in certificates."""
        return PkiAddresses(self.base_url)


def _check_url(url: str, *, field: str, schemes: tuple[str, ...], is_origin: bool = False) -> None:
    try:
        parts = urlsplit(url)
        is_fit = parts.scheme in schemes and bool(parts.hostname) and url.isascii()
        is_fit = is_fit and not (parts.username or parts.fragment or parts.port == 0)
    except ValueError as malformed:
        raise DeploymentInvalid(field, reason="must be a URL") from malformed
    if is_origin:
        is_fit = is_fit and not (parts.path or parts.query)
    if not is_fit:
        kind = "an origin without a path" if is_origin else "a URL"
        raise DeploymentInvalid(field, reason=f"must be {kind}, {' or '.join(schemes)}")
