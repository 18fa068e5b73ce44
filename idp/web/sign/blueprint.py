"""Addresses of the pages of the signing journey.

What lives here: the table of `/sign/<request_id>`.  Source: architecture, "HTTP".
"""

from __future__ import annotations

from flask import Blueprint

from idp.services import Services
from idp.signing import SigningServices
from idp.web.cookies import Cookies
from idp.web.sign.enrol import EnrolViews
from idp.web.sign.files import SignFiles
from idp.web.sign.views import SignViews
from idp.web.sign.visit import Desk


def make_sign_pages(services: Services, signing: SigningServices, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/sign/<request_id>`."""
    desk = Desk(services, signing, cookies=cookies)
    views, files, enrol = SignViews(desk), SignFiles(desk), EnrolViews(desk)
    # as long as an id of ours: `/sign/requests` is not a page
    blueprint = Blueprint("sign", __name__, url_prefix="/sign/<string(length=36):request_id>")
    blueprint.add_url_rule("", "show", views.show)
    for name, act in (
        ("open", views.open),
        ("confirm", views.confirm),
        ("refuse", views.refuse),
        ("account", desk.change_account),
    ):
        blueprint.add_url_rule(f"/{name}", name, act, methods=["POST"])
        # the language switch reloads by GET what a form answered with a problem
        blueprint.add_url_rule(f"/{name}", f"{name}_again", views.show)
    certificate = "/certificate"
    blueprint.add_url_rule(certificate, "certificate_begin", enrol.begin, methods=["POST"])
    blueprint.add_url_rule(certificate, "certificate", enrol.show)
    confirm = f"{certificate}/confirm"
    blueprint.add_url_rule(confirm, "certificate_confirm", enrol.confirm, methods=["POST"])
    blueprint.add_url_rule(confirm, "certificate_again", enrol.show)
    document = "/documents/<int:position>"
    blueprint.add_url_rule(f"{document}/content", "content", files.content)
    blueprint.add_url_rule(f"{document}/signed", "signed", files.signed)
    blueprint.add_url_rule(f"{document}/pages/<int:number>", "page", files.page)
    blueprint.add_url_rule(f"{document}/pages/<int:number>/large", "large", files.large)
    return blueprint
