"""Which signatures of a document would break if something were written at a place in it.

What lives here: one question, asked before a signature is added or augmented.  A signature over the
whole document survives another one only if it leaves all signatures out, by one of the two
expressions that are in use for that; what is not recognised is taken to cover everything.
Source: W3C XML Signature 1.1 §4.4.3.3 (same-document references), §6.6.3 (XPath), §6.6.4
(enveloped); W3C XPath Filter 2.0 §3.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from signing.formats.xml_names import DS, ENVELOPED, XPATH, XPATH_FILTER

SIGNATURE: Final = f"{{{DS}}}Signature"
_REFERENCES: Final = f"{{{DS}}}SignedInfo/{{{DS}}}Reference"
_TRANSFORMS: Final = f"{{{DS}}}Transforms/{{{DS}}}Transform"
_WHOLE: Final = frozenset({"", "#xpointer(/)"})
_IDS: Final = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")


def would_break(place: etree._Element, *, own: etree._Element | None = None) -> bool:
    """Whether writing into `place` breaks a signature.

    Takes   own: the signature that is augmented, of which `place` is a part.
    """
    around = (place, *place.iterancestors())
    names = frozenset(one.get(kind) for one in around for kind in _IDS)
    return any(
        _covers(reference, names) and not _leaves_out(reference, is_own=signature is own)
        for signature in place.getroottree().getroot().iter(SIGNATURE)
        for reference in signature.iterfind(_REFERENCES)
    )


def _covers(reference: etree._Element, names: frozenset[str | None]) -> bool:
    uri = reference.get("URI")
    if uri is None or (uri and not uri.startswith("#")):
        return False
    if uri in _WHOLE:
        return True
    named = uri[1:]
    if named.startswith("xpointer(id("):
        named = named.removeprefix("xpointer(id(").removesuffix("))").strip("'\"")
    return named in names


def _leaves_out(reference: etree._Element, *, is_own: bool) -> bool:
    for transform in reference.iterfind(_TRANSFORMS):
        algorithm = transform.get("Algorithm")
        if algorithm == ENVELOPED and is_own:
            return True
        if algorithm == XPATH and any(
            _says(one, "not(ancestor-or-self::{}:Signature)") for one in transform
        ):
            return True
        if algorithm == XPATH_FILTER and any(
            one.get("Filter") == "subtract"
            and (_says(one, "/descendant::{}:Signature") or _says(one, "//{}:Signature"))
            for one in transform
        ):
            return True
    return False


def _says(expression: etree._Element, wanted: str) -> bool:
    said = "".join((expression.text or "").split())
    return any(
        prefix is not None and said == wanted.format(prefix)
        for prefix, name in expression.nsmap.items()
        if name == DS
    )
