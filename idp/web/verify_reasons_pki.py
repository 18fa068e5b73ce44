"""Sentences of the reasons about certificates, their status, and time.

What lives here: codes of paths (RFC 5280), of revocation and of timestamps.
Source: see `verify_reasons.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_

OF_CERTIFICATES: Final[Mapping[str, str]] = {
    "bare_key": N_("Chữ ký chỉ kèm khóa, không kèm chứng thư, nên không biết ai đã ký."),
    "no_signing_certificate": N_("Không tìm thấy chứng thư của người ký."),
    "no_certificate_reference": N_(
        "Chữ ký không ghi chứng thư nào là của người ký (không theo chuẩn AdES)."
    ),
    "certificate_reference_differs": N_(
        "Chứng thư kèm theo không phải là chứng thư mà chữ ký ghi."
    ),
    "certificate_unreadable": N_("Không đọc được chứng thư."),
    "certificate_malformed": N_("Chứng thư không đúng cấu trúc."),
    "certificate_expired": N_("Một chứng thư trong chuỗi đã hết hạn."),
    "certificate_not_yet_valid": N_("Một chứng thư trong chuỗi chưa có hiệu lực."),
    "certificate_signature_broken": N_("Chữ ký trên một chứng thư của chuỗi không đúng."),
    "certificate_revoked": N_("Chứng thư đã bị thu hồi lúc %(time)s."),
    "certificate_on_hold": N_("Chứng thư đang bị tạm dừng."),
    "certificate_not_proved": N_(
        "Không có bằng chứng rằng chứng thư đã tồn tại vào thời điểm cần xét."
    ),
    "anchor_not_trusted_then": N_("Tổ chức gốc chưa hoặc không còn được tin cậy vào thời điểm đó."),
    "no_trust_anchor": N_(
        "Không tìm được đường dẫn từ chứng thư đến tổ chức gốc được hệ thống này tin cậy."
    ),
    "never_valid_together": N_("Các chứng thư trong chuỗi chưa bao giờ có hiệu lực cùng lúc."),
    "critical_extension_unknown": N_("Chứng thư có yêu cầu bắt buộc mà hệ thống không biết."),
    "extension_malformed": N_("Một mục mở rộng của chứng thư không đúng cấu trúc."),
    "extension_twice": N_("Một mục mở rộng của chứng thư bị ghi hai lần."),
    "extended_key_usage": N_("Chứng thư không được cấp cho mục đích này."),
    "key_usage": N_("Chứng thư không được dùng để ký tài liệu."),
    "timestamping_not_alone": N_("Chứng thư dấu thời gian phải chỉ dùng cho dấu thời gian."),
    "issuer_may_not_certify": N_("Tổ chức cấp không được phép cấp chứng thư."),
    "issuer_name_differs": N_("Tên tổ chức cấp không khớp với chứng thư của tổ chức đó."),
    "issuer_no_authority": N_("Chứng thư được cấp bởi bên không phải là tổ chức chứng thực."),
    "path_too_long": N_("Chuỗi chứng thư dài hơn mức mà tổ chức gốc cho phép."),
    "policy_mapping_any": N_("Chuỗi chứng thư ánh xạ chính sách không đúng quy định."),
    "policy_missing": N_("Chứng thư không có chính sách mà chuỗi đòi hỏi."),
    "policy_not_accepted": N_("Chính sách của chứng thư không được chấp nhận."),
    "name_constraints_too_many": N_("Chuỗi chứng thư có quá nhiều ràng buộc về tên."),
    "name_constraints_unsupported": N_("Chuỗi chứng thư có ràng buộc về tên không được hỗ trợ."),
    "name_excluded": N_("Tổ chức cấp không được phép cấp chứng thư cho tên này."),
    "name_not_permitted": N_("Tổ chức cấp không được phép cấp chứng thư cho tên này."),
    "name_unreadable": N_("Không đọc được tên trong chứng thư."),
    "status_unavailable": N_(
        "Không lấy được tình trạng thu hồi của chứng thư nên chưa thể khẳng định chứng thư"
        " không bị thu hồi."
    ),
    "status_not_fresh": N_("Thông tin thu hồi có được chưa đủ mới so với thời điểm cần xét."),
    "no_proved_status": N_(
        "Không có thông tin thu hồi được chứng minh là có vào thời điểm cần xét."
    ),
    "ocsp_unknown": N_("Tổ chức cấp trả lời rằng không biết chứng thư này."),
    "ocsp_unreadable": N_("Không đọc được trả lời về tình trạng chứng thư (OCSP)."),
    "ocsp_signature_broken": N_("Chữ ký trên trả lời OCSP không đúng."),
    "ocsp_about_other_certificate": N_("Trả lời OCSP nói về chứng thư khác."),
    "ocsp_after_expiry": N_("Trả lời OCSP được lập sau khi chứng thư hết hạn."),
    "ocsp_extension_unknown": N_("Trả lời OCSP có yêu cầu bắt buộc mà hệ thống không biết."),
    "responder_unchecked": N_("Chứng thư của bên trả lời OCSP không được kiểm tra thu hồi."),
    "responder_unknown": N_("Không xác định được bên đã ký trả lời OCSP."),
    "responder_invalid": N_("Chứng thư của bên trả lời OCSP không hợp lệ."),
    "responder_may_not": N_("Bên ký trả lời OCSP không được tổ chức cấp ủy quyền."),
    "responder_status_unknown": N_("Không biết tình trạng thu hồi của bên trả lời OCSP."),
    "crl_unreadable": N_("Không đọc được danh sách thu hồi (CRL)."),
    "crl_malformed": N_("Danh sách thu hồi (CRL) không đúng cấu trúc."),
    "crl_after_expiry": N_("Danh sách thu hồi được lập sau khi chứng thư hết hạn."),
    "crl_signature_broken": N_("Chữ ký trên danh sách thu hồi không đúng."),
    "crl_signer_unknown": N_("Không xác định được bên đã ký danh sách thu hồi."),
    "crl_signer_invalid": N_("Chứng thư của bên ký danh sách thu hồi không hợp lệ."),
    "crl_signer_may_not": N_("Bên ký danh sách thu hồi không được phép ký danh sách đó."),
    "crl_signer_status_unknown": N_("Không biết tình trạng thu hồi của bên ký danh sách thu hồi."),
    "crl_signer_without_path": N_(
        "Chứng thư của bên ký danh sách thu hồi không dẫn đến tổ chức được tin cậy."
    ),
    "crl_entry_extension_unknown": N_(
        "Một mục của danh sách thu hồi có yêu cầu bắt buộc không được biết."
    ),
    "crl_extension_unknown": N_("Danh sách thu hồi có yêu cầu bắt buộc không được biết."),
    "crl_not_indirect": N_("Danh sách thu hồi do bên khác lập nhưng không được phép."),
    "crl_of_other_point": N_("Danh sách thu hồi thuộc điểm phân phối khác."),
    "crl_only_attributes": N_("Danh sách thu hồi chỉ dành cho chứng thư thuộc tính."),
    "crl_only_authorities": N_("Danh sách thu hồi chỉ dành cho tổ chức chứng thực."),
    "crl_only_users": N_("Danh sách thu hồi chỉ dành cho thuê bao."),
    "crl_reasons_incomplete": N_("Danh sách thu hồi không bao gồm mọi lý do thu hồi."),
    "crl_reasons_known": N_("Danh sách thu hồi chỉ gồm một số lý do thu hồi."),
    "evidence_not_yet": N_("Thông tin thu hồi mang thời điểm ở tương lai."),
    "evidence_stale": N_("Thông tin thu hồi đã cũ."),
}

OF_TIMES: Final[Mapping[str, str]] = {
    "timestamp_broken": N_(
        "Một dấu thời gian không đúng: nội dung hoặc chính dấu thời gian đã bị thay đổi."
    ),
    "claimed_time_after_proof": N_(
        "Thời điểm ký do người ký khai (%(time)s) muộn hơn thời điểm đã được chứng minh."
    ),
    "claimed_time_in_future": N_("Thời điểm ký do người ký khai (%(time)s) nằm ở tương lai."),
    "claimed_time_outside_validity": N_(
        "Thời điểm ký do người ký khai (%(time)s) nằm ngoài thời hạn của chứng thư."
    ),
    "signed_after_expiry": N_("Chữ ký được tạo sau khi chứng thư hết hạn (%(time)s)."),
    "signed_after_revocation": N_("Chữ ký được tạo sau khi chứng thư bị thu hồi (%(time)s)."),
    "not_proved_in_time": N_("Không chứng minh được chữ ký đã tồn tại trước %(control_time)s."),
    "content_timestamp_later": N_("Dấu thời gian của nội dung muộn hơn dấu thời gian của chữ ký."),
    "timestamp_imprint_differs": N_(
        "Dấu thời gian không phải của nội dung này, hoặc nội dung đã bị thay đổi."
    ),
    "timestamp_of_something_else": N_(
        "Dấu thời gian không bao gồm giá trị của chữ ký này, "
        "nên không chứng minh được gì về chữ ký."
    ),
    "timestamp_in_future": N_("Dấu thời gian nằm ở tương lai (%(time)s)."),
    "timestamp_not_usable": N_("Một dấu thời gian không được chấp nhận làm bằng chứng."),
    "timestamp_outside_validity": N_("Dấu thời gian nằm ngoài thời hạn của chứng thư người ký."),
    "timestamp_too_late": N_("Dấu thời gian được cấp quá lâu sau khi ký."),
    "timestamp_unreadable": N_("Không đọc được dấu thời gian."),
    "timestamped_data_missing": N_("Không có nội dung mà dấu thời gian chứng nhận."),
    "archive_index_missing": N_("Dấu thời gian lưu trữ thiếu danh mục các phần được bảo vệ."),
    "archive_index_entry_unknown": N_(
        "Danh mục của dấu thời gian lưu trữ chỉ đến phần không có trong tệp."
    ),
}
