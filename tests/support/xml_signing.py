"""XML signed by xmlsec, in all the ways that there are, for our readers to agree with.

What lives here: keys, `sign_by_xmlsec` with any algorithm, canonical form, transforms and place,
and `xmlsec_says`.  Not here: anything that the product imports, or any judgement of ours.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import xmlsec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from lxml import etree

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DS}enveloped-signature"
XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER: Final = "http://www.w3.org/2002/06/xmldsig-filter2"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_PARSER: Final = etree.XMLParser(resolve_entities=False)


@dataclass(frozen=True, slots=True)
class Way:
    """How something is signed.

    Takes   transforms: each an identifier, or a whole element; uri: of the reference; holds: what
            stands in a ds:Object of the signature, as XML or text.
    """

    method: str = RSA_SHA256
    canonicalization: str = C14N
    digest: str = SHA256
    transforms: Sequence[str] = (ENVELOPED, C14N)
    uri: str = ""
    holds: str = ""
    more: str = field(default="", repr=False)


@lru_cache
def private_key(family: str) -> Any:
    """A key that is made once for a run."""
    if family == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if family == "dsa":
        return dsa.generate_private_key(2048)
    return ec.generate_private_key(ec.SECP384R1() if family == "ec384" else ec.SECP256R1())


def family_of(method: str) -> str:
    """Which kind of key a method wants."""
    if "ecdsa" in method:
        return "ec384" if method.endswith("384") else "ec"
    return "dsa" if "dsa-" in method else "rsa"


def template(way: Way) -> str:
    """A ds:Signature without digests and value."""
    transforms = "".join(
        one if one.startswith("<") else f'<ds:Transform Algorithm="{one}"/>'
        for one in way.transforms
    )
    wrapped = f"<ds:Transforms>{transforms}</ds:Transforms>" if transforms else ""
    return (
        f'<ds:Signature xmlns:ds="{DS}" Id="s"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{way.canonicalization}"/>'
        f'<ds:SignatureMethod Algorithm="{way.method}"/>'
        f'<ds:Reference URI="{way.uri}">{wrapped}<ds:DigestMethod Algorithm="{way.digest}"/>'
        f"<ds:DigestValue/></ds:Reference>{way.more}</ds:SignedInfo><ds:SignatureValue/>"
        "<ds:KeyInfo><ds:KeyValue/></ds:KeyInfo>"
        f"{way.holds}</ds:Signature>"
    )


def sign_by_xmlsec(document: str, way: Way) -> bytes:
    """A document with the signature as the last thing in its root, or where `{here}` stands.

    NOTE: written into the text: lxml drops declarations of namespaces from what is moved in.
    """
    written = template(way)
    if "{here}" in document:
        text = document.replace("{here}", written, 1)
    else:
        at = etree.fromstring(document.encode(), _PARSER)
        local = etree.QName(at).localname
        name = local if at.prefix is None else f"{at.prefix}:{local}"
        start = document.rfind(f"</{name}")
        if start < 0:
            raise etree.XMLSyntaxError("empty", 0, 0, 0)
        text = document[:start] + written + document[start:]
    root = etree.fromstring(text.encode(), _PARSER)
    node = next(one for one in root.iter(f"{{{DS}}}Signature") if one.get("Id") == "s")
    return _signed(root, node, way)


def envelop_by_xmlsec(way: Way) -> bytes:
    """A signature that is the document."""
    root = etree.fromstring(template(way).encode(), _PARSER)
    return _signed(root, root, way)


def xmlsec_says(xml: bytes, *, method: str = RSA_SHA256) -> bool:
    """Whether xmlsec accepts the first signature, with the key that this method was signed with."""
    try:
        root = etree.fromstring(xml, _PARSER)
    except etree.XMLSyntaxError:
        return False
    node = next(root.iter(f"{{{DS}}}Signature"), None)
    if node is None:
        return False
    try:
        xmlsec.tree.add_ids(root, ["Id"])
        context = xmlsec.SignatureContext()
        context.key = _key(family_of(method))
        context.verify(node)
    except (xmlsec.Error, etree.LxmlError):
        return False
    return True


def _signed(root: etree._Element, node: etree._Element, way: Way) -> bytes:
    xmlsec.tree.add_ids(root, ["Id"])
    context = xmlsec.SignatureContext()
    context.key = _key(family_of(way.method))
    context.sign(node)
    written = bytes(etree.tostring(root.getroottree(), encoding="utf-8"))
    return written.replace(b"<ds:KeyValue/>", key_value(private_key(family_of(way.method))))


def key_value(private: Any) -> bytes:
    """A key as it stands in a signature."""
    public = private.public_key()
    numbers = public.public_numbers()
    if isinstance(public, rsa.RSAPublicKey):
        inner = f"<ds:RSAKeyValue>{_parts(Modulus=numbers.n, Exponent=numbers.e)}</ds:RSAKeyValue>"
    elif isinstance(public, dsa.DSAPublicKey):
        domain = numbers.parameter_numbers
        parts = _parts(P=domain.p, Q=domain.q, G=domain.g, Y=numbers.y)
        inner = f"<ds:DSAKeyValue>{parts}</ds:DSAKeyValue>"
    else:
        point = public.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        oid = {"secp256r1": "1.2.840.10045.3.1.7", "secp384r1": "1.3.132.0.34"}[public.curve.name]
        inner = (
            '<e:ECKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#">'
            f'<e:NamedCurve URI="urn:oid:{oid}"/><e:PublicKey>{b64encode(point).decode()}'
            "</e:PublicKey></e:ECKeyValue>"
        )
    return f"<ds:KeyValue>{inner}</ds:KeyValue>".encode()


def _parts(**numbers: int) -> str:
    return "".join(
        f"<ds:{name}>{b64encode(one.to_bytes((one.bit_length() + 7) // 8, 'big')).decode()}"
        f"</ds:{name}>"
        for name, one in numbers.items()
    )


def _key(family: str) -> Any:
    pem = private_key(family).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
