"""The registers that a process asks, built once from the settings.

What lives here: `Registers`, what `Services` holds of them, and reading their secrets.
Not here: how a register is spoken to (`idp/registers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from idp.errors import SettingsInvalid
from idp.register_settings import RegisterSettings
from idp.registers.absent import NoBusinessRegister, NoPopulationRegister
from idp.registers.asking import Asking
from idp.registers.breaker import Breaker
from idp.registers.business import BusinessAccess, BusinessService
from idp.registers.model import RegisterName
from idp.registers.population import PopulationAccess, PopulationService
from idp.registers.ports import BusinessRegister, PopulationRegister
from idp.registers.transport import Exchange
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.errors import KekInvalid
from keystore.log.record import LogWriter
from keystore.private_files import read_private_file
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Registers:
    """Both; where a deployment has none of a kind, it is one that says so."""

    population: PopulationRegister
    business: BusinessRegister


def build_registers(
    settings: RegisterSettings,
    *,
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    door: Exchange,
) -> Registers:
    """The registers of this deployment.

    Raises  SettingsInvalid: a file with a secret is not there, not private or not one line.
    """

    def asking(register: RegisterName, *, valid_s: int) -> Asking:
        return Asking(
            register, database, ephemeral, sealer, log, Breaker(), timedelta(seconds=valid_s)
        )

    population: PopulationRegister = NoPopulationRegister()
    if settings.population_url:
        population = PopulationService(
            _population_access(settings),
            door,
            asking(RegisterName.POPULATION, valid_s=settings.population_valid_s),
        )
    business: BusinessRegister = NoBusinessRegister()
    if settings.business_url:
        business = BusinessService(
            BusinessAccess(
                settings.business_url,
                _secret(settings.business_authorization_file, "business_authorization_file"),
                settings.business_timeout_s,
            ),
            door,
            asking(RegisterName.BUSINESS, valid_s=settings.business_valid_s),
        )
    return Registers(population, business)


def _population_access(settings: RegisterSettings) -> PopulationAccess:
    return PopulationAccess(
        url=settings.population_url,
        user=settings.population_user,
        secret=_secret(settings.population_secret_file, "population_secret_file"),
        is_base64=settings.population_authorization == "base64",
        api_key=_secret(settings.population_api_key_file, "population_api_key_file"),
        xroad_client=settings.population_xroad_client,
        integration_code=settings.population_integration_code,
        service_code=settings.population_service_code,
        unit=settings.population_unit,
        officer=settings.population_officer,
        phone=settings.population_phone,
        timeout_s=settings.population_timeout_s,
    )


def _secret(file: Path | None, key: str) -> str:
    """One line of printable ASCII; empty where no file is set."""
    if file is None:
        return ""
    try:
        text = read_private_file(file).decode("ascii").strip()
    except (KekInvalid, UnicodeDecodeError) as problem:
        reason = problem.reason if isinstance(problem, KekInvalid) else "must be ASCII"
        raise SettingsInvalid(f"ANTIN_{key.upper()}", reason=reason) from problem
    if not text or not text.isprintable():
        raise SettingsInvalid(f"ANTIN_{key.upper()}", reason="must be one line of printable ASCII")
    return text
