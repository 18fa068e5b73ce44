"""What `antin sign` says: a sentence for each reason that a document was not signed.

What lives here: one table from codes to sentences, and which exit status belongs to what.  Codes
are those of the API, so that operators and developers of portals talk about the same thing.
Not here: the sentences of the pages, which are in two languages (`idp/web`).
"""

from __future__ import annotations

from typing import Final

from signing.errors import (
    ParsingFailed,
    SigningError,
    StatusUnavailable,
    TimestampUnavailable,
    WallsMissing,
)

REFUSED: Final = 1
NOT_NOW: Final = 2
UNREADABLE: Final = 3

SENTENCES: Final = {
    # the document
    "empty": "The file is empty.",
    "too_large": "The document is too large.",
    "document_size": "The document is empty, or larger than ANTIN_DOCUMENT_MIB.",
    "media_type_differs": "It is not what its name or --media-type says that it is.",
    "expands_too_much": "Unpacked it takes more memory than a document may.",
    "takes_too_long": "Reading it takes longer than a document may.",
    "not_a_pdf": "It is not a PDF.",
    "truncated": "Its end is missing.",
    "damaged": "It is damaged: its parts contradict one another.",
    "encrypted": "It is encrypted; save it without a password first.",
    "too_many_pages": "It has more pages than a document may have.",
    "javascript": "It carries JavaScript, which could change what is seen after signing.",
    "launch_action": "It starts other programs when it is opened.",
    "xfa_form": "It is an XFA form, which readers show differently.",
    "rich_media": "It carries sound, film or 3D, which is not signed as it is seen.",
    "no_further_signature": "A signature in it forbids any further one.",
    "no_such_field": "It has no signature field of that name.",
    "field_unknown": "It has no signature field of that name.",
    "field_filled": "That signature field is filled already.",
    "field_locked": "A signature in it has locked that field.",
    "field_demands_more": "That signature field demands something that is not done here.",
    "no_such_page": "It has no such page.",
    "not_xml": "It is not well-formed XML.",
    "encoding_unknown": "It is XML in an encoding that is not read.",
    "doctype": "It is XML with a document type definition, which is not read.",
    "too_many_elements": "It is XML with more elements than a document may have.",
    "signature_is_root": "It is a signature itself; there is nothing to put one into.",
    # the wish
    "text_length": "A text is empty or too long.",
    "text_deceiving": "A text has control characters, or changes the direction of writing.",
    "too_many_attributes": "It is XML with more attributes in one element than can be signed.",
    "format_unfit": "That format is not for this kind of document.",
    "level_unfit": "B-LTA is for PDF alone.",
    "appearance": "The appearance cannot be read, or the signature is not in a PDF.",
    # the appearance
    "image_missing": "That appearance shows an image: name it with --image.",
    "image_not_png": "The image is no PNG.",
    "image_animated": "The image moves.",
    "image_too_large": "The image has too many pixels.",
    "image_damaged": "The image is damaged.",
    "image_empty": "There is nothing to be seen in the image.",
    "image_not_transparent": "The image has a background; it has to be transparent.",
    "image_colour_wrong": "The colour is wrong: signatures are blue, seals are red.",
    "seal_size_unlikely": "A seal has a true size: say it with --seal-width.",
    "appearance_off_page": "The place is not on the page.",
    "appearance_covers_another": "The place is taken by another signature.",
    "appearance_no_room": "There is no room for it on the page.",
    "appearance_anchor_missing": "The words or the field that it belongs to are not on the page.",
    "appearance_anchor_ambiguous": "The words or the field that it belongs to are there twice.",
    "appearance_text_too_long": "A text does not fit in.",
    "appearance_letter_unknown": "A letter cannot be written.",
    # the certificate
    "revoked": "The certificate of the key is revoked.",
    "on_hold": "The certificate of the key is suspended.",
    "expired": "The certificate of the key has ended.",
    "not_yet_valid": "The certificate of the key has not begun.",
    # others
    "timestamp_unavailable": "No timestamp could be had; try again.",
    "status_unavailable": "Nobody said whether the certificates are good; try again.",
    "busy": "All processes that read documents are busy; try again.",
    "not_started": "The process that reads documents could not be started.",
    "walls_missing": (
        "What reads documents cannot be shut in on this host; see ANTIN_ISOLATION_UNLOCKED."
    ),
}
_OTHER: Final = "It was not signed."

_UNREADABLE: Final = frozenset(
    {
        *("empty", "media_type_differs", "not_a_pdf", "truncated", "damaged", "encrypted"),
        *("not_xml", "encoding_unknown", "expands_too_much", "takes_too_long"),
        *("crashed", "too_slow", "fault", "contradiction"),
    }
)


def say(error: SigningError) -> tuple[int, str]:
    """The exit status for an error, and a line: its code and a sentence."""
    # why a host has no walls is for its operator to find out by other means
    code = error.code if isinstance(error, WallsMissing) else _reason(error)
    sentence = SENTENCES.get(code, _OTHER)
    part = getattr(error, "part", "")
    return _status(error, code), f"{code}: {sentence}" + (f" ({part})" if part else "")


def _reason(error: SigningError) -> str:
    return getattr(error, "reason", "") or error.code


def _status(error: SigningError, code: str) -> int:
    if isinstance(error, TimestampUnavailable | StatusUnavailable):
        return NOT_NOW
    if isinstance(error, ParsingFailed) and code in {"busy", "not_started"}:
        return NOT_NOW
    return UNREADABLE if code in _UNREADABLE else REFUSED
