"""Certificates, their status and timestamps: what makes a key of ours worth anything to others.

Profiles, names and policies are data; building a certificate knows nothing of storage; use cases
write a certificate and its log row in one transaction.
"""
