"""One audience per grant."""

from __future__ import annotations

import pytest

from clients.registry.model import ResourceServer
from idp.model import Grant
from idp.oauth.errors import InvalidTarget
from idp.oauth.resources import check_resources, find_audience_subject, foreign_sector
from idp.storage.grants import live_grants
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, API, FOREIGN_API


def the_grant(provider: Provider) -> Grant:
    with provider.services.database.read() as connection:
        (grant,) = live_grants(connection, ANH.account_id, now=provider.now)
    return grant


def test_a_token_request_names_the_grants_own_resource_or_none(
    provider: Provider, browser: Browser
) -> None:
    """RFC 8707 §2.2."""
    browser.tokens(resource=API)
    grant = the_grant(provider)
    userinfo = f"{ISSUER}/userinfo"
    check_resources((), grant=grant, userinfo=userinfo)
    check_resources((API, API), grant=grant, userinfo=userinfo)
    for asked in ((FOREIGN_API,), (API, FOREIGN_API), (userinfo,), ("",)):
        with pytest.raises(InvalidTarget):
            check_resources(asked, grant=grant, userinfo=userinfo)


def test_a_resource_of_the_same_sector_knows_the_same_sub(provider: Provider) -> None:
    servers = provider.services.registry
    now = provider.now
    assert foreign_sector(None, sector_id="land", servers=servers, now=now) is None
    assert foreign_sector(API, sector_id="land", servers=servers, now=now) is None
    assert foreign_sector(FOREIGN_API, sector_id="land", servers=servers, now=now) == "tax"
    with pytest.raises(InvalidTarget):
        foreign_sector("https://gone.example", sector_id="land", servers=servers, now=now)


def test_a_resource_that_moved_to_a_sector_without_a_name_is_refused(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens(resource=API)

    class Moved:
        def find_resource_server(self, identifier: str, *, now: object) -> ResourceServer:
            return ResourceServer(
                identifier=identifier, name_vi="Kho", name_en="Store", sector_id="sea"
            )

    with pytest.raises(InvalidTarget):
        find_audience_subject(
            the_grant(provider),
            servers=Moved(),
            database=provider.services.database,
            now=provider.now,
        )
