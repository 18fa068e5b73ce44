"""Both registers of the sandbox behind a door without sockets, and services that ask them.

What lives here: `RegisterDoor`, what `idp.egress.Egress` is to `idp/registers`, in this process;
and registers that ask the simulators through it.  Source: `idp/sandbox/register_simulators.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from idp.egress import EgressFailed, EgressReply
from idp.register_services import Registers as Asked
from idp.register_services import build_registers
from idp.sandbox.register_simulators import Answered, Mode, Registers
from idp.services import Services
from idp.settings_loading import load_settings

POPULATION_URL: Final = "https://dancu.example/ThongTinCongDan"
BUSINESS_URL: Final = "https://doanhnghiep.example/chiTietDoanhNghiep"
_AUTHORIZATION: Final = "Bearer simulated"


@dataclass(slots=True)
class RegisterDoor:
    """Hands requests to the simulators and keeps them; `raw` and `failure` come in their place."""

    registers: Registers
    raw: Answered | None = None
    failure: str | None = None
    asked: list[tuple[str, bytes | None, dict[str, str]]] = field(default_factory=list)

    def exchange(
        self,
        url: str,
        *,
        body: bytes | None,
        content_type: str,
        client_id: str,
        timeout_s: float = 5.0,
        most_bytes: int = 1024 * 1024,
        headers: Mapping[str, str] | None = None,
    ) -> EgressReply:
        """See `Egress.exchange`."""
        self.asked.append((url, body, dict(headers or {})))
        assert client_id in {"population", "business"}
        if self.failure is not None:
            raise EgressFailed(self.failure)
        answer = self.raw or self._answer(url, body, headers or {})
        if len(answer.body) > most_bytes:
            raise EgressFailed("answer_too_large")
        return EgressReply(answer.status, answer.content_type, answer.body)

    def _answer(self, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answered:
        lower = {name.lower(): value for name, value in headers.items()}
        if body is not None:
            if self.registers.population_mode is Mode.SLOW:
                raise EgressFailed("timed_out")
            assert url == POPULATION_URL
            return self.registers.answer_population(body, headers=lower)
        if self.registers.business_mode is Mode.SLOW:
            raise EgressFailed("timed_out")
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == BUSINESS_URL
        return self.registers.answer_business(parts.query, headers=lower)


def make_door() -> RegisterDoor:
    """The simulators, as a sandbox starts them."""
    return RegisterDoor(Registers("antin", "bí mật thử", POPULATION_URL, _AUTHORIZATION))


def register_settings(folder: Path, door: RegisterDoor) -> dict[str, Any]:
    """Settings of a deployment that asks both simulators; writes the files that they name."""
    door.registers.secret = "bi-mat-thu"
    files = {
        "population_secret_file": door.registers.secret,
        "business_authorization_file": _AUTHORIZATION,
    }
    for name, text in files.items():
        file = folder / name
        file.write_text(text)
        file.chmod(0o600)
    return {
        "population_url": POPULATION_URL,
        "population_user": "antin",
        "population_service_code": "1.001193",
        "population_unit": "H01.02",
        "population_officer": "CB0001",
        "business_url": BUSINESS_URL,
        **{name: folder / name for name in files},
    }


def registers_of(services: Services, door: RegisterDoor, *, folder: Path, **settings: Any) -> Asked:
    """The registers that a deployment with both set up would ask, over the stores of `services`."""
    values = {**register_settings(folder, door), **settings}
    return build_registers(
        load_settings({f"ANTIN_{name.upper()}": str(value) for name, value in values.items()}),
        database=services.database,
        ephemeral=services.ephemeral,
        sealer=services.sealer,
        log=services.log,
        door=door,
    )
