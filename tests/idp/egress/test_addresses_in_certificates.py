"""Addresses that stand in certificates of strangers: asked, but never where nobody else may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from idp.egress import Egress
from idp.verification_transport import CLIENT_ID, VerificationTransport
from signing.formats.material import ValidationMaterial
from signing.sources import Unreachable
from signing.validation.online_status import AskedOnline
from tests.support.egress import OK, answer_with

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _certificate(*urls: str) -> bytes:
    """One that anybody can make, with addresses of all three kinds."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stranger")])
    places = [x509.UniformResourceIdentifier(url) for url in urls]
    access = [
        x509.AccessDescription(method, place)
        for place in places
        for method in (AuthorityInformationAccessOID.OCSP, AuthorityInformationAccessOID.CA_ISSUERS)
    ]
    points = [x509.DistributionPoint([place], None, None, None) for place in places]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.AuthorityInformationAccess(access), critical=False)
        .add_extension(x509.CRLDistributionPoints(points), critical=False)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.DER)


def _ask(egress: Egress, certificate: bytes) -> ValidationMaterial:
    online = AskedOnline(VerificationTransport(egress))
    assert online.find_issuers(certificate, now=NOW) == ()
    return online.find(certificate, issuer=certificate, now=NOW)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_certificate_cannot_have_us_call_this_machine(
    start_server, make_egress, host: str, scheme: str
) -> None:
    server = start_server(answer_with(OK), is_tls=scheme == "https")
    certificate = _certificate(server.url(host=host, scheme=scheme))
    assert _ask(make_egress(networks=(), resolve=None), certificate) == ValidationMaterial()
    assert server.connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "fd00::1"])
def test_a_name_that_leads_inside_is_not_called(start_server, make_egress, address: str) -> None:
    server = start_server(answer_with(OK), is_tls=False)
    assert _ask(make_egress(address, networks=()), _certificate(server.url())).crls == ()
    assert server.connections == 0


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ldap://127.0.0.1/", "ftp://127.0.0.1/", "gopher://127.0.0.1/"]
)
def test_only_the_web_is_asked(make_egress, url: str) -> None:
    assert _ask(make_egress(), _certificate(url)) == ValidationMaterial()


def test_what_is_open_to_portals_is_not_open_to_certificates(start_server, make_egress) -> None:
    """`make_egress` opens this machine to one portal, as an operator may for the state network."""
    server = start_server(answer_with(OK), is_tls=False)
    assert _ask(make_egress(), _certificate(server.url())) == ValidationMaterial()
    assert server.connections == 0


def test_a_redirect_leads_nowhere(start_server) -> None:
    inside = start_server(answer_with(OK), is_tls=False)
    to = inside.url(host="127.0.0.1").encode()
    redirect = b"HTTP/1.1 302 Found\r\nLocation: " + to + b"\r\nContent-Length: 0\r\n\r\n"
    outside = start_server(answer_with(redirect), is_tls=False)
    assert _ask(_opened(), _certificate(outside.url())) == ValidationMaterial()
    assert outside.connections == 3
    assert inside.connections == 0


def test_status_comes_over_plain_http_and_nothing_else_does(start_server) -> None:
    """RFC 5280 §8: https there would need the status of its own certificate first."""
    server = start_server(
        answer_with(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), is_tls=False
    )
    transport = VerificationTransport(_opened())
    answer = transport.exchange(
        server.url(), body=None, content_type="", most_bytes=10, timeout_s=60.0
    )
    assert answer == b"{}"
    with pytest.raises(Unreachable, match="answer_too_large"):
        transport.exchange(server.url(), body=None, content_type="", most_bytes=1, timeout_s=60.0)
    assert transport.fetch_list(server.url()) == b"{}"


def test_an_answer_that_drips_ends_with_its_time(start_server) -> None:
    def hang(_connection, ended) -> None:
        ended.wait(5)

    server = start_server(hang, is_tls=False)
    transport = VerificationTransport(_opened())
    with pytest.raises(Unreachable, match="timed_out"):
        transport.exchange(server.url(), body=None, content_type="", most_bytes=10, timeout_s=0.1)


def _opened() -> Egress:
    """A door that takes this machine for a private network which certificates may name."""
    return Egress(
        allow_private={CLIENT_ID: ["127.0.0.0/8"]}, resolve=lambda _host, _port: ("127.0.0.1",)
    )
