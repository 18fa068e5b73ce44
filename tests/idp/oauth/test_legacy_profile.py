"""What a portal of the legacy profile may rely on: level 1, the names that it knows, no more."""

from __future__ import annotations

import json

from tests.support.provider import Provider
from tests.support.provider_browser import Browser

LEGACY = {"scope": "openid vnconnect"}


def acr_of(provider: Provider) -> str:
    """The acr of the newest grant; a legacy portal calls from an address that tests do not have."""
    with provider.services.database.read() as connection:
        return connection.exec_driver_sql(
            "SELECT acr FROM oauth_grant ORDER BY created_ms DESC LIMIT 1"
        ).scalar_one()


def test_a_legacy_portal_never_relies_on_level_two(provider: Provider, browser: Browser) -> None:
    """Architecture, "Client profiles": legacy is level 1, whatever the session has proven."""
    browser.tokens("level2")
    landing = browser.sign_in("legacy", **LEGACY)
    assert landing.code
    assert acr_of(provider) == "urn:vn:auth:1"


def test_a_legacy_portal_cannot_demand_level_two(browser: Browser) -> None:
    """Architecture, "Levels": an unmet essential acr is unmet_authentication_requirements."""
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:vn:auth:2"}}})
    landing = browser.authorize("legacy", claims=claims, **LEGACY)
    assert landing.error == "unmet_authentication_requirements"
