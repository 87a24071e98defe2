"""The dashboard in a browser, as its reader uses it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from ingest.stream.opener import event_sink
from liveinsight.traffic.sample_history import sample_history
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from tests.pipeline.engine import Engine, eventually

AXE = Path(__file__).parents[1] / "data" / "axe.min.js"
AXE_RUN = """
const done = arguments[arguments.length - 1];
axe.run(arguments[0], { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })
  .then(({ violations }) => done(violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`)));
"""
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; }"


def add_history(data: Path, site_id: str, *, days: int, visits: float) -> int:
    """Put days of simulated visits on the stream; return how many events that are."""
    settings = EmbeddedSettings(data)
    site = sites(settings).get(site_id)
    assert site is not None
    sink = event_sink(settings)
    put = 0
    for chunk in sample_history(site, days, visits, datetime.now(UTC), Random(1)):
        sink.put(chunk)
        put += len(chunk)
    return put


@dataclass
class Page:
    """What a reader sees of a site, and does."""

    chromium: Chrome
    engine: Engine
    site_id: str

    def open(self, **parameters: str) -> None:
        """Open the page and wait until its numbers are there."""
        self.load(**parameters)
        self.until(lambda: self.run("return document.documentElement.dataset.settled"), within=80)

    def load(self, **parameters: str) -> None:
        query = "".join(f"&{name}={value}" for name, value in parameters.items())
        self.chromium.get(f"{self.engine.url}/?site={self.site_id}{query}")

    def run(self, code: str, *given: Any) -> Any:
        return self.chromium.execute_script(code, *given)

    def until(self, check: Any, within: float = 20) -> None:
        eventually(lambda: bool(check()), within=within)

    def find(self, selector: str) -> WebElement:
        return self.chromium.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        found = self.chromium.find_elements(By.CSS_SELECTOR, selector)
        return [node for node in found if node.is_displayed()]

    def text(self, selector: str) -> str:
        """What an element says, shown or not."""
        said = self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)
        return " ".join(str(said).split())

    def texts(self, selector: str) -> list[str]:
        return [node.text for node in self.all(selector)]

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def press(self, *keys: str) -> None:
        ActionChains(self.chromium).send_keys(*keys).perform()

    def focus(self) -> str:
        """The id, or the text, of what has the focus."""
        said: str = self.run(
            "const on = document.activeElement;"
            "return on === document.body ? '' : on.id || on.textContent.trim()"
        )
        return said

    def address(self) -> str:
        said: str = self.run("return decodeURIComponent(location.search)")
        return said

    def set_theme(self, name: str) -> None:
        """Choose a theme for the next load."""
        self.run("localStorage.setItem('liveinsight.theme', arguments[0])", name)

    def set_language(self, tag: str) -> None:
        """Choose a language for the next load."""
        self.run("localStorage.setItem('liveinsight.language', arguments[0])", tag)

    def forget_choices(self) -> None:
        self.run("localStorage.clear()")

    @contextmanager
    def sized(self, width: int, height: int = 900) -> Iterator[None]:
        metrics = {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": width < 500,
        }
        self.chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        try:
            yield
        finally:
            self.chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def findings(self, within: str = "html") -> list[str]:
        """What axe finds against WCAG 2.2 AA."""
        self.run(
            "document.adoptedStyleSheets = [new CSSStyleSheet()];"
            "document.adoptedStyleSheets[0].replaceSync(arguments[0])",
            STILL,
        )
        self.run(AXE.read_text())
        found: list[str] = self.chromium.execute_async_script(AXE_RUN, within)
        return found

    def offset(self) -> int:
        """How many pixels the page is wider than its window."""
        wider: int = self.run(
            "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
        )
        return wider

    def requests(self) -> list[dict[str, Any]]:
        """Which files and answers the page has loaded."""
        found: list[dict[str, Any]] = json.loads(
            self.run(
                "return JSON.stringify(performance.getEntries()"
                ".filter((one) => ['navigation', 'resource'].includes(one.entryType)))"
            )
        )
        return found


ESCAPE, ENTER, TAB = Keys.ESCAPE, Keys.ENTER, Keys.TAB
