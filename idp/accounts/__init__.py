"""Accounts of people and organisations: who they are, how they prove it, for whom they may act.

Start reading at `model` (what an account is), `login` (signing in), `directory` (asking) and
`lifecycle` (changing).  `imports` brings in whole registers.  Not here: sessions, OAuth, pages.
"""
