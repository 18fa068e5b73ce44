"""Addresses of checking documents.

What lives here: the table of `/verify`.  Source: architecture, "HTTP".
"""

from __future__ import annotations

from flask import Blueprint

from idp.services import Services
from idp.web.sign_door import RegisteredPortals
from idp.web.source import TrustedProxies
from idp.web.verify.signed import SignedViews
from idp.web.verify.views import PLACE, VerifyViews


def make_verify(services: Services, *, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/verify`."""
    views = VerifyViews(
        services, services.validation, proxies=proxies, portals=RegisteredPortals(services)
    )
    signed = SignedViews(views)
    blueprint = Blueprint("verify", __name__, url_prefix=PLACE)
    blueprint.add_url_rule("", "form", views.form)
    blueprint.add_url_rule("", "check", views.check, methods=["POST"])
    blueprint.add_url_rule("/reports/<report_id>/<form>", "report", views.report)
    blueprint.add_url_rule("/signed", "signed", signed.signed, methods=["POST"])
    # the language switch reloads by GET what a form answered with a problem
    blueprint.add_url_rule("/signed", "signed_again", views.form)
    return blueprint
