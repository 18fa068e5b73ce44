"""Evidence records as the standard has them, with timestamps of our own authority.

What lives here: `Records`, and the digest of a group.
Source: RFC 4998 §3.1, §4.2; RFC 6283 §2.1, §3.2.
Not here: anything of the product that reads records.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime

from keystore.pki.der import SEQUENCE, wrap
from signing.formats.der import OCTET_STRING
from tests.support.signatory import SIGNING_TIME, SigningPki

_SHA256 = wrap(SEQUENCE, bytes.fromhex("0609608648016503040201"))
ERS = "urn:ietf:params:xml:ns:ers"
_METHOD = '<e:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'


def digest(*parts: bytes) -> bytes:
    """Of one thing, or of the digests of a group."""
    return hashlib.sha256(b"".join(sorted(parts)) if len(parts) > 1 else parts[0]).digest()


class Records:
    """Whoever makes them."""

    def __init__(self, pki: SigningPki, *, now: datetime = SIGNING_TIME) -> None:
        self._stamps = pki.timestamps(now=now)

    def token(self, root: bytes) -> bytes:
        """A timestamp over a digest."""
        return self._stamps.stamp(root, hash_name="sha256")

    def stamp(self, root: bytes, *lists: Sequence[bytes]) -> bytes:
        """One ArchiveTimeStamp in ASN.1."""
        return self.around(self.token(root), *lists)

    @staticmethod
    def around(token: bytes, *lists: Sequence[bytes]) -> bytes:
        """The same of a token."""
        tree = b"".join(
            wrap(SEQUENCE, b"".join(wrap(OCTET_STRING, each) for each in one)) for one in lists
        )
        return wrap(SEQUENCE, (wrap(0xA2, tree) if lists else b"") + token)

    @staticmethod
    def record(*chains: Sequence[bytes]) -> bytes:
        """An EvidenceRecord in ASN.1."""
        sequence = wrap(SEQUENCE, b"".join(wrap(SEQUENCE, b"".join(one)) for one in chains))
        return wrap(SEQUENCE, b"\x02\x01\x01" + wrap(SEQUENCE, _SHA256) + sequence)


def in_xml(token: bytes, *lists: Sequence[bytes], order: int = 1) -> str:
    """One ArchiveTimeStamp in XML."""
    sequences = "".join(
        f'<e:Sequence Order="{number}">'
        + "".join(f"<e:DigestValue>{_base64(each)}</e:DigestValue>" for each in one)
        + "</e:Sequence>"
        for number, one in enumerate(lists, start=1)
    )
    tree = f"<e:HashTree>{sequences}</e:HashTree>" if lists else ""
    return f'<e:ArchiveTimeStamp Order="{order}">{tree}{time_stamp(token)}</e:ArchiveTimeStamp>'


def time_stamp(token: bytes, *, declared: str = "") -> str:
    """The TimeStamp in it; `declared`: namespaces, where it is written by itself."""
    return (
        f'<e:TimeStamp{declared}><e:TimeStampToken Type="RFC3161">{_base64(token)}'
        "</e:TimeStampToken></e:TimeStamp>"
    )


def chain(*stamps: str, form: str, order: int = 1) -> str:
    """One ArchiveTimeStampChain in XML."""
    return (
        f'<e:ArchiveTimeStampChain Order="{order}">{_METHOD}'
        f'<e:CanonicalizationMethod Algorithm="{form}"/>{"".join(stamps)}'
        "</e:ArchiveTimeStampChain>"
    )


def record_in_xml(*chains: str) -> str:
    """An EvidenceRecord in XML."""
    return (
        f'<e:EvidenceRecord xmlns:e="{ERS}" Version="1.0"><e:ArchiveTimeStampSequence>'
        f"{''.join(chains)}</e:ArchiveTimeStampSequence></e:EvidenceRecord>"
    )


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
