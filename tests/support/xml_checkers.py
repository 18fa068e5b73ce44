"""Other people's verifiers of XML signatures: xmlsec in process, xadesjs in one start for many.

What lives here: what is handed to them and what they say.  Not here: anything that the product
imports, or any judgement of ours.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import xmlsec
from lxml import etree

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_SCRIPT: Final = Path(__file__).parents[1] / "node" / "xades_verify.mjs"
_HUGE: Final = etree.XMLParser(huge_tree=True, resolve_entities=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """A file with a signature, for a verifier.

    Takes   certificate: DER; signature_id: which of several; beside: files by reference.
    """

    name: str
    xml: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    signature_id: str = ""
    beside: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def xmlsec_accepts(signed: Signed) -> bool:
    """What xmlsec says, with the key in the certificate and no other."""
    root = etree.fromstring(signed.xml, _HUGE)
    xmlsec.tree.add_ids(root, ["Id"])
    node = find_signature(root, signed.signature_id)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signed.certificate, xmlsec.constants.KeyDataFormatCertDer)
    _Beside.files = dict(signed.beside)
    try:
        context.verify(node)
    except xmlsec.Error:
        return False
    finally:
        _Beside.files = {}
    return True


def find_signature(root: etree._Element, signature_id: str = "") -> etree._Element:
    """The signature of that Id, or the only one."""
    found = [
        one
        for one in root.iter(f"{{{DS}}}Signature")
        if not signature_id or one.get("Id") == signature_id
    ]
    assert len(found) == 1, found
    return found[0]


def ask_xadesjs(asked: Sequence[Signed], *, folder: Path) -> dict[str, dict[str, Any]]:
    """What xadesjs says of each, by name: `valid`, `fault`, `properties`."""
    questions = []
    for number, one in enumerate(asked):
        beside = {}
        for index, (uri, content) in enumerate(one.beside.items()):
            (folder / f"{number}-{index}").write_bytes(content)
            beside[uri] = str(folder / f"{number}-{index}")
        file = folder / f"{number}.xml"
        file.write_bytes(one.xml)
        questions.append(
            {
                "name": one.name,
                "file": str(file),
                "signature_id": one.signature_id,
                "beside": beside,
            }
        )
    done = subprocess.run(
        ["node", str(_SCRIPT)],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert not done.stderr, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)}


class _Beside:
    """Files beside a signature, as xmlsec asks for them by their reference."""

    files: Mapping[str, bytes] = {}

    @classmethod
    def match(cls, uri: bytes) -> bool:
        return unquote(uri.decode()) in map(unquote, cls.files)

    @classmethod
    def open(cls, uri: bytes) -> Any:
        asked = unquote(uri.decode())
        [content] = [one for name, one in cls.files.items() if unquote(name) == asked]
        return [memoryview(content), 0]

    @staticmethod
    def read(handle: Any, buffer: memoryview) -> int:
        content, position = handle
        chunk = content[position : position + len(buffer)]
        buffer[: len(chunk)] = chunk
        handle[1] = position + len(chunk)
        return len(chunk)

    @staticmethod
    def close(handle: Any) -> None:
        handle[0].release()


xmlsec.cleanup_callbacks()
xmlsec.register_callbacks(_Beside.match, _Beside.open, _Beside.read, _Beside.close)
