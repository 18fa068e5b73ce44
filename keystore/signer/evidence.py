"""How something is confirmed: the words of a confirmation, before anybody has judged them.

What lives here: what a caller hands to the signer beside an activation or an enrolment.  Apart from
the files that judge it, so that a web worker which only passes it on imports no verifier.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WebauthnEvidence:
    """The answer of `navigator.credentials.get()`, its parts as bytes."""

    credential_id: bytes
    client_data_json: bytes = field(repr=False)
    authenticator_data: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StatementEvidence:
    """What the second-factor verifier states: a compact JWT."""

    token: str = field(repr=False)


Evidence = WebauthnEvidence | StatementEvidence
"""What confirms an activation: one of the two."""


@dataclass(frozen=True, slots=True)
class EnrolmentEvidence:
    """How an enrolment is confirmed: one assertion per passkey, a statement, or both."""

    assertions: tuple[WebauthnEvidence, ...] = ()
    statement: StatementEvidence | None = None
