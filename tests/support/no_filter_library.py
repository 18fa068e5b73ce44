"""Loaded by a process that parses: a host where system calls cannot be filtered."""

import sys

sys.modules["pyseccomp"] = None  # type: ignore[assignment]  # so that importing it fails
