"""The key of the verifier's statements: made once, sealed in the verifier's own folder.

What lives here: making it, opening it, and its public half as the signer's owner keeps it.
Source: RFC 7517 §5; architecture, decision 11.  Not here: what is stated
(`keystore/signer/statement_evidence.py`).
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from keystore.backends.open_keys import decode_private, encode_private, generate, open_private
from keystore.errors import KekInvalid, SealBroken
from keystore.kek import KekRing
from keystore.key_handle import SigningKey
from keystore.key_types import get_key_type
from keystore.private_files import add_private_file, read_private_file
from keystore.public_keys import encode_spki, load_spki, public_jwk
from keystore.purposes import SECOND_FACTOR

_FILE: Final = "statement-key"
_ALGORITHM: Final = "ES256"
_CONTEXT: Final = "second factor statement key"


def open_statement_key(folder: Path, *, ring: KekRing) -> SigningKey:
    """The key that signs statements, made if there is none yet; P-256.

    Takes   folder: the verifier's own, which exists.
    Raises  KekInvalid when others may touch the file, or when the root key does not open it.
    """
    file = folder / _FILE
    if not file.exists():
        made = encode_private(generate(get_key_type(_ALGORITHM)))
        # of several processes that start together one makes it; all read what is there then
        add_private_file(file, base64.b64encode(ring.wrap(made, context=_CONTEXT)))
    try:
        sealed = base64.b64decode(read_private_file(file), validate=True)
        private = decode_private(ring.unwrap(sealed, context=_CONTEXT))
    except (binascii.Error, SealBroken) as broken:
        raise KekInvalid("does_not_open") from broken
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise KekInvalid("does_not_open")
    public = private.public_key()
    kid = public_jwk(public, algorithm=_ALGORITHM)["kid"]
    opened = open_private(private, kind=get_key_type(_ALGORITHM))
    return SigningKey(kid, _ALGORITHM, SECOND_FACTOR, encode_spki(public), opened)


def public_key_set(key: SigningKey) -> bytes:
    """The JWK Set with its public half, for `ANTIN_SIGNER_VERIFIER_KEYS`; JSON."""
    public = load_spki(key.public_spki, algorithm=_ALGORITHM)
    return msgspec.json.encode({"keys": [public_jwk(public, algorithm=_ALGORITHM)]})
