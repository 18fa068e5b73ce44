"""What each message says, in Vietnamese and in English.

What lives here: subject, body and text message of every `Template` but notices.  A code says what
it is for, until when, and that nobody asks for it; it is never in a subject, which telephones show
while they are locked.  A text message without its marks fits in one part.
Source: NIST SP 800-63B-4 §3.1.3.1; OWASP Cheat Sheet "Forgot Password".
Not here: who gets it, and how (`idp/delivery`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from idp.accounts.messages import Message, Template
from idp.accounts.notice_texts import NOT_ME, VIET_NAM, Written, local_time, write_notice
from idp.accounts.notices import Notice
from keystore.clock import from_ms


@dataclass(frozen=True, slots=True)
class _Purpose:
    vi: str
    en: str


_CODES: Final[Mapping[Template, _Purpose]] = {
    Template.SIGN_IN_CODE: _Purpose("mã đăng nhập", "sign-in code"),
    Template.CONTACT_CODE: _Purpose("mã xác nhận liên lạc", "code to confirm this contact"),
    Template.OPENING_CODE: _Purpose("mã mở tài khoản", "code to open an account"),
    Template.RECOVERY_CODE: _Purpose("mã đặt lại mật khẩu", "code to reset the password"),
}

_CODE_MAIL: Final = """\
Kính gửi Ông/Bà,

{code} là {vi} của Ông/Bà tại Ấn Tín.

Mã có hiệu lực đến {until} (giờ Việt Nam) và chỉ dùng được một lần. Chỉ nhập mã trên trang {site}.
Không ai của Ấn Tín hỏi mã này. Nếu Ông/Bà không yêu cầu mã, xin đừng đưa mã cho bất kỳ ai.

--

{code} is your {en} at Ấn Tín.

It can be used once, until {until} (Viet Nam time), and only on {site}.
Nobody at Ấn Tín asks for it. If you did not ask for a code, give it to nobody.
"""

_LINK_MAIL: Final = """\
Kính gửi Ông/Bà,

Có người, có thể là Ông/Bà, yêu cầu đặt lại mật khẩu tại Ấn Tín. Để tiếp tục, xin mở liên kết sau
trong chính trình duyệt đã gửi yêu cầu:
{link}

Liên kết dùng được một lần, đến {until} (giờ Việt Nam). Một mình liên kết này không đủ để đổi mật
khẩu. Nếu Ông/Bà không yêu cầu, xin đừng mở và báo cho chúng tôi tại {not_me}.

--

Somebody, perhaps you, asked to reset the password at Ấn Tín. To go on, please open this link in the
very browser that asked:
{link}

It can be used once, until {until} (Viet Nam time), and is not enough by itself to change the
password. If you did not ask, please do not open it and tell us at {not_me}.
"""


def write_message(message: Message, *, issuer: str) -> Written:
    """A message in words."""
    facts = message.facts
    match message.template:
        case Template.NOTICE:
            return write_notice(
                Notice(facts["notice"]),
                at=from_ms(int(facts["at_ms"])),
                facts=facts,
                issuer=issuer,
                in_english=facts.get("in_english") == "yes",
            )
        case Template.RECOVERY_LINK:
            return _link(facts["link"], issuer=issuer, until=message.expires_at)
        case code:
            return _code(_CODES[code], facts["code"], issuer=issuer, until=message.expires_at)


def _code(purpose: _Purpose, code: str, *, issuer: str, until: datetime) -> Written:
    site = issuer.partition("://")[2]
    return Written(
        subject=f"Ấn Tín: {purpose.vi} / {purpose.en}",
        mail=_CODE_MAIL.format(
            code=code, vi=purpose.vi, en=purpose.en, until=local_time(until), site=site
        ),
        sms=(
            f"Ấn Tín: {code} là {purpose.vi}, đến {until.astimezone(VIET_NAM):%H:%M}. "
            f"Không đưa mã cho ai. / Your {purpose.en}. Never share it."
        ),
    )


def _link(link: str, *, issuer: str, until: datetime) -> Written:
    return Written(
        subject="Ấn Tín: đặt lại mật khẩu / password reset",
        mail=_LINK_MAIL.format(link=link, until=local_time(until), not_me=f"{issuer}{NOT_ME}"),
        sms=f"Ấn Tín: đặt lại mật khẩu, đến {until.astimezone(VIET_NAM):%H:%M}: {link}",
    )
