"""Tables of the public key infrastructure: one file per kind of record.

SQL is here and nowhere else under `keystore/pki`; what comes out are frozen records.
"""
