"""The authority of the product, for the tests of this folder."""

from __future__ import annotations

from datetime import datetime

import pytest

from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.pki.deployment import PkiDeployment
from keystore.sealing import Sealer
from tests.support.real_pki import RealPki, make_deployment, make_real_pki


@pytest.fixture
def deployment() -> PkiDeployment:
    """What the tests of this folder put into certificates; overridden where it matters."""
    return make_deployment()


@pytest.fixture
def real(
    database: Database,
    sealer: Sealer,
    log: LogWriter,
    now: datetime,
    deployment: PkiDeployment,
) -> RealPki:
    """The authority of the product, on SQLite and on PostgreSQL."""
    return make_real_pki(database, sealer=sealer, log=log, now=now, deployment=deployment)
