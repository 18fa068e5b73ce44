"""The answer of a passkey, as the pages' script puts it into a form.

What lives here: `read_assertion`.  Read, **not** verified: the signer alone judges it.
Source: WebAuthn Level 3 §5.2.2.
"""

from __future__ import annotations

from flask import request

from idp.web.sign.shown import decode
from keystore.signer.evidence import WebauthnEvidence

_PARTS = ("credential_id", "client_data_json", "authenticator_data", "signature")


def read_assertion() -> WebauthnEvidence | None:
    """The assertion in the form of this request; None where there is none."""
    parts = [decode(request.form.get(name, "")) for name in _PARTS]
    return WebauthnEvidence(*parts) if all(parts) else None
