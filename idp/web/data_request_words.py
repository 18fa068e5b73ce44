"""What people may ask about their data, and how it stands, in words.

What lives here: titles and explanations of the kinds of requests, the steps of one, and what stays
after a deletion.  Not here: clocks (`idp/accounts/data_request_rules.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from idp.accounts.data_request_rules import DataRequest, RequestKind, Rule
from idp.own_export import kept_tables
from idp.web.data_pages import KeptThing, ShownStep
from idp.web.i18n import language, translate
from idp.web.sentences import N_

TITLES: Final[Mapping[RequestKind, str]] = {
    RequestKind.VIEW: N_("Xem dữ liệu"),
    RequestKind.PROVIDE: N_("Cung cấp dữ liệu"),
    RequestKind.CORRECT: N_("Chỉnh sửa dữ liệu"),
    RequestKind.WITHDRAW: N_("Rút lại sự đồng ý"),
    RequestKind.RESTRICT: N_("Hạn chế chia sẻ dữ liệu"),
    RequestKind.OBJECT: N_("Phản đối việc xử lý dữ liệu"),
    RequestKind.DELETE: N_("Xóa tài khoản và dữ liệu"),
}
SAYS: Final[Mapping[RequestKind, str]] = {
    RequestKind.VIEW: N_(
        "Ông/Bà xem được phần lớn dữ liệu ngay trong trang tài khoản. Yêu cầu này dành cho điều"
        " chưa thấy ở đó."
    ),
    RequestKind.PROVIDE: N_(
        "Ông/Bà tải được toàn bộ dữ liệu ngay tại trang này. Yêu cầu này dành cho bản ở dạng khác."
    ),
    RequestKind.CORRECT: N_(
        "Khi họ tên, ngày sinh, số định danh hoặc dữ liệu khác chưa đúng. Người phụ trách đối chiếu"
        " với cơ sở dữ liệu gốc rồi chỉnh sửa."
    ),
    RequestKind.WITHDRAW: N_(
        "Ông/Bà rút lại từng sự đồng ý ngay tại trang Sự đồng ý. Yêu cầu này dành cho điều không"
        " rút lại được ở đó."
    ),
    RequestKind.RESTRICT: N_(
        "Có hiệu lực ngay: các cổng dịch vụ không nhận thêm dữ liệu nào dựa trên sự đồng ý của"
        " Ông/Bà và phiên đăng nhập tại đó kết thúc. Việc chia sẻ theo luật định vẫn tiếp tục."
        " Ông/Bà bỏ hạn chế bất cứ lúc nào."
    ),
    RequestKind.OBJECT: N_(
        "Khi Ông/Bà không muốn dữ liệu được dùng cho một mục đích nào đó. Người phụ trách xem xét"
        " rồi trả lời kèm lý do."
    ),
    RequestKind.DELETE: N_(
        "Tài khoản, cách đăng nhập và khóa ký số bị hủy vĩnh viễn, không khôi phục được. Chứng thư"
        " chữ ký số bị thu hồi; văn bản đã ký vẫn còn giá trị."
    ),
}
LABELS: Final[Mapping[RequestKind, str]] = {
    RequestKind.VIEW: N_("Ông/Bà muốn xem dữ liệu nào?"),
    RequestKind.PROVIDE: N_("Ông/Bà cần dữ liệu nào, ở dạng nào?"),
    RequestKind.CORRECT: N_("Dữ liệu nào chưa đúng, và đúng ra là gì?"),
    RequestKind.WITHDRAW: N_("Ông/Bà muốn rút lại sự đồng ý nào?"),
    RequestKind.RESTRICT: N_("Lý do (không bắt buộc)"),
    RequestKind.OBJECT: N_("Ông/Bà phản đối việc xử lý nào, vì sao?"),
    RequestKind.DELETE: N_("Lý do (không bắt buộc)"),
}
STATES: Final[Mapping[str, str]] = {
    "asked": N_("Đã gửi, chờ tiếp nhận"),
    "acknowledged": N_("Đã tiếp nhận, đang xử lý"),
    "done": N_("Đã thực hiện"),
    "refused": N_("Không thực hiện"),
    "stopped": N_("Ông/Bà đã dừng"),
}
_IN_HISTORY: Final[Mapping[str, str]] = {
    **STATES,
    "extended": N_("Được gia hạn"),
    "read": N_("Người phụ trách đã đọc nội dung yêu cầu"),
    "lifted": N_("Bỏ hạn chế"),
}
_KEPT: Final[tuple[tuple[tuple[str, ...], str, str], ...]] = (
    (
        ("log_event", "account"),
        N_("Nhật ký đăng nhập và chia sẻ dữ liệu, chỉ còn mã số, không còn tên hay số của Ông/Bà"),
        N_("5 năm kể từ mỗi việc"),
    ),
    (
        ("consent",),
        N_("Chứng cứ rằng đã có sự đồng ý, chỉ còn mã số; nội dung không đọc được nữa"),
        N_("5 năm sau khi rút lại"),
    ),
    (
        ("mandate",),
        N_("Việc đại diện, ủy quyền đã có hiệu lực từ ngày nào đến ngày nào, chỉ còn mã số"),
        N_("10 năm sau khi kết thúc"),
    ),
    (
        ("certificate", "personal_key", "crl", "ocsp_response", "spent_activation"),
        N_("Số chứng thư và trạng thái thu hồi, để văn bản đã ký còn kiểm tra được"),
        N_("10 năm sau khi chứng thư hết hạn"),
    ),
    (
        ("signature_evidence",),
        N_("Chứng cứ của chữ ký số đã tạo, gồm chứng thư có tên trong văn bản đã ký"),
        N_("10 năm từ ngày ký, 20 năm với chữ ký lưu trữ"),
    ),
    (
        ("signing_request", "signing_document", "signing_slot", "document_blob"),
        N_("Yêu cầu ký đã kết thúc mà cổng dịch vụ còn được nhận kết quả"),
        N_("30 ngày sau khi kết thúc"),
    ),
    (
        ("validation_report",),
        N_("Kết quả kiểm tra văn bản đã ký mà một cơ quan yêu cầu lưu"),
        N_("10 năm sau khi kiểm tra"),
    ),
    (
        ("breach_account",),
        N_("Việc dữ liệu có liên quan đến một sự cố và khi nào đã được báo, chỉ còn mã số"),
        N_("5 năm sau khi đóng hồ sơ sự cố"),
    ),
    (
        ("data_request",),
        N_("Việc đã có yêu cầu về dữ liệu và được trả lời khi nào, chỉ còn mã số"),
        N_("5 năm sau khi trả lời"),
    ),
)

_OF_LAWS: Final = (
    (r"Law on Enterprises", "Luật Doanh nghiệp"),
    (r"\bLaw\b", "Luật"),
    (r"\bDecree\b", "NĐ"),
    (r"\bCircular\b", "TT"),
    (r"ND-CP", "NĐ-CP"),
    (r",? Article |,? Art\. ?", " Điều "),
    (r"on electronic signatures and trust services", "về chữ ký điện tử và dịch vụ tin cậy"),
    (r" {2,}", " "),
)
_OF_DECREES: Final = (("NĐ ", "Decree "), ("TT ", "Circular "), ("NĐ-CP", "ND-CP"))


def kept_things() -> tuple[KeptThing, ...]:
    """What stays after a deletion, in the language of the request.

    What has no words here yet is told as its table declares it.
    """
    tables = {one.name: one for one in kept_tables()}
    said = []
    for names, what, until in _KEPT:
        found = [tables.pop(name) for name in names if name in tables]
        legal = "; ".join(dict.fromkeys(one.kept_legal for one in found))
        said.append(
            KeptThing(what=translate(what), legal=legal_words(legal), until=translate(until))
        )
    for name in ("outbox", "signing_preparation", "signing_half"):
        tables.pop(name, None)  # hours or days, within what is said above
    rest = (
        KeptThing(what=one.kept, legal=legal_words(one.kept_legal), until=one.kept_until)
        for one in tables.values()
    )
    return (*said, *rest)


def legal_words(reference: str) -> str:
    """A reference to a law as people of the page's language write it; what is no word stays."""
    said = reference
    for english, vietnamese in _OF_LAWS:
        if language() == "vi":
            said = re.sub(english, vietnamese, said)
    for vietnamese, english in _OF_DECREES:
        if language() == "en":
            said = said.replace(vietnamese, english)
    return said


def told_in_history(kind: str, state: str) -> str:
    """What a row of the history says of a request: what was asked for, and what became of it."""
    title = next((said for one, said in TITLES.items() if one == kind), "")
    step = _IN_HISTORY.get(state, "")
    return ": ".join(translate(said) for said in (title, step) if said)


def clock_of(rule: Rule) -> str:
    """Until when somebody answers, in words."""
    return translate(
        "Được tiếp nhận trong %(acknowledge)s ngày làm việc và trả lời trong %(answer)s ngày; khi"
        " phức tạp có thể gia hạn một lần %(extension)s ngày và nêu lý do.",
        acknowledge=rule.acknowledge_working_days,
        answer=rule.answer_days,
        extension=rule.extension_days,
    )


def steps_of(one: DataRequest, *, now: datetime) -> Iterator[ShownStep]:
    """Everything that happened to a request, and what has to happen next."""
    yield ShownStep(at=one.asked_at, title=translate("Gửi yêu cầu"), text=one.wish or "")
    if one.acknowledged_at is not None:
        yield ShownStep(at=one.acknowledged_at, title=translate("Được tiếp nhận"))
    if one.extended_at is not None:
        title = translate("Được gia hạn")
        yield ShownStep(at=one.extended_at, title=title, text=one.reason or "")
    if one.ended_at is not None:
        title = translate(STATES[one.state])
        yield ShownStep(at=one.ended_at, title=title, text=one.answer or "")
        return
    title = "Hạn tiếp nhận" if one.acknowledged_at is None else "Hạn trả lời"
    due = one.due()
    yield ShownStep(at=due, title=translate(title), is_due=True, is_late=now > due)
    if one.kind is RequestKind.DELETE and now < one.not_before:
        yield ShownStep(
            at=one.not_before,
            title=translate("Chưa xóa trước lúc này; đến khi đó Ông/Bà còn dừng được"),
            is_due=True,
        )


_DUE: Final = (N_("Hạn tiếp nhận"), N_("Hạn trả lời"))
