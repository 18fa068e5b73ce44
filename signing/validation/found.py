"""What a format gives of a signature: everything read, every digest computed, nothing judged.

What lives here: the one shape in which signatures of PDF, CMS, XML and containers reach the
procedure.  Readers of a format fill it; the procedure of the standard never sees a format.
Source: ETSI EN 319 102-1 §5.2 (inputs of the building blocks); EN 319 122-1, 319 132-1, 319 142-1
(attributes and properties).
Not here: parsing (`signing/parsing`, behind the walls), and any verdict.

All octets are DER where the thing is ASN.1.  Hashes are named as `hashlib` does; a name that is
empty means one that is not known or not taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from signing.formats.material import ValidationMaterial
from signing.validation.verdict import Reason


class Form(StrEnum):
    """What kind of signature it is, by the name of its format."""

    PADES = "PAdES"
    PKCS7 = "PKCS#7"
    CADES = "CAdES"
    CMS = "CMS"
    XADES = "XAdES"
    XMLDSIG = "XML-DSig"
    JADES = "JAdES"
    TIMESTAMP = "timestamp"


class Packaging(StrEnum):
    """Where what was signed stands."""

    ENVELOPED = "enveloped"
    ENVELOPING = "enveloping"
    DETACHED = "detached"
    INTERNALLY_DETACHED = "internally_detached"


class ObjectKind(StrEnum):
    """What a digest is about."""

    DOCUMENT = "document"
    SIGNED_PROPERTIES = "signed_properties"
    MANIFEST = "manifest"
    KEY_INFO = "key_info"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SignedObject:
    """Something of which a signature says the digest.

    Takes   name: for people, such as the name of a file; expected: what the signature says;
            actual: what was computed, None when the thing is not there.
    """

    name: str
    kind: ObjectKind
    hash_name: str
    expected: bytes = field(repr=False)
    actual: bytes | None = field(repr=False)

    @property
    def is_found(self) -> bool:
        """Whether it is there."""
        return self.actual is not None

    @property
    def is_intact(self) -> bool:
        """Whether it is there and what it was."""
        return self.actual is not None and bool(self.expected) and self.actual == self.expected


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """How a value was made.

    Takes   family: `rsa`, `ec`, `ed25519`, `dsa`, … or empty when it is not known;
            padding: `pkcs1`, `pss` or empty; name: as it stood there, an OID or a URI;
            salt_bytes, mgf_hash_name: of PSS.
    """

    family: str
    padding: str
    hash_name: str
    name: str
    salt_bytes: int | None = None
    mgf_hash_name: str = ""


@dataclass(frozen=True, slots=True)
class SignedValue:
    """What the key signed (the octets before hashing), and the value.

    An ECDSA value is in DER, whatever the format writes.
    """

    octets: bytes = field(repr=False)
    value: bytes = field(repr=False)
    algorithm: SignatureAlgorithm


@dataclass(frozen=True, slots=True)
class CertificateReference:
    """How signed attributes or properties name the signing certificate, or one of its chain.

    Takes   issuer_serial: DER of IssuerSerial or empty; is_readable: False for one that is there
            and makes no sense, which then counts as one that does not match.
    """

    hash_name: str
    digest: bytes
    issuer_serial: bytes = b""
    is_readable: bool = True


class TimestampKind(StrEnum):
    """What a timestamp is over."""

    CONTENT = "content"
    SIGNATURE = "signature"
    REFERENCES = "references"
    ARCHIVE = "archive"
    DOCUMENT = "document"
    CONTAINER = "container"
    EVIDENCE = "evidence_record"


@dataclass(frozen=True, slots=True)
class FoundTimestamp:
    """A timestamp token, and what it has to be over.

    Takes   identity: unique within the document, stable (`T-1`);
            digest_of: the digest of the octets that it covers under a hash, None when they cannot
            be told; covers: identities (`object_identity`) of what it proves to have existed, as
            far as a look-up may ask for them: certificates, answers, lists, other tokens and
            signature values, a document timestamp's being those of the revision before it;
            findings: what its format says against it; hash_names: of the digests by which a list
            in between, such as a manifest, names what it covers.
    """

    identity: str
    kind: TimestampKind
    token: bytes = field(repr=False)
    digest_of: Callable[[str], bytes | None] = field(repr=False)
    covers: frozenset[str] = frozenset()
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    findings: tuple[Reason, ...] = ()
    hash_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """One signature of a document.

    Takes   identity: unique within the document, stable (`S-1`); place: where it stands, such as
            the name of a form field or of a file in a container;
            objects: each digest of a document or property that the signature stands for, those of
            the chain in between included (a manifest and what it lists);
            candidate: the certificate that the format points at, None when it is not there;
            references: of the signed attributes, the signing certificate's first; None when there
            are none (EN 319 102-1 §5.2.3.4: then it is not an AdES signature);
            key: SubjectPublicKeyInfo when there is a bare key instead of a certificate;
            certificates: all that come with it; material: of the file's long-term evidence;
            timestamps: those about this signature, in the order of their making as far as known;
            malformed: what the format demands and is not so: one makes it FORMAT_FAILURE;
            doubts: what belongs into the report and changes no indication;
            parent: identity of the signature that this one countersigns.
    """

    identity: str
    form: Form
    packaging: Packaging
    place: str
    objects: tuple[SignedObject, ...]
    value: SignedValue | None
    candidate: bytes | None = field(repr=False)
    references: tuple[CertificateReference, ...] | None = None
    key: bytes | None = field(default=None, repr=False)
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    material: ValidationMaterial = field(default_factory=ValidationMaterial, repr=False)
    timestamps: tuple[FoundTimestamp, ...] = ()
    claimed_time: datetime | None = None
    content_type: str = ""
    policy_identifier: str = ""
    commitments: tuple[str, ...] = ()
    claimed_roles: tuple[str, ...] = ()
    production_place: str = ""
    stated_reason: str = field(default="", repr=False)
    malformed: tuple[Reason, ...] = ()
    doubts: tuple[Reason, ...] = ()
    parent: str = ""

    @property
    def is_long_term(self) -> bool:
        """Whether evidence for later comes with it."""
        return bool(self.material.ocsp_responses or self.material.crls)

    @property
    def evidence_identities(self) -> frozenset[str]:
        """By what timestamps know its answers and lists."""
        evidence = (*self.material.ocsp_responses, *self.material.crls)
        return frozenset(object_identity(one) for one in evidence)


@dataclass(frozen=True, slots=True)
class ReadToken:
    """What a timestamp token says; **not verified**.  `timestamp_token.read_token` makes it.

    Takes   signature: the authority's own, of the form TIMESTAMP: its one object is the TSTInfo
            (kind OTHER), its value is over the signed attributes; what cannot be read of the token
            is in its `malformed`; generated_at: None when it cannot be read; hash_name, imprint:
            what it says to be over.
    """

    signature: FoundSignature
    generated_at: datetime | None = None
    accuracy: timedelta = timedelta(0)
    policy: str = ""
    hash_name: str = ""
    imprint: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A file, as far as its format could be read.

    Takes   kind: `pdf`, `xml`, `cms`, `asic-e`, `asic-s`, `zip`, `timestamp`, `jws` or `unknown`;
            findings: about the file as a whole; malformed: it could not be read to its end;
            timestamps: those that belong to no signature (a container with timestamps alone).
    """

    kind: str
    signatures: tuple[FoundSignature, ...] = ()
    timestamps: tuple[FoundTimestamp, ...] = ()
    objects: tuple[SignedObject, ...] = ()
    malformed: tuple[Reason, ...] = ()
    findings: tuple[Reason, ...] = ()


def object_identity(octets: bytes) -> str:
    """By what proofs of existence know a certificate, a list, an answer, a token or a value."""
    return hashlib.sha256(octets).hexdigest()
