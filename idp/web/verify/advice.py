"""What to do next, once a file was checked: one sentence, by what came out and why.

What lives here: `advice_for`.  Most of what cannot be determined can be by whoever knows what is
missing, and a file that cannot be read has more than one remedy.
Source: ETSI EN 319 102-1 table 6 (what a sub-indication leaves open).
Not here: what came out, and its reasons (`told.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_
from idp.web.verify_sentences import ADVICE, SANDBOX_ADVICE
from signing.validation.model import DocumentReport
from signing.validation.report.summary import Answer
from signing.validation.verdict import SubIndication

_AGAIN: Final = N_("Vui lòng kiểm tra lại tệp này sau ít phút.")
_ANOTHER_WAY: Final = N_(
    "Không nên mở tệp này bằng phần mềm khác. Đề nghị bên gửi cung cấp lại tệp."
)
_NEWER: Final = N_(
    "Chưa nên dựa vào tài liệu này. Đề nghị bên gửi cung cấp bản có dấu thời gian, hoặc ký lại bằng"
    " chứng thư còn hiệu lực."
)
_TRUST: Final = N_(
    "Chưa nên dựa vào tài liệu này. Hãy hỏi bên gửi xem tổ chức nào cấp chứng thư, và tổ chức đó có"
    " được công nhận tại Việt Nam không; nếu không, đề nghị ký lại bằng chứng thư được công nhận."
)
_DOCUMENT: Final = N_(
    "Hãy kiểm tra lại, chọn cùng lúc tệp này và tài liệu gốc đi kèm. Nếu không có tài liệu gốc, hãy"
    " đề nghị bên gửi cung cấp."
)
_KINDS: Final = N_(
    "Hệ thống kiểm tra được chữ ký số trong tệp PDF, XML, P7S, P7M, JSON và ASiC. Nếu đây là tài"
    " liệu gốc của một chữ ký ở tệp riêng, hãy chọn cả hai tệp rồi kiểm tra lại."
)

_OF_REASONS: Final[Mapping[str, str]] = {
    "busy": _AGAIN,
    "not_started": _AGAIN,
    "empty": N_("Hãy chọn lại đúng tệp cần kiểm tra, hoặc đề nghị bên gửi cung cấp lại tệp."),
    "encrypted": N_("Sau khi nhận được bản không có mật khẩu, hãy kiểm tra bản đó."),
    "too_large": N_("Hãy liên hệ bộ phận hỗ trợ để tệp này được kiểm tra bằng cách khác."),
    "unknown_format": _KINDS,
    "zip_bomb": _ANOTHER_WAY,
    "zip_bomb_inside": _ANOTHER_WAY,
    "zip_overlap": _ANOTHER_WAY,
    "expands_too_much": _ANOTHER_WAY,
    "name_escapes": _ANOTHER_WAY,
    "picture": N_("Đề nghị bên gửi cung cấp bản điện tử đã ký số, không phải ảnh của bản giấy."),
    "plain_zip": N_("Hãy giải nén gói này, rồi chọn các tệp ở bên trong để kiểm tra."),
    "office_signature_unread": N_(
        "Hãy mở tệp bằng phần mềm soạn thảo để xem chữ ký số trong đó, hoặc đề nghị bên gửi cung"
        " cấp bản PDF đã ký số."
    ),
}
_OF_SUB_INDICATIONS: Final[Mapping[SubIndication, str]] = {
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: _TRUST,
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE: _TRUST,
    SubIndication.SIGNED_DATA_NOT_FOUND: _DOCUMENT,
    SubIndication.TRY_LATER: N_(
        "Chưa nên dựa vào tài liệu này. Hãy kiểm tra lại sau; nếu vẫn không lấy được tình trạng thu"
        " hồi, hãy hỏi tổ chức cấp chứng thư."
    ),
    SubIndication.REVOKED_NO_POE: _NEWER,
    SubIndication.REVOKED_CA_NO_POE: _NEWER,
    SubIndication.OUT_OF_BOUNDS_NO_POE: _NEWER,
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: _NEWER,
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: _NEWER,
    SubIndication.NO_POE: _NEWER,
}


def advice_for(report: DocumentReport, *, answer: Answer, is_sandbox: bool) -> str:
    """The message id of the sentence."""
    if answer is Answer.VALID:
        return SANDBOX_ADVICE if is_sandbox else ADVICE[answer]
    if answer in {Answer.UNSIGNED, Answer.UNREADABLE}:
        for reason in (*report.conclusion.reasons, *report.findings):
            if reason.code in _OF_REASONS:
                return _OF_REASONS[reason.code]
    sub = report.conclusion.sub_indication
    if answer is Answer.UNDETERMINED and sub is not None:
        return _OF_SUB_INDICATIONS.get(sub, ADVICE[answer])
    return ADVICE[answer]
