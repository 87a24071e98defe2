"""User agent -> browser, operating system, kind of device."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import ua_parser

MAX_FAMILY = 64


class Device(StrEnum):
    """Kinds of device. Unset where the user agent does not say."""

    DESKTOP = "Desktop"
    MOBILE = "Mobile"
    TABLET = "Tablet"
    TV = "TV"
    CONSOLE = "Console"
    UNSET = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says of itself. Empty string: it does not."""

    browser: str
    os: str
    device: Device


TV = re.compile(r"\bTV\b|SmartTV|SMART-TV|HbbTV|AppleTV|Web0S|BRAVIA|CrKey|Roku|NetCast|\bAFT\w")
CONSOLE = re.compile(r"PlayStation|Xbox|Nintendo")
TABLET = re.compile(r"iPad|Tablet(?! PC)|Kindle|PlayBook|\bKF[A-Z]{2}")
""""Tablet PC 2.0" is a component that desktop Windows announces."""
PHONE = re.compile(r"Mobi|iPhone|iPod|Android|Windows Phone|BlackBerry|Opera Mini|MIDP|Nokia")
DESKTOP = re.compile(r"Windows|Macintosh|X11|Linux|CrOS")

BROWSERS = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Android WebView",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "Google app",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "iOS WebView",
    "Opera Mobile": "Opera",
}
"""The names that ua-parser gives to one browser on several systems -> the name people use."""

SYSTEMS = {
    "Arch Linux": "Linux",
    "CentOS": "Linux",
    "Chrome OS": "ChromeOS",
    "Debian": "Linux",
    "Fedora": "Linux",
    "Linux Mint": "Linux",
    "Mac OS X": "macOS",
    "Red Hat": "Linux",
    "SUSE": "Linux",
    "Ubuntu": "Linux",
    "Web0S": "webOS",
}


MAC = re.compile(r"\(Macintosh;")
IPAD = "iOS"
MANY_FINGERS = 2
"""A Mac's touch bar feels one, an iPad five; and Safari on an iPad says that it is on a Mac."""


def describe(user_agent: str, touch_points: int = 0) -> Agent:
    """Read a user agent. The first call loads the patterns, which takes about 150 ms.

    Args:
        user_agent: the text.
        touch_points: how many fingers the screen feels.
    """
    agent = _described(user_agent)
    if touch_points >= MANY_FINGERS and MAC.search(user_agent):
        return replace(agent, os=IPAD, device=Device.TABLET)
    return agent


@lru_cache(maxsize=4096)
def _described(user_agent: str) -> Agent:
    parsed = ua_parser.parse(user_agent)
    browser = parsed.user_agent.family if parsed.user_agent else ""
    system = parsed.os.family if parsed.os else ""
    return Agent(
        browser=BROWSERS.get(browser, browser)[:MAX_FAMILY],
        os=SYSTEMS.get(system, system)[:MAX_FAMILY],
        device=_device(user_agent),
    )


def _device(user_agent: str) -> Device:
    _, android, behind = user_agent.rpartition("Android")
    kinds = (
        (Device.TV, TV.search(user_agent)),
        (Device.CONSOLE, CONSOLE.search(user_agent)),
        # Of two devices with Android, Chrome says Mobile on the phone.
        (Device.TABLET, TABLET.search(user_agent) or (android and "Mobile" not in behind)),
        (Device.MOBILE, PHONE.search(user_agent)),
        (Device.DESKTOP, DESKTOP.search(user_agent)),
    )
    return next((device for device, found in kinds if found), Device.UNSET)
