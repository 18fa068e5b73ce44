"""One OAuth grant per file: what is checked and what is issued at the token endpoint."""
