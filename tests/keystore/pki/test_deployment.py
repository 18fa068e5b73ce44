"""What a deployment may say about its certificates."""

from __future__ import annotations

import pytest

from keystore.pki.addresses import PkiAddresses
from keystore.pki.errors import DeploymentInvalid
from tests.support.real_pki import make_deployment


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "ftp://pki.antin.vn"),
        ("base_url", "http://pki.antin.vn/path"),
        ("base_url", "http://pki.antin.vn/"),
        ("base_url", "http://user@pki.antin.vn"),
        ("base_url", "http://ấn.vn"),
        ("base_url", "http://[::1"),
        ("base_url", ""),
        ("pds_url", "http://pki.antin.vn/pds"),
        ("cps_url", "cps"),
        ("policy_arc", "1.3.6.1.4.1.32473.7"),
        ("policy_arc", "2.999.1"),
        ("policy_arc", "1.3.06"),
        ("policy_arc", "arc"),
        ("organisation", " "),
        ("organisation_identifier", "9900000013"),
        ("ca_name", ""),
        ("ca_name", "x" * 25),
        ("country", "vn"),
        ("qualified_in", "Viet Nam"),
        ("shards", -1),
        ("shards", 5_000),
    ],
)
def test_what_cannot_stand_in_a_certificate_is_refused_at_start(field: str, value) -> None:
    with pytest.raises(DeploymentInvalid) as refused:
        make_deployment(**{field: value})
    assert refused.value.field == field


def test_a_qualified_certificate_needs_its_disclosure_statement() -> None:
    """ETSI EN 319 412-5 §4.3.4."""
    with pytest.raises(DeploymentInvalid) as refused:
        make_deployment(qualified_in="VN")
    assert refused.value.field == "pds_url"
    make_deployment(qualified_in="VN", pds_url="https://pki.antin.vn/pds-en.pdf")


def test_a_sandbox_qualifies_nobody_and_may_use_the_arc_for_examples() -> None:
    arc = "1.3.6.1.4.1.32473.1"
    assert make_deployment(is_sandbox=True, policy_arc=arc).is_sandbox
    with pytest.raises(DeploymentInvalid):
        make_deployment(
            is_sandbox=True, policy_arc=arc, qualified_in="VN", pds_url="https://pki.antin.vn/p"
        )


def test_addresses_are_where_the_endpoints_answer() -> None:
    addresses = PkiAddresses("http://pki.antin.vn")
    assert addresses.certificate("root-1") == "http://pki.antin.vn/ca/root-1.cer"
    assert addresses.crl("root-1") == "http://pki.antin.vn/crl/root-1.crl"
    assert addresses.crl("issuing-1", shard=0) == "http://pki.antin.vn/crl/issuing-1/0.crl"
    assert addresses.crl_of_certificate("i", serial=21, shards=16).endswith("/crl/i/5.crl")
    assert addresses.crl_of_certificate("i", serial=21, shards=0).endswith("/crl/i.crl")
    assert addresses.ocsp() == "http://pki.antin.vn/ocsp"
