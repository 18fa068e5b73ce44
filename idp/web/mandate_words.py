"""The words of mandates: as what, for which business, in which state, and why one ended.

What lives here: message ids per code of ours.  Not here: what a code means
(`idp/accounts/mandate_scopes.py`, `idp/accounts/mandates.py`).
Source: Law on Enterprises 59/2020/QH14 Art. 12; NĐ 30/2020/NĐ-CP Art. 32 (văn thư keeps the seal).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.accounts.mandate_scopes import SEAL, SIGN
from idp.accounts.mandates import EndReason
from idp.accounts.model import MandateKind, MandateStatus
from idp.web.i18n import translate
from idp.web.sentences import N_

KIND_WORDS: Final[Mapping[MandateKind, str]] = {
    MandateKind.LEGAL_REPRESENTATIVE: N_("Người đại diện theo pháp luật"),
    MandateKind.DELEGATION: N_("Người được ủy quyền"),
    MandateKind.SEAL_CLERK: N_("Văn thư"),
    MandateKind.GUARDIAN: N_("Người giám hộ"),
}
SCOPE_WORDS: Final[Mapping[str, str]] = {
    "submit": N_("Nộp và bổ sung hồ sơ"),
    "receive": N_("Nhận kết quả, thông báo và tra cứu hồ sơ"),
    "tax": N_("Kê khai, nộp thuế và hóa đơn điện tử"),
    "insurance": N_("Bảo hiểm xã hội và lao động"),
    "customs": N_("Hải quan, xuất nhập khẩu"),
    "bidding": N_("Đấu thầu"),
    SIGN: N_("Ký văn bản nhân danh tổ chức"),
    SEAL: N_("Đóng dấu số của tổ chức"),
}
STATE_WORDS: Final[Mapping[MandateStatus, str]] = {
    MandateStatus.WAITING: N_("Chờ người đại diện khác đồng ý"),
    MandateStatus.ACTIVE: N_("Đang có hiệu lực"),
    MandateStatus.REVOKED: N_("Đã chấm dứt"),
    MandateStatus.DECLINED: N_("Không được đồng ý"),
    MandateStatus.LAPSED: N_("Hết thời hạn chờ đồng ý"),
    MandateStatus.OVER: N_("Đã hết hạn"),
}
END_WORDS: Final[Mapping[str, str]] = {
    EndReason.REPRESENTATIVE: N_("Người đại diện theo pháp luật chấm dứt"),
    EndReason.HOLDER: N_("Người được ủy quyền từ chối"),
    EndReason.OPERATOR: N_("Nơi quản lý hệ thống chấm dứt"),
    EndReason.REGISTER: N_("Cơ sở dữ liệu đăng ký doanh nghiệp không còn ghi nhận"),
    EndReason.ACCOUNT_CLOSED: N_("Tài khoản đã đóng"),
    EndReason.GROUND_ENDED: N_("Người ủy quyền không còn là người đại diện theo pháp luật"),
    EndReason.DECLINED: N_("Người đại diện khác không đồng ý"),
    EndReason.NOT_AGREED: N_("Không đủ người đồng ý trong thời hạn"),
    EndReason.LAST_DAY: N_("Hết thời hạn ủy quyền"),
}
_KINDS: Final = {one.value: one for one in MandateKind}


def mandate_detail(facts: Mapping[str, object]) -> str:
    """The line below a row of the history: as what, and why it ended."""
    words = (
        KIND_WORDS.get(_KINDS.get(str(facts.get("kind")), MandateKind.GUARDIAN), ""),
        END_WORDS.get(str(facts.get("reason")), ""),
    )
    return ". ".join(translate(one) for one in words if one)
