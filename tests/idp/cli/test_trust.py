"""`antin trust` as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli.trust import trust
from idp.services import Services
from signing.isolation.task import Isolation
from signing.sources import Unreachable
from signing.validation.trust_sources import SourceState, TrustPlaces, TrustSources
from tests.support.pki import SmallPki
from tests.support.provider import Provider
from tests.support.trusted_lists import CA_QC, GRANTED, ListDraft, Listed, Scheme

ADDRESS = "https://lists.example/vn.xml"
Run = Callable[..., Result]


@dataclass(frozen=True, slots=True)
class OneList:
    """What `ForeignTrust` is to the command, over a web of one page."""

    anchors: TrustSources
    page: bytes

    def refresh(self) -> tuple[SourceState, ...]:
        """See `ForeignTrust.refresh`."""
        return self.anchors.refresh(self.fetch)

    def fetch(self, _url: str) -> bytes:
        """From the web."""
        if not self.page:
            raise Unreachable("timed_out")
        return self.page


@pytest.fixture
def run(
    provider: Provider,
    tmp_path: Path,
    without_walls: Isolation,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run a command over one list, which a page gives, or nobody."""
    services = provider.services
    now = services.time()
    scheme = Scheme.of("Scheme", since=now - timedelta(days=100))
    pki = SmallPki(now - timedelta(days=30))
    listed = Listed(pki.issuing.der, ((CA_QC, GRANTED, now - timedelta(days=9)),))
    page = ListDraft(now - timedelta(days=1), (listed,)).signed_by(scheme)
    (tmp_path / "signers").write_bytes(scheme.certificate)
    anchors = TrustSources(
        TrustPlaces(tmp_path, tmp_path / "lists", (ADDRESS,), tmp_path / "signers"),
        own=lambda: (pki.root.der,),
        isolation=without_walls,
        time=services.time,
    )

    def invoke(*arguments: str, is_there: bool = True, status: int = 0) -> Result:
        foreign = OneList(anchors, page if is_there else b"")

        @contextmanager
        def opened() -> Iterator[Services]:
            yield replace(services, foreign_trust=foreign)

        monkeypatch.setattr("idp.cli.trust.open_services", opened)
        result = CliRunner().invoke(trust, arguments)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def test_a_list_is_fetched_and_shown(run: Run) -> None:
    assert "NOT TAKEN: not_fetched" in run("list", status=1).output
    assert "NOT TAKEN: timed_out" in run("refresh", is_there=False, status=1).output
    fetched = run("refresh").output
    assert fetched.startswith(f"{ADDRESS}  1 anchor, no. 7 of VN, issued ")
    own, listed = run("list").output.splitlines()
    assert own == "own  1 anchor"
    assert f"{listed}\n" == fetched


def test_programs_are_told_the_same(run: Run) -> None:
    run("refresh", "--json")
    own, listed = json.loads(run("list", "--json").output)
    assert (own["name"], own["anchors"], own["problem"]) == ("own", 1, "")
    assert (listed["name"], listed["sequence"], listed["territory"]) == (ADDRESS, 7, "VN")
    assert listed["next_update"] > listed["issued_at"]
