"""`antin sign`: a document signed in the name of the service, when an operator says so.

What lives here: reading the file, choosing the key, writing the result, and what is printed.  The
key is one of the service's own, for documents; keys of people and organisations are out of reach.
Source: architecture, "Commands".
Not here: signing (`signing/at_once`), what is said of a refusal (`idp/cli/sign_text`).
"""

from __future__ import annotations

import json
import mimetypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click
from cryptography import x509
from cryptography.x509.oid import NameOID

from idp.cli.context import open_services
from idp.cli.naming import operator_option
from idp.cli.sign_text import NOT_NOW, REFUSED, UNREADABLE, say
from keystore.errors import KeystoreError
from keystore.log.events import Event, EventType
from keystore.pki.service_certificates import ServiceSigner

if TYPE_CHECKING:
    from idp.pki import Pki
    from idp.services import Services
    from signing.at_once import SignedAtOnce, Wish

_MIB: Final = 1 << 20
_CHUNK: Final = 1 << 20
_MOST_APPEARANCE_BYTES: Final = 64 * 1024
_MOST_IMAGE_BYTES: Final = 8 * _MIB
_FORMATS: Final = (
    *("pades", "xades-enveloped", "xades-enveloping", "xades-detached"),
    *("cades-detached", "cades-enveloping", "asic-s-cades", "asic-e-cades", "asic-e-xades"),
)
_input_file: Final = click.Path(dir_okay=False, path_type=Path)


class _Refused(click.ClickException):
    """It is not signed."""

    exit_code = REFUSED


class _NotNow(click.ClickException):
    """It may be signed later."""

    exit_code = NOT_NOW


class _Unreadable(click.ClickException):
    """There is nothing that could be signed."""

    exit_code = UNREADABLE


_FAILURES: Final = {one.exit_code: one for one in (_Refused, _NotNow, _Unreadable)}


@click.command()
@click.argument("file", type=_input_file)
@click.option("--output", "-o", required=True, type=_input_file, help="Must not be there yet.")
@click.option(
    "--level",
    type=click.Choice(["B", "T", "LT", "LTA"], case_sensitive=False),
    default="LT",
    show_default=True,
)
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="Default: the usual one for the file."
)
@click.option(
    "--appearance",
    metavar="KIND|JSON|FILE",
    help="How it is seen in a PDF: `general`, an object as portals send it, or a file with one.",
)
@click.option("--image", type=_input_file, help="PNG of a signature or a seal.")
@click.option("--seal-width", type=float, metavar="MM", help="Of the real seal.")
@click.option("--reason", default="")
@click.option("--location", default="")
@click.option("--media-type", default="", help="Default: by the name of the file.")
@click.option("--key", "kid", metavar="KID", help="See `antin keys list --purpose document`.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@operator_option
def sign(
    file: Path,
    *,
    output: Path,
    level: str,
    form: str | None,
    appearance: str | None,
    image: Path | None,
    seal_width: float | None,
    reason: str,
    location: str,
    media_type: str,
    kid: str | None,
    as_json: bool,
    operator: str,
) -> None:
    """Sign FILE with a key of this service, in its own name.

    Which key has to be said, but in a sandbox.  Nothing is written unless all of it went well, and
    nothing that is there is written over.

    \b
    Exit status: 0  signed
                 1  refused
                 2  not possible now (no timestamp, no status, no room), or wrongly called
                 3  the file cannot be read
    """  # noqa: D301 - \b is click's: what follows stays as it is
    if output.exists():
        raise _Refused(f"{output} is there already; nothing was signed")
    with ExitStack() as held:
        services = held.enter_context(open_services())
        held.enter_context(_told())
        from signing.formats.material import Level
        from signing.isolation.blob import Blob
        from signing.model import SignatureFormat
        from signing.new_request import NewDocument

        most_bytes = services.settings.document_mib * _MIB
        document = NewDocument(
            name=file.name,
            media_type=media_type or _media_type(file),
            content=held.enter_context(Blob.of_chunks(_read(file, most_bytes=most_bytes))),
            format=None if form is None else SignatureFormat(form),
        )
        picture = None
        if image is not None:
            chunks = _read(image, most_bytes=_MOST_IMAGE_BYTES)
            picture = held.enter_context(Blob.of_chunks(chunks))
        from signing.at_once import Wish

        wish = Wish(
            document=document,
            level=Level(f"B-{level.upper()}"),
            reason=reason,
            location=location,
            appearance=_appearance(appearance),
            image=picture,
            seal_width_mm=seal_width,
            verify_url=f"{services.settings.issuer}/verify",
        )
        signed, signer = _sign(services, wish, kid=kid, most_bytes=most_bytes)
        held.callback(signed.content.close)
        _record(services, wish, signed=signed, signer=signer, operator=operator)
        _write(output, signed)
        facts = _facts(wish, output=output, signed=signed, signer=signer)
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else _line(facts))


@contextmanager
def _told() -> Iterator[None]:
    """Refusals are one line with their code, and an exit status."""
    from signing.errors import SigningError

    try:
        yield
    except SigningError as error:
        status, line = say(error)
        raise _FAILURES[status](line) from error
    except KeystoreError as error:
        raise _Refused(f"{error.code} ({error})") from error


def _sign(
    services: Services, wish: Wish, *, kid: str | None, most_bytes: int
) -> tuple[SignedAtOnce, ServiceSigner]:
    from idp.service_key import own_key
    from idp.signing_format_services import find_roots
    from signing.at_once import sign_at_once

    signing, pki = services.signing, services.trust.pki
    if signing is None or pki is None:
        raise _Refused("this deployment runs no certification authority, so has no key")
    now = services.time()
    signer = _choose(services, pki, kid=kid, now=now)
    signed = sign_at_once(
        wish,
        key=own_key(signer, roots=find_roots(services.settings, pki=pki)),
        intake=signing.intake,
        parties=signing.parties,
        most_bytes=most_bytes,
        now=now,
    )
    return signed, signer


def _choose(services: Services, pki: Pki, *, kid: str | None, now: datetime) -> ServiceSigner:
    """The key that was named; in a sandbox the one that signs now, made at first need."""
    if kid is not None:
        return pki.document_certificates.of_key(kid, now=now)
    if not services.is_sandbox:
        raise click.UsageError("name a key with --key: `antin keys list --purpose document`")
    pki.document_certificates.renew_due(now)
    return pki.document_certificates.find(now)


def _record(
    services: Services, wish: Wish, *, signed: SignedAtOnce, signer: ServiceSigner, operator: str
) -> None:
    # no record, no act: only afterwards anything is written
    event = Event(
        EventType.SERVICE_SIGNED,
        facts={
            "kid": signer.key.kid,
            "format": signed.format.value,
            "level": wish.level.value,
            "sha256": signed.content.digest("sha256").hex(),
        },
    )
    log = services.log.in_name_of(operator)
    with services.database.transaction() as tx:
        log.record(tx, event, data_key=None, now=services.time())


def _write(output: Path, signed: SignedAtOnce) -> None:
    """All of it or nothing; never over something that is there."""
    try:
        fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as there:
        raise _Refused(f"{output} is there already; nothing was written") from there
    except OSError as failure:
        raise _Refused(f"{output}: {failure.strerror}") from failure
    try:
        with os.fdopen(fd, "wb") as out:
            for chunk in signed.content.chunks():
                out.write(chunk)
    except OSError as failure:
        output.unlink(missing_ok=True)
        raise _Refused(f"{output}: {failure.strerror}") from failure


def _read(file: Path, *, most_bytes: int) -> Iterator[bytes]:
    """A file in pieces, of which there are not too many."""
    size_bytes = 0
    try:
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                size_bytes += len(chunk)
                if size_bytes > most_bytes:
                    _refuse_size(file)
                yield chunk
    except OSError as failure:
        raise _Unreadable(f"{file}: {failure.strerror}") from failure


def _refuse_size(file: Path) -> NoReturn:
    raise _Refused(f"too_large: {file} is too large")


def _appearance(text: str | None) -> bytes:
    """JSON of an appearance: as it is, out of a file, or made of a single word."""
    if text is None:
        return b""
    if text.lstrip().startswith("{"):
        return text.encode()
    if text.isascii() and text.isalpha():
        return json.dumps({"kind": text}).encode()
    return b"".join(_read(Path(text), most_bytes=_MOST_APPEARANCE_BYTES))


def _media_type(file: Path) -> str:
    # the table of Python alone: what this machine has installed makes no difference
    return mimetypes.MimeTypes().guess_type(file.name)[0] or "application/octet-stream"


def _facts(
    wish: Wish, *, output: Path, signed: SignedAtOnce, signer: ServiceSigner
) -> dict[str, str | int]:
    certificate = x509.load_der_x509_certificate(signer.chain[0])
    return {
        "output": str(output),
        "format": signed.format.value,
        "level": wish.level.value,
        "signed_at": f"{signed.signed_at:%FT%TZ}",
        "signer": _name(certificate.subject),
        "kid": signer.key.kid,
        "serial": f"{certificate.serial_number:x}",
        "size": signed.content.size,
        "sha256": signed.content.digest("sha256").hex(),
    }


def _line(facts: dict[str, str | int]) -> str:
    return f"{facts['output']}: {facts['format']} {facts['level']}, {facts['signer']}"


def _name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
