"""Every page on which an official acts, or on which a person meets one, in one list.

What lives here: the list, for the one place that puts pages together.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint

from idp.services import Services
from idp.web.account.invitations import make_invitations
from idp.web.account.proofing import make_proofing
from idp.web.cookies import Cookies
from idp.web.counter import make_counter
from idp.web.first_password import make_first_password
from idp.web.helpdesk import make_helpdesk
from idp.web.source import TrustedProxies


def official_pages(
    services: Services, *, cookies: Cookies, proxies: TrustedProxies
) -> Iterator[Blueprint]:
    """Their blueprints."""
    yield make_counter(services, cookies=cookies)
    yield make_proofing(services, cookies=cookies, proxies=proxies)
    yield make_first_password(services, cookies=cookies, proxies=proxies)
    yield make_helpdesk(services, cookies=cookies)
    yield make_invitations(services, cookies=cookies)
