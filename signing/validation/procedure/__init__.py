"""The procedure of ETSI EN 319 102-1, one building block in a file, named by its section.

    format_check         §5.2.2        basic           §5.3
    identification       §5.2.3        timestamps      §5.4
    context_start        §5.2.4        with_time       §5.5
    freshness            §5.2.5        past_certificate, control_time, past_signature  §5.6.2
    x509_validation      §5.2.6        long_term       §5.6.3
    cryptographic        §5.2.7        signature       all of them, into a report
    acceptance           §5.2.8

Nothing here knows a format, reads a document, or raises.
"""
