"""Certificates, their status, and time: what others need to believe a signature."""
