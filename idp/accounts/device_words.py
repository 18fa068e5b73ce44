"""Systems and browsers by their codes, in either language.

What lives here: proper names, and names of kinds of devices, for whoever writes about a device.
Not here: reading a browser's header, and the language of a request (`idp/web/devices.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

PROPER_NAMES: Final[Mapping[str, str]] = {
    "ipad": "iPad",
    "iphone": "iPhone",
    "chromeos": "Chromebook",
}
BROWSER_NAMES: Final[Mapping[str, str]] = {
    "zalo": "Zalo",
    "facebook": "Facebook",
    "coccoc": "Cốc Cốc",
    "edge": "Edge",
    "opera": "Opera",
    "samsung": "Samsung Internet",
    "uc": "UC Browser",
    "firefox": "Firefox",
    "chrome": "Chrome",
    "safari": "Safari",
}

Language = Literal["vi", "en"]

_SYSTEMS: Final[Mapping[Language, Mapping[str, str]]] = {
    "vi": {
        "android": "thiết bị Android",
        "windows": "máy tính Windows",
        "macos": "máy Mac",
        "linux": "máy tính Linux",
    },
    "en": {
        "android": "an Android device",
        "windows": "a Windows computer",
        "macos": "a Mac",
        "linux": "a Linux computer",
    },
}
_ON: Final[Mapping[Language, str]] = {"vi": "trên", "en": "on"}
_UNKNOWN: Final[Mapping[Language, str]] = {"vi": "không rõ", "en": "unknown"}


def device_in(language: Language, device: str) -> str:
    """How people call a device, outside of a request.

    Takes   device: a system and a browser by their codes, `android chrome`; anything else, and
            what is not known, is called so.
    """
    code, _, browser = device.partition(" ")
    system = _SYSTEMS[language].get(code) or PROPER_NAMES.get(code)
    name = BROWSER_NAMES.get(browser)
    if name and system:
        return f"{name} {_ON[language]} {system}"
    return name or system or _UNKNOWN[language]
