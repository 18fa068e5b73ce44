"""What it costs, side by side with peers, in one run: `python -m bench`; see README.md here."""
