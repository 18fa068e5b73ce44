"""Whom we trust besides ourselves, as a process puts it together from its settings."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from idp.egress import Egress
from idp.errors import StorageUnavailable
from idp.foreign_trust import ForeignTrust, _OwnRoots, build_foreign_trust
from idp.services import Services
from signing.sources import Unreachable
from tests.support.log_lines import log_lines
from tests.support.pki import SmallPki
from tests.support.provider import Provider

ADDRESS = "https://lists.example/vn.xml"


def _build(services: Services, **changes: object) -> ForeignTrust:
    return build_foreign_trust(
        msgspec.structs.replace(services.settings, **changes),
        egress=Egress(resolve=lambda _host, _port: ("10.0.0.1",)),
        trust=services.trust,
        signing=services.signing,
        time=services.time,
    )


def test_the_folder_of_the_settings_is_read(provider: Provider, tmp_path: Path) -> None:
    pki = SmallPki(provider.services.time())
    (tmp_path / "root.pem").write_bytes(pki.root.pem)
    foreign = _build(provider.services, trust_folder=tmp_path)
    assert foreign.anchors.contains(pki.root.der) is not None
    assert "folder:root.pem" in foreign.anchors.told()
    foreign.close()


def test_nobody_is_asked_where_the_settings_say_so(provider: Provider) -> None:
    assert _build(provider.services, verify_online=False).online is None
    assert _build(provider.services).online is not None


def test_a_list_that_cannot_be_had_is_a_line_and_no_failure(
    provider: Provider, tmp_path: Path
) -> None:
    foreign = _build(
        provider.services,
        trust_folder=tmp_path,
        trust_lists=(ADDRESS,),
        trust_list_signers=tmp_path / "signers.pem",
    )
    (duty,) = foreign.duties()
    with log_lines("WARNING") as lines:
        duty.act(provider.services.time())
    (line,) = lines()
    assert (line["event"], line["source"]) == ("trusted_list_not_taken", ADDRESS)
    assert line["reason"] == "address_refused"
    foreign.close()


def test_what_stands_in_certificates_of_strangers_leads_to_no_private_address(
    provider: Provider,
) -> None:
    transport = _build(provider.services).transport
    with pytest.raises(Unreachable, match="address_refused"):
        transport.exchange(
            "http://ocsp.example/", body=b"", content_type="", most_bytes=10, timeout_s=1.0
        )


def test_our_own_roots_are_known_while_the_database_is_away(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki = SmallPki(provider.services.time())
    answers = iter([(pki.root.der,)])

    def find(*_given: object, **_named: object) -> tuple[bytes, ...]:
        answer = next(answers, None)
        if answer is None:
            raise StorageUnavailable
        return answer

    monkeypatch.setattr("idp.foreign_trust.find_roots", find)
    roots = _OwnRoots(provider.services.settings, object())
    assert roots() == (pki.root.der,)
    assert roots() == (pki.root.der,)
    with pytest.raises(StorageUnavailable):
        _OwnRoots(provider.services.settings, object())()
    assert _OwnRoots(provider.services.settings, None)() == ()
