"""The key that no host keeps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from keystore.backends.offline import (
    OfflineKey,
    export_offline_key,
    import_offline_key,
    make_offline_key,
)
from keystore.errors import SealBroken

_PASSPHRASE = "mười sáu chữ, hay hơn"


def _certificate(key: OfflineKey, now: datetime) -> x509.Certificate:
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.public_key(key.public_key).sign(key.key, key.digest)


def test_what_was_exported_comes_back_with_the_passphrase_alone(now: datetime) -> None:
    key = make_offline_key()
    certificate = _certificate(key, now)
    exported = export_offline_key(key, certificate=certificate, passphrase=_PASSPHRASE)
    back = import_offline_key(exported, passphrase=_PASSPHRASE, certificate=certificate)
    assert back.public_key == key.public_key
    secret = key.key.private_numbers().private_value.to_bytes(48, "big")
    assert secret not in exported
    with pytest.raises(SealBroken):
        import_offline_key(exported, passphrase="another passphrase", certificate=certificate)


def test_a_damaged_file_and_the_key_of_another_root_are_refused(now: datetime) -> None:
    key, other = make_offline_key(), make_offline_key()
    certificate = _certificate(key, now)
    exported = export_offline_key(key, certificate=certificate, passphrase=_PASSPHRASE)
    for raw, expected in (
        (exported[:-1], certificate),
        (b"", certificate),
        (exported, _certificate(other, now)),
    ):
        with pytest.raises(SealBroken):
            import_offline_key(raw, passphrase=_PASSPHRASE, certificate=expected)


def test_a_key_of_another_kind_is_refused(now: datetime) -> None:
    key = make_offline_key()
    foreign = pkcs12.serialize_key_and_certificates(
        None,
        ed25519.Ed25519PrivateKey.generate(),
        None,
        None,
        BestAvailableEncryption(_PASSPHRASE.encode()),
    )
    with pytest.raises(SealBroken):
        import_offline_key(foreign, passphrase=_PASSPHRASE, certificate=_certificate(key, now))


def test_a_short_passphrase_protects_nothing(now: datetime) -> None:
    key = make_offline_key()
    with pytest.raises(ValueError, match="passphrase_too_short"):
        export_offline_key(key, certificate=_certificate(key, now), passphrase="short")


def test_the_key_is_in_no_repr() -> None:
    key = make_offline_key()
    assert "key" not in repr(key).replace("OfflineKey", "")
    assert key.algorithm == "ES384"
