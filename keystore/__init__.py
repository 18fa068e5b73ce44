"""What must not be lost or forged: keys, sealed data, the append-only log.

Imports nothing else of ours.  Private keys exist here and nowhere else; to the rest of the
house a key is a handle.
"""
