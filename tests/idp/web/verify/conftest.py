"""A provider whose checks trust the authority of the tests, at the time of its signatures."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from idp.validation import ValidationServices
from tests.idp.web.conftest import MakeWorker, Worker
from tests.support.isolation import WithoutWalls
from tests.support.provider import ISSUER, Provider
from tests.support.validation_house import ValidationHouse


@dataclass
class VerifyDesk:
    """`/verify` as programs and browsers meet it."""

    worker: Worker
    house: ValidationHouse

    @property
    def validation(self) -> ValidationServices:
        """What checks."""
        return self.worker.provider.services.validation

    def post(
        self, *files: tuple[str, bytes], accept: str = "application/json", **form: Any
    ) -> TestResponse:
        """Files in `file`; `headers` and further fields beside them."""
        headers = {"Accept": accept, **form.pop("headers", {})}
        data: dict[str, Any] = {
            "file": [FileStorage(io.BytesIO(raw), filename=name) for name, raw in files],
            **form,
        }
        return self.worker.http.post("/verify", base_url=ISSUER, data=data, headers=headers)


@pytest.fixture
def desk(make_worker: MakeWorker, validation_house: ValidationHouse) -> Callable[..., VerifyDesk]:
    """Makes desks; settings are given by name."""

    def make(**settings: Any) -> VerifyDesk:
        worker = make_worker(**settings)
        provider = worker.provider
        provider.clock.now = validation_house.signed_at
        services = replace(
            provider.services,
            validation=replace(
                provider.services.validation,
                validation=validation_house.validation(),
                online=None,
                isolation=WithoutWalls(),
            ),
        )
        return VerifyDesk(
            Worker(Provider(services, provider.clock, provider.keys)), validation_house
        )

    return make
