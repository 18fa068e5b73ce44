"""What a restore reads beside the backup: the lists that are kept apart from every database.

What lives here: the list of what was destroyed and the list of certificates that ended, of this
host and of others, verified, or followed as they stand when the operator says so.
Not here: the lists (`keystore/destruction.py`, `keystore/pki/ended_certificates.py`), acting on
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from idp.pki import ended_certificates_file
from idp.services import Services
from idp.storage.copies import CopyFailed
from keystore.destruction import DestructionList
from keystore.errors import DestructionListBroken
from keystore.pki.ended_certificates import EndedCertificates
from keystore.pki.model import CertificateRecord


@dataclass(frozen=True, slots=True)
class Lists:
    """Further lists, of other hosts."""

    destroyed: tuple[Path, ...]
    revoked: tuple[Path, ...]


def read_destroyed_keys(
    services: Services, *, lists: tuple[Path, ...], is_forced: bool
) -> frozenset[bytes]:
    """What stands for everything that was destroyed: data keys of people, and signing keys.

    Raises  CopyFailed for a list that was changed.
    """
    own = services.settings.effective_destruction_list
    digests = set[bytes]()
    for file in dict.fromkeys((own, *lists)):
        one = DestructionList(file, sealer=services.sealer)
        try:
            destroyed = one.read()
        except DestructionListBroken as broken:
            _refuse(file, broken, is_forced=is_forced)
            destroyed = one.read_unverified()
            if file == own:
                _tell(file, kept=one.begin_anew(destroyed, now=services.time()))
        digests |= {line.digest for line in destroyed}
    return frozenset(digests)


def read_ended_certificates(
    services: Services, *, lists: tuple[Path, ...], is_forced: bool
) -> tuple[CertificateRecord, ...]:
    """Certificates that are revoked or suspended by the lists.

    Raises  CopyFailed for a list that was changed.
    """
    own = ended_certificates_file(services.settings)
    found = list[CertificateRecord]()
    for file in dict.fromkeys((own, *lists)):
        one = EndedCertificates(file, sealer=services.sealer)
        try:
            found += one.read()
        except DestructionListBroken as broken:
            _refuse(file, broken, is_forced=is_forced)
            found += one.read_unverified()
            if file == own:
                _tell(file, kept=one.begin_anew(now=services.time()))
    return tuple(found)


def _refuse(file: Path, broken: DestructionListBroken, *, is_forced: bool) -> None:
    if not is_forced:
        raise CopyFailed(
            f"{file} was changed at line {broken.line}, or belongs to another database; "
            "with --force it is followed as it is"
        ) from broken


def _tell(file: Path, *, kept: Path | None) -> None:
    click.echo(f"{file} begins anew; the list that was changed is kept: {kept}")
