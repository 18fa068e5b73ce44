"""Checking signed documents: the page `/verify` and its API.

Anyone may ask, nobody signs in.  What is uploaded is held in memory for as long as its answer
takes; what is kept for a quarter of an hour is the report, sealed, so that it can be downloaded.
"""
