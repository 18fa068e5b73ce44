"""What a browser says that it is, in plain words.

What lives here: reading the User-Agent header down to one of a few systems and one of a few
browsers, and how the two are named.  The header itself is neither kept nor shown: it can hold
anything, and its version numbers tell people apart.  What nobody recognises is called so.
Source: RFC 9110 §10.1.5 (what anybody may claim; nothing is decided by it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.accounts.device_words import BROWSER_NAMES, PROPER_NAMES
from idp.web.i18n import translate
from idp.web.sentences import N_

_MOST_READ: Final = 512

_SYSTEMS: Final = (
    ("ipad", "ipad"),
    ("iphone", "iphone"),
    ("android", "android"),
    ("cros ", "chromeos"),
    ("windows", "windows"),
    ("mac os x", "macos"),
    ("macintosh", "macos"),
    ("linux", "linux"),
)
"""In this order: Android says Linux too, and an iPhone says Mac OS X."""

_BROWSERS: Final = (
    ("zalo", "zalo"),
    ("fban", "facebook"),
    ("fbav", "facebook"),
    ("coc_coc", "coccoc"),
    ("edg", "edge"),
    ("opr/", "opera"),
    ("samsungbrowser", "samsung"),
    ("ucbrowser", "uc"),
    ("firefox", "firefox"),
    ("fxios", "firefox"),
    ("crios", "chrome"),
    ("chrome", "chrome"),
    ("safari", "safari"),
)
"""In this order: nearly all of them say Chrome or Safari as well."""

_SYSTEM_NAMES: Final[Mapping[str, str]] = {
    "android": N_("thiết bị Android"),
    "windows": N_("máy tính Windows"),
    "macos": N_("máy Mac"),
    "linux": N_("máy tính Linux"),
}


def device_of(raw_user_agent: str) -> str:
    """A system and a browser out of our own lists, `android chrome`; either may be `unknown`.

    Returns empty when neither is recognised.
    """
    said = raw_user_agent[:_MOST_READ].lower()
    system = next((code for mark, code in _SYSTEMS if mark in said), "unknown")
    browser = next((code for mark, code in _BROWSERS if mark in said), "unknown")
    return "" if system == browser == "unknown" else f"{system} {browser}"


def device_name(device: str) -> str:
    """How people call it, in the language of the request.

    Takes   device: as `device_of` returned it, however long ago.
    """
    code, _, browser = device.partition(" ")
    system, name = _system_name(code), BROWSER_NAMES.get(browser)
    if system and name is not None:
        return translate(N_("%(browser)s trên %(system)s"), browser=name, system=system)
    if name is not None:
        return name
    if system:
        return translate(N_("Trình duyệt trên %(system)s"), system=system)
    return translate(N_("Thiết bị không rõ"))


def _system_name(code: str) -> str:
    if code in _SYSTEM_NAMES:
        return translate(_SYSTEM_NAMES[code])
    return PROPER_NAMES.get(code, "")
