"""`antin ca crl` as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from click.testing import CliRunner, Result

from idp.cli.ca_status import crl_command
from idp.errors import SettingsInvalid
from idp.pki import Pki, build_pki, pki_deployment
from idp.services import Services
from keystore.errors import KeystoreError
from keystore.pki.errors import CaUnknown
from tests.support.provider import Provider

Run = Callable[..., Result]


@pytest.fixture
def services(provider: Provider) -> Services:
    """The provider's services with an authority of two partitions."""
    settings = msgspec.structs.replace(
        provider.services.settings,
        pki_organisation="Cơ quan Thử nghiệm",
        pki_organisation_identifier="GOVVN-H00.99",
        pki_policy_arc="1.3.6.1.4.1.99999.1",
        pki_base_url="http://pki.antin.vn",
        pki_crl_shards=2,
    )
    return replace(provider.services, settings=settings, is_sandbox=False)


@pytest.fixture
def pki(services: Services) -> Pki:
    """A root and an issuing CA."""
    deployment = pki_deployment(services.settings, is_sandbox=False)
    assert deployment is not None
    made = build_pki(
        deployment, database=services.database, sealer=services.sealer, log=services.log
    )
    now = services.time()
    root = made.ceremony.make_root("root-1", now=now)
    made.ceremony.add_root(root, now=now)
    made.ceremony.add_issuing("issuing-1", root_id="root-1", root_key=root.key, now=now)
    return made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, services: Services) -> Run:
    """Run the command over services, at a time of the test's choice."""

    def invoke(*arguments: str, after: timedelta = timedelta()) -> Result:
        at = services.time() + after

        @contextmanager
        def opened() -> Iterator[Services]:
            yield replace(services, time=lambda: at)

        monkeypatch.setattr("idp.cli.ca_status.open_services", opened)
        return CliRunner().invoke(crl_command, arguments)

    return invoke


def test_before_the_first_list_it_says_so(pki: Pki, run: Run) -> None:
    result = run()
    assert result.exit_code == 0
    assert "no list was published yet" in result.output


def test_lists_are_published_and_shown(pki: Pki, run: Run) -> None:
    result = run("--publish")
    assert result.exit_code == 0, result.exception
    lines = result.output.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["issuing-1", "all", "0"],
        ["issuing-1", "0", "0"],
        ["issuing-1", "1", "0"],
    ]
    listed = json.loads(run("issuing-1", "--json").output)
    assert [one["partition"] for one in listed] == [None, 0, 1]
    numbers = [one["number"] for one in listed]
    again = json.loads(run("--publish", "--json").output)
    assert all(one["number"] > number for one, number in zip(again, numbers, strict=True))


def test_a_list_that_has_ended_is_pointed_out_and_is_the_exit_status(pki: Pki, run: Run) -> None:
    run("--publish")
    result = run(after=timedelta(hours=25))
    assert result.exit_code == 1
    assert result.output.count("HAS ENDED") == 3


@pytest.mark.usefixtures("pki")
def test_an_authority_that_is_not_there_is_named(run: Run) -> None:
    failure = run("nobody").exception
    assert isinstance(failure, CaUnknown)
    assert isinstance(failure, KeystoreError)
    assert failure.ca_id == "nobody"


def test_without_an_authority_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, services: Services
) -> None:
    bare = msgspec.structs.replace(services.settings, pki_organisation="")

    @contextmanager
    def opened() -> Iterator[Services]:
        yield replace(services, settings=bare)

    monkeypatch.setattr("idp.cli.ca_status.open_services", opened)
    failure = CliRunner().invoke(crl_command).exception
    assert isinstance(failure, SettingsInvalid)
    assert "ANTIN_PKI_ORGANISATION" in str(failure)
