"""The evidence of a consent: the sentences that were shown, and the receipt made from them.

What lives here: writing down what a consent page said, in the words of `templates/consent.html`,
and reading it back years later.  Values are left out: a receipt says which data, not what they
were.
Source: Law 91/2025/QH15 Art. 9 (printable, per purpose); NĐ 356/2025 Art. 6 (proof is kept).
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from clients.registry.model import Client, Controller
from idp.oauth.authorization import Decision
from idp.web.consent_text import controller_contact, controller_name, name_of
from idp.web.i18n import language, translate
from idp.web.pages import SharedPurpose, SharedRow

TEXT_VERSION: Final = "2026-11"
"""Raised whenever the sentences of the page change."""


class _Purpose(msgspec.Struct, frozen=True, array_like=True):
    """One purpose as it was shown; `labels` name the data."""

    purpose: str
    retention: str
    legal_ref: str
    is_required: bool
    is_shared: bool
    labels: tuple[str, ...]


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """What was shown and to what it came; kept sealed under the person's data key."""

    client_name: str
    controller: str
    contact: str
    lines: tuple[str, ...]
    purposes: tuple[_Purpose, ...]

    @property
    def shared(self) -> tuple[SharedPurpose, ...]:
        """The purposes that were agreed to or rest on law, as rows of the receipt."""
        return tuple(
            SharedPurpose(
                purpose=one.purpose,
                retention=one.retention,
                rows=tuple(SharedRow(label=label, value="") for label in one.labels),
                is_required=one.is_required,
                legal_ref=one.legal_ref,
            )
            for one in self.purposes
            if one.is_shared
        )


def write_evidence(
    *,
    kind: str,
    purposes: tuple[SharedPurpose, ...],
    chosen: tuple[str, ...],
    client: Client,
    controller: Controller | None,
) -> Decision:
    """What the person decided, with the sentences that were shown.

    Takes   kind: `consent` or `information`; chosen: the optional scopes that were ticked.
    Returns a decision whose `text_sha256` is over the lines, joined by line feeds, in UTF-8.
    """
    shown = tuple(
        _Purpose(
            purpose=one.purpose,
            retention=one.retention,
            legal_ref=one.legal_ref,
            is_required=one.is_required,
            is_shared=one.is_required or any(row.key in chosen for row in one.rows if row.key),
            labels=tuple(row.label for row in one.rows),
        )
        for one in purposes
    )
    evidence = Evidence(
        client_name=name_of(client),
        controller=controller_name(controller),
        contact=controller_contact(controller),
        lines=_lines(shown, client=client, controller=controller),
        purposes=shown,
    )
    references = sorted({one.legal_ref for one in shown if one.legal_ref})
    return Decision(
        kind=kind,
        chosen=chosen,
        language=language(),
        text_version=TEXT_VERSION,
        text=msgspec.json.encode(evidence).decode(),
        text_sha256=hashlib.sha256("\n".join(evidence.lines).encode()).hexdigest(),
        legal_reference="; ".join(references)[:200] or None,
    )


def read_evidence(text: bytes) -> Evidence:
    """The evidence of a consent, unsealed."""
    return msgspec.json.decode(text, type=Evidence)


def _lines(
    shown: tuple[_Purpose, ...], *, client: Client, controller: Controller | None
) -> tuple[str, ...]:
    lines = [translate("Chia sẻ thông tin với %(client)s", client=name_of(client))]
    for one in shown:
        lines.append("; ".join(one.labels))
        lines.append(translate("Mục đích xử lý: %(purpose)s", purpose=one.purpose))
        lines.append(translate("Thời hạn lưu trữ: %(retention)s", retention=one.retention))
        if one.legal_ref:
            lines.append(
                translate(
                    "Việc sử dụng thông tin này được thực hiện theo quy định tại %(legal_ref)s,"
                    " không cần sự đồng ý của Ông/Bà.",
                    legal_ref=one.legal_ref,
                )
            )
    label = translate("Bên kiểm soát dữ liệu")
    lines.append(f"{label}: {controller_name(controller)}")
    label = translate("Liên hệ về bảo vệ dữ liệu cá nhân")
    lines.append(f"{label}: {controller_contact(controller)}")
    lines.append(
        translate(
            "Ông/Bà có quyền xem, chỉnh sửa, yêu cầu xóa dữ liệu và rút lại sự đồng ý"
            " bất cứ lúc nào."
        )
    )
    return tuple(lines)
