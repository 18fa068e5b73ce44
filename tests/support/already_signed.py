"""PDF files with fields for signatures, some filled: nothing in them is a real signature.

What lives here: what intake and earlier signatures' demands are tested with.
Source: ISO 32000-2 §12.8.2 (transform methods), §12.7.5.5 (signature fields).
"""

from __future__ import annotations

from tests.support.handmade_pdf import plain_document


def with_signature(
    *, transform: str = "", parameters: str = "", name: str = "Signature1", empty: str = "Empty"
) -> bytes:
    """A field that is filled, beside an empty one.

    Takes   transform, parameters: what the signature forbids; name, empty: of the two fields.
    """
    made = plain_document(catalog="/AcroForm << /Fields [6 0 R 7 0 R] /SigFlags 3 >>")
    reference = ""
    if transform:
        reference = (
            f"/Reference [<< /Type /SigRef /TransformMethod /{transform} "
            f"/TransformParams << /Type /TransformParams {parameters} /V /1.2 >> >>]"
        )
    made.add(f"<< /FT /Sig /T ({name}) /Subtype /Widget /Rect [0 0 0 0] /V 8 0 R >>")
    made.add(f"<< /FT /Sig /T ({empty}) /Subtype /Widget /Rect [0 0 0 0] >>")
    made.add(
        "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached "
        f"/ByteRange [0 10 20 10] /Contents <00> {reference} >>"
    )
    return made.classic()
