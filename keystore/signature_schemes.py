"""How each kind of key signs, in the terms of the library that does it; for both halves of a key.

What lives here: one table each of ECDSA, RSA paddings, digests that were computed elsewhere, and
the two halves of ML-DSA.  Whoever signs and whoever verifies take the same objects, made once: what
is signed here cannot be looked at by another rule.
Source: FIPS 186-5 §6 (ECDSA), RFC 8017 §8.1 (the salt is as long as the hash) and §8.2, FIPS 204.
Not here: kinds and hashes by name (`keystore/key_types.py`), keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, mldsa, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from keystore.key_types import HASHES


class MlDsa(NamedTuple):
    """The types of the halves of one parameter set."""

    private: type[mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey]
    public: type[mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey]


ML_DSA: Final[Mapping[str, MlDsa]] = MappingProxyType(
    {
        "ML-DSA-44": MlDsa(mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey),
        "ML-DSA-65": MlDsa(mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey),
    }
)
"""By the name of the kind."""

PREHASHED: Final[Mapping[str, Prehashed]] = MappingProxyType(
    {name: Prehashed(algorithm) for name, algorithm in HASHES.items()}
)
"""A digest in place of a message, by the name of its hash."""

ECDSA: Final[Mapping[str, ec.ECDSA]] = MappingProxyType(
    {name: ec.ECDSA(algorithm) for name, algorithm in HASHES.items()}
)
ECDSA_OF_DIGEST: Final[Mapping[str, ec.ECDSA]] = MappingProxyType(
    {name: ec.ECDSA(prehashed) for name, prehashed in PREHASHED.items()}
)

PADDINGS: Final[Mapping[str, Mapping[str, padding.AsymmetricPadding]]] = MappingProxyType(
    {
        "pkcs1": dict.fromkeys(HASHES, padding.PKCS1v15()),
        "pss": {
            name: padding.PSS(mgf=padding.MGF1(algorithm), salt_length=algorithm.digest_size)
            for name, algorithm in HASHES.items()
        },
    }
)
"""Of RSA, by the name that a kind of key has for it and the name of the hash."""
