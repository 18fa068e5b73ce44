"""Trusted lists of invented territories, signed by xmlsec.

What lives here: the XML of ETSI TS 119 612 as far as a reader looks at it, and its signature, made
by a program that is not ours; a certificate for whoever signs.
Not here: anything that the product imports.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

TSL: Final = "http://uri.etsi.org/02231/v2#"
GRANTED: Final = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted"
WITHDRAWN: Final = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn"
CA_QC: Final = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC"
TSA_QTST: Final = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST"
OCSP_QC: Final = "http://uri.etsi.org/TrstSvc/Svctype/Certstatus/OCSP/QC"
GENERIC: Final = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric"
LIST_OF_LISTS: Final = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists"


@dataclass(frozen=True, slots=True)
class Scheme:
    """Whoever runs a scheme and signs its list."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str, *, since: datetime, lifetime: timedelta = timedelta(days=900)) -> Scheme:
        """A new one."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + lifetime)
            .sign(key, SHA256())
        )
        return cls(key, certificate.public_bytes(Encoding.DER))


@dataclass(frozen=True, slots=True)
class Listed:
    """One service: what it was, and since when; the newest first; extensions as XML."""

    certificate: bytes = field(repr=False)
    statuses: tuple[tuple[str, str, datetime], ...]
    name: str = "Dịch vụ thử"
    extensions: str = ""


@dataclass(frozen=True, slots=True)
class ListDraft:
    """A list before it is signed."""

    issued: datetime
    services: tuple[Listed, ...] = ()
    next_update: datetime | None = None
    is_closed: bool = False
    sequence: int = 7
    version: int = 5
    kind: str = GENERIC
    territory: str = "VN"
    root_id: str = "list"
    pointers: tuple[tuple[str, bytes], ...] = ()

    def xml(self) -> bytes:
        """Without a signature."""
        own = f' Id="{self.root_id}"' if self.root_id else ""
        following = self.next_update or self.issued + timedelta(days=180)
        told = "" if self.is_closed else f"<dateTime>{_time(following)}</dateTime>"
        return (
            f'<TrustServiceStatusList xmlns="{TSL}"{own} TSLTag="http://uri.etsi.org/19612/TSLTag">'
            f"<SchemeInformation><TSLVersionIdentifier>{self.version}</TSLVersionIdentifier>"
            f"<TSLSequenceNumber>{self.sequence}</TSLSequenceNumber><TSLType>{self.kind}</TSLType>"
            '<SchemeOperatorName><Name xml:lang="vi">Cơ quan thử</Name>'
            '<Name xml:lang="en">Test Authority</Name></SchemeOperatorName>'
            f"<SchemeTerritory>{self.territory}</SchemeTerritory>"
            f"{_pointers(self.pointers)}"
            f"<ListIssueDateTime>{_time(self.issued)}</ListIssueDateTime>"
            f"<NextUpdate>{told}</NextUpdate></SchemeInformation>"
            "<TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName>"
            '<Name xml:lang="en">Test Provider</Name></TSPName></TSPInformation>'
            f"<TSPServices>{''.join(map(_service, self.services))}</TSPServices>"
            "</TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>"
        ).encode()

    def signed_by(self, scheme: Scheme) -> bytes:
        """With an enveloped signature over the whole."""
        place = f"#{self.root_id}" if self.root_id else ""
        return sign_enveloped(self.xml(), scheme=scheme, place=place)

    def later(self, by: timedelta) -> ListDraft:
        """The next one."""
        return replace(self, issued=self.issued + by, sequence=self.sequence + 1)


def sign_enveloped(
    xml: bytes, *, scheme: Scheme, place: str, form: Any = xmlsec.constants.TransformExclC14N
) -> bytes:
    """Sign by xmlsec, with a reference to `place`; the signature is the root's last child."""
    root = etree.fromstring(xml)
    xmlsec.tree.add_ids(root, ["Id"])
    node = xmlsec.template.create(
        root, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformEcdsaSha256, ns="ds"
    )
    reference = xmlsec.template.add_reference(node, xmlsec.constants.TransformSha256, uri=place)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, form)
    root.append(node)
    context = xmlsec.SignatureContext()
    pem = scheme.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    context.sign(node)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _certificate(der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"<DigitalId><X509Certificate>{text}</X509Certificate></DigitalId>"


def _service(one: Listed) -> str:
    (kind, status, since), *history = one.statuses
    before = "".join(
        "<ServiceHistoryInstance>"
        f"{_facts(one, kind=kind, status=status, since=since)}"
        "</ServiceHistoryInstance>"
        for kind, status, since in history
    )
    return (
        "<TSPService><ServiceInformation>"
        f"{_facts(one, kind=kind, status=status, since=since)}</ServiceInformation>"
        f"<ServiceHistory>{before}</ServiceHistory></TSPService>"
    )


def _facts(one: Listed, *, kind: str, status: str, since: datetime) -> str:
    return (
        f"<ServiceTypeIdentifier>{kind}</ServiceTypeIdentifier>"
        f'<ServiceName><Name xml:lang="en">{one.name}</Name></ServiceName>'
        f"<ServiceDigitalIdentity>{_certificate(one.certificate)}</ServiceDigitalIdentity>"
        f"<ServiceStatus>{status}</ServiceStatus>"
        f"<StatusStartingTime>{_time(since)}</StatusStartingTime>"
        f"<ServiceInformationExtensions>{one.extensions}</ServiceInformationExtensions>"
    )


def _pointers(pointers: Sequence[tuple[str, bytes]]) -> str:
    told = "".join(
        "<OtherTSLPointer><ServiceDigitalIdentities><ServiceDigitalIdentity>"
        f"{_certificate(signer)}</ServiceDigitalIdentity></ServiceDigitalIdentities>"
        f"<TSLLocation>{location}</TSLLocation><AdditionalInformation>"
        f"<OtherInformation><TSLType>{GENERIC}</TSLType></OtherInformation>"
        "<OtherInformation><m:MimeType "
        'xmlns:m="http://uri.etsi.org/02231/v2/additionaltypes#">'
        "application/vnd.etsi.tsl+xml</m:MimeType></OtherInformation>"
        "</AdditionalInformation></OtherTSLPointer>"
        for location, signer in pointers
    )
    return f"<PointersToOtherTSL>{told}</PointersToOtherTSL>" if pointers else ""
