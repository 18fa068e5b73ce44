"""What pyHanko thinks of a signed PDF: is it intact, what changed behind it, does it last.

What lives here: its verdict for one moment, and its validation with evidence records after
ETSI EN 319 102-1 §5.6.3, both without a network.
Not here: programs that the product does not stand on (`pdf_checkers`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades, async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from signing.formats.material import ValidationMaterial
from tests.support.own_loop import run_in_own_loop

_USAGE: Final = KeyUsageConstraints(key_usage={"non_repudiation"})


@dataclass(frozen=True, slots=True)
class Opinion:
    """Of one signature or document timestamp."""

    field: str
    is_intact: bool
    is_trusted: bool
    covers_revision: bool
    changed_behind: str
    is_change_allowed: bool


def opinions(content: bytes, *, roots: Sequence[bytes], at: datetime) -> list[Opinion]:
    """About every signature of a file, in order."""
    return run_in_own_loop(lambda: _opinions(content, roots=roots, at=at))


def lasting_verdict(
    content: bytes, *, roots: Sequence[bytes], at: datetime, fresh: ValidationMaterial
) -> str:
    """The verdict on the first signature with all evidence of the file, as somebody reads it later.

    Takes   fresh: what the status services say at that moment, about the newest timestamp.
    Returns `PASSED`, or the subindication and what was said.
    """
    return run_in_own_loop(lambda: _lasting(content, roots=roots, at=at, fresh=fresh))


async def _opinions(content: bytes, *, roots: Sequence[bytes], at: datetime) -> list[Opinion]:
    reader = PdfFileReader(io.BytesIO(content), strict=False)
    found = []
    for embedded in reader.embedded_signatures:
        context = ValidationContext(trust_roots=_certificates(roots), moment=at)
        is_timestamp = embedded.sig_object_type == "/DocTimeStamp"
        if is_timestamp:
            status = await async_validate_pdf_timestamp(embedded, context)
        else:
            status = await async_validate_pdf_signature(
                embedded, context, ts_validation_context=context, key_usage_settings=_USAGE
            )
        found.append(
            Opinion(
                embedded.field_name,
                is_intact=status.intact and status.valid,
                is_trusted=status.trusted,
                covers_revision=status.coverage.name in {"ENTIRE_FILE", "ENTIRE_REVISION"},
                changed_behind=status.modification_level.name if status.modification_level else "",
                is_change_allowed=is_timestamp or bool(status.docmdp_ok),
            )
        )
    return found


async def _lasting(
    content: bytes, *, roots: Sequence[bytes], at: datetime, fresh: ValidationMaterial
) -> str:
    reader = PdfFileReader(io.BytesIO(content), strict=False)
    answers = [ocsp.OCSPResponse.load(one) for one in fresh.ocsp_responses]
    lists = [crl.CertificateList.load(one) for one in fresh.crls]
    knowledge = LocalKnowledge(
        known_ocsps=[one for each in answers for one in OCSPContainer.load_multi(each)],
        known_crls=[CRLContainer(one) for one in lists],
        known_certs=_certificates(fresh.certificates),
    )
    trusted = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=_certificates(roots)),
        revinfo_policy=CertRevTrustPolicy(
            REQUIRE_REVINFO, freshness=timedelta(days=8), retroactive_revinfo=True
        ),
    )
    result = await ades.ades_lta_validation(
        next(one for one in reader.embedded_signatures if one.sig_object_type == "/Sig"),
        PdfSignatureValidationSpec(
            SignatureValidationSpec(
                cert_validation_policy=trusted,
                revinfo_gathering_policy=RevocationInfoGatheringSpec(
                    online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY
                ),
                local_knowledge=knowledge,
                key_usage_settings=_USAGE,
            )
        ),
        timing_info=ValidationTimingInfo(
            validation_time=at, best_signature_time=at, point_in_time_validation=False
        ),
    )
    said = result.ades_subindic
    return "PASSED" if said.status.name == "PASSED" else f"{said} {result.failure_msg}"


def _certificates(ders: Sequence[bytes]) -> list[x509.Certificate]:
    return [x509.Certificate.load(one) for one in dict.fromkeys(ders)]
