"""What the pages of officials say when something is not done.

What lives here: a sentence per reason, in Vietnamese; English is in the catalogue.  Not here: when
(`idp/accounts/counter.py`, `idp/accounts/first_password.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.password_sentences import PASSWORD_PROBLEMS
from idp.web.sentences import LOGIN_PROBLEMS, N_, FieldProblem

COUNTER_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "identifier_missing": FieldProblem("identifier", N_("Chưa nhập số định danh của người dân.")),
    "nobody": FieldProblem(
        "identifier",
        N_(
            "Không có tài khoản nào mang đúng số này. Vui lòng kiểm tra lại từng chữ số, hoặc mở"
            " tài khoản mới."
        ),
    ),
    "own_account": FieldProblem(
        "identifier",
        N_("Cán bộ không xử lý tài khoản của chính mình. Vui lòng nhờ cán bộ khác."),
    ),
    "too_many_lookups": FieldProblem(
        "",
        N_("Đã tra cứu quá nhiều lần trong một giờ. Vui lòng thử lại sau."),
    ),
    "document_missing": FieldProblem("document", N_("Chưa chọn loại giấy tờ đã xem.")),
    "document_tail_too_long": FieldProblem(
        "document_tail", N_("Chỉ ghi tối đa 4 ký tự cuối của số giấy tờ.")
    ),
    "name_missing": FieldProblem("name", N_("Chưa nhập họ tên ghi trên giấy tờ.")),
    "birthdate_malformed": FieldProblem(
        "birthdate", N_("Ngày sinh chưa đúng. Vui lòng nhập theo dạng ngày/tháng/năm.")
    ),
    "number_malformed": FieldProblem(
        "identifier", N_("Số chưa đúng dạng. Vui lòng kiểm tra lại từng ký tự.")
    ),
    "face_not_compared": FieldProblem(
        "face", N_("Cần so sánh khuôn mặt với ảnh trên giấy tờ trước khi tiếp tục.")
    ),
    "name_differs": FieldProblem(
        "name",
        N_(
            "Họ tên trên giấy tờ khác với tài khoản này. Chưa có gì thay đổi; vui lòng kiểm"
            " tra lại."
        ),
    ),
    "birthdate_differs": FieldProblem(
        "birthdate",
        N_(
            "Ngày sinh trên giấy tờ khác với tài khoản này. Chưa có gì thay đổi; vui lòng kiểm tra"
            " lại."
        ),
    ),
    "too_young": FieldProblem(
        "birthdate",
        N_("Người chưa đủ 14 tuổi cần người giám hộ đồng ý; thủ tục này chưa làm được tại đây."),
    ),
    "account_not_active": FieldProblem(
        "", N_("Tài khoản đang bị khóa hoặc đã đóng nên không xác minh được.")
    ),
    "not_a_person": FieldProblem("", N_("Chỉ xác minh được danh tính của cá nhân.")),
    "nothing_waiting": FieldProblem(
        "", N_("Không còn lần xác minh nào đang chờ. Vui lòng bắt đầu lại.")
    ),
    "same_official": FieldProblem(
        "", N_("Cần một cán bộ khác xác nhận, hoặc chính người dân xác nhận trên thiết bị của họ.")
    ),
    "second_official_needed": FieldProblem(
        "",
        N_(
            "Tài khoản này được mở trên mạng và chưa được xác minh lần nào, nên cần cán bộ thứ hai"
            " xác nhận. Vui lòng nói với cán bộ tại quầy."
        ),
    ),
    "code_missing": FieldProblem("code", N_("Chưa nhập mã do cán bộ đưa.")),
    "code_wrong": FieldProblem(
        "code", N_("Mã không đúng. Vui lòng nhập đúng mã mà cán bộ vừa đưa.")
    ),
    "too_many_attempts": LOGIN_PROBLEMS["too_many_attempts"],
    "identifier_taken": FieldProblem(
        "identifier", N_("Số này đã có tài khoản. Vui lòng tìm tài khoản đó thay vì mở mới.")
    ),
    "register_contradicts": FieldProblem(
        "",
        N_(
            "Cơ sở dữ liệu quốc gia về dân cư không xác nhận thông tin này. Chưa có gì được lưu;"
            " vui lòng kiểm tra lại số, họ tên và ngày sinh."
        ),
    ),
    "register_away": FieldProblem(
        "",
        N_(
            "Cơ sở dữ liệu quốc gia về dân cư chưa trả lời được. Chưa có gì được lưu; vui lòng thử"
            " lại sau ít phút."
        ),
    ),
}

FIRST_PASSWORD_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    **PASSWORD_PROBLEMS,
    "first_password_refused": FieldProblem(
        "counter_code",
        N_(
            "Số định danh và hai mã không khớp, hoặc tài khoản đã có mật khẩu. Vui lòng kiểm tra"
            " lại từng ký tự."
        ),
    ),
}

HELPDESK_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    **{
        code: COUNTER_PROBLEMS[code]
        for code in ("identifier_missing", "own_account", "too_many_lookups")
    },
    "nobody": FieldProblem(
        "identifier",
        N_("Không có tài khoản nào mang đúng số này. Vui lòng kiểm tra lại từng chữ số."),
    ),
    "reason_missing": FieldProblem("", N_("Chưa chọn lý do.")),
    "outcome_missing": FieldProblem("", N_("Chưa chọn kết quả xử lý.")),
    "case_unknown": FieldProblem("", N_("Không còn sự việc này, hoặc sự việc đã được đóng.")),
    "status_unchangeable": FieldProblem(
        "", N_("Tình trạng tài khoản đã thay đổi. Vui lòng xem lại trước khi làm tiếp.")
    ),
    "not_unlockable_here": FieldProblem(
        "", N_("Tài khoản do nơi vận hành hệ thống khóa nên không mở được tại đây.")
    ),
    "case_open": FieldProblem(
        "", N_("Còn sự việc đang mở. Vui lòng xử lý và đóng sự việc trước khi mở khóa.")
    ),
    "account_not_active": FieldProblem(
        "", N_("Tài khoản đang bị khóa hoặc đã đóng nên không mời đăng ký lại được.")
    ),
    "not_a_person": FieldProblem("", N_("Chỉ làm được với tài khoản của cá nhân.")),
    "already_open": FieldProblem("", N_("Đã có một lời mời đang mở cho tài khoản này.")),
    "same_official": FieldProblem("", N_("Cần một cán bộ hỗ trợ khác xác nhận lời mời này.")),
    "nothing_open": FieldProblem(
        "", N_("Không còn lời mời nào đang mở; lời mời đã bị dừng, đã dùng hoặc hết hạn.")
    ),
    "still_waiting": FieldProblem("", N_("Chưa hết thời gian chờ. Vui lòng quay lại sau.")),
    "signed_in_meanwhile": FieldProblem(
        "",
        N_(
            "Sau khi có lời mời, tài khoản đã đăng nhập bằng yếu tố thứ hai, nên lời mời không còn"
            " hiệu lực."
        ),
    ),
}
