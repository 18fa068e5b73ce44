"""Sentences of the reasons about signatures, and about what was done to a file afterwards.

What lives here: codes of the readers of formats and of the analysis of changes.
Source: see `verify_reasons.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_

OF_SIGNATURES: Final[Mapping[str, str]] = {
    "byte_range_invalid": N_("Phạm vi được ký trong PDF (ByteRange) không hợp lệ."),
    "byte_range_overlap": N_("Phạm vi được ký trong PDF chồng lên nhau: dấu hiệu giả mạo."),
    "byte_range_missing": N_("PDF không ghi phạm vi được ký (ByteRange)."),
    "byte_range_ends_within_a_revision": N_(
        "Phạm vi được ký kết thúc giữa chừng, không đúng ranh giới của một bản PDF."
    ),
    "octets_behind_the_signature": N_("Có dữ liệu được thêm vào tệp sau chữ ký."),
    "signature_dictionary_has_doublets": N_(
        "Thông tin chữ ký trong PDF có mục bị ghi hai lần với giá trị khác nhau."
    ),
    "signature_dictionary_replaced": N_(
        "Thông tin của chữ ký (lý do, thời gian, tên…) đã bị thay thế sau khi ký."
    ),
    "signature_wrapping": N_(
        "Tấn công bọc chữ ký (SWA): nội dung hiển thị không phải là nội dung được ký."
    ),
    "signature_wrapped": N_(
        "Tấn công bọc chữ ký (XSW): phần được ký không phải là phần mà người đọc thấy."
    ),
    "universal_signature_forgery": N_(
        "Tấn công giả mạo chữ ký (USF): thông tin chữ ký bị phá để phần mềm bỏ qua việc kiểm tra."
    ),
    "signature_not_listed": N_(
        "Chữ ký không nằm trong danh sách trường của tài liệu nên một số phần mềm không thấy."
    ),
    "signature_value_malformed": N_("Giá trị chữ ký không đúng cấu trúc."),
    "signature_value_wrong": N_(
        "Giá trị chữ ký không đúng: không được tạo bằng khóa của chứng thư, hoặc đã bị sửa."
    ),
    "sub_filter_unknown": N_("Loại chữ ký ghi trong PDF không được hỗ trợ."),
    "no_signature_value": N_("Chữ ký không có giá trị."),
    "value_missing": N_("Chữ ký không có giá trị."),
    "nothing_signed": N_("Chữ ký không ký nội dung nào."),
    "no_document_signed": N_("Chữ ký không ký tài liệu nào."),
    "signed_data_changed": N_("Nội dung được ký (%(name)s) đã bị thay đổi."),
    "signed_data_missing": N_("Không có nội dung được ký (%(name)s)."),
    "covers_only_part": N_("Chữ ký chỉ áp dụng cho một phần của tài liệu."),
    "cms_malformed": N_("Dữ liệu chữ ký (CMS) bị hỏng hoặc không đúng cấu trúc."),
    "token_malformed": N_("Dấu thời gian bị hỏng hoặc không đúng cấu trúc."),
    "token_signers": N_("Dấu thời gian phải có đúng một chữ ký."),
    "no_signer": N_("Dữ liệu chữ ký không có người ký nào."),
    "signed_attributes_missing": N_("Chữ ký thiếu phần thông tin được ký kèm."),
    "signing_certificate_twice": N_("Chữ ký ghi chứng thư của người ký hai lần."),
    "attribute_twice": N_("Một thông tin trong chữ ký bị ghi hai lần."),
    "attribute_unreadable": N_("Không đọc được một thông tin trong chữ ký."),
    "attributes_out_of_order": N_("Các thông tin trong chữ ký không theo thứ tự quy định."),
    "content_type_missing": N_("Chữ ký không ghi loại nội dung được ký."),
    "content_type_differs": N_("Loại nội dung ghi trong chữ ký không khớp."),
    "message_digest_missing": N_("Chữ ký không ghi mã băm của nội dung."),
    "hashes_differ": N_("Hai thuật toán băm ghi trong chữ ký khác nhau."),
    "hash_unknown": N_("Không hỗ trợ thuật toán băm của chữ ký."),
    "digest_algorithm_unknown": N_("Không hỗ trợ thuật toán băm của chữ ký."),
    "unknown_algorithm": N_("Không hỗ trợ thuật toán của chữ ký (%(algorithm)s)."),
    "algorithm_ended": N_("Thuật toán %(algorithm)s không còn được coi là an toàn kể từ %(end)s."),
    "algorithm_not_accepted": N_("Chữ ký dùng thuật toán không được chấp nhận (%(algorithm)s)."),
    "algorithm_differs": N_("Thuật toán ghi ở hai nơi khác nhau."),
    "algorithm_protection_differs": N_(
        "Thuật toán được bảo vệ trong chữ ký khác với thuật toán đã dùng."
    ),
    "countersignature_malformed": N_("Chữ ký xác nhận kèm theo không đúng cấu trúc."),
    "countersignature_of_nothing": N_("Chữ ký xác nhận không xác nhận chữ ký nào."),
    "data_object_unmatched": N_("Mô tả về tài liệu không khớp với tài liệu nào được ký."),
    "issuer_serial_differs": N_(
        "Tổ chức cấp và số sê-ri ghi trong chữ ký không khớp với chứng thư."
    ),
    "no_references": N_("Chữ ký không tham chiếu đến nội dung nào."),
    "duplicate_id": N_("Tài liệu XML có hai phần tử cùng mã định danh."),
    "reference_not_recomputed": N_("Một tham chiếu của chữ ký không tính lại được."),
    "not_found": N_("Không tìm thấy phần mà chữ ký tham chiếu đến."),
    "not_base64": N_("Một phần của chữ ký không đúng dạng Base64."),
    "content_needed": N_("Cần tài liệu gốc để kiểm tra; chỉ có mã băm là chưa đủ."),
    "too_many_timestamps": N_("Chữ ký có quá nhiều dấu thời gian; không đọc hết được."),
    "too_many_references": N_("Chữ ký tham chiếu đến quá nhiều phần."),
    "canonicalization_unknown": N_("Chữ ký dùng cách chuẩn tắc hóa XML không được hỗ trợ."),
    "transform_unknown": N_("Chữ ký dùng phép biến đổi XML không được hỗ trợ."),
    "transform_refused": N_(
        "Chữ ký dùng phép biến đổi XML không an toàn nên không được thực hiện."
    ),
    "xpath_unusable": N_("Chữ ký chọn nội dung bằng biểu thức XPath không dùng được."),
    "properties_of_another": N_("Thông tin kèm theo thuộc về chữ ký khác."),
    "qualifying_properties_twice": N_("Thông tin kèm theo chữ ký bị ghi hai lần."),
    "signed_properties_twice": N_("Thông tin được ký kèm bị ghi hai lần."),
    "signed_properties_not_signed": N_("Thông tin ghi là được ký kèm nhưng không được ký."),
    "signed_info_missing": N_("Chữ ký XML thiếu phần mô tả nội dung được ký."),
    "signed_info_twice": N_("Chữ ký XML có hai phần mô tả nội dung được ký."),
    "signing_time_odd": N_("Thời điểm ký ghi trong chữ ký không đúng dạng."),
    "evidence_record_unread": N_(
        "Không đọc được bản ghi bằng chứng lưu trữ (evidence record), nên chưa kiểm tra."
    ),
    "signature_policy_not_processed": N_(
        "Chữ ký nêu chính sách riêng; chính sách đó không được xét đến."
    ),
    "sandbox_certificate": N_("Chứng thư thử nghiệm (SANDBOX), không có giá trị pháp lý."),
    "b64_not_critical": N_("Chữ ký JSON dùng tham số b64 mà không ghi là bắt buộc."),
    "content_encapsulated": N_("Chữ ký trong PDF mang theo nội dung riêng, trái với định dạng."),
    "crit_malformed": N_("Danh sách tham số bắt buộc của chữ ký JSON không đúng dạng."),
    "crit_names_absent": N_("Chữ ký JSON ghi tham số bắt buộc không có trong chữ ký."),
    "crit_odd": N_("Danh sách tham số bắt buộc của chữ ký JSON không đúng quy định."),
    "crit_unknown": N_("Chữ ký JSON đòi hỏi tham số %(name)s không được hỗ trợ."),
    "etsiu_unreadable": N_("Không đọc được phần bổ sung của chữ ký JSON."),
    "no_key": N_("Chữ ký không kèm khóa hoặc chứng thư nào để kiểm tra."),
    "payload_and_sigd": N_("Chữ ký JSON vừa mang nội dung vừa tham chiếu nội dung bên ngoài."),
    "sigd_hash_unknown": N_("Không hỗ trợ thuật toán băm của tài liệu được tham chiếu."),
    "sigd_http_headers_unsupported": N_("Chữ ký trên tiêu đề HTTP chưa được hỗ trợ."),
    "sigd_unreadable": N_("Không đọc được tham chiếu đến tài liệu trong chữ ký JSON."),
    "signature_dictionary_ambiguous": N_(
        "Thông tin chữ ký trong PDF có thể được hiểu theo hai cách."
    ),
    "several_timestamps_in_one": N_("Nhiều dấu thời gian đứng chung một chỗ."),
    "form_filling": N_("Biểu mẫu đã được điền thêm."),
    "shadow_hide_and_replace": N_(
        "Nội dung đã ký bị giấu và tráo (tấn công bóng – shadow hide-and-replace)."
    ),
    "incremental_saving": N_("Nội dung đã bị sửa bằng cách lưu thêm sau khi ký (tấn công ISA)."),
    "no_signed_revision": N_("Không tìm được bản tài liệu vào lúc ký."),
    "octets_behind": N_("Có dữ liệu được thêm vào tệp sau chữ ký."),
    "x5c_malformed": N_("Chứng thư kèm trong chữ ký JSON không đúng cấu trúc."),
    "content_is_signed_attributes": N_(
        "Nội dung được ký trông như phần thông tin của một chữ ký khác: dấu hiệu giả mạo."
    ),
    "properties_elsewhere": N_("Thông tin kèm theo chữ ký nằm ở nơi khác và không được xét."),
}

OF_CHANGES: Final[Mapping[str, str]] = {
    "covers_content": N_("Có phần được đặt che lên nội dung đã ký."),
    "action_changed": N_("Hành động tự động trong tài liệu đã bị thay đổi."),
    "annotation_added": N_("Đã thêm ghi chú."),
    "annotation_changed": N_("Một ghi chú đã bị thay đổi."),
    "annotation_removed": N_("Một ghi chú đã bị bỏ."),
    "annotated": N_("Đã thêm ghi chú."),
    "attachment_changed": N_("Tệp đính kèm trong tài liệu đã bị thêm hoặc thay đổi."),
    "evil_annotation": N_("Ghi chú che mất nội dung đã ký (tấn công EAA)."),
    "appearance_changed": N_("Hình thức hiển thị của biểu mẫu đã thay đổi."),
    "appearance_replaced": N_(
        "Hình thức hiển thị của một trường đã bị thay thế (tấn công bóng – shadow attack)."
    ),
    "catalogue_changed": N_("Cấu trúc gốc của tài liệu đã bị thay đổi."),
    "content_changed": N_("Nội dung hiển thị của trang đã thay đổi."),
    "content_freed": N_("Nội dung trang đã bị gỡ bỏ (tấn công bóng – shadow attack)."),
    "evidence_added": N_("Đã bổ sung bằng chứng để lưu trữ lâu dài."),
    "evidence_replaced": N_("Bằng chứng lưu trữ trong tệp đã bị thay thế."),
    "field_added": N_("Đã thêm trường biểu mẫu."),
    "field_changed": N_("Một trường biểu mẫu đã bị thay đổi."),
    "field_filled": N_("Một trường biểu mẫu đã được điền."),
    "field_removed": N_("Một trường biểu mẫu đã bị bỏ."),
    "field_replaced": N_("Một trường biểu mẫu đã bị thay thế."),
    "font_replaced": N_(
        "Phông chữ đã bị thay thế, chữ hiển thị có thể khác (tấn công bóng – shadow attack)."
    ),
    "form_changed": N_("Biểu mẫu đã bị thay đổi."),
    "form_filled": N_("Biểu mẫu đã được điền thêm."),
    "layers_changed": N_("Các lớp hiển thị đã bị bật hoặc tắt (tấn công bóng – shadow attack)."),
    "not_compared": N_("Không so sánh được hình các trang trước và sau khi ký."),
    "not_told": N_("Không xác định được tệp có bị thay đổi sau khi ký hay không."),
    "overlapped": N_("Có phần được đặt che lên nội dung đã ký."),
    "pages_added": N_("Đã thêm trang sau khi ký."),
    "pages_moved": N_("Thứ tự các trang đã bị thay đổi."),
    "pages_removed": N_("Đã bỏ trang sau khi ký."),
    "pages_switched": N_("Trang đã bị tráo bằng trang khác (tấn công bóng – shadow attack)."),
    "shadow_replace": N_("Nội dung đã ký bị tráo (tấn công bóng – shadow replace)."),
    "shadow_hide": N_("Phần che nội dung đã bị gỡ (tấn công bóng – shadow hide)."),
    "signature_added": N_("Có thêm chữ ký."),
    "signature_appearance_replaced": N_(
        "Hình chữ ký hiển thị trên trang đã bị thay thế sau khi ký."
    ),
    "signature_field_added": N_("Đã thêm ô chữ ký."),
    "signature_removed": N_("Một chữ ký đã bị bỏ."),
    "signature_replaced": N_("Một chữ ký đã bị thay thế."),
    "signed_again": N_("Có thêm chữ ký."),
    "signed_revision_unreadable": N_("Không đọc được bản tài liệu vào lúc ký."),
    "structure_changed": N_("Cấu trúc của tài liệu đã bị thay đổi."),
    "timestamp_added": N_("Có thêm dấu thời gian."),
    "update_ambiguous": N_(
        "Phần ghi thêm sau chữ ký có thể được hiểu theo hai cách, tùy phần mềm đọc."
    ),
    "undefined": N_("Có thay đổi không xác định được."),
    "widget_added": N_("Đã thêm ô hiển thị của biểu mẫu."),
    "widget_removed": N_("Một ô hiển thị của biểu mẫu đã bị bỏ."),
    "changes_not_looked_at": N_("Chưa xét được những thay đổi sau khi ký."),
    "pages_compared_by_lot": N_(
        "Tài liệu có nhiều trang; chỉ một số trang được so sánh bằng hình."
    ),
    "pages_not_compared": N_("Không so sánh được hình các trang trước và sau khi ký."),
    "another_reader_suspects": N_(
        "Một cách phân tích khác cho rằng tệp có thay đổi đáng ngờ sau khi ký."
    ),
    "another_reader_not_asked": N_("Chưa hỏi được cách phân tích thứ hai về thay đổi sau khi ký."),
}
