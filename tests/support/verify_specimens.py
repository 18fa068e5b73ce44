"""Specimens of the pages that check documents: each answer, several files, what was signed.

What lives here: view-models with long names and stacked diacritics, for the gallery of
`tests/support/pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from idp.web.i18n import speaker
from idp.web.pages import Page
from idp.web.verify.told import tell
from idp.web.verify_pages import ShownResult, SignedRevisionPage, VerifyPage, VerifyResultPage
from idp.web.verify_sentences import VERIFY_PROBLEMS
from signing.validation.found import Form, ObjectKind, Packaging, SignedObject, TimestampKind
from signing.validation.model import (
    CertificateReport,
    Change,
    ChangeKind,
    Check,
    DocumentReport,
    RevocationReport,
    RevocationState,
    SignatureReport,
    StatusOrigin,
    Step,
    TimestampReport,
)
from signing.validation.verdict import (
    PASSED,
    Conclusion,
    Indication,
    Reason,
    SubIndication,
    because,
)

NAME: Final = "Công Tằng Tôn Nữ Thị Nguyễn Hoàng Khuyến Nghiễng Thuỳ Dưỡng"
UNIT: Final = "Sở Nông nghiệp và Phát triển nông thôn tỉnh Nghiêng Nguyễn Lấp Lánh"
FILE: Final = "Đơn_đề_nghị_cấp_giấy_phép_xây_dựng_nhà_ở_riêng_lẻ_bản_chính_thức_đã_ký.pdf"
AT: Final = datetime(2026, 11, 21, 2, 15, 4, tzinfo=UTC)
_DIGEST: Final = bytes(range(32))
_PICTURE: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='1000' height='1414'%3E"
    "%3Crect width='1000' height='1414' fill='%23fff'/%3E%3C/svg%3E"
)


def _certificate(name: str, issuer: str, *, state: RevocationState) -> CertificateReport:
    return CertificateReport(
        der=b"",
        subject=f"C=VN,O={UNIT},CN={name}",
        issuer=f"C=VN,O=Ấn Tín,CN={issuer}",
        serial_number=0x7F3A91C204DE55B8,
        not_before=AT - timedelta(days=100),
        not_after=AT + timedelta(days=995),
        common_name=name,
        organization=UNIT,
        title="Phó Giám đốc",
        issuer_organization="Ấn Tín",
        anchor="own" if name == issuer else "",
        revocation=RevocationReport(state, StatusOrigin.FILE, "ocsp", this_update=AT),
    )


def _signature(
    conclusion: Conclusion,
    *,
    state: RevocationState = RevocationState.GOOD,
    changes: tuple[Change, ...] = (),
    is_intact: bool = True,
) -> SignatureReport:
    weak = Conclusion(
        Indication.INDETERMINATE, SubIndication.NO_POE, (because("status_not_fresh"),)
    )
    return SignatureReport(
        identity="S-1",
        form=Form.PADES,
        packaging=Packaging.ENVELOPED,
        place="Signature1",
        level="B-LT",
        conclusion=conclusion,
        checks=(
            Check(Step.FORMAT, PASSED),
            Check(Step.PATH, weak),
            Check(Step.CRYPTOGRAPHY, PASSED if is_intact else conclusion),
        ),
        chain=(
            _certificate(NAME, "Ấn Tín Issuing CA 1", state=state),
            _certificate("Ấn Tín Root CA", "Ấn Tín Root CA", state=RevocationState.NOT_NEEDED),
        ),
        objects=(
            SignedObject(
                "Signature1",
                ObjectKind.DOCUMENT,
                "sha256",
                _DIGEST,
                _DIGEST if is_intact else b"",
            ),
        ),
        timestamps=(TimestampReport("T-1", TimestampKind.SIGNATURE, PASSED, AT),),
        changes=changes,
        claimed_time=AT,
        algorithm="ECDSA 256",
        hash_name="sha256",
        stated_reason="Ban hành quyết định",
        revision_bytes=20_661,
        is_sandbox=True,
    )


def _report(*signatures: SignatureReport, findings: tuple[Reason, ...] = ()) -> DocumentReport:
    worst = (
        signatures[0].conclusion
        if signatures
        else Conclusion(Indication.INDETERMINATE, None, (because("encrypted"),))
    )
    return DocumentReport(
        FILE, "pdf", 1_400_000, _DIGEST, AT, worst, signatures=signatures, findings=findings,
        policy="antin-validation-1", sources=("own", "folder:vn-root.pem"),
    )  # fmt: skip


VALID: Final = _report(_signature(Conclusion(Indication.TOTAL_PASSED)))
INVALID: Final = _report(
    _signature(
        Conclusion(
            Indication.TOTAL_FAILED,
            SubIndication.FORMAT_FAILURE,
            (because("shadow_replace"), because("pages_removed")),
        ),
        changes=(Change(ChangeKind.CONTENT_CHANGED, is_allowed=False, pages=(2, 3)),),
    )
)
TAMPERED: Final = _report(
    _signature(Conclusion(Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE), is_intact=False),
    _signature(Conclusion(Indication.TOTAL_PASSED)),
)
UNDETERMINED: Final = _report(
    _signature(
        Conclusion(
            Indication.INDETERMINATE,
            SubIndication.TRY_LATER,
            (because("status_unavailable"),),
            (because("signature_policy_not_processed"),),
        ),
        state=RevocationState.UNKNOWN,
    )
)
UNREADABLE: Final = _report()


def _page(*reports: DocumentReport) -> VerifyResultPage:
    results = tuple(
        ShownResult(
            number=number,
            told=tell(report, say=speaker("vi")),
            size="1,4 MB",
            report_url="/help",
            has_pdf=True,
            others=("Đơn đề nghị.pdf",),
        )
        for number, report in enumerate(reports, 1)
    )
    return VerifyResultPage(results=results, signed_action="/sent", report_minutes=15)


VERIFY_SPECIMENS: Final[Mapping[str, Page]] = {
    "verify": VerifyPage(
        action="/sent", most_mib=50, most_files=20, problem=next(iter(VERIFY_PROBLEMS))
    ),
    "verify_invalid": _page(INVALID),
    "verify_undetermined": _page(UNDETERMINED),
    "verify_several": _page(VALID, TAMPERED, UNREADABLE),
    "verify_signed": SignedRevisionPage(name=FILE, pictures=(_PICTURE, _PICTURE), pages=3),
}
