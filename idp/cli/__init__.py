"""The command `antin`: one file per group of commands, imported only when it is called.

What lives here: the list of groups.  Errors of ours end as one line on standard error.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import click

from clients.registry.errors import RegistryError
from idp.errors import AntinError
from keystore.errors import KeystoreError

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "accounts": ("idp.cli.accounts", "accounts"),
        "backup": ("idp.cli.backup", "backup"),
        "breach": ("idp.cli.breach", "breach"),
        "ca": ("idp.cli.ca", "ca"),
        "clients": ("idp.cli.clients", "clients"),
        "consents": ("idp.cli.consents", "consents"),
        "db": ("idp.cli.db", "db"),
        "keys": ("idp.cli.keys", "keys"),
        "log": ("idp.cli.log", "log"),
        "officials": ("idp.cli.officials", "officials"),
        "otp": ("idp.sandbox.otp", "otp"),
        "renew": ("idp.cli.renew", "renew"),
        "requests": ("idp.cli.requests", "requests"),
        "restore": ("idp.cli.restore", "restore"),
        "sandbox": ("idp.sandbox.command", "sandbox"),
        "serve": ("idp.cli.serve", "serve"),
        "sign": ("idp.cli.sign", "sign"),
        "signer": ("idp.cli.signer", "signer"),
        "trust": ("idp.cli.trust", "trust"),
        "tsa": ("idp.cli.tsa", "tsa"),
        "verifier": ("idp.cli.verifier", "verifier"),
        "verify": ("idp.cli.verify", "verify"),
        "witness": ("idp.cli.witness", "witness"),
        "work": ("idp.cli.work", "work"),
    }
)
"""Name → module and attribute.  `sandbox` and `otp` are absent from the production image."""


_CIRCLES: Final = 10_000
"""Objects more than before, until those that refer to each other alone are looked for."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names, sorted."""
        return sorted(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - the signature is click's
        cmd_name: str,
    ) -> click.Command | None:
        """Import the file of one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            if missing.name is not None and missing.name.startswith("idp.sandbox"):
                return None
            raise
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="antin", prog_name="antin")
def cli() -> None:
    """Ấn Tín: sign in once, sign documents, check what was signed."""


def main() -> None:
    """Entry point: errors of ours are one line, not a trace; files are for their owner alone."""
    os.umask(0o077)
    # a start imports a thousand modules, and looking for garbage among them is a tenth of it
    gc.set_threshold(_CIRCLES, 10, 10)
    try:
        cli()
    except (AntinError, KeystoreError, RegistryError) as error:
        click.echo(f"antin: {str(error) or type(error).__name__}", err=True)
        sys.exit(1)
