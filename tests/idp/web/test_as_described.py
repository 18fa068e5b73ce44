"""Whatever programs send to a described operation: the answer is one that is described.

Requests are made by schemathesis out of the description: those that fit it, those that do not, and
those that carry what no generator comes upon: signed files, known reports, a token that is taken.
Documents are read behind the walls.
Source: OpenAPI 3.1.1.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.core.result import Err
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from idp.web.openapi import openapi_members
from signing.formats.material import Level
from signing.isolation.pool import IsolationPool
from tests.idp.web.conftest import MakeWorker, Worker
from tests.support.fuzzing import bounded
from tests.support.handmade_pdf import plain_document
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import ISSUER, Provider
from tests.support.provider_seeds import ANH, SECRET
from tests.support.sign_desk import CLIENT, SignDesk
from tests.support.signatory import SigningPki
from tests.support.validation_house import ValidationHouse

_SCHEMA: Final = schemathesis.openapi.from_dict(
    openapi_members(ISSUER, signs=True), config=SchemathesisConfig(seed=1)
)
_OPERATIONS: Final = tuple(
    one.ok() for one in _SCHEMA.get_all_operations() if not isinstance(one, Err)
)
_CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
_ACCEPT: Final = (
    "application/json", "text/html", "application/xml", "application/pdf", "*/*", "x", "",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A worker that checks and signs, and what a generator cannot know of it."""

    worker: Worker
    token: str
    secret: str
    places: Mapping[str, Any]
    files: tuple[bytes, ...]

    def tell(self, case: Case, *, number: int) -> None:
        """Put what is known here into a request, some of it at a time."""
        case.headers["Accept"] = _ACCEPT[number % len(_ACCEPT)]
        if number % 4:
            case.headers["Authorization"] = self.credential(case.operation)
        if number % 3 and "wait" not in (case.query or {}):  # who waits here does so in vain
            for name in case.path_parameters or {}:
                case.path_parameters[name] = self.places.get(name, case.path_parameters[name])
        if isinstance(case.body, dict) and number % 5:
            _fill(case.body, file=self.files[number % len(self.files)])

    def credential(self, operation: APIOperation) -> str:
        """What opens it."""
        is_ours = operation.path.startswith(("/sign", "/verify"))
        return f"Bearer {self.token}" if is_ours else f"Basic {self.secret}"

    def send(self, case: Case) -> Any:
        """Send it; the answer is one that is described."""
        answer = case.call(base_url=ISSUER, app=self.worker.front)
        case.validate_response(answer, _CHECKS)
        return answer


def _fill(body: dict[str, Any], *, file: bytes) -> None:
    in_text = base64.b64encode(file).decode()
    known = {
        "file": [file],
        "content": in_text,
        "documents": [{"name": "a.pdf", "content": in_text}],
        "signers": [{"sub": f"sub-{ANH.account_id}"}],
        "grant_type": "client_credentials",
    }
    body.update((name, value) for name, value in known.items() if name in body)


@pytest.fixture
def known(
    make_worker: MakeWorker,
    walls: IsolationPool,
    signing_pki: SigningPki,
    validation_house: ValidationHouse,
    tmp_path: Path,
) -> Known:
    """Its authority is that of the tests; nobody is counted."""
    seeded = make_worker(verify_files_per_minute=0).provider
    seeded.clock.now = validation_house.signed_at
    desk = SignDesk(seeded, isolation=walls, pki=signing_pki, folder=tmp_path)
    desk.knows(ANH)
    services = desk.provider.services
    judge = replace(validation_house.validation(), isolation=walls.for_tenant("verify"))
    services = replace(
        services,
        validation=replace(services.validation, validation=judge, online=None, isolation=walls),
    )
    worker = Worker(Provider(services, seeded.clock, seeded.keys))
    token = services.access_tokens.issue_for_client(
        CLIENT, scopes=("sign",), audience=f"{ISSUER}/sign", now=services.time()
    )
    secret = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    pdf = validation_house.pdf(Level.LT)
    changed = pdf.replace(b"/MediaBox", b"/MediaBux", 1)
    cms = validation_house.cms(Level.B, is_enveloping=True)
    files = (pdf, changed, plain_document().classic(), cms, b"", b"PK\x03\x04", b"<a/>")
    places = {"report_id": _shown_at(worker, pdf), "position": 0}
    known = Known(worker, token, secret, places, files)
    body = {"title": "a", "documents": [], "signers": []}
    _fill(body, file=pdf)
    made = known.send(_case(known, "POST /sign/requests", body=body))
    places["request_id"] = made.json()["request_id"]
    return known


def _shown_at(worker: Worker, file: bytes) -> str:
    """Where a browser would find a report again."""
    data = {"file": (io.BytesIO(file), "a.pdf")}
    page = worker.http.post("/verify", base_url=ISSUER, data=data).get_data(as_text=True)
    found = re.search(r"/verify/reports/([\w-]+)", page)
    assert found is not None
    return found[1]


def _case(known: Known, label: str, **parts: Any) -> Case:
    """A request that is as it should be."""
    operation = next(one for one in _OPERATIONS if one.label == label)
    headers = {"Accept": "application/json", "Authorization": known.credential(operation)}
    kind = "application/json" if label.startswith("POST") else None
    places = {name: known.places[name] for name in re.findall(r"{(\w+)}", label) if name != "form"}
    places |= parts.pop("path_parameters", {})
    return operation.Case(headers=headers, media_type=kind, path_parameters=places, **parts)


def _send(known: Known, place: str, *, examples: int) -> None:
    """Requests of all kinds to the operations there."""
    made = [
        one.as_strategy(mode, feedback=NO_FEEDBACK)
        for one in _OPERATIONS
        if one.path.startswith(place)
        for mode in GenerationMode
    ]

    @bounded(examples)
    @given(case=st.one_of(made), number=st.integers(0, 3 * 4 * 5 * 7 - 1))
    def send(case: Case, number: int) -> None:
        known.tell(case, number=number)
        known.send(case)

    send()


def test_what_is_as_it_should_be_is_taken(known: Known) -> None:
    """What the runs below begin at."""
    for file in known.files:
        body = {"content": base64.b64encode(file).decode(), "name": "a"}
        assert known.send(_case(known, "POST /verify", body=body)).status_code == 200
    kept = known.send(_case(known, "POST /verify", body={**body, "keep": True})).json()["kept"]
    report = "GET /verify/reports/{report_id}/{form}"
    for places in ({}, {"report_id": kept["report_id"]}):
        for form in ("json", "xml"):
            case = _case(known, report, path_parameters={**places, "form": form})
            assert known.send(case).status_code == 200
    for label, status in (
        ("GET /sign/requests/{request_id}", 200),
        ("GET /sign/requests/{request_id}/documents/{position}", 409),
        ("DELETE /sign/requests/{request_id}", 200),
    ):
        assert known.send(_case(known, label)).status_code == status


def test_every_bound_of_the_description(known: Known, pii_alarm: PiiAlarm) -> None:
    """A request for each thing that a schema says, and for its contrary; other methods too."""
    modes, number = list(GenerationMode), 0
    with pii_alarm.excuse("url requested", reason="it is the test that puts it there"):
        for operation in _OPERATIONS:
            for case in _SCHEMA.iter_coverage_cases(
                operation, generation_modes=modes, generation_config=GenerationConfig()
            ):
                if operation.path.startswith("/sign"):
                    case.headers.setdefault("Authorization", known.credential(operation))
                known.send(case)
                number += 1
    assert number > 10 * len(_OPERATIONS)


@pytest.mark.hypothesis
@pytest.mark.parametrize(("place", "examples"), [("/verify", 60), ("/sign", 40), ("/", 40)])
def test_whatever_is_sent(known: Known, pii_alarm: PiiAlarm, place: str, examples: int) -> None:
    with pii_alarm.excuse("url requested", reason="it is the test that puts it there"):
        _send(known, place, examples=examples)
