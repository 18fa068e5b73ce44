"""The history of the tables: one file per step, never changed once it has shipped."""
