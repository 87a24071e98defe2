"""The whole way in a real browser: a page with the tracker, and the dashboard that shows it."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.pipeline.engine import Engine, eventually, liveinsight, running

pytestmark = [pytest.mark.pipeline, pytest.mark.browser]

SITE = "127.0.0.1"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("browser")
    liveinsight("site", "add", SITE, "--public", "--data", data)
    liveinsight("site", "add", "private.example", "--data", data)
    with running(data) as engine:
        yield engine


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> Iterator[str]:
    """A site of static pages that embeds the tracker."""
    snippet = f'<script defer data-site="{SITE}" src="{engine.url}/liveinsight.js"></script>'
    (tmp_path / "index.html").write_text(f"<!doctype html><title>Shop</title>{snippet}")
    handler = partial(Quiet, directory=tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


def text(chromium: Chrome, hook: str) -> str:
    return chromium.find_element(By.CSS_SELECTOR, f'[data-testid="{hook}"]').text


def value(chromium: Chrome, hook: str) -> str | None:
    total = chromium.find_element(By.CSS_SELECTOR, f'[data-testid="{hook}"]')
    return total.get_attribute("data-value")


def is_shown(chromium: Chrome, hook: str) -> bool:
    return chromium.find_element(By.CSS_SELECTOR, f'[data-testid="{hook}"]').is_displayed()


def is_ready(chromium: Chrome) -> bool:
    return bool(chromium.execute_script("return document.documentElement.dataset.ready"))


def complaints(chromium: Chrome) -> list[str]:
    logged = chromium.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in logged if entry["level"] in {"SEVERE", "WARNING"}]


def test_a_page_view_and_a_custom_event_reach_the_dashboard(
    engine: Engine, chromium: Chrome, shop: str
) -> None:
    chromium.get(shop)
    chromium.execute_script(
        "history.pushState({}, '', '/pricing'); window.liveinsight.track('signup', {plan: 'pro'})"
    )

    def counted() -> bool:
        totals = engine.get("/api/stats", site_id=SITE)["totals"]
        return (totals["pageviews"], totals["events"]) == (2, 1)

    eventually(counted, within=15)
    complaints(chromium)  # the shop has no icon
    chromium.get(f"{engine.url}/?site={SITE}")
    eventually(lambda: is_ready(chromium), within=10)
    eventually(lambda: text(chromium, "current-visitors") == "1", within=5)
    assert value(chromium, "total-visitors") == "1"
    assert value(chromium, "total-pageviews") == "2"
    assert "/pricing" in text(chromium, "panel-pages")
    assert "Chrome" in text(chromium, "panel-devices")
    assert not is_shown(chromium, "state-empty")
    assert not is_shown(chromium, "state-error")
    assert complaints(chromium) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_dashboard_fits_a_phone_and_a_desktop(
    engine: Engine, chromium: Chrome, width: int
) -> None:
    chromium.set_window_size(width, 900)
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    chromium.get(f"{engine.url}/?site={SITE}")
    eventually(lambda: is_ready(chromium), within=10)
    overflow = chromium.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert overflow == 0


def test_a_private_site_asks_for_its_key(engine: Engine, chromium: Chrome) -> None:
    chromium.get(f"{engine.url}/?site=private.example")
    eventually(lambda: is_shown(chromium, "state-ask-key"), within=10)


def test_an_unknown_site_is_said_so(engine: Engine, chromium: Chrome) -> None:
    chromium.get(f"{engine.url}/?site=nowhere.example")
    eventually(lambda: is_shown(chromium, "state-error"), within=10)
    assert "nowhere.example" in text(chromium, "state-error")
