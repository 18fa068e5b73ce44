"""Two portals that do it: one for citizens, one for people who act for a business.

What lives here: short honest examples of `clients.sdk` under Flask.  A portal of your own needs
what is in `sign_in.py`, `sessions.py` and `signing.py`; `citizen.py` and `business.py` are what
differs.
"""

from clients.portals.business import create_business_portal
from clients.portals.citizen import create_citizen_portal
from clients.portals.settings import PortalSettings

__all__ = ["PortalSettings", "create_business_portal", "create_citizen_portal"]
