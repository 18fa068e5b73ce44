"""Signing OCSP answers before anybody asks.

What lives here: one duty.  It looks at all certificates of a small deployment in each run, and at
the next slice of a large one: serial numbers are random, so a slice of their range is a slice of
the certificates.  In one query it finds what is missing, untrue or about to end, and signs it in
portions.  What a killed or missed run left undone is found when its slice comes again.
Source: RFC 9919 §3.2.4 (an answer is replaced before its `nextUpdate`).
Not here: who asks (`ocsp.py`).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from keystore.errors import KeystoreError
from keystore.pki.model import CaKind, CaRecord, CertificateStatus, IssuerNames, issuer_names
from keystore.pki.ocsp import LIFETIME, Responders
from keystore.pki.ocsp_requests import encode_cert_id
from keystore.pki.ocsp_responses import Responder, SingleStatus, sign_status
from keystore.pki.storage.authorities import read_cas
from keystore.pki.storage.responses import (
    AheadRecord,
    count_certificates,
    find_unsigned,
    replace_signed,
)
from keystore.storage import DatabaseLike

EVERY: Final = timedelta(seconds=10)
"""How often the duty may run.  Once a minute is enough for a million certificates: each has its
turn every other hour, and what has not had it is signed when somebody asks."""
_AT_A_TIME: Final = 20_000
"""Certificates that one run looks at, about: some 50 ms."""
_PORTION: Final = 500
_HASHES: Final = ("sha1", "sha256")
"""What clients name authorities by: nearly all the first, new ones the second."""
_MOST_SLICES: Final = 4096
_END: Final = "g"
"""Above every hexadecimal digit."""


class StatusSigner:
    """Keeps the table of answers that were signed ahead; used by the process that does duties.

    Takes   lifetime: of an answer; it is renewed when half of it is over;
            at_a_time: certificates that one run looks at, about.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        responders: Responders,
        lifetime: timedelta = LIFETIME,
        at_a_time: int = _AT_A_TIME,
    ) -> None:
        self._database = database
        self._responders = responders
        self._lifetime = lifetime
        self._at_a_time = at_a_time
        self._slices: list[tuple[str, str]] = []

    def sign_ahead(self, now: datetime, *, limit: int = 20_000) -> int:
        """The duty: the next slice; how many answers were signed.

        Takes   limit: answers in one run, so that a slow token does not hold up other duties.
        """
        if not self._slices:
            self._slices = self._cut(now)
        signed = self._sign(now, serials=self._slices[0], limit=limit)
        if signed < limit:
            self._slices.pop(0)
        return signed

    def _cut(self, now: datetime) -> list[tuple[str, str]]:
        """All slices, beginning with any: a process that is often restarted neglects none."""
        with self._database.read() as connection:
            total = count_certificates(connection, now=now)
        count = min(_MOST_SLICES, total // self._at_a_time + 1)
        first = secrets.randbelow(count)
        return [_slice((first + number) % count, of=count) for number in range(count)]

    def _sign(self, now: datetime, *, serials: tuple[str, str], limit: int) -> int:
        with self._database.read() as connection:
            cas = [ca for ca in read_cas(connection) if ca.kind is CaKind.ISSUING]
        signed = 0
        for ca in cas:
            try:
                responder = self._responders.responder(ca.ca_id, now=now)
            except KeystoreError:
                continue  # it has no responder now; its certificates are answered by its CRL
            for hash_name in _HASHES:
                signed += self._sign_portions(
                    ca,
                    responder,
                    hash_name=hash_name,
                    serials=serials,
                    limit=limit - signed,
                    now=now,
                )
        return signed

    def _sign_portions(
        self,
        ca: CaRecord,
        responder: Responder,
        *,
        hash_name: str,
        serials: tuple[str, str],
        limit: int,
        now: datetime,
    ) -> int:
        names = issuer_names(ca)
        first, end = serials
        signed = 0
        next_update = min(now + self._lifetime, responder.not_after)
        while signed < limit:
            with self._database.read() as connection:
                due = find_unsigned(
                    connection,
                    ca_id=ca.ca_id,
                    hash_name=hash_name,
                    kid=responder.key.kid,
                    now=now,
                    # the last answers of a responder end with its certificate: nothing is longer
                    ends_before=min(now + self._lifetime / 2, next_update),
                    serials=(first, end),
                    limit=min(_PORTION, limit - signed),
                )
            if not due:
                break
            records = [
                AheadRecord(
                    status,
                    hash_name,
                    sign_status(
                        [SingleStatus(_cert_id(names, hash_name, status), status)],
                        responder=responder,
                        this_update=now,
                        next_update=next_update,
                    ),
                )
                for status in due
            ]
            with self._database.transaction() as tx:
                replace_signed(tx, records)
            signed += len(records)
            # what was signed a moment ago is not looked at again, even where it changed meanwhile
            first = f"{due[-1].serial + 1:040x}"
        return signed


def _cert_id(names: IssuerNames, hash_name: str, status: CertificateStatus) -> bytes:
    is_sha1 = hash_name == "sha1"
    return encode_cert_id(
        hash_name,
        name_hash=names.name_sha1 if is_sha1 else names.name_sha256,
        key_hash=names.key_sha1 if is_sha1 else names.key_sha256,
        serial=status.serial,
    )


def _slice(number: int, *, of: int) -> tuple[str, str]:
    """The range of serial numbers of one slice.

    A serial number of 20 octets starts with a digit up to 7; what is longer falls into the last.
    """
    size = 0x8000_0000 // of
    first = f"{number * size:08x}" if number else ""
    return first, _END if number == of - 1 else f"{(number + 1) * size:08x}"
