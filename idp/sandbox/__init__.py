"""The sandbox: invented people, demo portals, everything started by one command.

Imported by `antin sandbox` and `antin otp` alone, and absent from the production image.  Its people
have numbers with province prefixes that were never assigned, its organisations codes that begin
with 99.  Source: architecture, "Sandbox".
"""
