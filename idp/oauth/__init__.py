"""OAuth 2 and OpenID Connect: the rules, without HTTP and without SQL.

One rule, endpoint or grant per file, named by its term.  Flask is not imported here.
"""
