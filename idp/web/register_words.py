"""What a question to a register of the state says to the person in whose history it stands.

What lives here: which register, for what, and how it ended, as one line.
Source: NĐ 47/2020/NĐ-CP Art. 45 (what is on record of a question).
Not here: the other rows of a history (`history_words.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.i18n import translate
from idp.web.sentences import N_

_REGISTERS: Final[Mapping[str, str]] = {
    "population": N_("Cơ sở dữ liệu quốc gia về dân cư"),
    "business": N_("Cơ sở dữ liệu đăng ký doanh nghiệp"),
}
_PURPOSES: Final[Mapping[str, str]] = {
    "open_account": N_("để mở tài khoản"),
    "proofing": N_("để xác minh danh tính trực tiếp"),
    "number_replaced": N_("để cập nhật số định danh được xác lập lại"),
    "mandate": N_("để xác định người đại diện của tổ chức"),
    "mandate_refresh": N_("để kiểm tra lại người đại diện của tổ chức"),
}
_OUTCOMES: Final[Mapping[str, str]] = {
    "matches": N_("thông tin trùng khớp"),
    "contradicts": N_("thông tin không trùng khớp"),
    "unknown": N_("không có kết luận"),
    "found": N_("đã nhận thông tin"),
    "nobody": N_("không có thông tin"),
    "nothing": N_("không có thông tin"),
    "active": N_("tổ chức đang hoạt động"),
    "suspended": N_("tổ chức đang tạm ngừng"),
    "dissolved": N_("tổ chức đã chấm dứt"),
    "other": N_("tình trạng của tổ chức không rõ"),
}
_FAILED: Final = N_("không nhận được trả lời")


def question_detail(facts: Mapping[str, object]) -> str:
    """One line about a row `account:register:asked`."""
    outcome = _OUTCOMES.get(str(facts.get("outcome")), _FAILED)
    parts = {
        "register": translate(_REGISTERS.get(str(facts.get("register")), "")),
        "purpose": translate(_PURPOSES.get(str(facts.get("purpose")), "")),
        "outcome": translate(outcome),
    }
    if "official" in facts:
        return translate("%(register)s, %(purpose)s, do cán bộ thực hiện: %(outcome)s", **parts)
    return translate("%(register)s, %(purpose)s: %(outcome)s", **parts)
