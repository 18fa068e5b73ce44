"""Which level a signature has, by what it brings along."""

from __future__ import annotations

import pytest

from signing.formats.material import ValidationMaterial
from signing.validation.found import (
    CertificateReference,
    Form,
    FoundSignature,
    FoundTimestamp,
    Packaging,
    TimestampKind,
    object_identity,
)
from signing.validation.levels import level_of

_EVIDENCE = ValidationMaterial((), (b"answer",), ())
_NOTHING = ValidationMaterial()


def _found(
    form: Form, *kinds: TimestampKind, material: ValidationMaterial, is_named: bool = True
) -> FoundSignature:
    over = frozenset({object_identity(b"answer")})
    return FoundSignature(
        identity="S-1",
        form=form,
        packaging=Packaging.DETACHED,
        place="",
        objects=(),
        value=None,
        candidate=None,
        references=(CertificateReference("sha256", b""),) if is_named else None,
        material=material,
        timestamps=tuple(
            FoundTimestamp(
                f"T-{place}",
                kind,
                b"",
                lambda _: None,
                # the first document timestamp is from before the evidence
                covers=over if place or kind is not TimestampKind.DOCUMENT else frozenset(),
            )
            for place, kind in enumerate(kinds)
        ),
    )


_SIGNATURE, _DOCUMENT = TimestampKind.SIGNATURE, TimestampKind.DOCUMENT
_ARCHIVE, _CONTAINER = TimestampKind.ARCHIVE, TimestampKind.CONTAINER


@pytest.mark.parametrize(
    ("form", "kinds", "material", "level"),
    [
        (Form.CADES, (), _NOTHING, "B-B"),
        (Form.CADES, (), _EVIDENCE, "B-B"),
        (Form.CADES, (TimestampKind.CONTENT,), _NOTHING, "B-B"),
        (Form.XADES, (_SIGNATURE,), _NOTHING, "B-T"),
        (Form.XADES, (_SIGNATURE,), _EVIDENCE, "B-LT"),
        (Form.XADES, (_SIGNATURE, _ARCHIVE), _EVIDENCE, "B-LTA"),
        (Form.CADES, (_SIGNATURE, _CONTAINER), _EVIDENCE, "B-LTA"),
        (Form.PADES, (_DOCUMENT,), _NOTHING, "B-T"),
        (Form.PADES, (_DOCUMENT,), _EVIDENCE, "B-LT"),
        (Form.PADES, (_SIGNATURE, _DOCUMENT), _EVIDENCE, "B-LTA"),
        (Form.PADES, (_DOCUMENT, _DOCUMENT), _EVIDENCE, "B-LTA"),
        (Form.PKCS7, (_SIGNATURE,), _EVIDENCE, "PKCS#7"),
        (Form.XMLDSIG, (), _NOTHING, "XML-DSig"),
    ],
)
def test_the_level_is_as_far_as_everything_is_there(
    form: Form, kinds: tuple[TimestampKind, ...], material: ValidationMaterial, level: str
) -> None:
    """ETSI EN 319 122-1 §6, 319 132-1 §6, 319 142-1 §6."""
    assert level_of(_found(form, *kinds, material=material)) == level


def test_what_names_no_certificate_is_no_baseline_signature() -> None:
    assert level_of(_found(Form.CADES, _SIGNATURE, material=_EVIDENCE, is_named=False)) == "CAdES"
