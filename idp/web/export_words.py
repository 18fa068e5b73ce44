"""What the pages of a person's exported data say, in the language of the request.

What lives here: names of tables, of what stands in them, and of events.  What has no name here is
shown as the database calls it: a new table is exported before anybody finds words for it.
Not here: layout (`idp/own_export_pdf.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from idp.own_export_pdf import ExportWords
from idp.web.history_words import event_titles
from idp.web.i18n import language, local_minute, translate
from idp.web.sentences import N_

_TABLES: Final[Mapping[str, str]] = {
    "account": N_("Tài khoản"),
    "identifier": N_("Số định danh, hiện nay và trước đây"),
    "password": N_("Mật khẩu"),
    "totp": N_("Ứng dụng xác thực"),
    "passkey": N_("Khóa truy cập"),
    "activation_code": N_("Mã kích hoạt còn hiệu lực"),
    "signature_image": N_("Hình ảnh chữ ký hoặc con dấu"),
    "browser_session": N_("Phiên đăng nhập"),
    "session_client": N_("Cổng dịch vụ trong mỗi phiên đăng nhập"),
    "subject": N_("Mã của Ông/Bà tại từng lĩnh vực"),
    "consent": N_("Sự đồng ý và thông tin đã được báo"),
    "oauth_grant": N_("Quyền đã cấp cho cổng dịch vụ"),
    "mandate": N_("Đại diện và ủy quyền"),
    "certificate": N_("Chứng thư chữ ký số"),
    "certified_subject": N_("Số trong tên của chứng thư"),
    "enrolment": N_("Yêu cầu cấp chứng thư"),
    "ocsp_response": N_("Trạng thái chứng thư đã công bố"),
    "personal_key": N_("Khóa ký số"),
    "personal_key_counter": N_("Số lần dùng khóa truy cập khi ký"),
    "spent_activation": N_("Xác nhận ký vừa dùng"),
    "signature_evidence": N_("Chứng cứ của chữ ký số"),
    "signing_request": N_("Yêu cầu ký số"),
    "signing_document": N_("Tài liệu trong yêu cầu ký số"),
    "signing_slot": N_("Lượt ký"),
    "signing_preparation": N_("Chữ ký đang được xác nhận"),
    "signing_half": N_("Chữ ký đang được hoàn tất"),
    "document_blob": N_("Nơi tài liệu chờ ký"),
    "validation_report": N_("Kết quả kiểm tra do cơ quan lưu"),
    "crl": N_("Danh sách chứng thư bị thu hồi"),
    "outbox": N_("Việc đang được chuyển đi"),
    "data_request": N_("Yêu cầu về dữ liệu cá nhân"),
    "data_restriction": N_("Hạn chế chia sẻ dữ liệu"),
    "breach_account": N_("Sự cố dữ liệu có liên quan"),
    "log_event": N_("Nhật ký: mọi việc đã xảy ra"),
}
_COLUMNS: Final[Mapping[str, str]] = {
    "account_id": N_("tài khoản"),
    "kind": N_("loại"),
    "level": N_("mức độ"),
    "status": N_("trạng thái"),
    "state": N_("trạng thái"),
    "profile_sealed": N_("hồ sơ"),
    "name": N_("tên"),
    "name_sealed": N_("tên"),
    "birthdate": N_("ngày sinh"),
    "gender": N_("giới tính"),
    "nationality": N_("quốc tịch"),
    "email": N_("thư điện tử"),
    "phone": N_("số điện thoại"),
    "address": N_("địa chỉ"),
    "value_sealed": N_("số"),
    "text_sealed": N_("nội dung"),
    "created": N_("lập lúc"),
    "changed": N_("thay đổi lúc"),
    "erased": N_("xóa lúc"),
    "expires": N_("hết hạn lúc"),
    "ended": N_("kết thúc lúc"),
    "end_reason": N_("lý do kết thúc"),
    "given": N_("đồng ý lúc"),
    "withdrawn": N_("rút lại lúc"),
    "used": N_("dùng lần cuối"),
    "valid_from": N_("có hiệu lực từ"),
    "valid_to": N_("có hiệu lực đến"),
    "device": N_("thiết bị"),
    "client_id": N_("cổng dịch vụ"),
    "shared": N_("đã chia sẻ"),
    "scopes": N_("phạm vi"),
    "legal_reference": N_("căn cứ pháp lý"),
    "at": N_("lúc"),
    "type": N_("việc"),
    "facts": N_("chi tiết"),
    "personal": N_("riêng"),
    "sealed": N_("phần riêng"),
    "reason": N_("lý do"),
}


def export_words(now: datetime) -> ExportWords:
    """The words, for pages that are written after the request is over."""
    return ExportWords(
        language=language(),
        title=translate("Dữ liệu cá nhân của tôi"),
        made=translate("Lập lúc %(time)s.", time=local_minute(now)),
        intro=translate(
            "Đây là mọi dữ liệu về Ông/Bà mà hệ thống đang lưu, theo từng loại. Thời gian ghi theo"
            " giờ quốc tế (UTC). Mật khẩu và các bí mật khác chỉ được nêu tên,"
            " không được in ra. Dữ liệu nhị phân chỉ có trong tệp JSON."
        ),
        law=translate("Căn cứ"),
        nothing=translate("Không có dữ liệu nào trong các mục sau"),
        not_given=translate("không cung cấp ở đây:"),
        withheld=translate("không cung cấp"),
        tables={name: translate(said) for name, said in _TABLES.items()},
        columns={name: translate(said) for name, said in _COLUMNS.items()},
        values=event_titles(),
    )
