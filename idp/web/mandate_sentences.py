"""What the pages of mandates say when something is not done.

What lives here: a sentence per reason of `DelegationRefused` and of the business register, in
Vietnamese; English is in the catalogue.  One sentence stands for everything that does not fit about
a person, so that nobody is searched for.  Not here: when (`idp/accounts/delegation.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_, FieldProblem

MANDATE_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "delegate_unknown": FieldProblem(
        "number",
        N_(
            "Chưa ủy quyền được cho người này. Số định danh và họ tên phải khớp với nhau, và người"
            " này phải có tài khoản mức độ 2 đang hoạt động. Vui lòng hỏi lại người được ủy quyền."
        ),
    ),
    "too_many_attempts": FieldProblem(
        "", N_("Đã thử quá nhiều lần trong ngày. Vui lòng thử lại vào ngày mai.")
    ),
    "oneself": FieldProblem(
        "number", N_("Ông/Bà không thể ủy quyền cho chính mình. Vui lòng nhập số của người khác.")
    ),
    "held_already": FieldProblem(
        "number",
        N_(
            "Người này đang đại diện hoặc đã được ủy quyền cho tổ chức này. Hãy chấm dứt ủy quyền"
            " cũ trước khi lập ủy quyền mới."
        ),
    ),
    "number_missing": FieldProblem("number", N_("Chưa nhập số định danh của người được ủy quyền.")),
    "name_missing": FieldProblem("name", N_("Chưa nhập họ và tên của người được ủy quyền.")),
    "kind_unknown": FieldProblem("kind", N_("Chưa chọn loại ủy quyền.")),
    "scope_missing": FieldProblem("scope", N_("Chưa chọn phạm vi ủy quyền. Hãy chọn ít nhất một.")),
    "scope_unknown": FieldProblem("scope", N_("Phạm vi ủy quyền không hợp lệ. Vui lòng chọn lại.")),
    "portal_missing": FieldProblem(
        "where", N_("Chưa chọn cổng dịch vụ nào. Hãy chọn ít nhất một, hoặc chọn mọi cổng.")
    ),
    "portal_unknown": FieldProblem(
        "where", N_("Có cổng dịch vụ không còn hoạt động. Vui lòng chọn lại.")
    ),
    "dates_wrong": FieldProblem(
        "valid_to", N_("Ngày kết thúc phải sau hoặc bằng ngày bắt đầu và chưa qua.")
    ),
    "dates_missing": FieldProblem(
        "valid_to", N_("Chưa nhập thời hạn ủy quyền. Ủy quyền phải có ngày kết thúc.")
    ),
    "too_long": FieldProblem(
        "valid_to", N_("Thời hạn ủy quyền dài quá mức cho phép. Vui lòng chọn ngày sớm hơn.")
    ),
    "beyond_own": FieldProblem(
        "valid_to",
        N_("Thời hạn ủy quyền vượt quá thời hạn đại diện của Ông/Bà. Vui lòng chọn ngày sớm hơn."),
    ),
    "reference_missing": FieldProblem(
        "reference", N_("Chưa nhập số của văn bản ủy quyền hoặc nghị quyết (tối đa 120 ký tự).")
    ),
    "dated_missing": FieldProblem("dated", N_("Chưa nhập ngày của văn bản ủy quyền.")),
    "hash_wrong": FieldProblem(
        "sha256", N_("Mã băm SHA-256 gồm đúng 64 ký tự 0–9, a–f. Vui lòng kiểm tra lại.")
    ),
    "code_wrong": FieldProblem(
        "code", N_("Mã số doanh nghiệp không đúng. Vui lòng kiểm tra lại từng chữ số.")
    ),
    "not_registered": FieldProblem(
        "code",
        N_(
            "Cơ sở dữ liệu đăng ký doanh nghiệp không ghi nhận Ông/Bà là người đại diện theo pháp"
            " luật của tổ chức có mã số này, hoặc tổ chức không hoạt động. Nếu chưa đúng, vui lòng"
            " liên hệ cơ quan đăng ký kinh doanh."
        ),
    ),
    "level_too_low": FieldProblem(
        "",
        N_(
            "Việc này cần tài khoản mức độ 2. Vui lòng xác minh danh tính tại quầy trước khi thêm"
            " tổ chức."
        ),
    ),
    "register_away": FieldProblem(
        "",
        N_(
            "Chưa hỏi được cơ sở dữ liệu đăng ký doanh nghiệp. Chưa có gì thay đổi; vui lòng thử"
            " lại sau."
        ),
    ),
}
