"""What a mandate may be for: a small vocabulary, as data.

What lives here: the words that stand in a mandate and in the claim `org` of a token, where a portal
reads them; each names a kind of business that the law or the practice of portals keeps apart.  A
mandate without any is for everything that its kind allows.
Source: Law on Enterprises 59/2020/QH14 Art. 12; NĐ 01/2021/NĐ-CP Art. 12 (filing for others);
TT 89/2026/TT-BTC Art. 8 and 13 (tax); NĐ 30/2020/NĐ-CP Art. 32–33 (seals).
Not here: sentences (`idp/web/mandate_words.py`).
"""

from __future__ import annotations

from typing import Final

SIGN: Final = "sign"
"""Signing in the name of the organisation, with one's own key."""
SEAL: Final = "seal"
"""Using the organisation's seal: the one scope of a seal clerk, and of nobody else."""

DELEGABLE: Final = ("submit", "receive", "tax", "insurance", "customs", "bidding", SIGN)
"""What a delegation may be for, in the order of the page."""
