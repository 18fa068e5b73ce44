"""The simulated registers of one sandbox: what their process is told, and what the service is.

What lives here: the two sides of one connection: secrets made anew at every start, in files of the
sandbox's folder, and the settings that name them.
Not here: starting the process (`command.py`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from idp.sandbox.files import write_whole
from idp.sandbox.registers import BUSINESS_PATH, POPULATION_PATH

_USER: Final = "antin-sandbox"


@dataclass(frozen=True, slots=True)
class RegisterPlan:
    """Both registers on one port of this machine."""

    url: str
    settings_file: Path
    told: Mapping[str, str]


def make_register_plan(var: Path, *, port: int) -> RegisterPlan:
    """Write the files of a start.

    Returns what is told to the service, as variables, in `told`.
    """
    url = f"http://127.0.0.1:{port}"
    folder = var.absolute()
    secret_file, authorization_file = folder / "population-secret", folder / "business-key"
    secret, authorization = secrets.token_hex(16), f"Bearer {secrets.token_hex(16)}"
    write_whole(secret_file, secret)
    write_whole(authorization_file, authorization)
    settings_file = folder / "registers.json"
    given = {"port": port, "user": _USER, "secret": secret, "authorization": authorization}
    write_whole(settings_file, json.dumps(given))
    told = {
        "POPULATION_URL": f"{url}{POPULATION_PATH}",
        "POPULATION_USER": _USER,
        "POPULATION_SECRET_FILE": str(secret_file),
        "POPULATION_SERVICE_CODE": "0.000000",
        "POPULATION_UNIT": "SANDBOX",
        "POPULATION_OFFICER": "SANDBOX",
        "BUSINESS_URL": f"{url}{BUSINESS_PATH}",
        "BUSINESS_AUTHORIZATION_FILE": str(authorization_file),
        # whoever moves a switch of a simulator sees what it does before long
        "BUSINESS_VALID_S": "10",
    }
    return RegisterPlan(
        url, settings_file, {f"ANTIN_{name}": value for name, value in told.items()}
    )
