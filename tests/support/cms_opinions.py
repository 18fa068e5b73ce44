"""What others say about signatures in CMS: `openssl cms`, `openssl ts`, pyHanko, asn1crypto.

What lives here: calls of programs and libraries that had no part in making the signature.
Not here: anything that the product imports.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asn1crypto import cms, core, parser
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import StandardCMSSignatureStatus
from pyhanko_certvalidator import ValidationContext

from tests.support.own_loop import run_in_own_loop
from tests.support.signatory import SIGNING_TIME

OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2"


@dataclass(frozen=True, slots=True)
class OpensslOpinion:
    """What `openssl cms -verify` said, and the content that it gave out."""

    is_valid: bool
    said: str
    content: bytes


def openssl_verifies(
    signature: bytes,
    *,
    root: bytes,
    folder: Path,
    content: bytes | None = None,
    at: datetime = SIGNING_TIME,
) -> OpensslOpinion:
    """`openssl cms -verify` with the chain up to a root.

    Takes   root: PEM; content: of a detached signature; at: the time for which it judges.
    """
    (folder / "signature.p7s").write_bytes(signature)
    (folder / "root.pem").write_bytes(root)
    (folder / "out").write_bytes(b"")
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature.p7s"]
    command += ["-CAfile", "root.pem", "-purpose", "any", "-out", "out"]
    command += ["-attime", str(int(at.timestamp()))]
    if content is not None:
        (folder / "content").write_bytes(content)
        command += ["-content", "content"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    return OpensslOpinion(done.returncode == 0, done.stderr, (folder / "out").read_bytes())


def openssl_verifies_token(token: bytes, *, data: bytes, root: bytes, folder: Path) -> str:
    """`openssl ts -verify` of a token over `data`; ends in `Verification: OK` when all is right."""
    (folder / "token").write_bytes(token)
    (folder / "data").write_bytes(data)
    (folder / "root.pem").write_bytes(root)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "data"]
    command += ["-CAfile", "root.pem", "-attime", str(int(SIGNING_TIME.timestamp()))]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    return done.stdout + done.stderr


def strictly(signature: bytes) -> cms.SignedData:
    """The SignedData as asn1crypto reads it, with nothing behind it, every octet of it DER."""
    outer = cms.ContentInfo.load(signature, strict=True)
    assert outer["content_type"].native == "signed_data"
    data = outer["content"]
    check_der(signature)
    (signer,) = data["signer_infos"]
    for implicit in (
        data["certificates"],
        data["crls"],
        signer["signed_attrs"],
        signer["unsigned_attrs"],
    ):
        _check_sorted(implicit.contents or b"")
    return data


def check_der(raw: bytes) -> None:
    """Each element has its one header, and each SET OF its one order (X.690 §10.1, §11.6)."""
    for whole in _elements(raw):
        class_, method, tag, _, contents, _ = parser.parse(whole)
        assert parser.emit(class_, method, tag, contents) == whole
        if (class_, tag) == (0, 17):
            _check_sorted(contents)
        if method == 1:
            check_der(contents)


def _check_sorted(contents: bytes) -> None:
    found = _elements(contents)
    longest = max(map(len, found), default=0)
    padded = [one.ljust(longest, b"\0") for one in found]
    assert padded == sorted(padded)
    assert len(set(found)) == len(found)


def _elements(contents: bytes) -> list[bytes]:
    found = []
    while contents:
        size = parser.peek(contents)
        found.append(contents[:size])
        contents = contents[size:]
    return found


def signed_attributes(data: cms.SignedData) -> dict[str, core.Asn1Value]:
    """By name; a name that comes twice is an error."""
    (signer,) = data["signer_infos"]
    found = {one["type"].native: one["values"] for one in signer["signed_attrs"]}
    assert len(found) == len(signer["signed_attrs"])
    return found


def pyhanko_says(
    signature: bytes,
    *,
    content: bytes,
    roots: Sequence[bytes],
    at: datetime = SIGNING_TIME,
    with_evidence: bool = False,
) -> StandardCMSSignatureStatus:
    """The verdict of pyHanko about a signature.

    Takes   with_evidence: demand that each certificate is proved good by what the signature carries
            itself, of both chains.
    """
    data = strictly(signature)
    lists, answers = _evidence(data)
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(one) for one in roots],
        other_certs=[one.chosen for one in data["certificates"]],
        moment=at,
        allow_fetching=False,
        crls=lists,
        ocsps=answers,
        revocation_mode="require" if with_evidence else "soft-fail",
    )
    return run_in_own_loop(
        lambda: async_validate_detached_cms(
            content,
            data,
            signer_validation_context=context,
            key_usage_settings=KeyUsageConstraints(key_usage={"non_repudiation"}),
        )
    )


def _evidence(
    data: cms.SignedData,
) -> tuple[list[asn1_crl.CertificateList], list[asn1_ocsp.OCSPResponse]]:
    lists, answers = [], []
    for one in data["crls"] or ():
        if one.name == "crl":
            lists.append(one.chosen)
        else:
            assert one.chosen["other_rev_info_format"].dotted == OCSP_RESPONSE
            answers.append(asn1_ocsp.OCSPResponse.load(one.chosen["other_rev_info"].dump()))
    return lists, answers
