"""What a row of the history says to the person whose it is.

What lives here: a sentence for each kind of event, and the lines below it: from where, who got
which fields and what for.  Names of portals and purposes are those of today's registry.
Not here: which events are shown (`idp/own_history.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final

from clients.registry.model import Client
from clients.registry.registry import Registry
from idp.history import HistoryRow
from idp.oauth.scopes import claims_of
from idp.web.account_pages import HistoryDay, ShownEvent
from idp.web.consent_text import labels_of, name_of
from idp.web.data_request_words import told_in_history
from idp.web.devices import device_name
from idp.web.i18n import language, local_minute, translate
from idp.web.mandate_words import mandate_detail
from idp.web.register_words import question_detail
from idp.web.sentences import N_
from keystore.log.events import EventType

_TITLES: Final[Mapping[EventType, str]] = {
    EventType.SESSION_STARTED: N_("Đăng nhập"),
    EventType.SESSION_RAISED: N_("Xác thực thêm trong phiên đang mở"),
    EventType.SESSIONS_ALL_ENDED: N_("Đăng xuất mọi nơi"),
    EventType.SESSIONS_OTHERS_ENDED: N_("Đăng xuất mọi nơi khác"),
    EventType.LOGIN_REFUSED_MANY: N_("Đăng nhập không thành công"),
    EventType.GRANT_CREATED: N_("Chia sẻ thông tin"),
    EventType.CONSENT_GIVEN: N_("Đồng ý chia sẻ thông tin"),
    EventType.CONSENT_INFORMED: N_("Được thông báo việc sử dụng thông tin theo luật"),
    EventType.CONSENT_WITHDRAWN: N_("Rút lại sự đồng ý"),
    EventType.PASSWORD_SET: N_("Mật khẩu được đặt bởi nơi quản lý tài khoản"),
    EventType.PASSWORD_CHANGED: N_("Đổi mật khẩu"),
    EventType.SECOND_FACTOR_CHANGED: N_("Thay đổi yêu cầu xác thực hai yếu tố"),
    EventType.TOTP_ENROLLED: N_("Đăng ký ứng dụng xác thực"),
    EventType.TOTP_REMOVED: N_("Gỡ ứng dụng xác thực"),
    EventType.CONTACT_CHANGED: N_("Đổi thông tin liên hệ"),
    EventType.CONTACT_FACTOR_CHANGED: N_("Bật hoặc tắt mã xác thực qua tin nhắn, thư điện tử"),
    EventType.RECOVERY_CODES_MADE: N_("Tạo mã khôi phục mới"),
    EventType.RECOVERY_CODE_USED: N_("Đã dùng mã khôi phục"),
    EventType.PASSKEY_ADDED: N_("Đăng ký khóa truy cập"),
    EventType.PASSKEY_REMOVED: N_("Gỡ khóa truy cập"),
    EventType.ACTIVATION_ACCEPTED: N_("Dùng khóa ký số"),
    EventType.ACTIVATION_REFUSED: N_("Khóa ký số từ chối một lần dùng"),
    EventType.CERTIFICATE_ISSUED: N_("Cấp chứng thư chữ ký số"),
    EventType.CERTIFICATE_RENEWED: N_("Gia hạn chứng thư chữ ký số"),
    EventType.CERTIFICATE_SUSPENDED: N_("Tạm dừng chứng thư chữ ký số"),
    EventType.CERTIFICATE_LIFTED: N_("Cho dùng lại chứng thư chữ ký số"),
    EventType.CERTIFICATE_REVOKED: N_("Thu hồi chứng thư chữ ký số"),
    EventType.SIGNATURE_IMAGE_SET: N_("Đặt hình chữ ký"),
    EventType.SIGNATURE_IMAGE_REMOVED: N_("Xóa hình chữ ký"),
    EventType.DATA_EXPORTED: N_("Tải về toàn bộ dữ liệu cá nhân"),
    EventType.DATA_REQUEST_CHANGED: N_("Yêu cầu về dữ liệu cá nhân"),
    EventType.BREACH_TOLD: N_("Được thông báo về một sự cố dữ liệu"),
    EventType.ACCOUNT_STATUS_CHANGED: N_("Thay đổi trạng thái tài khoản"),
    EventType.ACCOUNT_ADDED: N_("Mở tài khoản"),
    EventType.OPENING_REFUSED: N_("Có người định mở thêm một tài khoản bằng thông tin của Ông/Bà"),
    EventType.IDENTIFIER_ADDED: N_("Thêm số định danh vào tài khoản"),
    EventType.IDENTIFIER_RETIRED: N_("Số định danh cũ không còn dùng để đăng nhập"),
    EventType.REGISTER_ASKED: N_("Đối chiếu với cơ sở dữ liệu của Nhà nước"),
    EventType.OFFICIAL_ADDED: N_("Được giao nhiệm vụ cán bộ"),
    EventType.OFFICIAL_ENDED: N_("Kết thúc nhiệm vụ cán bộ"),
    EventType.OFFICIAL_LOOKED_UP: N_("Cán bộ tra cứu tài khoản"),
    EventType.OFFICIAL_FOUND_NOBODY: N_("Tra cứu một số không có tài khoản"),
    EventType.PROOFING_STARTED: N_("Bắt đầu xác minh danh tính tại quầy"),
    EventType.PROOFING_COMPLETED: N_("Đã xác minh danh tính tại quầy"),
    EventType.PROOFING_STOPPED: N_("Dừng xác minh danh tính tại quầy"),
    EventType.INVITATION_ASKED: N_("Một cán bộ đề nghị mời đăng ký lại"),
    EventType.INVITATION_CONFIRMED: N_("Hai cán bộ mời đăng ký lại yếu tố xác thực"),
    EventType.INVITATION_STOPPED: N_("Dừng lời mời đăng ký lại"),
    EventType.INVITATION_USED: N_("Dùng lời mời đăng ký lại"),
    EventType.PASSWORD_FIRST_SET: N_("Đặt mật khẩu lần đầu"),
    EventType.TOTP_ACTIVATION_ISSUED: N_("Cấp mã kích hoạt ứng dụng xác thực"),
    EventType.PASSWORD_RESET: N_("Đặt lại mật khẩu"),
    EventType.PASSWORD_VOIDED: N_("Mật khẩu bị vô hiệu"),
    EventType.RECOVERY_ASKED: N_("Bắt đầu đặt lại mật khẩu"),
    EventType.RECOVERY_STOPPED: N_("Chặn việc đặt lại mật khẩu"),
    EventType.CASE_OPENED: N_("Mở hồ sơ sự việc"),
    EventType.CASE_CLOSED: N_("Đóng hồ sơ sự việc"),
    EventType.ACCOUNT_LEVEL_CHANGED: N_("Thay đổi mức độ tài khoản"),
    EventType.MANDATE_ADDED: N_("Được thực hiện thay mặt một tổ chức"),
    EventType.MANDATE_ENDED: N_("Chấm dứt việc thực hiện thay mặt một tổ chức"),
    EventType.MANDATE_ASKED: N_("Đề nghị ủy quyền, chờ người đại diện khác đồng ý"),
    EventType.MANDATE_GIVEN: N_("Ủy quyền cho người khác thay mặt tổ chức"),
    EventType.MANDATE_AGREED: N_("Đồng ý với một ủy quyền của tổ chức"),
    EventType.MANDATE_DECLINED: N_("Không đồng ý với một ủy quyền của tổ chức"),
    EventType.MANDATE_WITHDRAWN: N_("Chấm dứt ủy quyền của người khác"),
}
_DAY: Final = len("dd/mm/yyyy")
_WARNS: Final = frozenset(
    {
        EventType.LOGIN_REFUSED_MANY,
        EventType.OPENING_REFUSED,
        EventType.INVITATION_CONFIRMED,
        EventType.RECOVERY_ASKED,
        EventType.RECOVERY_STOPPED,
        EventType.PASSWORD_VOIDED,
    }
)


@dataclass(frozen=True, slots=True)
class HistoryWords:
    """Makes rows readable, in the language of the request."""

    registry: Registry

    def days(
        self, rows: Sequence[HistoryRow], *, proof_url: Callable[[HistoryRow], str], now: datetime
    ) -> tuple[HistoryDay, ...]:
        """Rows, newest first, by the days in Viet Nam on which they happened."""
        return tuple(
            HistoryDay(
                name=name,
                events=tuple(self._shown(row, proof_url=proof_url(row), now=now) for row in found),
            )
            for name, found in groupby(rows, lambda row: local_minute(row.at)[:_DAY])
        )

    def _shown(self, row: HistoryRow, *, proof_url: str, now: datetime) -> ShownEvent:
        client = (
            None
            if row.client_id is None
            else self.registry.find_registered_client(row.client_id, now=now)
        )
        fields = self._fields(row, now=now)
        title = _TITLES[row.type]
        if row.type is EventType.GRANT_CREATED and not fields:
            title = N_("Đăng nhập vào cổng dịch vụ")
        return ShownEvent(
            at=_clock(row.at),
            title=translate(title),
            is_warning=row.type in _WARNS,
            who=self._who(row, client=client, now=now),
            fields=fields,
            purposes=_purposes(row, client=client) if fields else (),
            detail=_detail(row),
            proof_url=proof_url,
            not_me_url=(
                f"/account/not-me?session={row.facts['session_id']}"
                if row.type is EventType.SESSION_STARTED
                else ""
            ),
        )

    def _who(self, row: HistoryRow, *, client: Client | None, now: datetime) -> str:
        if row.client_id is not None:
            return name_of(client) if client else row.client_id
        agency_id = row.facts.get("controller")
        if not isinstance(agency_id, str):
            return ""
        agency = self.registry.find_controller(agency_id, now=now)
        if agency is None:
            return agency_id
        return agency.name_en if language() == "en" else agency.name_vi

    def _fields(self, row: HistoryRow, *, now: datetime) -> tuple[str, ...]:
        labels = labels_of(
            _shared(row), find_server=partial(self.registry.find_resource_server, now=now)
        )
        others = row.facts.get("api_scopes")
        if isinstance(others, int) and others > 0:
            more = translate("và %(count)s quyền sử dụng dịch vụ khác", count=others)
            return (*labels, more)
        return labels


def event_titles() -> Mapping[str, str]:
    """The sentence of each kind of event by its name in the log, in the request's language."""
    return {event.value: translate(title) for event, title in _TITLES.items()}


def _clock(moment: datetime) -> str:
    return local_minute(moment)[_DAY + 1 :]


def _shared(row: HistoryRow) -> Sequence[str]:
    return str(row.facts.get("shared", "")).split()


def _purposes(row: HistoryRow, *, client: Client | None) -> tuple[str, ...]:
    if client is None:
        return ()
    shared = set(_shared(row))
    found = tuple(
        dict.fromkeys(
            one.purpose_en if language() == "en" else one.purpose_vi
            for one in client.purposes
            if shared & set(claims_of([one.scope]))
        )
    )
    return found or (translate("Cung cấp dịch vụ của %(name)s", name=name_of(client)),)


def _detail(row: HistoryRow) -> str:
    facts = row.facts
    if row.type is EventType.LOGIN_REFUSED_MANY:
        if facts.get("factor") == "otp":
            return translate("Sai mã xác thực %(count)s lần trong một phút", count=facts["count"])
        return translate("Sai mật khẩu %(count)s lần trong một phút", count=facts["count"])
    if row.type is EventType.DATA_REQUEST_CHANGED:
        return told_in_history(str(facts.get("kind", "")), str(facts.get("state", "")))
    if row.type is EventType.SESSION_STARTED:
        return device_name(str(facts.get("device", "")))
    if row.type is EventType.REGISTER_ASKED:
        return question_detail(facts)
    if row.type in {EventType.CASE_OPENED, EventType.CASE_CLOSED}:
        return translate("Số hồ sơ: %(number)s", number=facts.get("case", ""))
    if row.type is EventType.ACCOUNT_LEVEL_CHANGED:
        if facts.get("level") == "2":
            return translate("Lên mức độ 2 sau khi xác minh trực tiếp")
        return translate("Hạ xuống mức độ 1; việc ký số tạm dừng đến khi xác minh lại trực tiếp")
    if row.type.value.startswith("account:mandate:"):
        return mandate_detail(facts)
    if row.type is EventType.GRANT_CREATED and facts.get("capacity") not in {None, "self"}:
        return translate("Thực hiện thay mặt tổ chức")
    return ""
