"""`antin ca crls` and `antin ca publish` as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from idp.cli.ca import ca
from idp.pki import Pki, build_pki, pki_deployment
from idp.services import Services
from keystore.log.record import log_event
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
    made = build_pki(deployment, keyrings=services.keyrings)
    now = services.time()
    root = made.ceremony.make_root("root-1", now=now)
    made.ceremony.add_root(root, now=now)
    made.ceremony.add_issuing("issuing-1", root_id="root-1", root_key=root.key, now=now)
    return made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, services: Services) -> Run:
    """Run a command over services, at a time of the test's choice."""

    def invoke(*arguments: str, after: timedelta = timedelta()) -> Result:
        at = services.time() + after

        @contextmanager
        def opened() -> Iterator[Services]:
            yield replace(services, time=lambda: at)

        monkeypatch.setattr("idp.cli.pki.open_services", opened)
        return CliRunner().invoke(ca, arguments)

    return invoke


def test_before_the_first_list_it_says_so(pki: Pki, run: Run) -> None:
    result = run("crls")
    assert result.exit_code == 0
    assert "no list was published yet" in result.output


def test_lists_are_published_and_shown(pki: Pki, run: Run) -> None:
    result = run("publish")
    assert result.exit_code == 0, result.exception
    lines = result.output.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["issuing-1", "all", "0"],
        ["issuing-1", "0", "0"],
        ["issuing-1", "1", "0"],
    ]
    listed = json.loads(run("crls", "issuing-1", "--json").output)
    assert [one["partition"] for one in listed] == [None, 0, 1]
    numbers = [one["number"] for one in listed]
    again = json.loads(run("publish", "--json").output)
    assert all(one["number"] > number for one, number in zip(again, numbers, strict=True))


def test_a_list_that_has_ended_is_pointed_out_and_is_the_exit_status(pki: Pki, run: Run) -> None:
    run("publish")
    result = run("crls", after=timedelta(hours=25))
    assert result.exit_code == 1
    assert result.output.count("HAS ENDED") == 3


def test_the_list_of_a_root_is_shown_and_its_end_pointed_out_a_month_before(
    pki: Pki, run: Run
) -> None:
    """RFC 5280 §5.1.2.5: it comes by hand alone, and every chain is refused once it has ended."""
    run("publish")
    (shown,) = json.loads(run("crls", "root-1", "--json").output)
    assert (shown["ca_id"], shown["number"], shown["entries"]) == ("root-1", 1, 0)
    a_month_before = timedelta(days=366 - 30)
    early = run("crls", "root-1", after=a_month_before - timedelta(seconds=2))
    assert (early.exit_code, "ENDS SOON" in early.output) == (0, False)
    late = run("crls", "root-1", after=a_month_before)
    assert late.exit_code == 1
    assert "ENDS SOON: antin ca root-crl --root root-1" in late.output
    assert "HAS ENDED" in run("crls", "root-1", after=timedelta(days=366)).output


@pytest.mark.parametrize("command", ["crls", "publish"])
@pytest.mark.usefixtures("pki")
def test_an_authority_that_is_not_there_is_named(run: Run, command: str) -> None:
    result = run(command, "nobody")
    assert result.exit_code == 1
    assert "ca_unknown (nobody)" in result.output


def test_whoever_publishes_is_on_record(services: Services, pki: Pki, run: Run) -> None:
    run("publish", "--operator", "somebody")
    with services.database.read() as connection:
        rows = connection.execute(select(log_event.c.type, log_event.c.facts)).all()
    published = [facts for kind, facts in rows if kind == "pki:crl:published"]
    assert len(published) == 3
    assert all("somebody" in facts for facts in published)
