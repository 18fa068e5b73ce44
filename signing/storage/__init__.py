"""The signing journey in SQL: requests, preparations, evidence, and where documents lie.

What lives here: `metadata`; one file per group of tables, whose functions return model objects.
"""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
"""Tables of signing; `idp.storage.migrations` creates them together with all others."""
