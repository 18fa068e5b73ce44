"""Signature formats: what is signed, and how the signature is written down.

One file per format, named by its term.  Every format works in two halves, so that a person can
confirm in between: `prepare_…` says what has to be signed, `finish_…` takes the signature.  Nothing
here parses a document: that is done in isolation (`signing/parsing`).
"""
