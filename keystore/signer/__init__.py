"""The process that alone opens personal signing keys, and how the others ask it."""
