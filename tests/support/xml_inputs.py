"""XML documents of every make, by the name of what is hard about them.

What lives here: documents that get an enveloped signature in tests; invented contents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

_NAME: Final = "Đơn đề nghị của ông Nguyễn Thế Ước, phường Ngọc Hà"
_FORM: Final = f"<hoSo><nguoiNop>{_NAME}</nguoiNop><phi>100000</phi></hoSo>"

INPUTS: Final[Mapping[str, bytes]] = {
    "plain": _FORM.encode(),
    "composed": unicodedata.normalize("NFC", _FORM).encode(),
    "decomposed": unicodedata.normalize("NFD", _FORM).encode(),
    "declared": b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + _FORM.encode(),
    "byte_order_mark": b"\xef\xbb\xbf" + _FORM.encode(),
    "utf16_little": b"\xff\xfe"
    + f'<?xml version="1.0" encoding="UTF-16"?>{_FORM}'.encode("utf-16-le"),
    "utf16_big": b"\xfe\xff" + _FORM.encode("utf-16-be"),
    "ascii": (
        b'<?xml version="1.0" encoding="US-ASCII"?>' + _FORM.encode("ascii", "xmlcharrefreplace")
    ),
    "default_namespace": b'<a xmlns="urn:vn:a"><b c="1"/><d xmlns="urn:vn:d">x</d></a>',
    "prefixes": b'<p:a xmlns:p="urn:p" xmlns:q="urn:q" q:z="1" p:y="2" x="3"><q:b/></p:a>',
    "our_prefixes_mean_others": (
        b'<ds:a xmlns:ds="urn:1" xmlns:xades="urn:2" xmlns="urn:3"><xades:b/><c/></ds:a>'
    ),
    "declared_again": (
        b'<p:a xmlns:p="urn:1"><p:b xmlns:p="urn:2"><p:c xmlns:p="urn:1"/></p:b></p:a>'
    ),
    "unused_namespace": b'<a xmlns:xsi="urn:x" xmlns:p="urn:p"><b type="p:phieu"/></a>',
    "root_in_the_namespace_of_signatures": (
        b'<Manifest xmlns="http://www.w3.org/2000/09/xmldsig#"><x/></Manifest>'
    ),
    "xml_attributes": (
        b'<a xml:lang="vi" xml:space="preserve" xml:id="goc" Id="A"><b xml:lang="en"/></a>'
    ),
    "cdata": b"<a><![CDATA[<b>&amp; 1 < 2]]> ]]&gt; <c><![CDATA[]]></c></a>",
    "windows_lines": b"<a>\r\n\t<b c='1\r\n2'>x\r\ny</b>\r\n</a>\r\n",
    "references": b"<a b='&#13;&#10;&#9;&quot;&lt;'>&#13;&gt;&amp;&apos;&#x1F58B;</a>",
    "comments": b"<!--1--><a><!--</a>-->x<b><!--2--></b></a><!--</a>-->",
    "instructions": b"<a><?in?>x<?in one?y?><b/></a>",
    "instructions_outside": b"<?xml-stylesheet href='a.xsl'?>\n<a>x</a>\n<?end </a>?>\n",
    "no_end_tag": b"<a b='1' />",
    "space_in_end_tag": b"<a>x</a \r\n>",
    "quotes": b"<a b='\"' c=\"'\" d = 'e'/>",
    "many": b"<a>" + b"".join(b"<b c='%d'>%d</b>" % (n, n) for n in range(500)) + b"</a>",
}
"""By what is hard about them."""
