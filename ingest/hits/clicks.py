"""Click ids: parameters that ad networks put on a paid click, and what they say by being there.

https://support.google.com/google-ads/answer/9744275 (gclid, gbraid, wbraid),
https://support.google.com/displayvideo/answer/7624702 (dclid),
https://help.ads.microsoft.com/apex/index/3/en/60000 (msclkid),
https://ads.tiktok.com/help (ttclid),
https://business.x.com/en/help (twclid), https://www.linkedin.com/help/lms (li_fat_id),
https://yandex.com/support/metrica (yclid), https://saedu.naver.com (n_keyword_id)
"""

from collections.abc import Mapping
from typing import NamedTuple


class Click(NamedTuple):
    """A paid click: on whose advertisement, and with which medium in GA4's words."""

    network: str
    medium: str = "cpc"


GOOGLE, BING = Click("google"), Click("bing")

CLICKS: Mapping[str, Click] = {
    "gclid": GOOGLE,
    "gbraid": GOOGLE,
    "wbraid": GOOGLE,
    "gad_source": GOOGLE,
    "gclsrc": GOOGLE,
    "dclid": Click("google", "display"),
    "msclkid": BING,
    "ttclid": Click("tiktok"),
    "twclid": Click("twitter"),
    "li_fat_id": Click("linkedin"),
    "rdt_cid": Click("reddit"),
    "sccid": Click("snapchat"),
    "qclid": Click("quora"),
    "yclid": Click("yandex"),
    "ymclid": Click("yandex"),
    "sznclid": Click("seznam"),
    "bd_vid": Click("baidu"),
    "n_keyword_id": Click("naver"),
    "tblci": Click("taboola", "display"),
    "dicbo": Click("outbrain", "display"),
    "oborigurl": Click("outbrain", "display"),
}
"""By the name of the parameter in lower case. fbclid and igshid are none: Facebook and Instagram
put them on every link."""

CLICK_IDS = frozenset(CLICKS)
