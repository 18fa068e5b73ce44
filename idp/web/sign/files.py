"""What a signer reads: pictures of pages, the documents, and what was signed.

What lives here: `/sign/<request_id>/documents/…`.  Pages are drawn behind the walls, for the signer
alone, while it is her turn or once she has signed.  Documents are only ever downloaded: nothing
that a portal sent is shown by the browser as a page of ours.
Source: architecture, decision 12; RFC 6266; RFC 9110 §8.8.
"""

from __future__ import annotations

from typing import Final

from flask import Response, abort

from idp.web.request_facts import note_refusal
from idp.web.sign.shown import readable_id
from idp.web.sign.visit import Desk, Visit
from signing.errors import DocumentGone, DocumentRefused, ParsingFailed
from signing.isolation.task import for_pictures
from signing.model import Document, DocumentKind, RequestState
from signing.page_images import draw_page
from signing.web.document_answer import answer_document, answer_signed

_WIDTH: Final = 1_200
_LARGE: Final = 2_400
_RETRY_AFTER_S: Final = "2"
_ALONE: Final = "default-src 'none'; sandbox"


class SignFiles:
    """The views."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def page(self, request_id: str, position: int, number: int) -> Response:
        """The picture of a page, counted from 1."""
        return self._page(request_id, position, number, width=_WIDTH)

    def large(self, request_id: str, position: int, number: int) -> Response:
        """The same for whoever needs it larger."""
        return self._page(request_id, position, number, width=_LARGE)

    def content(self, request_id: str, position: int) -> Response:
        """The document that is to be signed, as a download."""
        visit = self._desk.arrive(request_id)
        if not isinstance(visit, Visit):
            return visit
        document = _find(visit, position)
        blob_id = readable_id(document)
        if blob_id is None:
            abort(404)
        try:
            blob = self._desk.signing.documents.open(blob_id)
        except DocumentGone:
            abort(404)
        text = visit.request.text.documents[position]
        kind = "application/pdf" if document.kind is DocumentKind.PDF else ""
        return _alone(answer_document(blob, name=text.name, media_type=kind))

    def signed(self, request_id: str, position: int) -> Response:
        """The signed document, or the signature beside it, as a download."""
        visit = self._desk.arrive(request_id)
        if not isinstance(visit, Visit):
            return visit
        document = _find(visit, position)
        if visit.state is not RequestState.SIGNED or document.result is None:
            abort(404)
        name = visit.request.text.documents[position].name
        try:
            return _alone(
                answer_signed(document, name=name, documents=self._desk.signing.documents)
            )
        except DocumentGone:
            abort(404)

    def _page(self, request_id: str, position: int, number: int, *, width: int) -> Response:
        visit = self._desk.arrive(request_id)
        if not isinstance(visit, Visit):
            return visit
        document = _find(visit, position)
        blob_id = readable_id(document)
        if document.kind is not DocumentKind.PDF or blob_id is None or number < 1:
            abort(404)
        signing = self._desk.signing
        try:
            with signing.documents.open(blob_id) as blob:
                artist = for_pictures(signing.isolation, visit.request.client_id)
                drawn = draw_page(artist, document=blob, page=number - 1, width=width)
        except (DocumentGone, DocumentRefused):
            abort(404)
        except ParsingFailed as failure:
            note_refusal(failure.code)
            return Response(status=503, headers={"Retry-After": _RETRY_AFTER_S})
        return _alone(Response(drawn.content, mimetype=drawn.media_type))


def _find(visit: Visit, position: int) -> Document:
    if not visit.may_read or not 0 <= position < len(visit.request.documents):
        abort(404)
    return visit.request.documents[position]


def _alone(response: Response) -> Response:
    """For this browser and nobody else, and nothing in it runs."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = _ALONE
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
