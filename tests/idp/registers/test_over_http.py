"""Both registers over a socket: through the door of the house, to the simulators of the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server
from werkzeug.test import Client

from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import IdentifierKind
from idp.egress import Egress
from idp.errors import SettingsInvalid
from idp.register_services import Registers, build_registers
from idp.registers import Asker, PersonQuery, Purpose, RegisterUnavailable, Verdict
from idp.sandbox.register_plan import make_register_plan
from idp.sandbox.register_simulators import Mode
from idp.sandbox.register_simulators import Registers as Simulated
from idp.sandbox.registers import POPULATION_PATH, RegisterServer, _Quiet
from idp.settings_loading import load_settings
from tests.support.provider import Provider

_ASKER = Asker(Purpose.OPEN_ACCOUNT)
_QUERY = PersonQuery(
    ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, "003199000063"),
    "Đỗ Thị Mở Lối",
    Birthdate(1999, 3, 8),
)


class _House:
    """Simulators that listen, and the registers that ask them."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.over = threading.Event()
        self.simulated = Simulated("", "", "", "")
        application = RegisterServer(self.simulated, wait=self.over.wait)
        self.server = make_server(
            "127.0.0.1", 0, application, threaded=True, request_handler=_Quiet
        )
        plan = make_register_plan(folder, port=self.server.port)
        self.told = {**plan.told, "ANTIN_POPULATION_TIMEOUT_S": "1"}
        self.simulated.user = plan.told["ANTIN_POPULATION_USER"]
        self.simulated.population_url = f"{plan.url}{POPULATION_PATH}"
        self.simulated.secret = Path(plan.told["ANTIN_POPULATION_SECRET_FILE"]).read_text()
        file = Path(plan.told["ANTIN_BUSINESS_AUTHORIZATION_FILE"])
        self.simulated.authorization = file.read_text()
        self.page = Client(application)
        self.provider = provider
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def registers(self, *, allow_insecure: bool = True) -> Registers:
        """As a process of the sandbox builds them."""
        services = self.provider.services
        return build_registers(
            load_settings(self.told),
            database=services.database,
            ephemeral=services.ephemeral,
            sealer=services.sealer,
            log=services.log,
            door=Egress(allow_insecure=allow_insecure),
        )

    def close(self) -> None:
        """End what listens."""
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def house(provider: Provider, tmp_path: Path) -> Iterator[_House]:
    made = _House(provider, tmp_path)
    yield made
    made.close()


def test_both_are_asked_over_the_wire(provider: Provider, house: _House) -> None:
    registers = house.registers()

    answer = registers.population.verify(_QUERY, asked_by=_ASKER, now=provider.now)
    assert answer.verdict is Verdict.MATCHES
    person = registers.population.find(_QUERY, asked_by=_ASKER, now=provider.now)
    assert person is not None
    assert person.personal_id_number == _QUERY.number.value
    business = registers.business.find("9900000016", asked_by=_ASKER, now=provider.now)
    assert business is not None
    assert business.may_act


def test_a_slow_register_costs_no_more_than_its_deadline(provider: Provider, house: _House) -> None:
    """Architecture, "Egress": one deadline for all of it."""
    house.simulated.population_mode = Mode.SLOW
    with pytest.raises(RegisterUnavailable, match="timed_out"):
        house.registers().population.verify(_QUERY, asked_by=_ASKER, now=provider.now)
    house.over.set()


def test_outside_of_a_sandbox_nobody_is_asked_without_tls(
    provider: Provider, house: _House
) -> None:
    with pytest.raises(RegisterUnavailable, match="scheme_refused"):
        house.registers(allow_insecure=False).population.verify(
            _QUERY, asked_by=_ASKER, now=provider.now
        )


def test_a_secret_that_others_may_read_is_refused_at_the_start(house: _House) -> None:
    file = Path(house.told["ANTIN_POPULATION_SECRET_FILE"])
    file.chmod(0o644)
    with pytest.raises(SettingsInvalid) as refused:
        house.registers()
    assert refused.value.name == "ANTIN_POPULATION_SECRET_FILE"
    file.chmod(0o600)
    file.write_text("one\ntwo")
    with pytest.raises(SettingsInvalid):
        house.registers()


def test_switches_are_moved_on_the_page_and_not_from_elsewhere(house: _House) -> None:
    page, simulated = house.page, house.simulated
    assert "Đỗ Thị Mở Lối" in page.get("/").text
    for form in (
        {"population": "away"},
        {"business": "nonsense"},
        {"renumber": "003199000063", "new": "003199000999"},
        {"code": "9900000016", "standing": "dissolved"},
    ):
        assert page.post("/", data=form).status_code == 303
    assert (simulated.population_mode, simulated.business_mode) == (Mode.AWAY, Mode.NONSENSE)
    assert simulated.citizens["003199000999"].replaced == "003199000063"
    assert simulated.enterprises["9900000016"].standing == "dissolved"
    assert page.post("/", data={"population": "perhaps"}).status_code == 400
    assert page.post("/", data={"renumber": "1", "new": "2"}).status_code == 400
    foreign = page.post("/", data={"business": "away"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert page.get("/elsewhere").status_code == 404
