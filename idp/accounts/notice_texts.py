"""What each notice says, in Vietnamese and in English.

What lives here: one sentence for each notice in both languages, the lines below it (when, from
where, until when it can be stopped) and what to do if it was not you.  A new notice is a line in
`_SAID`; a new fact that is shown is a line in `_LINES`.
Rules: Vietnamese comes first.  Nothing that signs anybody in is linked to, and no name, number or
text that somebody chose is repeated: whoever adds a passkey to a stolen account would write to its
owner through its name.  The sentence fits, without its marks, into one text message together with
time and address.
Source: architecture, J5; `docs/guides/operator.md` (the page behind the address).
Not here: who is told (`notices.py`), how it gets there (`idp/delivery`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from idp.accounts.device_words import device_in
from idp.accounts.notices import Notice
from keystore.clock import from_ms

NOT_ME: Final = "/account/not-me"
"""Where somebody says that it was not them; signing in there is the page's own business."""

_STOPPED_AT: Final = "stop_path"
"""The fact that names a page of its own on which one press stops what the notice tells of."""

VIET_NAM: Final = timezone(timedelta(hours=7))
_MOST_CHARS: Final = 120
_PATH: Final = re.compile(r"/[A-Za-z0-9._~-][A-Za-z0-9/._~-]{0,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Written:
    """One message, ready for any channel.

    `mail` has both languages; `sms` is one line.
    """

    subject: str
    mail: str
    sms: str

    def __repr__(self) -> str:
        """Show nothing that somebody is told."""
        return "Written(…)"


@dataclass(frozen=True, slots=True)
class _Said:
    vi: str
    en: str


_SAID: Final[Mapping[Notice, _Said]] = {
    Notice.ACCOUNT_OPENED: _Said(
        "Đã mở tài khoản mức độ 1 với địa chỉ này", "A level-1 account was opened with this address"
    ),
    Notice.OPENING_TRIED: _Said(
        "Có người định mở tài khoản bằng thông tin của Ông/Bà, nhưng không được",
        "Somebody tried to open another account with your data; nothing was opened",
    ),
    Notice.NUMBER_REPLACED: _Said(
        "Số định danh của tài khoản đã đổi theo cơ sở dữ liệu dân cư",
        "Your account has the new number that the population database gave you",
    ),
    Notice.NEW_DEVICE: _Said(
        "Tài khoản được đăng nhập từ thiết bị mới",
        "Your account was signed in to from a new device",
    ),
    Notice.PASSWORD_CHANGED: _Said(
        "Mật khẩu tài khoản đã được đổi", "The password of your account was changed"
    ),
    Notice.PASSWORD_RESET: _Said(
        "Mật khẩu tài khoản đã được đặt lại", "The password of your account was reset"
    ),
    Notice.SECOND_FACTOR_CHANGED: _Said(
        "Cách dùng yếu tố xác thực thứ hai đã thay đổi",
        "How your account uses a second factor was changed",
    ),
    Notice.TOTP_ENROLLED: _Said(
        "Đã thêm một ứng dụng xác thực", "An authenticator app was added to your account"
    ),
    Notice.TOTP_REMOVED: _Said(
        "Đã gỡ một ứng dụng xác thực", "An authenticator app was removed from your account"
    ),
    Notice.PASSKEY_ADDED: _Said(
        "Đã thêm một khóa truy cập (passkey)", "A passkey was added to your account"
    ),
    Notice.PASSKEY_REMOVED: _Said(
        "Đã gỡ một khóa truy cập (passkey)", "A passkey was removed from your account"
    ),
    Notice.RECOVERY_CODES_MADE: _Said(
        "Đã tạo bộ mã khôi phục mới, mã cũ hết hiệu lực",
        "New recovery codes were made; the old ones are void",
    ),
    Notice.RECOVERY_CODE_USED: _Said(
        "Một mã khôi phục đã được sử dụng", "One of your recovery codes was used"
    ),
    Notice.CONTACT_CHANGED: _Said(
        "Thư điện tử hoặc số điện thoại của tài khoản đã đổi",
        "The e-mail address or telephone number of your account was changed",
    ),
    Notice.RECOVERY_ASKED: _Said(
        "Có người yêu cầu khôi phục quyền truy cập tài khoản",
        "Somebody asked to recover access to your account",
    ),
    Notice.LEVEL_CAPPED: _Said(
        "Tài khoản bị hạ xuống mức độ 1, ký số bị tạm dừng",
        "Your account is at level 1 now, and signing is suspended",
    ),
    Notice.LEVEL_RAISED: _Said(
        "Tài khoản đã được nâng lên mức độ 2", "The level of your account was raised"
    ),
    Notice.INVITED_TO_ENROL: _Said(
        "Cán bộ mời Ông/Bà đăng ký lại cách xác thực",
        "Officials invited you to enrol your second factor again",
    ),
    Notice.ACCOUNT_LOCKED: _Said("Tài khoản đã bị khóa", "Your account was locked"),
    Notice.ACCOUNT_UNLOCKED: _Said("Tài khoản đã được mở khóa", "Your account was unlocked"),
    Notice.ACCOUNT_CLOSED: _Said("Tài khoản đã bị đóng", "Your account was closed"),
    Notice.LOOKED_UP_BY_OFFICIAL: _Said(
        "Cán bộ đã tra cứu tài khoản của Ông/Bà", "An official looked your account up"
    ),
    Notice.MANDATE_GIVEN: _Said(
        "Có ủy quyền mới liên quan đến Ông/Bà", "A mandate that concerns you was given"
    ),
    Notice.MANDATE_ASKED: _Said(
        "Có đề nghị ủy quyền liên quan đến Ông/Bà đang chờ đồng ý",
        "A mandate that concerns you waits for others to agree",
    ),
    Notice.MANDATE_ENDED: _Said(
        "Ủy quyền liên quan đến Ông/Bà đã chấm dứt", "A mandate that concerns you has ended"
    ),
    Notice.CERTIFICATE_CHANGED: _Said(
        "Chứng thư chữ ký số của Ông/Bà đã thay đổi",
        "The status of one of your signing certificates was changed",
    ),
    Notice.DATA_EXPORTED: _Said(
        "Dữ liệu của tài khoản đã được tải xuống", "The data of your account were exported"
    ),
    Notice.DATA_REQUEST_CHANGED: _Said(
        "Yêu cầu về dữ liệu của Ông/Bà có kết quả mới",
        "There is news about your request concerning your data",
    ),
    Notice.CASE_OPENED: _Said(
        "Đã mở hồ sơ từ thông báo của Ông/Bà", "A case was opened from what you told us"
    ),
    Notice.CASE_CLOSED: _Said(
        "Hồ sơ từ thông báo của Ông/Bà đã đóng", "The case from what you told us was closed"
    ),
    Notice.DATA_BREACH: _Said(
        "Đã xảy ra sự cố lộ dữ liệu liên quan đến Ông/Bà",
        "There was a breach of data that concerns you",
    ),
}


def _time_of(raw_ms: str) -> str:
    return f"{local_time(from_ms(int(raw_ms)))}"


def _plain(raw: str) -> str:
    return "".join(one for one in raw if one.isprintable())[:_MOST_CHARS]


@dataclass(frozen=True, slots=True)
class _Line:
    vi: str
    en: str
    vi_value: Callable[[str], str] = _plain
    en_value: Callable[[str], str] = _plain


_LINES: Final[Mapping[str, _Line]] = {
    "device": _Line(
        "Thiết bị",
        "Device",
        lambda raw: device_in("vi", raw),
        lambda raw: device_in("en", raw),
    ),
    "source": _Line("Địa chỉ mạng", "Network address"),
    "agency": _Line("Cơ quan", "Agency"),
    "organisation": _Line("Tổ chức", "Organisation"),
    "case": _Line("Số hồ sơ", "Case number"),
    "until_ms": _Line("Có thể dừng đến", "Can be stopped until", _time_of, _time_of),
}
"""Facts that are shown, with their labels; of others nothing is said.

`case`, `agency` and `organisation` are the service's own words or a register's, never a text that
the person or a stranger typed.
"""

_MAIL: Final = """\
Kính gửi Ông/Bà,

{vi}.

{vi_lines}

Nếu Ông/Bà đã làm hoặc đồng ý việc này thì không cần làm gì thêm.
{vi_act}
{url}

Không ai của Ấn Tín hỏi mật khẩu hay mã xác thực của Ông/Bà. Thư này được gửi tự động.

--

{en}.

{en_lines}

If this was you, or you agreed to it, there is nothing to do.
{en_act}
{url}

Nobody at Ấn Tín asks for your password or for a code. This message was sent automatically.
"""


_LOCKS: Final = _Said(
    "Nếu không, xin mở ngay trang sau để khóa những gì cần khóa:",
    "If not, please open this page at once to lock what must be locked:",
)
_STOPS: Final = _Said(
    "Nếu không, xin mở ngay trang sau để dừng lại, không cần đăng nhập:",
    "If not, please open this page at once to stop it; you need not sign in:",
)


def write_notice(
    notice: Notice, *, at: datetime, facts: Mapping[str, str], issuer: str, in_english: bool = False
) -> Written:
    """A notice in words.

    Takes   facts: as `Notices.tell` got them; in_english: whether the text message is, for people
            who may not read Vietnamese.
    """
    said, when = _SAID[notice], local_time(at)
    stop = _stop_path(facts)
    url, act = f"{issuer}{stop or NOT_ME}", _STOPS if stop else _LOCKS
    shown = [(line, facts[name]) for name, line in _LINES.items() if facts.get(name)]
    vi_lines = [f"Thời điểm: {when} (giờ Việt Nam)"]
    vi_lines += [f"{line.vi}: {line.vi_value(value)}" for line, value in shown]
    en_lines = [f"Time: {when} (Viet Nam time)"]
    en_lines += [f"{line.en}: {line.en_value(value)}" for line, value in shown]
    moment = "" if stop else f", {when}"  # a longer address takes its place
    sms = (
        f"Ấn Tín: {said.en}{moment}. Not you? {url}"
        if in_english
        else f"Ấn Tín: {said.vi}{moment}. Không phải Ông/Bà? {url}"
    )
    return Written(
        subject=f"Ấn Tín: {said.vi}",
        mail=_MAIL.format(
            vi=said.vi,
            vi_lines="\n".join(vi_lines),
            vi_act=act.vi,
            en_act=act.en,
            en=said.en,
            en_lines="\n".join(en_lines),
            url=url,
        ),
        sms=sms,
    )


def _stop_path(facts: Mapping[str, str]) -> str | None:
    path = facts.get(_STOPPED_AT, "")
    return path if _PATH.fullmatch(path) else None


def local_time(at: datetime) -> str:
    """A moment in Viet Nam, to the minute: `14:05 22/11/2026`."""
    return f"{at.astimezone(VIET_NAM):%H:%M %d/%m/%Y}"
