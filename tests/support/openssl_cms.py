"""CMS and timestamps that `openssl` makes, in ways that we never write ourselves.

What lives here: `OpensslSigner`, a self-signed certificate with its key in a folder, and what it
signs; `openssl_accepts`, the other opinion.
Not here: anything that the product imports.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_TSA = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha1, sha256, sha512
accuracy = secs:1, millisecs:500
ess_cert_id_alg = {ess}
"""


def _run(*command: str, folder: Path) -> bytes:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=600, check=True)
    return done.stdout


@dataclass(frozen=True, slots=True)
class OpensslSigner:
    """Somebody who signs; `name` is that of the files."""

    folder: Path
    name: str

    @classmethod
    def make(
        cls, folder: Path, name: str, *, key: str = "rsa:2048", use: str = ""
    ) -> OpensslSigner:
        """Make a key (`rsa:2048`, `ec:P-256`, `dsa`) and its certificate.

        Takes   use: of the key beyond signing, as `openssl` writes it.
        """
        kind, _, detail = key.partition(":")
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-nodes", "-days", "400"]
        extra = ["-addext", f"extendedKeyUsage=critical,{use}"] if use else []
        subject = ["-subj", f"/C=VN/CN={name}"]
        how = ["-newkey", key]
        if kind == "ec":
            how = ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{detail}"]
        _run("openssl", "req", "-x509", *how, *files, *subject, *extra, folder=folder)
        return cls(folder, name)

    def sign(self, content: bytes, *options: str, others: tuple[OpensslSigner, ...] = ()) -> bytes:
        """A CMS over content; attached with `-nodetach`, in BER with `-stream`."""
        (self.folder / "content").write_bytes(content)
        signers = [
            part
            for one in (self, *others)
            for part in ("-signer", f"{one.name}.pem", "-inkey", f"{one.name}.key")
        ]
        form = [] if "-outform" in options else ["-outform", "DER"]
        return _run(
            "openssl", "cms", "-sign", "-binary", "-in", "content", *signers, *form, *options,
            folder=self.folder,
        )  # fmt: skip

    def stamp(self, content: bytes, *, hash_name: str = "sha256", ess: str = "sha256",
              with_certificate: bool = True) -> bytes:  # fmt: skip
        """A timestamp token over content."""
        (self.folder / "content").write_bytes(content)
        (self.folder / "serial").write_text("01\n")
        (self.folder / "tsa.cnf").write_text(_TSA.format(folder=self.folder, ess=ess))
        wanted = ["-cert"] if with_certificate else []
        query = ["-data", "content", f"-{hash_name}", "-out", "query", *wanted]
        _run("openssl", "ts", "-query", *query, folder=self.folder)
        return _run(
            "openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile",
            "query", "-signer", f"{self.name}.pem", "-inkey", f"{self.name}.key", "-token_out",
            folder=self.folder,
        )  # fmt: skip

    def value(self, octets: bytes) -> bytes:
        """A signature value over octets alone, by SHA-256."""
        (self.folder / "octets").write_bytes(octets)
        how = ["-sha256", "-sign", f"{self.name}.key", "octets"]
        return _run("openssl", "dgst", *how, folder=self.folder)

    def accepts(self, token: bytes, *, content: bytes) -> bool:
        """Whether `openssl ts -verify` takes a token for this authority's over content."""
        (self.folder / "token").write_bytes(token)
        (self.folder / "stamped").write_bytes(content)
        command = ["openssl", "ts", "-verify", "-data", "stamped", "-in", "token", "-token_in"]
        command += ["-CAfile", f"{self.name}.pem"]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, timeout=600, check=False
        )
        return done.returncode == 0

    @property
    def certificate(self) -> bytes:
        """DER."""
        return _run(
            "openssl", "x509", "-in", f"{self.name}.pem", "-outform", "DER", folder=self.folder
        )


def openssl_accepts(cms: bytes, *, folder: Path, content: bytes | None = None) -> bool:
    """Whether `openssl cms -verify` finds digests and values right, whoever signed."""
    (folder / "judged").write_bytes(cms)
    command = [
        "openssl",
        "cms",
        "-verify",
        "-binary",
        "-noverify",
        "-inform",
        "DER",
        "-in",
        "judged",
    ]
    if content is not None:
        (folder / "judged.content").write_bytes(content)
        command += ["-content", "judged.content"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=600, check=False)
    return done.returncode == 0
