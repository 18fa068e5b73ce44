"""From a document of somebody else to one that its signer confirmed and signed.

A portal asks (`requests`), the signer's window opens over exactly what will be signed
(`authorize`), one confirmation is taken (`confirm`), and the documents are finished (`sign`).
Formats stand in `formats`, whatever reads documents behind walls in `parsing` and `isolation`, what
is seen of a signature in `appearance`, the API in `web`.  Checking signatures of others comes
beside it.
"""
