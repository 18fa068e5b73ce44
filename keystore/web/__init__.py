"""Endpoints of the keystore, without a framework: what comes in and what goes out is bytes.

Each endpoint is an object behind the Protocol in `answer.py`; whoever serves HTTP asks it.
"""
