"""Algorithms as XML signatures name them.

What lives here: identifiers of hashes and of signatures, all that are in use, weak ones included:
what they are worth is for the policy; and the forms of values of ECDSA and DSA.
Source: W3C XML Signature 1.1 §6.2, §6.4; RFC 6931 and RFC 9231 §2.1 to §2.3; IEEE 1363 §E.3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from signing.formats.xml_names import DS
from signing.formats.xml_tree import Element
from signing.validation.found import SignatureAlgorithm

_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_MORE_2021: Final = "http://www.w3.org/2021/04/xmldsig-more#"
_DS11: Final = "http://www.w3.org/2009/xmldsig11#"
_ENC: Final = "http://www.w3.org/2001/04/xmlenc#"
_PSS: Final = f"{_MORE_2007}rsa-pss"
_DASHED: Final = {"sha3-224": "sha3_224", "sha3-256": "sha3_256", "sha3-384": "sha3_384"} | {
    "sha3-512": "sha3_512"
}

_HASHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{DS}sha1": "sha1",
        f"{_MORE}md5": "md5",
        f"{_MORE}sha224": "sha224",
        f"{_MORE}sha384": "sha384",
        f"{_ENC}sha256": "sha256",
        f"{_ENC}sha384": "sha384",
        f"{_ENC}sha512": "sha512",
        f"{_ENC}ripemd160": "ripemd160",
        f"{_MORE}ripemd160": "ripemd160",
        **{f"{_MORE_2007}{uri}": name for uri, name in _DASHED.items()},
    }
)
_SHA2: Final = ("sha1", "sha224", "sha256", "sha384", "sha512", "ripemd160")
_SIGNATURES: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        f"{DS}rsa-sha1": ("rsa", "pkcs1", "sha1"),
        f"{DS}dsa-sha1": ("dsa", "", "sha1"),
        f"{_DS11}dsa-sha256": ("dsa", "", "sha256"),
        f"{_MORE}rsa-md5": ("rsa", "pkcs1", "md5"),
        **{f"{_MORE}rsa-{name}": ("rsa", "pkcs1", name) for name in _SHA2},
        **{f"{_MORE}ecdsa-{name}": ("ec", "", name) for name in _SHA2},
        **{f"{_MORE_2007}ecdsa-{name}": ("ec", "", name) for name in ("ripemd160",)},
        **{f"{_MORE_2007}{name}-rsa-MGF1": ("rsa", "pss", name) for name in _SHA2},
        **{f"{_MORE_2007}{uri}-rsa-MGF1": ("rsa", "pss", name) for uri, name in _DASHED.items()},
        **{f"{_MORE_2021}ecdsa-{uri}": ("ec", "", name) for uri, name in _DASHED.items()},
        f"{_MORE_2021}eddsa-ed25519": ("ed25519", "", ""),
        f"{_MORE_2021}eddsa-ed448": ("ed448", "", ""),
    }
)
_SALT_BYTES: Final = {
    "sha1": 20,
    "ripemd160": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3_224": 28,
    "sha3_256": 32,
    "sha3_384": 48,
    "sha3_512": 64,
}
_MOST_VALUE_BYTES: Final = 256


def hash_name_of(method: Element | None) -> str:
    """The hash that a ds:DigestMethod names; empty for one that is not known."""
    return "" if method is None else _HASHES.get(method.get("Algorithm").strip(), "")


def algorithm_of(method: Element | None) -> SignatureAlgorithm:
    """What a ds:SignatureMethod says."""
    name = "" if method is None else method.get("Algorithm").strip()
    if method is not None and name == _PSS:
        return _pss(method)
    family, padding, hash_name = _SIGNATURES.get(name, ("", "", ""))
    if padding == "pss":
        return SignatureAlgorithm(
            family, padding, hash_name, name, _SALT_BYTES[hash_name], hash_name
        )
    return SignatureAlgorithm(family, padding, hash_name, name)


def value_in_der(value: bytes, *, family: str) -> bytes:
    """A value as `is_value_of` takes it: two numbers side by side become a DSS-Sig-Value.

    One that is in DER already, as some programs write it, stays as it is.
    """
    if family not in {"ec", "dsa"} or not value or len(value) % 2 or len(value) > _MOST_VALUE_BYTES:
        return value
    with suppress(ValueError):
        decode_dss_signature(value)
        return value
    half = len(value) // 2
    return encode_dss_signature(
        int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
    )


def _pss(method: Element) -> SignatureAlgorithm:
    """RFC 9231 §2.3.10; defaults: SHA-256 twice, a salt as long as it."""
    parameters = method.first((_MORE_2007, "RSAPSSParams"))
    hash_name = mgf = "sha256"
    salt = None
    if parameters is not None:
        digest = parameters.first((DS, "DigestMethod"))
        hash_name = mgf = "sha256" if digest is None else hash_name_of(digest)
        for mask in parameters.named((_MORE_2007, "MaskGenerationFunction")):
            inner = mask.first((DS, "DigestMethod"))
            mgf = hash_name if inner is None else hash_name_of(inner)
        for length in parameters.named((_MORE_2007, "SaltLength")):
            text = length.text().strip()
            salt = int(text) if text.isdecimal() and len(text) < 6 else -1
    if salt is None:
        salt = _SALT_BYTES.get(hash_name, 32)
    family = "rsa" if hash_name and mgf and salt >= 0 else ""
    return SignatureAlgorithm(family, "pss", hash_name, _PSS, salt, mgf)
