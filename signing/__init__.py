"""From an untrusted document to a signed one, and from a signed one to a verdict.

The signing journey and the validator stand in this package; today it holds only its place in
the direction of imports (idp → signing → keystore).
"""
