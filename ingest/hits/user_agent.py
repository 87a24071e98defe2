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


TV = re.compile(
    r"\bTV\b|SmartTV|SMART-TV|HbbTV|AppleTV|Apple TV|Web0S|BRAVIA|CrKey|Roku|NetCast|\bAFT\w|VIDAA"
    r"|GoogleTV|Large Screen|MiBOX|MiTV|Viera|\bDTV\b|\bPOV_TV|SMARTTV"
    r"|NETTV|Fire TV"
)
CONSOLE = re.compile(r"PlayStation|Xbox|Nintendo|Valve Steam|Steam ?Deck", re.IGNORECASE)
TABLET = re.compile(
    r"iPad|Tablet(?! PC)|Kindle|Silk/|PlayBook|\bKF[A-Z]{2}|\(Tablet;|TouchPad|\bGT-P\d"
    r"|Nexus (?:7|9|10)\b"
)
""""Tablet PC 2.0" is a component that desktop Windows announces."""
PHONE = re.compile(
    r"Mobi|iPhone|iPod|Android|Windows (?:Phone|CE)|IEMobile|BlackBerry|BB10|Opera Mini|MIDP|Nokia"
    r"|\(Phone;|KAIOS|UCWEB|J2ME|SymbianOS|Symbian/|webOS/|hpwOS|PalmOS|SonyEricsson|\bSAMSUNG-S"
    r"|Maemo|MeeGo|Bada/|DoCoMo|KDDI|SoftBank|NetFront"
)
DESKTOP = re.compile(
    r"Windows|Win32|Macintosh|Mac OS X|Mac_P|X11|Linux|CrOS|\(PC;|\(2in1;|Darwin|Haiku|BeOS|OS/2"
    r"|AmigaOS|(?:Free|Net|Open)BSD|SunOS|Ubuntu|RISC OS"
)
CHROMEBOOK = "Chromebook"
"""In the agent of an Android app that runs on one."""
TIZEN = "Tizen"
"""Its agents also say Linux, or that they are like Android."""
OPEN_HARMONY = re.compile(r"OpenHarmony|HarmonyOS")
SMALL_SCREEN = re.compile(r"Opera Mini|Opera Mobi|Fennec|Phone|U2/1\.0")
"""On Android, what is a phone although nothing says Mobile."""
NAMED = re.compile(
    r"(?P<ecosia>\(?Ecosia )|(?P<threads>\bBarcelona )|(?P<kakao>KAKAOTALK)|(?P<naver>NAVER\()"
    r"|(?P<wechat>MicroMessenger)|(?P<line> Line/)|(?P<huawei>HuaweiBrowser/)"
    r"|(?P<ddg>\bDuckDuckGo/|Ddg/)|(?P<tiktok>musical_ly|BytedanceWebview|TikTok |trill_)"
    r"|(?P<linkedin>LinkedInApp)|(?P<snapchat>Snapchat[ /]?\d)|(?P<instagram>Instagram \d)"
    r"|(?P<pinterest>\[Pinterest/)|(?P<facebook>\bFB(?:AN|_IAB|AV|IOS)[/:;])|(?P<gsa>\bGSA/)"
    r"|(?P<twitter>Twitter for |TwitterAndroid)|(?P<telegram>Telegram-)|(?P<reddit>Reddit/)"
    r"|(?P<brave>\bBrave/)|(?P<vivaldi>Vivaldi/)|(?P<whale>Whale/)"
    r"|(?P<samsung>SamsungBrowser/"
    r"|; SAMSUNG[ -][^;()]{1,60}\) AppleWebKit/[\d.]{1,9} \(KHTML, like Gecko\) Version/[12]\.)"
    r"|(?P<miui>MiuiBrowser/)|(?P<yandex>YaBrowser/|YaApp_|YaSearchBrowser/)|(?P<qq>MQQBrowser/)"
    r"|(?P<uc>UCBrowser/|UCWEB/|UBrowser/|UCLite/)|(?P<opera>OPR/|OPT/|OPiOS/)|(?P<edge>Edge?/|EdgA/|EdgiOS/)"
)
NAMES = {
    "ecosia": "Ecosia",
    "threads": "Threads",
    "kakao": "KakaoTalk",
    "naver": "Naver",
    "wechat": "WeChat",
    "line": "LINE",
    "huawei": "Huawei Browser",
    "ddg": "DuckDuckGo",
    "tiktok": "TikTok",
    "linkedin": "LinkedIn",
    "snapchat": "Snapchat",
    "instagram": "Instagram",
    "pinterest": "Pinterest",
    "facebook": "Facebook",
    "gsa": "Google app",
    "twitter": "X",
    "telegram": "Telegram",
    "reddit": "Reddit",
    "brave": "Brave",
    "vivaldi": "Vivaldi",
    "whale": "Whale",
    "samsung": "Samsung Internet",
    "miui": "MIUI Browser",
    "yandex": "Yandex Browser",
    "qq": "QQ Browser",
    "uc": "UC Browser",
    "opera": "Opera",
    "edge": "Edge",
}
"""Browsers, and apps that show pages, that say what they are beside the engine they have; the
first that is named wins."""
PROGRAM_NAME = re.compile(r"bot\b|spider|crawl", re.IGNORECASE)
DEVICE_NAME = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)")
"""The first comment of a user agent, in which a phone's name may look like a program's."""

BROWSERS = {
    "Bon Echo": "Firefox",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox (Minefield)": "Firefox",
    "Firefox (Shiretoko)": "Firefox",
    "Firefox Alpha": "Firefox",
    "Firefox Beta": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "Google app",
    "GranParadiso": "Firefox",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "iOS WebView",
    "Opera Mobile": "Opera",
    "Opera Tablet": "Opera",
}
"""The names that ua-parser gives to one browser on several systems -> the name people use."""

SYSTEMS = {
    "Arch Linux": "Linux",
    "CentOS": "Linux",
    "Chrome OS": "ChromeOS",
    "Debian": "Linux",
    "Fedora": "Linux",
    "Kubuntu": "Linux",
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
    """Read a user agent. The first call loads the patterns, which takes about 600 ms.

    Args:
        user_agent: the text.
        touch_points: how many fingers the screen feels.
    """
    agent = _described(user_agent)
    if touch_points >= MANY_FINGERS and MAC.search(user_agent):
        return replace(agent, os=IPAD, device=Device.TABLET)
    return agent


@lru_cache(maxsize=8192)
def _described(user_agent: str) -> Agent:
    return Agent(browser=_browser(user_agent), os=_system(user_agent), device=_device(user_agent))


def _browser(user_agent: str) -> str:
    named = NAMED.search(user_agent)
    if named is not None:
        return NAMES[named.lastgroup or ""]
    parsed = ua_parser.parse_user_agent(user_agent)
    if parsed is not None and PROGRAM_NAME.search(parsed.family):
        parsed = ua_parser.parse_user_agent(DEVICE_NAME.sub("()", user_agent, count=1))
    browser = parsed.family if parsed is not None else ""
    return BROWSERS.get(browser, browser)[:MAX_FAMILY]


def _system(user_agent: str) -> str:
    if OPEN_HARMONY.search(user_agent):
        return "HarmonyOS"
    if CHROMEBOOK in user_agent:
        return "ChromeOS"
    if TIZEN in user_agent:
        return TIZEN
    parsed = ua_parser.parse_os(user_agent)
    system = parsed.family if parsed is not None else ""
    return SYSTEMS.get(system, system)[:MAX_FAMILY]


def _device(user_agent: str) -> Device:
    is_android = "Android" in user_agent
    small = "Mobi" in user_agent or SMALL_SCREEN.search(user_agent)
    kinds = (
        (Device.TV, TV.search(user_agent)),
        (Device.DESKTOP, CHROMEBOOK in user_agent),
        (Device.CONSOLE, CONSOLE.search(user_agent)),
        # Of two devices with Android, Chrome says Mobile on the phone.
        (Device.TABLET, TABLET.search(user_agent) or (is_android and not small)),
        (Device.MOBILE, PHONE.search(user_agent)),
        (Device.DESKTOP, DESKTOP.search(user_agent)),
    )
    return next((device for device, found in kinds if found), Device.UNSET)
