"""The web application: the one place that puts endpoints and pages together.

What lives here: `create_app`.  Constant answers and request ids are given around it by
`idp/web/front.py`.  Nothing happens at import.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Flask

from idp.oauth.parameters import MAX_BYTES
from idp.services import Services
from idp.web.account.all_certificates import make_all_certificates
from idp.web.account.authenticators import make_authenticators
from idp.web.account.cases import make_cases
from idp.web.account.consents import make_consents
from idp.web.account.contacts import make_contacts
from idp.web.account.data import make_data
from idp.web.account.data_requests import make_data_requests
from idp.web.account.factors import make_factors
from idp.web.account.history import make_history
from idp.web.account.mandate_giving import make_mandate_giving
from idp.web.account.mandates import make_mandates
from idp.web.account.not_me import make_not_me
from idp.web.account.number import make_number
from idp.web.account.opening import make_opening
from idp.web.account.overview import make_overview
from idp.web.account.passkeys import make_passkeys
from idp.web.account.password import make_password
from idp.web.account.receipts import make_receipts
from idp.web.account.represent import make_represent
from idp.web.account.sessions import make_sessions
from idp.web.account.signature_image import make_signature_image
from idp.web.application import Application
from idp.web.authorities import make_authorities
from idp.web.authorize import make_authorize
from idp.web.cookies import Cookies
from idp.web.direct import DirectEndpoints
from idp.web.end_session import make_end_session
from idp.web.errors import install_errors
from idp.web.headers import install_headers
from idp.web.home import MakePage, make_home
from idp.web.interaction import make_interaction
from idp.web.log_page import make_log_page
from idp.web.officials import official_pages
from idp.web.reset.blueprint import make_reset
from idp.web.reset.stop import make_stop
from idp.web.sign.blueprint import make_sign_pages
from idp.web.sign_door import make_portal_api
from idp.web.source import TrustedProxies
from idp.web.theme import Site, install_pages
from idp.web.token import make_token
from idp.web.userinfo import make_userinfo
from idp.web.verify.blueprint import make_verify


def create_app(
    services: Services,
    *,
    home: MakePage | None = None,
    more_pages: Mapping[str, MakePage] | None = None,
) -> Flask:
    """The provider as a Flask application.

    Takes   home: makes the first page where it is not the ordinary one (a sandbox's); more_pages:
            path → what makes the page there (a sandbox's).
    """
    # Authlib writes issued tokens to its debug log in ten places
    logging.getLogger("authlib").setLevel(logging.INFO)
    settings = services.settings
    app = Application("idp", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BYTES, MAX_FORM_MEMORY_SIZE=MAX_BYTES)
    app.url_map.strict_slashes = False
    # a redirect to the merged path would repeat the query, and the Host that was sent
    app.url_map.merge_slashes = False
    cookies = Cookies(services)
    proxies = TrustedProxies(settings.trusted_proxies)
    install_headers(app)
    install_pages(
        app,
        site=Site(
            domain=urlsplit(settings.issuer).netloc,
            is_secure=settings.is_https,
            is_sandbox=services.is_sandbox,
        ),
    )
    install_errors(app)
    app.register_blueprint(make_authorize(services, cookies=cookies))
    app.register_blueprint(make_interaction(services, cookies=cookies, proxies=proxies))
    app.register_blueprint(make_end_session(services, cookies=cookies))
    app.register_blueprint(make_reset(services, cookies=cookies, proxies=proxies))
    app.register_blueprint(make_stop(services, cookies=cookies))
    app.register_blueprint(make_not_me(services, cookies=cookies))
    app.register_blueprint(make_cases(services, cookies=cookies))
    app.register_blueprint(make_overview(services, cookies=cookies))
    app.register_blueprint(make_sessions(services, cookies=cookies))
    app.register_blueprint(make_password(services, cookies=cookies, proxies=proxies))
    app.register_blueprint(make_factors(services, cookies=cookies))
    app.register_blueprint(make_authenticators(services, cookies=cookies, proxies=proxies))
    app.register_blueprint(make_contacts(services, cookies=cookies, proxies=proxies))
    app.register_blueprint(make_history(services, cookies=cookies))
    app.register_blueprint(make_consents(services, cookies=cookies))
    app.register_blueprint(make_receipts(services, cookies=cookies))
    app.register_blueprint(make_data(services, cookies=cookies))
    app.register_blueprint(make_data_requests(services, cookies=cookies))
    app.register_blueprint(make_passkeys(services, cookies=cookies, proxies=proxies))
    app.register_blueprint(make_opening(services, cookies=cookies, proxies=proxies))
    app.register_blueprint(make_number(services, cookies=cookies, proxies=proxies))

    for blueprint in official_pages(services, cookies=cookies, proxies=proxies):
        app.register_blueprint(blueprint)
    app.register_blueprint(make_mandates(services, cookies=cookies))
    app.register_blueprint(make_mandate_giving(services, cookies=cookies))
    if services.registers.business.is_there:
        app.register_blueprint(make_represent(services, cookies=cookies))
    app.register_blueprint(make_authorities(services))
    app.register_blueprint(make_log_page(services))
    app.register_blueprint(make_verify(services, proxies=proxies))
    if services.signing is not None:
        app.register_blueprint(make_portal_api(services, services.signing))
        app.register_blueprint(make_sign_pages(services, services.signing, cookies=cookies))
        app.register_blueprint(make_signature_image(services, services.signing, cookies=cookies))
        for blueprint in make_all_certificates(services, services.signing, cookies=cookies):
            app.register_blueprint(blueprint)
    app.register_blueprint(
        make_home(services, cookies=cookies, own_page=home, more_pages=more_pages)
    )
    direct = {**make_token(services, proxies=proxies), **make_userinfo(services)}
    app.wsgi_app = DirectEndpoints(app.wsgi_app, by_path=direct)  # type: ignore[method-assign]  # Flask's own way of wrapping
    return app
