"""The revocation lists of authorities whose keys are offline, as heads like those of all others.

What lives here: reading what a root's list says about itself, so that its end is seen in time:
nobody signs the next one but a person who brings the root's key.
Source: RFC 5280 §5.1.2.5 (`nextUpdate`).  Not here: signing one (`keystore/pki/ceremony.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from keystore.pki.model import CaRecord
from keystore.pki.storage.crls import CrlHead

WARN_BEFORE: Final = timedelta(days=30)
"""So long before its end the next list should be there: a ceremony takes people and a medium."""


def read_offline_lists(cas: Iterable[CaRecord], *, now: datetime) -> tuple[CrlHead, ...]:
    """The newest list of each authority that is offline and has not expired, in their order."""
    return tuple(
        _head(ca, ca.offline_crl)
        for ca in cas
        if ca.offline_crl is not None and now <= ca.not_after
    )


def crl_number(der: bytes) -> int:
    """The number of a list that we signed."""
    return _number_of(x509.load_der_x509_crl(der))


def _number_of(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _head(ca: CaRecord, der: bytes) -> CrlHead:
    crl = x509.load_der_x509_crl(der)
    number = _number_of(crl)
    digest = hashlib.sha256(der).digest()
    return CrlHead(
        ca_id=ca.ca_id,
        shard=None,
        number=number,
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc or crl.last_update_utc,
        entries=len(crl),
        content_sha256=digest,
        der_sha256=digest,
    )
