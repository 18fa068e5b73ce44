"""A list of trusted services, from its octets to what we believe of it.

What lives here: `open_list`, which refuses a list by name: unsigned, signed by somebody else,
changed, expired.  What is read is what was signed, octet for octet: the list is brought into its
canonical form behind the walls, that form is hashed here and compared with what the signature says,
and only then somebody is asked what it means.
Source: ETSI TS 119 612 V2.3.1 §5.2 (version), §5.3.14 and §5.3.15 (times), §5.7.1 and annex B
(signature); TS 119 615 §4.1 to §4.3 (authenticating a list); XML Signature 1.1 §3.2.
Not here: fetching and keeping lists, and which services become anchors (`trust.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from keystore.backends.errors import SignatureRefused
from keystore.signature_forms import in_der
from signing.errors import DocumentRefused, ParsingFailed, SigningError
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.trusted_list import (
    OPEN_TRUSTED_LIST,
    READ_TRUSTED_LIST,
    OpenedTrustedList,
    TrustedListAsked,
    TrustedListFacts,
)
from signing.validation.certificates import find_certificate
from signing.validation.found import SignatureAlgorithm, SignedValue
from signing.validation.verify_value import is_value_of

_ASKED: Final = TrustedListAsked(most_elements=2_000_000)
_VERSIONS: Final = frozenset({5, 6})
_SKEW: Final = timedelta(minutes=5)
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_FORMS: Final = frozenset(
    {
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    }
)
_HASHES: Final = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_PSS: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_METHODS: Final = {
    **{f"{_MORE}rsa-{name}": ("rsa", "pkcs1", name) for name in ("sha256", "sha384", "sha512")},
    **{f"{_PSS}{name}-rsa-MGF1": ("rsa", "pss", name) for name in ("sha256", "sha384", "sha512")},
    **{f"{_MORE}ecdsa-{name}": ("ec", "", name) for name in ("sha256", "sha384", "sha512")},
}
_ELEMENT: Final = r"<(?:[\w.-]+:)?{0}(?: [^<>]*)?>(.*?)</(?:[\w.-]+:)?{0}>"
_REFERENCE: Final = re.compile(
    r"<(?:[\w.-]+:)?Reference((?: [^<>]*)?)>(.*?)</(?:[\w.-]+:)?Reference>", re.DOTALL
)
_URI: Final = re.compile(r' URI="([^"]*)"')
_VALUE: Final = re.compile(_ELEMENT.format("DigestValue"), re.DOTALL)


def _algorithm_in(name: str) -> re.Pattern[str]:
    return re.compile(rf'<(?:[\w.-]+:)?{name} (?:[^<>]* )?Algorithm="([^"]*)"')


_DIGEST_METHOD: Final = _algorithm_in("DigestMethod")
_TRANSFORM: Final = _algorithm_in("Transform")
_SIGNATURE_METHOD: Final = _algorithm_in("SignatureMethod")


class TrustedListRefused(SigningError):
    """A list that nobody is trusted by.

    Takes   reason: `unsigned`, `signature_misplaced` (more than one, or not over the whole list),
            `signed_by_another`, `changed` (the signature is a signer's, of something else),
            `algorithm_refused`, `signer_not_valid`, `version_unknown`, `not_yet_issued`, `expired`,
            `closed`, `older` (than the one that is kept), `list_malformed`, `unreadable`, or why
            reading failed.
    """

    code: ClassVar[str] = "trusted_list_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TrustedList:
    """A list whose signature was verified, by whom, and of what time; times aware.

    Takes   facts: what it says; signer: DER of the certificate under which it was verified.
    """

    facts: TrustedListFacts
    signer: bytes
    issued_at: datetime
    next_update: datetime


@dataclass(frozen=True, slots=True)
class _Reference:
    place: str
    hash_name: str
    digest: bytes


def open_list(
    document: Blob, *, isolation: Isolation, signers: Sequence[bytes], now: datetime
) -> TrustedList:
    """A list that can be believed now.

    1. It has one signature, a child of its root.
    2. One of the signers made that signature, with an algorithm that is good enough.
    3. It is over the whole list, leaving nothing out but itself.
    4. The list is what it was then.
    5. It is a list of a version that we know.
    6. The signer's certificate was valid when the list was issued.
    7. It is of now: issued, and the next one is not due.

    Takes   signers: DER of certificates that may sign it; they are trusted as they are.
    Raises  TrustedListRefused.
    Does not ask for the status of a signer's certificate: whoever lists it here vouches for it.
    Source  TS 119 615 §4.1.4, §4.2.4.
    """
    try:
        opened, canonical = isolation.run(OPEN_TRUSTED_LIST, _ASKED, inputs=[document])
        with canonical:
            # 1
            _check_place(opened)
            # 2
            text = _text_of(opened.signed_info)
            signer = _find_signer(opened, text=text, signers=signers)
            # 3, 4
            reference = _find_reference(text)
            if not hmac.compare_digest(canonical.digest(reference.hash_name), reference.digest):
                raise TrustedListRefused("changed")
            facts, nothing = isolation.run(READ_TRUSTED_LIST, _ASKED, inputs=[canonical])
            nothing.close()
    except (DocumentRefused, ParsingFailed) as failure:
        raise TrustedListRefused(failure.reason) from failure
    if reference.place and reference.place != facts.root_id:
        raise TrustedListRefused("signature_misplaced")
    return _judge(facts, signer=signer, now=now)


def _judge(facts: TrustedListFacts, *, signer: bytes, now: datetime) -> TrustedList:
    # 5
    if facts.version not in _VERSIONS:
        raise TrustedListRefused("version_unknown")
    if facts.next_update_s is None:
        raise TrustedListRefused("closed")
    try:
        issued = datetime.fromtimestamp(facts.issued_s, UTC)
        following = datetime.fromtimestamp(facts.next_update_s, UTC)
    except (ValueError, OverflowError, OSError) as malformed:
        raise TrustedListRefused("list_malformed") from malformed
    # 6
    certificate = find_certificate(signer)
    if certificate is None or not certificate.is_valid_at(issued):
        raise TrustedListRefused("signer_not_valid")
    # 7
    if issued > now + _SKEW:
        raise TrustedListRefused("not_yet_issued")
    if following < now:
        raise TrustedListRefused("expired")
    return TrustedList(facts, signer, issued, following)


def _check_place(opened: OpenedTrustedList) -> None:
    if not opened.signatures:
        raise TrustedListRefused("unsigned")
    if opened.signatures != 1 or not opened.signed_info:
        raise TrustedListRefused("signature_misplaced")


def _find_signer(opened: OpenedTrustedList, *, text: str, signers: Iterable[bytes]) -> bytes:
    method = _METHODS.get(_one(_SIGNATURE_METHOD.findall(text)))
    if method is None:
        raise TrustedListRefused("algorithm_refused")
    family, padding, hash_name = method
    for signer in signers:
        certificate = find_certificate(signer)
        if certificate is None:
            continue
        try:
            # XML has r and s in full, each as long as the order of the curve
            value = (
                in_der(opened.value, size_bytes=len(opened.value) // 2)
                if family == "ec"
                else opened.value
            )
        except SignatureRefused:
            continue
        algorithm = SignatureAlgorithm(
            family,
            padding,
            hash_name,
            "",
            salt_bytes=hashlib.new(hash_name).digest_size if padding == "pss" else None,
            mgf_hash_name=hash_name if padding == "pss" else "",
        )
        signed = SignedValue(opened.signed_info, value, algorithm)
        if is_value_of(certificate.key, signed=signed):
            return signer
    raise TrustedListRefused("signed_by_another")


def _find_reference(text: str) -> _Reference:
    """The one reference to the list itself, out of what a signer signed.

    The text is a signer's own words in canonical form, so that a plain search finds what is there.
    """
    found = []
    for attributes, inside in _REFERENCE.findall(text):
        place = _URI.search(attributes)
        methods = _TRANSFORM.findall(inside)
        if place is None or _ENVELOPED not in methods:
            continue
        forms = [one for one in methods if one != _ENVELOPED]
        if methods.count(_ENVELOPED) != 1 or not set(forms) <= _FORMS or len(forms) > 1:
            raise TrustedListRefused("signature_misplaced")
        hash_name = _HASHES.get(_one(_DIGEST_METHOD.findall(inside)))
        if hash_name is None:
            raise TrustedListRefused("algorithm_refused")
        try:
            digest = base64.b64decode("".join(_one(_VALUE.findall(inside)).split()), validate=True)
        except binascii.Error as malformed:
            raise TrustedListRefused("list_malformed") from malformed
        found.append(_Reference(place[1].removeprefix("#"), hash_name, digest))
    if len(found) != 1:
        raise TrustedListRefused("signature_misplaced")
    return found[0]


def _one(found: Sequence[str]) -> str:
    if len(found) != 1:
        raise TrustedListRefused("list_malformed")
    return found[0]


def _text_of(signed_info: bytes) -> str:
    try:
        return signed_info.decode()
    except UnicodeDecodeError as malformed:
        raise TrustedListRefused("list_malformed") from malformed
