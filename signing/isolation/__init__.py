"""The walls around whatever reads documents of other people (architecture, decision 12)."""
