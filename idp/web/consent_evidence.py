"""The evidence of a consent: the sentences that were shown, and the receipt made from them.

What lives here: writing down what a page said, in the words of `templates/consent.html` and
`templates/information.html` (a test compares), and reading it back years later.  Values are left
out: a receipt says which data, not what they were.
Source: Law 91/2025/QH15 Art. 9 (printable, per purpose); NĐ 356/2025 Art. 6 (proof is kept).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec

from clients.registry.model import Client, Controller
from idp.oauth.authorization import Decision, Proof
from idp.oauth.consent import CONSENT, INFORMATION, Disclosure
from idp.oauth.prompts import Prompt
from idp.web.consent_text import controller_contact, controller_name, name_of
from idp.web.i18n import language, translate
from idp.web.pages import SharedPurpose, SharedRow

TEXT_VERSION: Final = "2026-12"
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
        """The purposes that were agreed to, or that rest on law, as rows of the receipt."""
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
    page: Prompt,
    disclosure: Disclosure,
    purposes: tuple[SharedPurpose, ...],
    chosen: tuple[str, ...],
    client: Client,
    controller: Controller | None,
) -> Decision:
    """What the person decided, with the sentences that were shown.

    Takes   page: CONSENT or INFORMATION; disclosure: what that page speaks of; purposes: its rows,
            one for each item; chosen: the optional scopes that were ticked.
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
    make_lines = _lines_of_consent if page is Prompt.CONSENT else _lines_of_information
    lines = (
        *make_lines(shown, name_of(client)),
        *_lines_of_rights(page, client=client, controller=controller),
    )
    proofs = []
    for kind, of_law in ((CONSENT, False), (INFORMATION, True)):
        half = disclosure.on_ground(of_law=of_law)
        if not half.items:
            continue
        told = tuple(
            one for item, one in zip(disclosure.items, shown, strict=True) if item in half.items
        )
        evidence = Evidence(
            client_name=name_of(client),
            controller=controller_name(controller),
            contact=controller_contact(controller),
            lines=lines,
            purposes=told,
        )
        references = sorted({one.legal_ref for one in told if one.legal_ref})
        text = msgspec.json.encode(evidence).decode()
        proofs.append(Proof(kind, half, text, "; ".join(references)[:200] or None))
    return Decision(
        disclosure=disclosure,
        chosen=chosen,
        language=language(),
        text_version=TEXT_VERSION,
        text_sha256=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        proofs=tuple(proofs),
    )


def read_evidence(text: bytes) -> Evidence:
    """The evidence of a consent, unsealed."""
    return msgspec.json.decode(text, type=Evidence)


def _lines_of_consent(shown: tuple[_Purpose, ...], client: str) -> Iterator[str]:
    yield translate("Chia sẻ thông tin với %(client)s", client=client)
    yield translate(
        "%(client)s đề nghị được sử dụng các thông tin sau đây của Ông/Bà:", client=client
    )
    by_law = [one for one in shown if one.legal_ref]
    asked = [one for one in shown if not one.legal_ref]
    for title, group in (
        (
            translate("Thông tin bắt buộc để sử dụng dịch vụ"),
            [one for one in asked if one.is_required],
        ),
        (
            translate("Thông tin không bắt buộc; chỉ chia sẻ khi Ông/Bà chọn"),
            [one for one in asked if not one.is_required],
        ),
        (translate("Thông tin được sử dụng theo quy định của pháp luật"), by_law),
    ):
        if group:
            yield title
        for one in group:
            yield from _lines_of_purpose(one)


def _lines_of_information(shown: tuple[_Purpose, ...], client: str) -> Iterator[str]:
    yield translate("Thông tin sẽ được chuyển đến %(client)s", client=client)
    yield translate(
        "Để giải quyết yêu cầu của Ông/Bà, %(client)s sử dụng các thông tin sau đây:",
        client=client,
    )
    for one in shown:
        yield from _lines_of_purpose(one)


def _lines_of_purpose(one: _Purpose) -> Iterator[str]:
    yield "; ".join(one.labels)
    yield translate("Mục đích xử lý: %(purpose)s", purpose=one.purpose)
    yield translate("Thời hạn lưu trữ: %(retention)s", retention=one.retention)
    if one.legal_ref:
        yield translate(
            "Việc sử dụng thông tin này được thực hiện theo quy định tại %(legal_ref)s,"
            " không cần sự đồng ý của Ông/Bà.",
            legal_ref=one.legal_ref,
        )


def _lines_of_rights(
    page: Prompt, *, client: Client, controller: Controller | None
) -> Iterator[str]:
    yield translate("Bên sử dụng và quyền của Ông/Bà")
    label = translate("Bên kiểm soát dữ liệu")
    yield f"{label}: {controller_name(controller)}"
    label = translate("Liên hệ về bảo vệ dữ liệu cá nhân")
    yield f"{label}: {controller_contact(controller)}"
    if page is Prompt.CONSENT:
        yield translate(
            "Ông/Bà có quyền xem, chỉnh sửa, yêu cầu xóa dữ liệu và rút lại sự đồng ý"
            " bất cứ lúc nào."
        )
    else:
        yield translate(
            "Ông/Bà có quyền xem thông tin đã được sử dụng và yêu cầu chỉnh sửa khi thông tin"
            " không đúng."
        )
    if client.policy_uri:
        label = translate("Chính sách bảo vệ dữ liệu của %(client)s", client=name_of(client))
        yield f"{label}: {client.policy_uri}"
    if page is Prompt.CONSENT:
        yield translate(
            "Nếu không đồng ý, Ông/Bà sẽ quay lại %(client)s và không có thông tin nào được"
            " chia sẻ.",
            client=name_of(client),
        )
