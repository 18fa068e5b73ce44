"""What a level adds: everything that is missing, once, and nothing that is not sure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from signing.errors import (
    CertificateRefused,
    DocumentRefused,
    StatusUnavailable,
    TimestampUnavailable,
)
from signing.formats.cades import Sources
from signing.formats.material import Level
from signing.formats.xades_levels import Stamp, Standing, raise_level
from signing.formats.xml_text import Element, canonical
from tests.support.signatory import SIGNING_TIME, Hand, SigningPki

_VALUE = (
    b'<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#">AA==</ds:SignatureValue>'
)


@pytest.fixture
def standing(hand: Hand, signing_pki: SigningPki) -> Standing:
    certificates = (hand.signatory.certificate, signing_pki.issuing.der)
    return Standing(_VALUE, "sha256", certificates)


@pytest.fixture
def sources(signing_pki: SigningPki) -> Sources:
    return Sources(signing_pki.timestamps(), signing_pki.status(), signing_pki.chain)


def test_a_certificate_that_ended_meanwhile_is_not_stamped(
    standing: Standing, sources: Sources
) -> None:
    """ETSI EN 319 102-1 §5.5: the signature has to be known to be older than the end."""
    late = SIGNING_TIME + timedelta(days=3_650)
    with pytest.raises(CertificateRefused, match="expired"):
        raise_level(standing, level=Level.T, now=late, sources=sources)


def raised(standing: Standing, *, level: Level, sources: Sources) -> list[str]:
    added = raise_level(standing, level=level, now=SIGNING_TIME, sources=sources)
    return [one.name.partition(":")[2] for one in added]


def entries(added: tuple[Element, ...], name: str) -> list[bytes]:
    return [
        base64.b64decode(one.text)
        for part in added
        for one in etree.fromstring(canonical(part)).iter(f"{{*}}{name}")
    ]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.B, []),
        (Level.T, ["SignatureTimeStamp"]),
        (
            Level.LT,
            [
                "SignatureTimeStamp",
                "CertificateValues",
                "RevocationValues",
                "TimeStampValidationData",
            ],
        ),
    ],
)
def test_each_level_has_what_it_needs(
    level: Level, expected: list[str], standing: Standing, sources: Sources
) -> None:
    """ETSI EN 319 132-1 §6.3."""
    assert raised(standing, level=level, sources=sources) == expected


def test_every_timestamp_that_is_there_gets_its_evidence(
    standing: Standing, sources: Sources, signing_pki: SigningPki
) -> None:
    stamps = signing_pki.timestamps()
    tokens = [
        stamps.stamp(hashlib.new(name, _VALUE).digest(), hash_name=name)
        for name in ("sha256", "sha512")
    ]
    both = replace(standing, stamps=(Stamp(tokens[0], "one"), Stamp(tokens[1], "")))
    assert raised(both, level=Level.T, sources=sources) == []
    assert raised(both, level=Level.LT, sources=sources) == [
        "CertificateValues",
        "RevocationValues",
        "TimeStampValidationData",
        "TimeStampValidationData",
    ]


def test_nothing_stands_twice(standing: Standing, sources: Sources) -> None:
    """ETSI EN 319 132-1 §5.4.1, §5.4.2."""
    added = raise_level(standing, level=Level.LT, now=SIGNING_TIME, sources=sources)
    for name in ("EncapsulatedX509Certificate", "EncapsulatedOCSPValue", "EncapsulatedCRLValue"):
        found = entries(added, name)
        assert len(found) == len(set(found))
    certificates = entries(added, "EncapsulatedX509Certificate")
    assert not set(certificates) & set(standing.certificates)


def test_a_level_that_is_reached_asks_nobody(standing: Standing, signing_pki: SigningPki) -> None:
    token = signing_pki.timestamps().stamp(hashlib.sha256(_VALUE).digest(), hash_name="sha256")
    done = replace(standing, stamps=(Stamp(token, "t"),), has_material=True)
    for level in (Level.B, Level.T, Level.LT):
        assert raised(done, level=level, sources=Sources()) == []


def test_one_timestamp_that_is_wrong_is_enough(
    standing: Standing, sources: Sources, signing_pki: SigningPki
) -> None:
    """RFC 3161 §2.4.2."""
    stamps = signing_pki.timestamps()
    right = stamps.stamp(hashlib.sha256(_VALUE).digest(), hash_name="sha256")
    wrong = stamps.stamp(hashlib.sha256(b"other").digest(), hash_name="sha256")
    for token in (wrong, b"", b"\x30\x00", right[:-1]):
        given = replace(standing, stamps=(Stamp(right, "r"), Stamp(token, "w")))
        with pytest.raises(TimestampUnavailable):
            raise_level(given, level=Level.T, now=SIGNING_TIME, sources=sources)


def test_a_chain_without_its_root_has_no_evidence(
    standing: Standing, signing_pki: SigningPki
) -> None:
    """ETSI EN 319 102-1 §5.2.6: up to a trust anchor."""
    rootless = Sources(signing_pki.timestamps(), signing_pki.status())
    with pytest.raises(StatusUnavailable):
        raise_level(standing, level=Level.LT, now=SIGNING_TIME, sources=rootless)


def test_archive_timestamps_are_not_promised(standing: Standing, sources: Sources) -> None:
    with pytest.raises(DocumentRefused) as refused:
        raise_level(standing, level=Level.LTA, now=SIGNING_TIME, sources=sources)
    assert refused.value.reason == "level"
