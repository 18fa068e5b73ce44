"""A document of this portal that people sign: asked for, looked after, fetched.

What lives here: `/sign`, `/signed`, `/signed/document` and `/signing-events` under Flask, for one
document that a portal has.  Confirming is never the portal's: it sends the browser to the signing
service and waits until the person is back, or until it is told.  Not here: which document and who
signs it (`citizen.py`, `business.py`), and anything of the protocol (`clients.sdk`).
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final, Generic
from urllib.parse import quote

from flask import Flask, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from clients.portals.problems import FORM_TOO_OLD, LOGIN_REQUIRED, NOT_FOUND, NOTHING_TO_SIGN
from clients.portals.sessions import Person, Session
from clients.portals.sign_in import SignIn, problem_page
from clients.sdk import (
    DocumentToSign,
    ProviderUnavailable,
    SignerWanted,
    SigningEvent,
    SigningEventInvalid,
    SigningRequest,
    SigningState,
)

_log = logging.getLogger(__name__)
_NEARLY_DONE: Final = timedelta(seconds=5)
_KEPT_EACH: Final = 20
_KEPT_AT_MOST: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[Person]):
    """The document that a portal has signed.

    `file` is in `clients/portals/documents`; `appearance`: how signatures are seen, one or one for
    each signer; `signers`: who signs for the person of a session, nobody where nothing can be
    signed; `title` and `name_signed` as people read them.
    """

    title: str
    file: str
    name_signed: str
    reason: str
    appearance: Any
    signers: Callable[[Session[Person]], tuple[SignerWanted, ...]]

    def content(self) -> bytes:
        """The document, as it lies in the portal's own files."""
        return files("clients.portals").joinpath("documents", self.file).read_bytes()


@dataclass(slots=True)
class KeptRequest:
    """A request that this portal made, and what it knows of it."""

    request_id: str
    subject: str = field(repr=False)
    state: SigningState


class KeptRequests:
    """Requests by their ids, for a portal of one process; a real one keeps them with the case."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._kept: dict[str, KeptRequest] = {}

    def keep(self, made: SigningRequest, *, subject: str) -> None:
        """Remember whose it is."""
        with self._lock:
            while len(self._kept) >= _KEPT_AT_MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[made.request_id] = KeptRequest(made.request_id, subject, made.state)

    def note(self, told: SigningEvent | SigningRequest) -> None:
        """What became of it; nothing follows on an end, whatever arrives late."""
        kept = self._kept.get(told.request_id)
        if kept is not None and not kept.state.is_final:
            kept.state = told.state

    def find(self, request_id: str, *, subject: str) -> KeptRequest | None:
        """One of this person's; those of others are as good as none."""
        kept = self._kept.get(request_id)
        return kept if kept is not None and kept.subject == subject else None

    def of(self, subject: str) -> list[KeptRequest]:
        """Those of one person, the newest first."""
        return [one for one in reversed(self._kept.values()) if one.subject == subject][:_KEPT_EACH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing(Generic[Person]):
    """One portal's signing."""

    sign_in: SignIn[Person]
    form: Form[Person]
    kept: KeptRequests = field(default_factory=KeptRequests)

    def offer(self) -> dict[str, Any]:
        """What the home page shows: whether there is something to sign, and what was asked."""
        session = self.sign_in.session()
        if session is None:
            return {"may_sign": False, "requests": []}
        return {
            "may_sign": bool(self.form.signers(session)),
            "requests": self.kept.of(session.subject),
        }

    def start(self) -> AnyResponse:
        """Ask for signatures, and send the browser to where they are given."""
        session = self.sign_in.session()
        if session is None:
            return problem_page(LOGIN_REQUIRED)
        sent = request.form.get("csrf_token", "")
        if not hmac.compare_digest(
            sent.encode(errors="surrogatepass"), session.csrf_token.reveal().encode()
        ):
            return problem_page(FORM_TOO_OLD)
        signers = self.form.signers(session)
        if not signers:
            return problem_page(NOTHING_TO_SIGN)
        settings = self.sign_in.settings
        made = self.sign_in.portal.request_signature(
            title=self.form.title,
            documents=[
                DocumentToSign(
                    name=self.form.file,
                    media_type="application/pdf",
                    content=self.form.content(),
                )
            ],
            signers=signers,
            reason=self.form.reason,
            appearance=self.form.appearance,
            return_uri=settings.signing_return_uri,
            webhook_uri=settings.signing_webhook_uri,
        )
        self.kept.keep(made, subject=session.subject)
        return redirect(made.sign_uri, code=303)

    def signed(self) -> AnyResponse:
        """Say how it stands; the person is back, or looks again."""
        session = self.sign_in.session()
        if session is None:
            return problem_page(LOGIN_REQUIRED)
        kept = self.kept.find(request.args.get("request_id", ""), subject=session.subject)
        if kept is None:
            return problem_page(NOT_FOUND)
        # what stands in the address is only a hint: whoever typed it there changes nothing
        is_nearly_done = request.args.get("state") == SigningState.CONFIRMED
        found = self.sign_in.portal.signature_status(
            kept.request_id, wait=_NEARLY_DONE if is_nearly_done else None
        )
        self.kept.note(found)
        return make_response(render_template("signed.html", found=found, form=self.form))

    def document(self) -> AnyResponse:
        """Hand out what was signed, to whom it is for."""
        session = self.sign_in.session()
        if session is None:
            return problem_page(LOGIN_REQUIRED)
        kept = self.kept.find(request.args.get("request_id", ""), subject=session.subject)
        if kept is None:
            return problem_page(NOT_FOUND)
        signed = self.sign_in.portal.fetch_signed(kept.request_id, 0)
        response = Response(signed.content, mimetype="application/pdf")
        name = quote(self.form.name_signed, safe="")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        return response

    def told(self) -> Response:
        """The signing service says what became of a request.

        Source  RFC 8935 §2.2 (202), §2.3 (400 with `err`).
        """
        try:
            event = self.sign_in.portal.receive_signing_event(request.get_data(as_text=True))
        except SigningEventInvalid as error:
            if error.is_repeated:
                return make_response("", 202)
            _log.warning("signing event refused: step %s, %s", error.step, error.reason)
            return make_response(jsonify(err=error.err, description=error.reason), 400)
        except ProviderUnavailable as error:
            _log.warning("signing event cannot be judged now: %s", error.reason)
            return make_response("", 503)
        self.kept.note(event)
        return make_response("", 202)


def add_signing(app: Flask, signing: Signing[Person]) -> None:
    """Give an application the four addresses."""
    app.add_url_rule("/sign", view_func=signing.start, methods=["POST"], endpoint="sign")
    app.add_url_rule("/signed", view_func=signing.signed, endpoint="signed")
    app.add_url_rule("/signed/document", view_func=signing.document, endpoint="signed_document")
    app.add_url_rule(
        "/signing-events", view_func=signing.told, methods=["POST"], endpoint="signing_events"
    )
    app.context_processor(lambda: {"signing": signing.offer()})
