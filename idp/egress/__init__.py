"""The one door through which the provider calls out.

door.py         `Egress`: what may be called, and the ways of calling
addresses.py    which addresses are public, which private networks an operator may open
connection.py   a connection to one address, with one deadline for all of it
mail.py         handing a message to a mail server
errors.py       refused by us, or failed out there
"""

from __future__ import annotations

from idp.egress.door import Egress, EgressAnswer, EgressReply
from idp.egress.errors import EgressFailed, EgressRefused

__all__ = ["Egress", "EgressAnswer", "EgressFailed", "EgressRefused", "EgressReply"]
