import pytest

from ingest.hits.user_agent import Agent, Device, describe

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROMIUM = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "browser", "os", "device"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROMIUM} Safari/537.36",
            "Chrome",
            "Windows",
            Device.DESKTOP,
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROMIUM} Safari/537.36 Edg/120.0.0.0",
            "Edge",
            "Windows",
            Device.DESKTOP,
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/17 Safari/605.1.15",
            "Safari",
            "macOS",
            Device.DESKTOP,
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/119.0",
            "Firefox",
            "Linux",
            Device.DESKTOP,
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; Tablet PC 2.0; rv:11.0) like Gecko",
            "Internet Explorer",
            "Windows",
            Device.DESKTOP,
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROMIUM} Safari/537.36",
            "Chrome",
            "ChromeOS",
            Device.DESKTOP,
        ),
        (
            (
                f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {APPLE} Version/17.0 "
                "Mobile/15E148 Safari/604.1"
            ),
            "Safari",
            "iOS",
            Device.MOBILE,
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {CHROMIUM} Mobile Safari/537.36",
            "Chrome",
            "Android",
            Device.MOBILE,
        ),
        (
            f"Mozilla/5.0 (Linux; Android 12; SM-T870) {CHROMIUM} Safari/537.36",
            "Chrome",
            "Android",
            Device.TABLET,
        ),
        (
            (
                f"Mozilla/5.0 (iPad; CPU OS 14_0 like Mac OS X) {APPLE} Version/14.0 Mobile/15E148 "
                "Safari/604.1"
            ),
            "Safari",
            "iOS",
            Device.TABLET,
        ),
        (
            (
                "Mozilla/5.0 (SMART-TV; LINUX; Tizen 5.0) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Version/5.0 TV Safari/537.36"
            ),
            "Safari",
            "Tizen",
            Device.TV,
        ),
        (
            f"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) {APPLE} Version/13.0 Safari/605.1.15",
            "Safari",
            "",
            Device.CONSOLE,
        ),
        ("something else", "", "", Device.UNSET),
    ],
)
def test_a_user_agent_says_browser_system_and_device(
    user_agent: str, browser: str, os: str, device: Device
) -> None:
    assert describe(user_agent) == Agent(browser, os, device)
