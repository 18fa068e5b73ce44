"""The page of a signature on paper, as the gallery shows it: without one, with one, every problem.

What lives here: `SIGNATURE_IMAGE_SPECIMENS`, by name, for the gallery of `tests/support/pages.py`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, get_args

from idp.sandbox.specimens import signature_specimen
from idp.web.pages import Page
from idp.web.signature_image_pages import SignatureImagePage, SignatureImageProblem

_GIVEN: Final[dict[str, Any]] = {
    "action": "/sent",
    "csrf_token": "csrf-of-the-gallery",
    "most_mib": 12,
}

SIGNATURE_IMAGE_SPECIMENS: Final[Mapping[str, Page]] = {
    "signature-image-none": SignatureImagePage(**_GIVEN),
    "signature-image": SignatureImagePage(
        image_uri=f"data:image/png;base64,{b64encode(signature_specimen()).decode('ascii')}",
        told="set",
        **_GIVEN,
    ),
    **{
        f"signature-image-{one}": SignatureImagePage(problem=one, **_GIVEN)
        for one in get_args(SignatureImageProblem)
    },
}
