"""Certificates of another authority: each way in which one is not what we asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from keystore.pki.chain import check_authorities, read_chain, verify_issued
from keystore.pki.errors import ChainRefused


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@dataclass
class _Made:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def _make(
    common: str,
    *,
    now: datetime,
    issuer: _Made | None = None,
    ca: bool = True,
    path_length: int | None = None,
    days: tuple[int, int] = (-1, 300),
    usage: str | None = None,
    curve: ec.EllipticCurve | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    has_constraints: bool = True,
) -> _Made:
    key = key or ec.generate_private_key(curve or ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(_name(common) if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )
    if has_constraints:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=ca, path_length=path_length), critical=True
        )
    if usage is not None:
        names = (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        )
        builder = builder.add_extension(
            x509.KeyUsage(**{name: name == usage for name in names}), critical=True
        )
    signer = key if issuer is None else issuer.key
    return _Made(builder.sign(signer, hashes.SHA256()), key)


class _World:
    """A foreign root, its issuing authority, and the certificate that we asked for."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.root = _make("root", now=now)
        self.issuing = _make("issuing", now=now, issuer=self.root, path_length=0)
        self.leaf = self.issue()

    def issue(self, **changes) -> _Made:
        given = {"now": self.now, "issuer": self.issuing, "ca": False} | changes
        return _make("Người Mây Suối", **given)

    def verify(self, *chain: _Made, spki: bytes | None = None, name: str = "Người Mây Suối"):
        leaf_key = (chain[0] if chain else self.leaf).key.public_key()
        encoding = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return verify_issued(
            [one.certificate for one in chain],
            anchors=[self.root.certificate],
            expected_spki=leaf_key.public_bytes(*encoding) if spki is None else spki,
            expected_name=_name(name),
            now=self.now,
        )


@pytest.fixture
def world(now: datetime) -> _World:
    return _World(now)


def _reason(call) -> str:
    with pytest.raises(ChainRefused) as refused:
        call()
    return refused.value.reason


def test_a_right_chain_ends_at_the_anchor_whether_it_was_sent_or_not(world: _World) -> None:
    whole = [world.leaf.certificate, world.issuing.certificate, world.root.certificate]
    assert list(world.verify(world.leaf, world.issuing)) == whole
    stray = _make("stray", now=world.now)
    assert list(world.verify(world.leaf, world.issuing, world.root, stray)) == whole


def test_another_key_or_another_name_is_not_what_was_asked_for(world: _World) -> None:
    assert _reason(lambda: world.verify(world.leaf, world.issuing, spki=b"other")) == "other_key"
    assert _reason(lambda: world.verify(world.leaf, world.issuing, name="x")) == "other_name"


def test_a_chain_without_an_anchor_is_refused(world: _World) -> None:
    """RFC 5280 §6.1: a path begins at a trust anchor."""
    stranger = _World(world.now)
    assert _reason(lambda: world.verify(stranger.leaf, stranger.issuing)) == "signature"
    assert _reason(lambda: world.verify(world.leaf)) == "no_anchor"
    assert _reason(world.verify) == "malformed"


def test_every_signature_counts(world: _World) -> None:
    """RFC 5280 §6.1.3 (a)(1)."""
    impostor = _make("issuing", now=world.now, issuer=world.root, path_length=0)
    assert _reason(lambda: world.verify(world.leaf, impostor)) == "signature"


@pytest.mark.parametrize(("days", "reason"), [((1, 300), "not_yet_valid"), ((-300, -1), "expired")])
def test_every_certificate_is_valid_now(world: _World, days, reason: str) -> None:
    """RFC 5280 §6.1.3 (a)(2)."""
    assert _reason(lambda: world.verify(world.issue(days=days), world.issuing)) == reason
    late = _make("late", now=world.now, issuer=world.root, days=days)
    assert _reason(lambda: world.verify(world.issue(issuer=late), late)) == reason


def test_an_issuer_is_an_authority_that_may_sign_certificates(world: _World) -> None:
    """RFC 5280 §6.1.4 (k) and (n)."""
    for changes, reason in (
        ({"ca": False}, "not_a_ca"),
        ({"has_constraints": False}, "not_a_ca"),
        ({"usage": "crl_sign"}, "key_usage"),
    ):
        issuer = _make("issuer", now=world.now, issuer=world.root, **changes)
        leaf = world.issue(issuer=issuer)
        assert _reason(lambda leaf=leaf, issuer=issuer: world.verify(leaf, issuer)) == reason


def test_a_path_is_not_longer_than_its_issuers_allow(world: _World) -> None:
    """RFC 5280 §6.1.4 (l) and (m)."""
    below = _make("below", now=world.now, issuer=world.issuing)
    leaf = world.issue(issuer=below)
    assert _reason(lambda: world.verify(leaf, below, world.issuing)) == "path_length"


def test_what_we_asked_for_is_no_authority_and_may_sign(world: _World) -> None:
    assert _reason(lambda: world.verify(world.issue(ca=True), world.issuing)) == "is_a_ca"
    wrong = world.issue(usage="key_agreement")
    assert _reason(lambda: world.verify(wrong, world.issuing)) == "key_usage"
    for usage in ("digital_signature", "content_commitment"):
        world.verify(world.issue(usage=usage, has_constraints=False), world.issuing)


def test_a_weak_key_on_the_way_is_refused(world: _World) -> None:
    weak = _make("weak", now=world.now, issuer=world.root, curve=ec.SECP224R1())
    assert _reason(lambda: world.verify(world.issue(issuer=weak), weak)) == "weak_key"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "malformed"),
        (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "malformed"),
        (b"\x30\x82\xff\xff", "malformed"),
        (b"\x30" * 70_000, "too_long"),
    ],
)
def test_what_is_no_chain_is_refused_by_name(raw: bytes, reason: str) -> None:
    assert _reason(lambda: read_chain(raw)) == reason


def test_a_chain_has_few_members(world: _World) -> None:
    assert _reason(lambda: read_chain(world.root.pem * 7)) == "too_long"
    assert read_chain(world.leaf.pem + world.issuing.pem)[0] == world.leaf.certificate
    der = world.leaf.certificate.public_bytes(Encoding.DER)
    assert read_chain(der) == (world.leaf.certificate,)


def test_an_authority_is_checked_up_to_its_root_before_it_is_trusted(world: _World) -> None:
    right = [world.issuing.certificate, world.root.certificate]
    assert list(check_authorities(right, now=world.now)) == right
    for chain, reason in (
        ([], "malformed"),
        ([world.issuing.certificate], "signature"),
        ([world.leaf.certificate, *right], "not_a_ca"),
        ([world.root.certificate, world.issuing.certificate], "signature"),
    ):
        assert _reason(lambda chain=chain: check_authorities(chain, now=world.now)) == reason
    weak = _make("weak", now=world.now, curve=ec.SECP224R1())
    assert _reason(lambda: check_authorities([weak.certificate], now=world.now)) == "weak_key"
