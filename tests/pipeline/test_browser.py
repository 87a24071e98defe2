"""The whole way in a real browser: a page with the tracker, and the dashboard that shows it."""

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from aggregates.ledger import ARCHIVE_GENERATION, counted, stated
from aggregates.progress import Progress
from aggregates.rollup import Counters, Dimension, Rollup, merge
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned
from aggregates.stores.sqlite import SqliteRollupStore, tables
from runtime.settings import EmbeddedSettings
from schemas.event import Context, Event, EventBatch, EventType, RejectedHit
from tests.pipeline.engine import COMMAND, ROOT, Engine, eventually, liveinsight, running

pytestmark = [pytest.mark.pipeline, pytest.mark.browser]

SITE = "127.0.0.1"
BALANCED = "balanced.example"
SHORT = "short.example"
"""Two of yesterday's events were never counted."""
MOVING = "moving.example"
"""Two of yesterday's events are not counted yet."""
OLD = "old.example"
"""Numbers of 2015."""
OWNED = "owned.example"
"""Rollups of a day of which the archive has nothing."""
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("browser")
    liveinsight("site", "add", SITE, "--public", "--data", data)
    for site_id in (BALANCED, SHORT, MOVING, OWNED, OLD):
        liveinsight("site", "add", site_id, "--public", "--data", data)
    liveinsight("site", "add", "private.example", "--data", data)
    with running(data) as engine:
        leave_two_uncounted(data, SHORT, ago=timedelta(hours=1))
        leave_two_uncounted(data, MOVING, ago=timedelta(0))
        count_long_ago(data)
        yield engine


def count_long_ago(data: Path) -> None:
    """Write the rollup of a day of 2015."""
    told = Rollup({(Dimension.TOTAL, ""): Counters(visitors=3, visits=4, pageviews=1_250)})
    store = SqliteRollupStore(tables(EmbeddedSettings(data).tables_path))
    store.save({RollupKey(1, OLD, date(2015, 5, 17), 0): Versioned(StoredRollup(told), 0)})


def leave_two_uncounted(data: Path, site_id: str, *, ago: timedelta) -> None:
    """Write yesterday's ledgers so that the statistics miss two of five accepted events.

    Args:
        data: the engine's folder.
        site_id: the site.
        ago: since when nothing has arrived.
    """
    arrived_at = int((datetime.now(UTC) - ago).timestamp() * 1000)
    event = Event(b"1" * 16, EventType.PAGE_VIEW, arrived_at, "session-1")
    batch = EventBatch(
        site_id=site_id,
        visitor_id=b"visitor1",
        received_at=arrived_at,
        context=Context(),
        events=(event,) * 5,
        received=1_007,
        rejected=(RejectedHit("bot"),) * 1_001 + (RejectedHit("invalid_field", "title"),),
    )
    told = Rollup(stated(batch))
    ledgers = {ARCHIVE_GENERATION: told, 1: merge((told, Rollup(counted(3, 0))))}
    progress = Progress({"s": 1}, arrived_at, arrived_at)
    SqliteRollupStore(tables(EmbeddedSettings(data).tables_path)).save(
        {
            RollupKey(generation, site_id, YESTERDAY, 0): Versioned(StoredRollup(rows, progress), 0)
            for generation, rows in ledgers.items()
        }
    )


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> Iterator[str]:
    """A site of static pages that embeds the tracker."""
    snippet = (
        f'<script defer data-local data-site="{SITE}" src="{engine.url}/liveinsight.js"></script>'
    )
    with site_with(snippet, tmp_path) as port:
        yield f"http://127.0.0.1:{port}/index.html"


@contextmanager
def site_with(snippet: str, folder: Path) -> Iterator[int]:
    """Serve a page with a snippet in it; gives the port."""
    (folder / "index.html").write_text(f"<!doctype html><title>Shop</title>{snippet}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
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


def open_report(engine: Engine, chromium: Chrome, site_id: str) -> None:
    chromium.get(f"{engine.url}/?site={site_id}")
    eventually(lambda: is_ready(chromium), within=10)


def open_ledger(engine: Engine, chromium: Chrome, site_id: str) -> None:
    open_report(engine, chromium, site_id)
    eventually(lambda: is_shown(chromium, "ledger"), within=10)


def complaints(chromium: Chrome) -> list[str]:
    logged = chromium.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in logged if entry["level"] in {"SEVERE", "WARNING"}]


def test_a_page_view_and_a_custom_event_reach_the_dashboard(
    engine: Engine, chromium: Chrome, shop: str
) -> None:
    chromium.get(shop)
    eventually(lambda: bool(chromium.execute_script("return !!window.liveinsight")), within=10)
    chromium.execute_script(
        "history.pushState({}, '', '/pricing'); window.liveinsight.track('signup', {plan: 'pro'})"
    )

    def counted() -> bool:
        totals = engine.get("/api/stats", site_id=SITE)["totals"]
        return (totals["pageviews"], totals["events"]) == (2, 1)

    eventually(counted, within=15)
    complaints(chromium)  # the shop has no icon
    open_report(engine, chromium, SITE)
    eventually(lambda: text(chromium, "current-visitors") == "1", within=5)
    assert value(chromium, "total-visitors") == "1"
    assert value(chromium, "total-pageviews") == "2"
    assert "/pricing" in text(chromium, "panel-pages")
    assert "Chrome" in text(chromium, "panel-devices")
    assert not is_shown(chromium, "state-empty")
    assert not is_shown(chromium, "state-error")
    assert complaints(chromium) == []


def as_the_readme_says(engine: Engine, site_id: str) -> str:
    """Add a site with the README's own line; return what it prints."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (line,) = [block for block in blocks if "site add" in block and "data/demo" in block]
    here = {
        ".venv/bin/liveinsight": shlex.join(COMMAND),
        "data/demo": shlex.quote(str(engine.data)),
        "example.com": site_id,
    }
    for text_there, text_here in here.items():
        assert text_there in line
        line = line.replace(text_there, text_here)
    return subprocess.run(
        ["sh", "-eu", "-c", line], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


def test_a_new_site_waits_for_its_first_visit_and_shows_it_by_itself(
    engine: Engine, chromium: Chrome, tmp_path: Path
) -> None:
    printed = as_the_readme_says(engine, "localhost")
    (snippet,) = re.findall(r"^Embed: +(<script.*</script>)$", printed, re.MULTILINE)
    (link,) = re.findall(r"^Open: +(\S+)$", printed, re.MULTILINE)
    chromium.get(link)
    eventually(lambda: text(chromium, "empty-title") == "Waiting for the first visit", within=10)
    assert chromium.find_element(By.ID, "snippet").text == snippet
    assert chromium.current_url == f"{engine.url}/?site=localhost"
    dashboard = chromium.current_window_handle
    with site_with(snippet, tmp_path) as port, another_tab(chromium):
        chromium.get(f"http://localhost:{port}/index.html")
        eventually(lambda: bool(chromium.execute_script("return !!window.liveinsight")), within=10)
        chromium.switch_to.window(dashboard)
        eventually(lambda: value(chromium, "total-pageviews") == "1", within=20)
    assert not is_shown(chromium, "state-empty")


@contextmanager
def another_tab(chromium: Chrome) -> Iterator[None]:
    """Do something in a tab of its own, and come back."""
    before = chromium.current_window_handle
    chromium.switch_to.new_window("tab")
    tab = chromium.current_window_handle
    yield
    chromium.switch_to.window(tab)
    chromium.close()
    chromium.switch_to.window(before)


def test_a_read_key_outlives_its_tab_until_it_is_forgotten(
    engine: Engine, chromium: Chrome
) -> None:
    added = json.loads(liveinsight("site", "add", "kept.example", "--data", engine.data, "--json"))
    chromium.get(f"{engine.url}/?site=kept.example#key={added['read_key']}")
    eventually(lambda: is_ready(chromium), within=10)
    with another_tab(chromium):
        chromium.get(f"{engine.url}/?site={SITE}")
        eventually(lambda: is_ready(chromium), within=10)
        assert tuple(offered(chromium, SITE, "kept.example")) == (SITE, "kept.example")
        chromium.find_element(By.CSS_SELECTOR, '[data-site="kept.example"]').click()
        eventually(lambda: "kept.example" in chromium.title, within=10)
        assert not is_shown(chromium, "state-ask-key")
        chromium.find_element(By.ID, "more-button").click()
        chromium.find_element(By.CSS_SELECTOR, '[data-more="settings"]').click()
        chromium.find_element(By.ID, "forget-key").click()
        eventually(lambda: is_shown(chromium, "state-ask-key"), within=10)
    with another_tab(chromium):
        chromium.get(f"{engine.url}/?site={SITE}")
        eventually(lambda: is_ready(chromium), within=10)
        assert offered(chromium, "kept.example") == []
    complaints(chromium)  # about the answer 401


def offered(chromium: Chrome, *sites: str) -> list[str]:
    """Open the list of sites; return those of `sites` that are in it."""
    chromium.find_element(By.ID, "site-button").click()
    options = chromium.find_elements(By.CSS_SELECTOR, "#site-sheet [data-site]")
    listed = {option.get_attribute("data-site") for option in options}
    return [site for site in sites if site in listed]


def test_all_time_reaches_what_was_imported_of_years_ago(engine: Engine, chromium: Chrome) -> None:
    open_report(engine, chromium, OLD)
    assert value(chromium, "total-pageviews") == "0"
    assert text(chromium, "empty-title") == "No visits in this range"
    chromium.find_element(By.ID, "empty-all").click()
    eventually(lambda: value(chromium, "total-pageviews") == "1250", within=10)
    assert "2015" in chromium.find_element(By.ID, "range-dates").text
    assert complaints(chromium) == []


def test_every_total_can_be_drawn(engine: Engine, chromium: Chrome) -> None:
    open_report(engine, chromium, OLD)
    choose_period(chromium, "all")
    eventually(lambda: is_shown(chromium, "chart"), within=10)
    cells = chromium.find_elements(By.CSS_SELECTOR, "#totals button")
    shown = [cell for cell in cells if cell.is_displayed()]
    assert len(shown) == 6
    for cell in shown:
        cell.click()
        assert cell.get_attribute("aria-pressed") == "true"
        label = chromium.find_element(By.ID, "chart").get_attribute("aria-label") or ""
        assert label.startswith(cell.find_element(By.CSS_SELECTOR, ".label").text)
        widths = chromium.execute_script(WIDTHS)
        assert widths[0] == widths[1], "the chart is as wide as its place"
    assert complaints(chromium) == []


WIDTHS = """
const chart = document.getElementById("chart");
return [chart.clientWidth, chart.querySelector(".uplot").offsetWidth];
"""


def figures(chromium: Chrome) -> dict[str, str]:
    """What the ledger's card says, by the names of its parts."""
    details = chromium.find_element(By.ID, "ledger-details")
    if details.get_attribute("open") is None:
        chromium.find_element(By.ID, "ledger-summary").click()
    parts = chromium.find_elements(By.CSS_SELECTOR, '#ledger dd[data-testid^="ledger-"]')
    return {
        (part.get_attribute("data-testid") or "")[len("ledger-") :]: part.text for part in parts
    }


def choose_period(chromium: Chrome, name: str) -> None:
    chromium.find_element(By.ID, "period-button").click()
    chromium.find_element(By.CSS_SELECTOR, f'[data-period="{name}"]').click()


def is_busy(chromium: Chrome) -> bool:
    return chromium.find_element(By.ID, "stats").get_attribute("aria-busy") == "true"


@contextmanager
def unreachable(chromium: Chrome, urls: str) -> Iterator[None]:
    """Let requests fail whose address is like `urls`."""
    chromium.execute_cdp_cmd("Network.enable", {})
    chromium.execute_cdp_cmd("Network.setBlockedURLs", {"urls": [urls]})
    try:
        yield
    finally:
        chromium.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        complaints(chromium)  # about what was blocked


def test_the_ledger_says_what_became_of_each_hit(engine: Engine, chromium: Chrome) -> None:
    session, page_url = uuid4().hex, f"https://{BALANCED}/"
    view = {"event_type": "page_view", "page_url": page_url, "event_id": str(uuid4())}
    signup = {"event_type": "custom", "page_url": page_url, "name": "signup"}
    unnamed = {"event_type": "custom", "page_url": page_url}
    body = {
        "csrf_token": engine.token(BALANCED, session),
        "session_id": session,
        "events": [view, view, signup, unnamed],
    }
    assert engine.post("/api/events", body).status == 200

    def is_balanced() -> bool:
        account = engine.get("/api/reconciliation", site_id=BALANCED)
        return bool(account["received"] and account["balanced"])

    eventually(is_balanced, within=15)
    complaints(chromium)
    open_ledger(engine, chromium, BALANCED)
    assert re.fullmatch(r"Balanced up to \d\d:\d\d:\d\d", text(chromium, "ledger-state"))
    assert text(chromium, "ledger-line").split("\n") == [
        "2 accepted = archived = counted",
        "1 rejected",
    ]
    assert figures(chromium) == {
        "received": "4",
        "accepted": "2",
        "duplicates": "1",
        "rejected": "1",
        "archived": "2",
        "counted": "2",
    }
    assert text(chromium, "ledger-reasons") == "Rejected: missing field 1"
    assert not is_shown(chromium, "ledger-breaks")
    assert complaints(chromium) == []


def test_a_ledger_that_does_not_balance_says_by_how_much_and_when(
    engine: Engine, chromium: Chrome
) -> None:
    open_ledger(engine, chromium, SHORT)
    assert text(chromium, "ledger-state") == "Off by 2"
    assert figures(chromium) == {
        "received": "1,007",
        "accepted": "5",
        "duplicates": "0",
        "rejected": "1,002",
        "archived": "5",
        "counted": "3",
    }
    assert text(chromium, "ledger-reasons") == "Rejected: bots 1,001 · invalid field 1"
    day = f"{YESTERDAY:%a}, {YESTERDAY.day} {YESTERDAY:%b %Y}"
    assert text(chromium, "ledger-breaks") == f"{day} 2 events accepted and not counted"


def test_events_that_may_still_be_counted_are_on_the_way(engine: Engine, chromium: Chrome) -> None:
    open_ledger(engine, chromium, MOVING)
    assert text(chromium, "ledger-state").startswith("Balanced up to")
    line = text(chromium, "ledger-line")
    assert "3 accepted = archived = counted" in line
    assert "2 newer on the way" in line
    assert "≠" not in line
    assert not is_shown(chromium, "ledger-breaks")


def test_the_ledger_follows_the_range(engine: Engine, chromium: Chrome) -> None:
    open_ledger(engine, chromium, SHORT)
    choose_period(chromium, "today")
    eventually(lambda: not is_shown(chromium, "ledger"), within=10)


def test_the_report_does_without_the_ledger_when_it_cannot_be_had(
    engine: Engine, chromium: Chrome
) -> None:
    open_ledger(engine, chromium, SHORT)
    with unreachable(chromium, "*/api/reconciliation*"):
        choose_period(chromium, "28d")
        eventually(lambda: not is_shown(chromium, "ledger"), within=10)
        eventually(lambda: not is_busy(chromium), within=10)
        assert not is_shown(chromium, "state-error")


@pytest.mark.parametrize(("site_id", "hook"), [(SITE, "current-visitors"), (SHORT, "ledger")])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_dashboard_fits_a_phone_and_a_desktop(
    engine: Engine, chromium: Chrome, width: int, site_id: str, hook: str
) -> None:
    chromium.set_window_size(width, 900)
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    open_report(engine, chromium, site_id)
    eventually(lambda: is_shown(chromium, hook), within=10)
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


def test_an_owner_lets_a_rebuild_count_and_takes_it_back(engine: Engine, chromium: Chrome) -> None:
    told = Rollup({(Dimension.TOTAL, ""): Counters(visitors=3, visits=4, pageviews=1_250)})
    key = RollupKey(1, OWNED, YESTERDAY - timedelta(days=6), 0)
    store = SqliteRollupStore(tables(EmbeddedSettings(engine.data).tables_path))
    store.save({key: Versioned(StoredRollup(told), 0)})
    send_a_view(engine, OWNED)
    made = liveinsight("site", "set", OWNED, "--new-admin-key", "--data", engine.data)
    liveinsight("rebuild", "--site", OWNED, "--dry-run", "--data", engine.data)

    open_report(engine, chromium, OWNED)
    chromium.find_element(By.ID, "more-button").click()
    chromium.find_element(By.CSS_SELECTOR, '[data-more="settings"]').click()
    chromium.find_element(By.ID, "admin-input").send_keys("li_admin_wrong", Keys.ENTER)
    refused = "This is no admin key of this site."
    eventually(lambda: chromium.find_element(By.ID, "rebuild-error").text == refused, within=5)
    complaints(chromium)  # about the answer 401
    chromium.find_element(By.ID, "admin-input").send_keys(made.split()[-1], Keys.ENTER)
    eventually(lambda: text(chromium, "rebuild-state") == "Ready", within=5)
    assert "Generation 2 is ready: 1 closed day was compared" in text(chromium, "rebuild-text")
    day = key.day
    name = f"{day:%a}, {day.day} {day:%b %Y}".replace("Sept", "Sep")
    shown = " ".join(text(chromium, "rebuild-rows").split())
    assert shown == f"{name} Visitors 1 3 0 {name} Visits 1 4 0 {name} Views 1 1,250 0"
    answer_dialog(chromium, "rebuild-flip", Keys.ESCAPE)
    answer_dialog(chromium, "rebuild-flip", Keys.TAB + Keys.ENTER)
    eventually(lambda: text(chromium, "rebuild-state") == "Done", within=15)
    assert "Generation 2 counts." in text(chromium, "rebuild-text")
    assert not chromium.find_element(By.ID, "rebuild-flip").is_displayed()
    answer_dialog(chromium, "rebuild-back", Keys.TAB + Keys.ENTER)
    eventually(lambda: "Generation 1 counts." in text(chromium, "rebuild-text"), within=15)
    chromium.find_element(By.ID, "admin-leave").click()
    assert text(chromium, "rebuild-state") == "Locked"
    assert complaints(chromium) == []


def send_a_view(engine: Engine, site_id: str) -> None:
    """Send a page view, and wait until it is in the archive."""
    session = uuid4().hex
    view = {"event_type": "page_view", "page_url": f"https://{site_id}/"}
    token = engine.token(site_id, session)
    body = {"csrf_token": token, "session_id": session, "events": [view]}
    assert engine.post("/api/events", body).status == 200
    eventually(
        lambda: engine.get("/api/reconciliation", site_id=site_id)["archived"] == 1, within=70
    )


def answer_dialog(chromium: Chrome, button: str, keys: str) -> None:
    """Press a button that asks for a confirmation, and answer with the keyboard."""
    chromium.find_element(By.ID, button).click()
    chromium.switch_to.active_element.send_keys(keys)
    dialog = chromium.find_element(By.ID, "rebuild-confirm")
    eventually(lambda: not dialog.is_displayed(), within=3)
