"""State: SQL tables and the ephemeral store.  Returns frozen model objects, never rows."""
