"""From settings to an authority that signs, and settings under which none may start."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from idp.cli.context import check_deployment
from idp.clock import utc_now
from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.settings_loading import load_settings
from idp.timestamps import (
    check_timestamps,
    make_clock,
    make_reference,
    make_tsa,
    make_watch,
    this_host,
)
from keystore.pki.timestamp_requests import Failure
from keystore.pki.timestamp_tokens import rejected
from keystore.time.chrony import Chrony
from keystore.time.errors import TimeNotAvailable
from keystore.time.ntp import NtpMajority
from keystore.time.storage import find_check
from keystore.web.answer import WebRequest
from tests.support.clocks import NtpServer
from tests.support.pki import SmallPki
from tests.support.provider import Provider
from tests.support.timestamps import SettableClock, SmallTsa, openssl_query

_THREE = "a.example,b.example:1123,192.0.2.1"


def _settings(**changes: str) -> Settings:
    usual = {
        "issuer": "https://provider.example",
        "tsa_enabled": "true",
        "pki_organisation": "Trung tâm tưởng tượng",
    }
    given = usual | changes
    return load_settings({f"ANTIN_{name.upper()}": value for name, value in given.items()})


def _refused(settings: Settings, *, is_sandbox: bool) -> str:
    with pytest.raises(SettingsInvalid) as refused:
        check_timestamps(settings, is_sandbox=is_sandbox)
    return str(refused.value)


def test_production_gives_no_timestamps_by_a_clock_that_nobody_watches() -> None:
    """ETSI EN 319 421 §7.7.2: the clock is synchronised with UTC, and that is watched."""
    settings = _settings(tsa_policies="1.3.6.1.4.1.99999.1")
    assert "ANTIN_TIME_SOURCES" in _refused(settings, is_sandbox=False)
    with pytest.raises(SettingsInvalid):
        check_deployment(settings, stamp=False, is_marked=False)
    check_timestamps(settings, is_sandbox=True)
    watched = _settings(tsa_policies="1.3.6.1.4.1.99999.1", time_sources=_THREE)
    check_timestamps(watched, is_sandbox=False)


def test_timestamps_without_an_authority_are_refused_at_start() -> None:
    settings = _settings(time_sources=_THREE, pki_organisation="")
    assert "ANTIN_PKI_ORGANISATION" in _refused(settings, is_sandbox=False)


def test_without_timestamps_nothing_is_asked_for() -> None:
    check_timestamps(_settings(tsa_enabled="false"), is_sandbox=False)


@pytest.mark.parametrize("example", ["2.999.4.1", "1.3.6.1.4.1.32473.1"])
def test_production_needs_a_policy_of_its_own(example: str) -> None:
    settings = _settings(time_sources=_THREE, tsa_policies=example)
    assert "ANTIN_TSA_POLICIES" in _refused(settings, is_sandbox=False)
    check_timestamps(settings, is_sandbox=True)


@pytest.mark.parametrize("policies", ["", "policy", "1.2,x", "9.9.9"])
def test_a_policy_is_an_object_identifier(policies: str) -> None:
    assert "ANTIN_TSA_POLICIES" in _refused(_settings(tsa_policies=policies), is_sandbox=True)


@pytest.mark.parametrize(
    "sources", ["a.example,b.example", "a.example,a.example,b.example", "a,b,c:x"]
)
def test_sources_are_three_different_hosts(sources: str) -> None:
    assert "ANTIN_TIME_SOURCES" in _refused(_settings(time_sources=sources), is_sandbox=True)


def test_who_is_asked() -> None:
    assert make_reference(_settings()) is None
    assert isinstance(make_reference(_settings(time_sources=_THREE)), NtpMajority)
    chrony = make_reference(_settings(time_sources=_THREE, time_chronyc="/usr/bin/chronyc"))
    assert chrony == Chrony(Path("/usr/bin/chronyc"))
    assert "ANTIN_TIME_CHRONYC" in _refused(_settings(time_chronyc="chronyc"), is_sandbox=True)


def _with(provider: Provider, **changes: Any) -> dict[str, Any]:
    services = provider.services
    return {
        "settings": msgspec.structs.replace(services.settings, **changes),
        "database": services.database,
        "log": services.log,
    }


def test_a_sandbox_without_sources_believes_its_clock_and_production_never(
    provider: Provider,
) -> None:
    given = _with(provider)
    settings = given.pop("settings")
    assert make_watch(settings, **given) is None
    make_clock(settings, **given, is_sandbox=True).read()
    with pytest.raises(TimeNotAvailable):
        make_clock(settings, **given, is_sandbox=False).read()


def test_a_token_by_a_clock_that_three_servers_confirm(provider: Provider, tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(NtpServer()) for _ in range(3)]
        sources = tuple(server.name for server in servers)
        given = _with(provider, time_sources=sources, tsa_ordered=True, var=tmp_path)
        settings = given.pop("settings")
        pki = SmallPki(utc_now())
        small = SmallTsa(pki, SettableClock(pki.now + timedelta(seconds=1)), tmp_path)
        clock = make_clock(settings, **given, is_sandbox=False)
        endpoint = make_tsa(
            settings, clock=clock, signer=small.signer, report=small.reported.append
        )
        query = openssl_query(b"x", "-sha256", "-cert", folder=tmp_path)
        request = WebRequest("POST", "/tsa", content_type="application/timestamp-query", body=query)
        unwatched = endpoint.answer(request, now=utc_now())
        assert unwatched.body == rejected(Failure.TIME_NOT_AVAILABLE)
        watch = make_watch(settings, **given)
        assert watch is not None
        watch.check()
    fresh = make_clock(settings, **given, is_sandbox=False)
    endpoint = make_tsa(settings, clock=fresh, signer=small.signer, report=small.reported.append)
    answer = endpoint.answer(request, now=utc_now())
    assert "Verification: OK" in small.verify_with_openssl(answer.body, request=query)
    assert small.reported == []
    with given["database"].read() as connection:
        check = find_check(connection, host=this_host())
    assert check is not None
    assert (check.agreeing, check.asked) == (3, 3)
