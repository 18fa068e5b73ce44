"""What exactly was signed: the revision of a file that a signature stands for.

What lives here: `POST /verify/signed`.  The file is not kept, so it is sent once more, together
with how much of it was signed; the answer is that part as a download, or pictures of its pages.
It is the beginning of the same file and nothing else: nothing is read to find it.
Source: ISO 32000-1 §12.8.1 (a revision is a prefix); architecture, J4.
Not here: which part a signature signed (the report says it).
"""

from __future__ import annotations

import base64
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from idp.web.pages import render
from idp.web.request_facts import note_refusal
from idp.web.sign_door import most_bytes_of_request
from idp.web.verify.asked import MOST_FILES
from idp.web.verify.views import PLACE, VerifyViews
from idp.web.verify_pages import SignedRevisionPage
from idp.web.verify_sentences import VERIFY_PROBLEMS
from signing.errors import DocumentRefused, ParsingFailed, RequestRefused
from signing.isolation.blob import Blob
from signing.isolation.task import READERS_OF_CHECKS, Isolation, for_pictures
from signing.page_images import draw_page
from signing.web.document_answer import answer_document
from signing.web.form_files import UploadedForm, read_files

_PDF: Final = b"%PDF-"
_MOST_PAGES: Final = 10
_WIDTH: Final = 1_000
_HEAD: Final = 1_024


@dataclass(frozen=True, slots=True)
class SignedViews:
    """The view of `/verify/signed`."""

    views: VerifyViews

    def signed(self) -> Response:
        """The signed revision, as pictures or as a download."""
        try:
            with ExitStack() as held:
                form = read_files(
                    request,
                    max_bytes=most_bytes_of_request(self.views.services.settings),
                    most_files=MOST_FILES,
                    held=held,
                )
                return self._answer(form)
        except RequestEntityTooLarge:
            return self.views.refuse_page("too_large", status=413)
        except RequestRefused as refused:
            known = refused.reason if refused.reason in VERIFY_PROBLEMS else "malformed"
            return self.views.refuse_page(known)

    def _answer(self, form: UploadedForm) -> Response:
        files = form.files.get("file", ())
        if len(files) != 1:
            raise RequestRefused("file_missing")
        size = form.texts.get("revision", "")
        most = files[0].content.size
        if not (size.isascii() and size.isdigit() and len(size) < 13 and 0 < int(size) <= most):
            raise RequestRefused("revision_missing")
        revision = _beginning(files[0].content, int(size))
        name = f"signed-{files[0].name or 'document.pdf'}"
        if form.texts.get("form") == "download":
            response = answer_document(revision, name=name, media_type="application/pdf")
            response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
            return response
        with revision:
            try:
                pictures, pages = _pictures(self.views.validation.isolation, revision)
            except (DocumentRefused, ParsingFailed) as failure:
                note_refusal(failure.reason)
                return self.views.refuse_page("not_shown")
        page = SignedRevisionPage(
            here=PLACE, name=files[0].name, pictures=pictures, pages=pages, again_url=PLACE
        )
        return Response(render(page), mimetype="text/html")


def _beginning(file: Blob, size: int) -> Blob:
    """The first octets of a file; a PDF, or nothing."""
    with file.view() as view:
        if _PDF not in bytes(view[:_HEAD]):
            raise RequestRefused("revision_missing")
        with view[:size] as part:
            return Blob.of(part)


def _pictures(isolation: Isolation, revision: Blob) -> tuple[tuple[str, ...], int]:
    """Pictures of the first pages, as addresses that hold them, and how many pages there are."""
    artist = for_pictures(isolation, READERS_OF_CHECKS)
    first = draw_page(artist, document=revision, page=0, width=_WIDTH)
    drawn = [first]
    drawn += [
        draw_page(artist, document=revision, page=at, width=_WIDTH)
        for at in range(1, min(first.pages, _MOST_PAGES))
    ]
    shown = tuple(
        f"data:{one.media_type};base64,{base64.b64encode(one.content).decode('ascii')}"
        for one in drawn
    )
    return shown, first.pages
