"""What the SDK sends is what the signing service reads."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import pytest
from werkzeug.test import EnvironBuilder

from clients.sdk import DocumentToSign, SignerWanted
from clients.sdk.signing_upload import MOST_IN_JSON_BYTES, SignatureWishes, make_upload
from signing.formats.material import Level
from signing.model import Role, SignatureFormat
from signing.new_request import check_bounds
from signing.web.request_body import read_body


@pytest.mark.parametrize("size", [MOST_IN_JSON_BYTES - 32, MOST_IN_JSON_BYTES])
def test_the_service_reads_what_was_meant(size: int) -> None:
    first = bytes(range(256)) * (size // 256)
    wishes = SignatureWishes(
        title="Quyết định số 12/QĐ",
        documents=[
            DocumentToSign(name="Quyết định.pdf", media_type="application/pdf", content=first),
            DocumentToSign(name="Phụ lục", content=b"\r\n--x--\r\n" * 4, format="xades-detached"),
            DocumentToSign(name="Bản đồ", digest=bytes(64), hash_name="sha512"),
        ],
        signers=[
            SignerWanted(subject="p-1"),
            SignerWanted(subject="p-1", role="seal", enterprise_code="9900000016"),
        ],
        level="B-T",
        reason="Ban hành",
        location="Hà Nội",
        appearance=[{"kind": "general"}, None],
        return_uri="https://cong.example/xong",
        webhook_uri="https://cong.example/su-kien",
        lifetime=timedelta(hours=3),
        confirmation_window=timedelta(seconds=120),
    )
    upload = make_upload(wishes)
    is_form = upload.content_type.startswith("multipart/")
    assert is_form is (size == MOST_IN_JSON_BYTES)
    request = EnvironBuilder(
        method="POST", data=upload.body, content_type=upload.content_type
    ).get_request()
    with ExitStack() as held:
        new = read_body(request, max_bytes=1 << 24, held=held).new
        check_bounds(new, largest_bytes=1 << 24)
        contents = [None if one.content is None else one.content.read() for one in new.documents]
    assert contents == [first, b"\r\n--x--\r\n" * 4, None]
    assert [one.name for one in new.documents] == ["Quyết định.pdf", "Phụ lục", "Bản đồ"]
    assert new.documents[1].format is SignatureFormat.XADES_DETACHED
    assert (new.documents[2].digest, new.documents[2].hash_name) == (bytes(64), "sha512")
    assert [(one.sub, one.role, one.enterprise_code) for one in new.signers] == [
        ("p-1", Role.PERSON, None),
        ("p-1", Role.SEAL, "9900000016"),
    ]
    assert (new.title, new.level, new.reason) == ("Quyết định số 12/QĐ", Level.T, "Ban hành")
    assert new.location == "Hà Nội"
    assert new.appearance == b'[{"kind":"general"},null]'
    assert (new.lifetime, new.window) == (timedelta(hours=3), timedelta(seconds=120))
    assert new.return_uri == "https://cong.example/xong"
    assert new.webhook_uri == "https://cong.example/su-kien"
