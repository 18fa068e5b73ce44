"""What kind of file it is, by its first octets."""

from __future__ import annotations

import pytest

from signing.isolation.blob import Blob
from signing.validation.kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"%PDF-1.7\n", Kind.PDF),
        (b"\xef\xbb\xbf%PDF-1.4", Kind.PDF),
        (bytes(1000) + b"%PDF-1.7", Kind.PDF),
        (bytes(1024) + b"%PDF-1.7", Kind.UNKNOWN),
        (b"<?xml version='1.0'?>", Kind.XML),
        (b"\xef\xbb\xbf \r\n<a/>", Kind.XML),
        ("\ufeff<a/>".encode("utf-16-le"), Kind.XML),
        ("\ufeff<a/>".encode("utf-16-be"), Kind.XML),
        (b"\x30\x80\x06\x09", Kind.CMS),
        (b"\x30\x82\x10\x00\x06\x09", Kind.CMS),
        (b"\x30\x03\x02\x01\x00", Kind.CMS),
        (b"0 is a number", Kind.UNKNOWN),
        (b"-----BEGIN PKCS7-----\n", Kind.CMS),
        (b"MIIGCSqGSIb3DQEHAqCCBvowggb2AgEBMQ", Kind.CMS),
        (b"PK\x03\x04", Kind.CONTAINER),
        (b"PK\x05\x06" + bytes(18), Kind.CONTAINER),
        (b"PK\x03\x04 %PDF-1.7", Kind.CONTAINER),
        (b'{"payload":""}', Kind.JWS),
        (b"eyJhbGciOiJFUzI1NiJ9.e30.", Kind.JWS),
        (b"\x89PNG\r\n", Kind.PICTURE),
        (b"\xff\xd8\xff\xe0", Kind.PICTURE),
        (b"MZ\x90\x00", Kind.UNKNOWN),
        (b"\xd0\xcf\x11\xe0", Kind.UNKNOWN),
    ],
)
def test_the_first_octets_say_what_it_is(head: bytes, kind: Kind) -> None:
    with Blob.of(head) as document:
        assert kind_of(document) is kind
