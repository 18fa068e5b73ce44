"""The append-only log: what may be recorded, and how a row is tied to the row before it."""
