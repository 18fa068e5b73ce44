"""The properties that make an XML signature an advanced one.

What lives here: what is signed together with the document (time, certificate, kind of data, place,
role, commitment) and what is added later without being signed (timestamp, certificates, revocation
data), as elements.
Source: ETSI EN 319 132-1 v1.2.1 §5.2 (signed), §5.3 (timestamp), §5.4 (validation data), §5.5
(TimeStampValidationData), §6.3 (which of them, at which level).
Not here: the signature itself (`xades.py`); levels beyond B-LT.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from signing.formats.material import Signatory, ValidationMaterial
from signing.formats.xml_names import DIGESTS, EXCLUSIVE_C14N
from signing.formats.xml_text import Element, element


class Commitment(StrEnum):
    """What a signature commits to, by the identifiers of ETSI TS 119 172-1 Annex B."""

    ORIGIN = "http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin"
    RECEIPT = "http://uri.etsi.org/01903/v1.2.2#ProofOfReceipt"
    DELIVERY = "http://uri.etsi.org/01903/v1.2.2#ProofOfDelivery"
    SENDER = "http://uri.etsi.org/01903/v1.2.2#ProofOfSender"
    APPROVAL = "http://uri.etsi.org/01903/v1.2.2#ProofOfApproval"
    CREATION = "http://uri.etsi.org/01903/v1.2.2#ProofOfCreation"


@dataclass(frozen=True, slots=True)
class Place:
    """Where is signed; what is empty is left out."""

    city: str = ""
    street: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a signature may say beyond what it has to.

    Takes   role: as the signatory claims it (`Giám đốc`), shown by nobody as proven.
    """

    place: Place | None = None
    role: str = ""
    commitment: Commitment | None = None


@dataclass(frozen=True, slots=True)
class DataFormat:
    """The kind of what a reference points to.

    Takes   reference_id: of the ds:Reference; mime_type: as in MIME.
    """

    reference_id: str
    mime_type: str


NOTHING_MORE: Final = Particulars()
_ON_BEHALF: Final = "Thay mặt {}"


def particulars_of(organisation: str) -> Particulars:
    """In whose name somebody signs, as a role that they claim; nothing where it is their own.

    Source  ETSI EN 319 132-1 §5.2.6: roles are text, where CMS has an attribute for organisations.
    """
    return Particulars(role=_ON_BEHALF.format(organisation)) if organisation else NOTHING_MORE


def signed_properties(
    signatory: Signatory,
    *,
    properties_id: str,
    signing_time: datetime,
    formats: Sequence[DataFormat],
    particulars: Particulars = NOTHING_MORE,
) -> Element:
    """What is signed beside the document.

    Takes   signing_time: aware; formats: one for each reference to data.
    Source  ETSI EN 319 132-1 §5.2, in the order of its schema.
    """
    of_signature = [
        element("xades:SigningTime", _time(signing_time)),
        _signing_certificate(signatory),
    ]
    if particulars.place is not None:
        of_signature.append(_place(particulars.place))
    if particulars.role:
        role = element("xades:ClaimedRole", particulars.role)
        of_signature.append(element("xades:SignerRoleV2", element("xades:ClaimedRoles", role)))
    of_data = [
        element(
            "xades:DataObjectFormat",
            element("xades:MimeType", one.mime_type),
            attributes={"ObjectReference": f"#{one.reference_id}"},
        )
        for one in formats
    ]
    if particulars.commitment is not None:
        of_data.append(_commitment(particulars.commitment))
    return element(
        "xades:SignedProperties",
        element("xades:SignedSignatureProperties", *of_signature),
        element("xades:SignedDataObjectProperties", *of_data),
        attributes={"Id": properties_id},
    )


def signature_timestamp(token: bytes, *, timestamp_id: str) -> Element:
    """The time at which the signature existed.

    Takes   token: DER, over the canonical text of ds:SignatureValue.
    Source  ETSI EN 319 132-1 §5.3.
    """
    return element(
        "xades:SignatureTimeStamp",
        element("ds:CanonicalizationMethod", attributes={"Algorithm": EXCLUSIVE_C14N}),
        element("xades:EncapsulatedTimeStamp", base64_of(token)),
        attributes={"Id": timestamp_id},
    )


def validation_values(
    material: ValidationMaterial, *, known: Iterable[bytes]
) -> tuple[Element, ...]:
    """Certificates and revocation data with which the signature is validated later.

    Takes   known: certificates that stand in the signature already, DER.
    Source  ETSI EN 319 132-1 §5.4.1 and §5.4.2.
    """
    present = frozenset(known)
    certificates = [one for one in material.certificates if one not in present]
    values = []
    if certificates:
        encapsulated = _encapsulated("xades:EncapsulatedX509Certificate", certificates)
        values.append(element("xades:CertificateValues", *encapsulated))
    revocation = []
    if material.crls:
        lists = _encapsulated("xades:EncapsulatedCRLValue", material.crls)
        revocation.append(element("xades:CRLValues", *lists))
    if material.ocsp_responses:
        answers = _encapsulated("xades:EncapsulatedOCSPValue", material.ocsp_responses)
        revocation.append(element("xades:OCSPValues", *answers))
    if revocation:
        values.append(element("xades:RevocationValues", *revocation))
    return tuple(values)


def timestamp_validation(
    material: ValidationMaterial, *, timestamp_id: str, known: Iterable[bytes]
) -> tuple[Element, ...]:
    """The same for the timestamp of that id; nothing where nothing is missing.

    Source  ETSI EN 319 132-1 §5.5.
    """
    values = validation_values(material, known=known)
    if not values:
        return ()
    attributes = {"URI": f"#{timestamp_id}"} if timestamp_id else {}
    return (element("xades141:TimeStampValidationData", *values, attributes=attributes),)


def base64_of(octets: bytes) -> str:
    """Base64 as XML Schema has it, without line ends."""
    return base64.b64encode(octets).decode("ascii")


def _time(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _signing_certificate(signatory: Signatory) -> Element:
    """The digest alone: issuer and serial are in the certificate (ETSI EN 319 132-1 §5.2.2)."""
    digest = hashlib.new(signatory.hash_name, signatory.certificate).digest()
    certificate = element(
        "xades:CertDigest",
        element("ds:DigestMethod", attributes={"Algorithm": DIGESTS[signatory.hash_name]}),
        element("ds:DigestValue", base64_of(digest)),
    )
    return element("xades:SigningCertificateV2", element("xades:Cert", certificate))


def _place(place: Place) -> Element:
    parts = (
        ("xades:City", place.city),
        ("xades:StreetAddress", place.street),
        ("xades:StateOrProvince", place.province),
        ("xades:PostalCode", place.postal_code),
        ("xades:CountryName", place.country),
    )
    return element(
        "xades:SignatureProductionPlaceV2",
        *(element(name, value) for name, value in parts if value),
    )


def _commitment(commitment: Commitment) -> Element:
    identifier = element("xades:CommitmentTypeId", element("xades:Identifier", commitment.value))
    return element(
        "xades:CommitmentTypeIndication", identifier, element("xades:AllSignedDataObjects")
    )


def _encapsulated(name: str, values: Iterable[bytes]) -> tuple[Element, ...]:
    return tuple(element(name, base64_of(one)) for one in values)
