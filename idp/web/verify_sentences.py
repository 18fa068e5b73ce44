"""Sentences of checking documents: the answer, what it rests upon, and what to do next.

What lives here: tables from the codes of `signing/validation` to sentences.  The sentences are
message ids; they are translated when a report is told (`idp/web/verify/told.py`).  The reasons of
the formats stand in `verify_reasons.py`.
Source: ETSI EN 319 102-1 tables 5 and 6 (what a sub-indication means); TT 15/2025/TT-BKHCN Art. 6
(a clerk reads it in Vietnamese).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_, FieldProblem
from signing.validation.found import TimestampKind
from signing.validation.model import ChangeKind, RevocationState, StatusOrigin, Step
from signing.validation.report.summary import Answer
from signing.validation.verdict import SubIndication

HEADINGS: Final[Mapping[Answer, str]] = {
    Answer.VALID: N_("Chữ ký số hợp lệ"),
    Answer.INVALID: N_("Chữ ký số không hợp lệ"),
    Answer.UNDETERMINED: N_("Chưa xác định được chữ ký số có hợp lệ hay không"),
    Answer.UNSIGNED: N_("Tệp không có chữ ký số"),
    Answer.UNREADABLE: N_("Không đọc được tệp"),
}

ADVICE: Final[Mapping[Answer, str]] = {
    Answer.VALID: N_("Có thể sử dụng tài liệu này. Nên lưu kết quả kiểm tra cùng với tài liệu."),
    Answer.INVALID: N_(
        "Không sử dụng tài liệu này. Đề nghị bên gửi cung cấp lại bản đã ký còn nguyên vẹn."
    ),
    Answer.UNDETERMINED: N_(
        "Chưa nên dựa vào tài liệu này. Hãy xem các lý do, rồi hỏi bên gửi hoặc đề nghị bên gửi"
        " cung cấp bản đã ký khác."
    ),
    Answer.UNSIGNED: N_(
        "Nếu tài liệu phải có chữ ký số, đề nghị bên gửi cung cấp bản điện tử đã ký, không phải bản"
        " in hoặc ảnh chụp."
    ),
    Answer.UNREADABLE: N_("Hãy kiểm tra lại tệp đã chọn, hoặc đề nghị bên gửi cung cấp lại tệp."),
}

HEADINGS_OF_TIMESTAMPS: Final[Mapping[Answer, str]] = {
    Answer.VALID: N_("Dấu thời gian hợp lệ"),
    Answer.INVALID: N_("Dấu thời gian không hợp lệ"),
    Answer.UNDETERMINED: N_("Chưa xác định được dấu thời gian có hợp lệ hay không"),
}
"""Of files that nobody signed and that are timestamped."""

ALL_VALID: Final = N_("Nội dung còn nguyên vẹn và chứng thư của người ký có hiệu lực khi ký.")
ALL_VALID_SEVERAL: Final = N_(
    "Cả %(count)s chữ ký đều hợp lệ: nội dung còn nguyên vẹn và chứng thư có hiệu lực khi ký."
)


SUB_INDICATIONS: Final[Mapping[SubIndication, str]] = {
    SubIndication.FORMAT_FAILURE: N_("Chữ ký không đúng cấu trúc mà định dạng quy định."),
    SubIndication.HASH_FAILURE: N_("Nội dung đã bị thay đổi sau khi ký."),
    SubIndication.SIG_CRYPTO_FAILURE: N_(
        "Chữ ký không được tạo bằng khóa của chứng thư đi kèm, hoặc đã bị sửa."
    ),
    SubIndication.REVOKED: N_("Chứng thư của người ký đã bị thu hồi trước khi ký."),
    SubIndication.EXPIRED: N_("Chứng thư của người ký đã hết hạn trước khi ký."),
    SubIndication.NOT_YET_VALID: N_("Chữ ký được tạo trước khi chứng thư có hiệu lực."),
    SubIndication.SIG_CONSTRAINTS_FAILURE: N_(
        "Chữ ký không đáp ứng yêu cầu mà việc kiểm tra đặt ra."
    ),
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: N_(
        "Các chứng thư từ người ký đến tổ chức gốc không đáp ứng yêu cầu."
    ),
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: N_(
        "Không kiểm tra được các chứng thư từ người ký đến tổ chức gốc."
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE: N_(
        "Chữ ký dùng thuật toán mật mã không còn đủ an toàn vào thời điểm ký."
    ),
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: N_(
        "Chữ ký dùng thuật toán mật mã không còn đủ an toàn, và không có bằng chứng rằng chữ ký đã"
        " được tạo khi thuật toán còn an toàn."
    ),
    SubIndication.POLICY_PROCESSING_ERROR: N_("Không áp dụng được chính sách mà chữ ký nêu ra."),
    SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE: N_("Không lấy được chính sách mà chữ ký nêu ra."),
    SubIndication.TIMESTAMP_ORDER_FAILURE: N_("Các dấu thời gian mâu thuẫn nhau về thứ tự."),
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: N_("Không tìm thấy chứng thư của người ký."),
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: N_(
        "Chứng thư của người ký không do tổ chức nào trong danh sách tin cậy của hệ thống này cấp."
    ),
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE: N_(
        "Chứng thư của người ký không dẫn đến tổ chức được tin cậy vào thời điểm ký, và không có"
        " bằng chứng về thời điểm ký."
    ),
    SubIndication.REVOKED_NO_POE: N_(
        "Chứng thư của người ký đã bị thu hồi, và không có bằng chứng rằng chữ ký được tạo trước"
        " khi thu hồi."
    ),
    SubIndication.REVOKED_CA_NO_POE: N_(
        "Chứng thư của tổ chức cấp đã bị thu hồi, và không có bằng chứng rằng chữ ký được tạo trước"
        " khi thu hồi."
    ),
    SubIndication.OUT_OF_BOUNDS_NO_POE: N_(
        "Chứng thư của người ký hiện không còn hiệu lực, và không có bằng chứng rằng chữ ký được"
        " tạo khi chứng thư còn hiệu lực."
    ),
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: N_(
        "Chứng thư của người ký hiện đã hết hạn nhưng chưa bị thu hồi, và không có bằng chứng rằng"
        " chữ ký được tạo khi chứng thư còn hiệu lực."
    ),
    SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE: N_(
        "Thông tin thu hồi không còn kiểm tra được, và không có bằng chứng về thời điểm của thông"
        " tin đó."
    ),
    SubIndication.NO_POE: N_("Không có bằng chứng về thời điểm chữ ký được tạo."),
    SubIndication.TRY_LATER: N_(
        "Chưa lấy được tình trạng thu hồi của chứng thư. Vui lòng kiểm tra lại sau."
    ),
    SubIndication.SIGNED_DATA_NOT_FOUND: N_(
        "Không có tài liệu mà chữ ký này ký. Vui lòng chọn thêm tài liệu gốc."
    ),
    SubIndication.CUSTOM: N_("Việc kiểm tra cho kết quả ngoài các trường hợp thông thường."),
}

STEPS: Final[Mapping[Step, str]] = {
    Step.FORMAT: N_("Cấu trúc của chữ ký"),
    Step.IDENTIFICATION: N_("Nhận diện chứng thư của người ký"),
    Step.CONTEXT: N_("Chính sách và điều kiện kiểm tra"),
    Step.PATH: N_("Chuỗi chứng thư đến tổ chức gốc được tin cậy"),
    Step.REVOCATION: N_("Tình trạng thu hồi của chứng thư"),
    Step.CRYPTOGRAPHY: N_("Tính toàn vẹn và giá trị mật mã của chữ ký"),
    Step.ACCEPTANCE: N_("Thuật toán và yêu cầu đối với chữ ký"),
    Step.TIMESTAMPS: N_("Dấu thời gian"),
    Step.PAST: N_("Hiệu lực vào thời điểm trong quá khứ"),
    Step.CHANGES: N_("Thay đổi trong tệp sau khi ký"),
}

STATES: Final[Mapping[RevocationState, str]] = {
    RevocationState.GOOD: N_("Chưa bị thu hồi"),
    RevocationState.REVOKED: N_("Đã bị thu hồi"),
    RevocationState.ON_HOLD: N_("Đang bị tạm dừng"),
    RevocationState.UNKNOWN: N_(
        "Không lấy được tình trạng thu hồi. Chưa thể khẳng định chứng thư không bị thu hồi."
    ),
    RevocationState.NOT_NEEDED: N_("Không cần kiểm tra thu hồi"),
}

ORIGINS: Final[Mapping[StatusOrigin, str]] = {
    StatusOrigin.FILE: N_("theo bằng chứng kèm trong tệp"),
    StatusOrigin.ONLINE: N_("theo trả lời trực tuyến của tổ chức cấp"),
    StatusOrigin.NONE: "",
}

CHANGES: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.SIGNED_AGAIN: N_("Có thêm chữ ký"),
    ChangeKind.FORM_FILLED: N_("Đã điền biểu mẫu"),
    ChangeKind.ANNOTATED: N_("Đã thêm ghi chú"),
    ChangeKind.EVIDENCE_ADDED: N_("Đã bổ sung bằng chứng để lưu trữ lâu dài"),
    ChangeKind.PAGES_ADDED: N_("Đã thêm trang"),
    ChangeKind.PAGES_REMOVED: N_("Đã bỏ trang"),
    ChangeKind.CONTENT_CHANGED: N_("Nội dung hiển thị đã thay đổi"),
    ChangeKind.APPEARANCE_CHANGED: N_("Hình thức hiển thị của biểu mẫu đã thay đổi"),
    ChangeKind.OVERLAPPED: N_("Có phần được đặt che lên nội dung đã ký"),
    ChangeKind.UNDEFINED: N_("Có thay đổi không xác định được"),
}
LAID_OVER: Final = N_("Hình của chữ ký hoặc con dấu thêm sau nằm trên một phần nội dung đã ký")
"""What an overlap is where it may be: the seal stands over a third of the signature."""
TIMESTAMP_ADDED: Final = N_("Có thêm dấu thời gian")
ON_PAGE: Final = N_("%(change)s (trang %(pages)s)")
ON_PAGES: Final = N_("%(change)s (các trang %(pages)s)")

TIMESTAMP_KINDS: Final[Mapping[TimestampKind, str]] = {
    TimestampKind.CONTENT: N_("Dấu thời gian của nội dung trước khi ký"),
    TimestampKind.SIGNATURE: N_("Dấu thời gian của chữ ký"),
    TimestampKind.REFERENCES: N_("Dấu thời gian của các tham chiếu"),
    TimestampKind.ARCHIVE: N_("Dấu thời gian lưu trữ"),
    TimestampKind.DOCUMENT: N_("Dấu thời gian của tài liệu"),
    TimestampKind.CONTAINER: N_("Dấu thời gian của gói tài liệu"),
    TimestampKind.EVIDENCE: N_("Dấu thời gian của bản ghi bằng chứng lưu trữ"),
}

CODE: Final = N_("Kết luận (ETSI EN 319 102-1)")
PASSED: Final = N_("Đạt")
FAILED: Final = N_("Không đạt")
UNKNOWN: Final = N_("Chưa xác định được")
NOT_DONE: Final = N_("Chưa đến bước này")

FOLDER: Final = N_("Đây là thư mục. Vui lòng chọn các tệp trong thư mục.")
LARGER: Final = N_("Tệp lớn hơn %(count)s MB nên không kiểm tra được ở đây.")
NOT_FOUND: Final = N_("Không có tệp này. Vui lòng kiểm tra lại tên tệp.")
NOT_PERMITTED: Final = N_("Không có quyền đọc tệp này.")
NOT_READABLE: Final = N_("Không mở được tệp này.")

SANDBOX_ADVICE: Final = N_(
    "Chữ ký thử nghiệm chỉ để thử hệ thống. Không sử dụng tài liệu này cho hồ sơ thật."
)
SANDBOX: Final = N_("Chữ ký thử nghiệm: chứng thư SANDBOX, không có giá trị pháp lý.")

VERIFY_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "file_missing": FieldProblem("file", N_("Chưa chọn tệp. Vui lòng chọn tệp cần kiểm tra.")),
    "too_many_files": FieldProblem(
        "file", N_("Chọn quá nhiều tệp trong một lần. Vui lòng chọn tối đa 20 tệp.")
    ),
    "too_large": FieldProblem(
        "file", N_("Tệp quá lớn nên không kiểm tra được ở đây. Tệp chưa được gửi đi.")
    ),
    "too_many_checks": FieldProblem(
        "",
        N_("Đã kiểm tra nhiều tệp từ mạng này trong một phút. Vui lòng thử lại sau ít phút."),
    ),
    "malformed": FieldProblem("file", N_("Không nhận được trọn vẹn tệp. Vui lòng gửi lại.")),
    "unsupported_media_type": FieldProblem(
        "file", N_("Không nhận được tệp. Vui lòng chọn tệp và gửi lại.")
    ),
    "digest_malformed": FieldProblem(
        "digest",
        N_(
            "Mã băm không đúng dạng. Vui lòng nhập tên thuật toán, dấu hai chấm và các chữ số thập"
            " lục phân, ví dụ sha256:9f86d08…"
        ),
    ),
    "revision_missing": FieldProblem(
        "file",
        N_("Tệp vừa chọn không phải là tệp đã kiểm tra. Vui lòng chọn lại đúng tệp đó."),
    ),
    "not_shown": FieldProblem(
        "file", N_("Không vẽ được trang của bản đã ký. Ông/Bà vẫn có thể tải bản này về.")
    ),
}
"""What is wrong with what was sent, on the page."""
