"""Sentences of the reasons that a check of a document gives.

What lives here: one table from reason codes of `signing/validation` to sentences; facts of a reason
stand in them by name.  A code without a sentence is shown as it is; a test finds it.
Not here: indications, steps and what to do next (`verify_sentences.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_
from idp.web.verify_reasons_pki import OF_CERTIFICATES, OF_TIMES
from idp.web.verify_reasons_signature import OF_CHANGES, OF_SIGNATURES

UNKNOWN_REASON: Final = N_("Lý do kỹ thuật: %(code)s")

_OF_FILES: Final[Mapping[str, str]] = {
    "no_signature": N_("Trong tệp không tìm thấy chữ ký số nào."),
    "empty": N_("Tệp không có nội dung."),
    "plain_zip": N_("Đây là gói nén ZIP thông thường, không phải gói tài liệu ký số ASiC."),
    "office_document": N_("Đây là tài liệu Word, Excel hoặc PowerPoint."),
    "office_signature_unread": N_(
        "Tài liệu Word, Excel hoặc PowerPoint này có chữ ký số của phần mềm soạn thảo; hệ thống"
        " chưa kiểm tra được loại chữ ký này."
    ),
    "picture": N_("Đây là tệp ảnh. Ảnh chụp hoặc bản quét của một chữ ký không phải là chữ ký số."),
    "too_large": N_("Tệp quá lớn nên không kiểm tra được ở đây."),
    "unknown_format": N_("Hệ thống không nhận ra định dạng của tệp."),
    "damaged": N_("Tệp bị hỏng: các phần của tệp mâu thuẫn nhau."),
    "truncated": N_("Tệp bị thiếu phần cuối."),
    "encrypted": N_(
        "Tệp có mật khẩu hoặc bị mã hóa nên không đọc được. Hãy đề nghị bên gửi cung cấp bản"
        " không có mật khẩu."
    ),
    "too_slow": N_("Tệp quá phức tạp, không đọc được trong thời gian cho phép."),
    "takes_too_long": N_("Tệp quá phức tạp, không kiểm tra hết được trong thời gian cho phép."),
    "expands_too_much": N_("Tệp nở ra quá lớn khi mở, có thể là tệp gây hại."),
    "crashed": N_("Không đọc được tệp: chương trình đọc đã dừng giữa chừng."),
    "fault": N_("Không đọc được tệp vì cấu trúc của tệp không hợp lệ."),
    "contradiction": N_("Không đọc được tệp: kết quả đọc không khớp với nội dung của tệp."),
    "busy": N_("Hệ thống đang kiểm tra nhiều tài liệu. Vui lòng thử lại sau ít phút."),
    "not_started": N_("Hệ thống tạm thời chưa đọc được tài liệu. Vui lòng thử lại sau ít phút."),
    "not_a_pdf": N_("Tệp này không phải là tài liệu PDF."),
    "not_xml": N_("Tệp này không phải là tài liệu XML hợp lệ."),
    "doctype": N_("Tài liệu XML chứa khai báo DOCTYPE; vì an toàn, tài liệu không được đọc."),
    "encoding_unknown": N_("Tài liệu XML dùng bảng mã không được hỗ trợ."),
    "namespace_relative": N_("Tài liệu XML dùng không gian tên không được chấp nhận."),
    "not_canonical": N_("Không đưa được tài liệu XML về dạng chuẩn tắc để so sánh."),
    "too_many_elements": N_("Tài liệu XML có quá nhiều phần tử."),
    "too_many_attributes": N_("Tài liệu XML có quá nhiều thuộc tính trong một phần tử."),
    "too_many_pages": N_("Tài liệu có quá nhiều trang."),
    "too_many_signatures": N_("Tệp có quá nhiều chữ ký; chỉ một phần được kiểm tra."),
    "too_many_files": N_("Gói tài liệu chứa quá nhiều tệp."),
    "too_much": N_("Tệp đòi hỏi xử lý quá nhiều nên việc đọc đã dừng lại."),
    "too_much_work": N_("Tệp đòi hỏi xử lý quá nhiều nên việc đọc đã dừng lại."),
    "no_such_page": N_("Tài liệu không có trang cần xem."),
    "not_asic": N_("Gói này không phải là gói tài liệu ASiC."),
    "not_zip": N_("Tệp này không phải là gói ZIP hợp lệ."),
    "zip_bomb": N_("Gói ZIP nở ra quá lớn khi mở (“bom ZIP”), có thể là tệp gây hại."),
    "zip_bomb_inside": N_("Trong gói có một gói khác nở ra quá lớn khi mở (“bom ZIP”)."),
    "zip_overlap": N_("Các phần trong gói ZIP chồng lên nhau, có thể là tệp gây hại."),
    "zip_checksum_differs": N_("Một tệp trong gói không khớp với giá trị kiểm tra của gói."),
    "zip_descriptor_differs": N_("Mô tả của một tệp trong gói ZIP mâu thuẫn nhau."),
    "zip_headers_differ": N_("Hai nơi trong gói ZIP mô tả cùng một tệp khác nhau."),
    "zip_names_differ": N_("Hai nơi trong gói ZIP gọi tên cùng một tệp khác nhau."),
    "zip_sizes_differ": N_("Kích thước của một tệp trong gói ZIP không đúng như đã ghi."),
    "zip_method_unknown": N_("Một tệp trong gói ZIP được nén bằng cách không hỗ trợ."),
    "zip_hidden_entries": N_("Gói ZIP có tệp bị giấu, không có trong mục lục."),
    "zip_hidden_octets": N_("Gói ZIP có dữ liệu bị giấu giữa các tệp."),
    "zip_prefix": N_("Trước gói ZIP có dữ liệu khác."),
    "zip_several_disks": N_("Gói ZIP bị chia thành nhiều phần."),
    "zip_two_directories": N_("Gói ZIP có hai mục lục khác nhau."),
    "name_escapes": N_("Tên một tệp trong gói chỉ ra ngoài gói, có thể là tệp gây hại."),
    "name_refused": N_("Tên một tệp trong gói không được chấp nhận."),
    "name_twice": N_("Hai tệp trong gói có cùng một tên."),
    "container_documents": N_("Gói ASiC-S phải chứa đúng một tài liệu."),
    "manifest_unreadable": N_("Không đọc được danh mục các tài liệu được ký trong gói."),
    "not_a_manifest": N_("Danh mục trong gói không phải là danh mục tài liệu được ký."),
    "readers_differ": N_("Hai cách đọc cùng một phần của tệp cho kết quả khác nhau."),
    "signed_object_changed": N_("Tài liệu %(name)s trong gói đã bị thay đổi sau khi ký."),
    "signed_object_missing": N_("Tài liệu %(name)s được ký nhưng không có trong gói."),
    "file_renamed": N_("Tài liệu được ký có tên khác với tên ghi trong chữ ký."),
    "detached_not_used": N_("Tài liệu chọn thêm không liên quan đến chữ ký này."),
    "container_damaged": N_("Gói tài liệu bị hỏng hoặc mâu thuẫn."),
    "document_not_covered": N_("Một tài liệu trong gói không được chữ ký này ký."),
    "document_not_signed": N_("Tài liệu %(name)s trong gói không được chữ ký nào ký."),
    "mimetype_missing": N_("Gói tài liệu thiếu tệp “mimetype”."),
    "mimetype_not_first": N_("Tệp “mimetype” không đứng đầu gói."),
    "mimetype_other": N_("Tệp “mimetype” của gói ghi loại khác."),
    "mimetype_padded": N_("Tệp “mimetype” của gói có dữ liệu thừa."),
    "manifest_not_followed": N_("Danh mục trong gói không khớp với các tệp trong gói."),
    "structure_damaged": N_("Cấu trúc của tài liệu PDF bị hỏng."),
    "not_jws": N_("Tệp này không phải là chữ ký JSON (JWS)."),
    "json_malformed": N_("Tệp JSON không đúng cấu trúc."),
    "json_member_twice": N_("Tệp JSON có một mục bị ghi hai lần."),
    "payload_malformed": N_("Nội dung trong chữ ký JSON không đúng dạng."),
    "file_unknown": N_("Trong gói có tệp %(file)s không rõ mục đích và không được ký."),
}

REASONS: Final[Mapping[str, str]] = {
    **_OF_FILES,
    **OF_SIGNATURES,
    **OF_CHANGES,
    **OF_CERTIFICATES,
    **OF_TIMES,
}
