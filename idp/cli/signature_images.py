"""`antin accounts signature-image`: what somebody's signature or seal looks like on paper.

What lives here: one command.  An operator sets it, from what was handed in where the person was
proofed, or from the specimen of the seal that the organisation registered.
Source: NĐ 30/2020/NĐ-CP Annex I II.7d, II.8a.  Not here: what is taken (`idp.signature_images`).
"""

from __future__ import annotations

from pathlib import Path

import click

from idp.cli.context import open_services
from idp.cli.naming import account_argument, find_named, operator_option, told_refusals
from signing.errors import DocumentRefused, SigningError


@click.command("signature-image")
@account_argument
@click.option(
    "--file", "image", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PNG with a clear background: a signature in blue, a seal in red.",
)  # fmt: skip
@click.option("--seal-width-mm", type=float, help="Of the real seal, for an organisation.")
@click.option("--remove", is_flag=True, help="Forget the image instead.")
@operator_option
def signature_image(
    account: str, *, image: Path | None, seal_width_mm: float | None, remove: bool, operator: str
) -> None:
    """Set what the signature of ACCOUNT, or its seal, looks like."""
    if (image is None) != remove:
        raise click.UsageError("either --file or --remove")
    with open_services() as services:
        found = find_named(services, account)
        if services.signing is None:
            raise click.ClickException("this deployment signs nothing: it runs no authority")
        images, log, now = (
            services.signing.images,
            services.log.in_name_of(operator),
            services.time(),
        )
        if image is None:
            is_gone = images.remove_image(found.account_id, now=now, log=log)
            click.echo("removed" if is_gone else "there was none")
            return
        try:
            with told_refusals():
                images.set_image(
                    found.account_id, image.read_bytes(), width_mm=seal_width_mm, now=now, log=log
                )
        except SigningError as refusal:
            reason = refusal.reason if isinstance(refusal, DocumentRefused) else refusal.code
            raise click.ClickException(reason) from refusal
        click.echo("set")
