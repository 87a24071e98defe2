"""The ten questions that an owner asks the dashboard, by clicks, in a real browser."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import uuid4

import pytest
import urllib3
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.pipeline.engine import Engine, eventually, liveinsight, running
from tests.pipeline.page import ESCAPE, Page, add_history

pytestmark = [pytest.mark.pipeline, pytest.mark.browser]

SITE = "asked.example"
DAYS = 20
EVERYTHING = "country!:ZZ"
"""A filter that every visit passes: raw events answer it."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("asking")
    liveinsight("site", "add", SITE, "--public", "--data", data)
    liveinsight("site", "set", SITE, "--show-visits", "--data", data)
    liveinsight("site", "set", SITE, "--goal", "Signup", "--event", "signup", "--data", data)
    with running(data) as engine:
        put = add_history(data, SITE, days=DAYS, visits=60)
        put += send_a_visit(engine)
        eventually(lambda: is_there(engine, put), within=180)
        yield engine


def send_a_visit(engine: Engine) -> int:
    session, page_url = uuid4().hex, f"https://{SITE}/lost"
    event = {"event_type": "custom", "page_url": page_url, "name": "404"}
    events = [
        {"event_type": "page_view", "page_url": page_url},
        {**event, "props": {"path": "/lost"}},
    ]
    body = {"csrf_token": engine.token(SITE, session), "session_id": session, "events": events}
    assert engine.post("/api/events", body).status == 200
    return len(events)


def is_there(engine: Engine, put: int) -> bool:
    """Whether raw events say what rollups say, and all of the history is in both."""
    days = {"from": day(DAYS + 1), "to": day(0)}
    plain = engine.get("/api/stats", site_id=SITE, **days)["totals"]["pageviews"]
    asked = query(engine, [("filter", EVERYTHING), *days.items()])["totals"]["pageviews"]
    account = engine.get("/api/reconciliation", site_id=SITE, **days)
    return bool(account["counted"] == put and plain == asked)


def query(engine: Engine, parameters: list[tuple[str, str]]) -> Any:
    answer = urllib3.request(
        "GET", f"{engine.url}/api/query", fields=[("site_id", SITE), *parameters], timeout=30
    )
    assert answer.status == 200, answer.data
    return answer.json()


def day(back: int) -> str:
    return str(datetime.now(UTC).date() - timedelta(days=back))


def week(*parameters: tuple[str, str]) -> list[tuple[str, str]]:
    return [("from", day(6)), ("to", day(0)), *parameters]


@pytest.fixture
def page(engine: Engine, chromium: Chrome) -> Iterator[Page]:
    page = Page(chromium, engine, SITE)
    with page.sized(1440):
        page.open()
        yield page
    chromium.get_log("browser")  # type: ignore[no-untyped-call]


def pageviews(page: Page) -> str | None:
    return page.find("[data-testid=total-pageviews]").get_attribute("data-value")


def percent(share: float) -> str:
    """As a browser says it: from the decimal that was sent, a half goes up."""
    points = (100 * Decimal(str(share))).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{points}%"


def row(page: Page, panel: str, label: str) -> Any:
    path = f'//section[@data-testid="panel-{panel}"]//a[.//*[normalize-space()="{label}"]]'
    return page.chromium.find_element(By.XPATH, path)


def shows(page: Page, engine: Engine, *filters: str) -> None:
    """Wait until the page shows what the API says with these filters."""
    wanted = query(engine, week(*(("filter", one) for one in filters)))["totals"]["pageviews"]
    assert wanted > 0
    page.until(lambda: pageviews(page) == str(wanted), within=60)


def test_a_click_filters_and_back_undoes_it(page: Page, engine: Engine) -> None:
    everything = pageviews(page)
    row(page, "places", "Germany").click()
    shows(page, engine, "country:DE")
    assert page.text(".chip-text") == "Country is Germany"
    assert "filter=country:DE" in page.address()
    row(page, "sources", "Google").click()
    shows(page, engine, "country:DE", "source:Google")
    assert page.texts(".chip-text") == ["Country is Germany", "Source is Google"]
    page.chromium.back()
    shows(page, engine, "country:DE")
    page.click(".chip-remove")
    page.until(lambda: pageviews(page) == everything, within=60)
    assert not page.all("#chips")


def test_where_do_people_from_germany_enter_takes_two_clicks(page: Page, engine: Engine) -> None:
    row(page, "places", "Germany").click()
    page.click("#tab-entry_page")
    listed = query(engine, week(("filter", "country:DE"), ("dimension", "entry_page")))
    first = listed["breakdowns"]["entry_page"][0]
    label = "[data-testid=panel-pages] .row-label"
    page.until(lambda: page.text(label) == first["value"], within=60)
    number = "[data-testid=panel-pages] .row-number"
    page.until(lambda: page.text(number) == str(first["visitors"]), within=60)


def test_a_filter_is_added_by_the_sheet_with_what_there_is(page: Page, engine: Engine) -> None:
    page.press("/")
    page.until(lambda: page.all("#filter-sheet"))
    Select(page.find("#filter-dimension")).select_by_value("country")
    page.until(lambda: page.run("return document.querySelectorAll('#filter-values option').length"))
    Select(page.find("#filter-operator")).select_by_value("is_not")
    page.find("#filter-value").send_keys("United States")
    page.click("#filter-sheet .button-primary")
    shows(page, engine, "country!:US")
    assert page.text(".chip-text") == "Country is not United States"
    page.press("/")
    Select(page.find("#filter-dimension")).select_by_value("page")
    Select(page.find("#filter-operator")).select_by_value("contains")
    page.find("#filter-value").send_keys("docs")
    page.click("#filter-sheet .button-primary")
    shows(page, engine, "country!:US", "page~:docs")
    page.click("#chips .link")
    page.until(lambda: not page.all("#chips"))


def test_the_country_on_the_map_filters(page: Page, engine: Engine) -> None:
    page.click("#tab-map")
    page.until(lambda: page.all(".map .country[data-known]"))
    link = page.find('.map a[aria-label^="Germany"]')
    page.run("arguments[0].focus()", link)
    page.press("\ue007")
    shows(page, engine, "country:DE")


def test_is_today_better_than_the_same_weekday_takes_one_choice(page: Page) -> None:
    page.open(period="today", compare="weekday")
    page.until(lambda: "up to the same hour" in page.text("#range-note"), within=60)
    assert page.texts("#legend .key")[1:] == ["Compared with"]


def test_a_comparison_says_what_the_api_says(page: Page, engine: Engine) -> None:
    page.until(lambda: "up to the same hour" in page.text("#range-note"), within=60)
    answer = query(engine, week(("compare", "previous"), ("limit", "8")))
    now, before = answer["totals"]["pageviews"], answer["comparison"]["totals"]["pageviews"]
    share = round(100 * (now - before) / before)
    said = page.text("#totals .total:nth-child(3) .total-change")
    assert said.startswith(("+", "\u2212")[share < 0] + f"{abs(share)}%") or abs(share) < 1
    assert any(page.texts("[data-testid=panel-sources] .row-change"))


def test_which_page_grew_takes_one_click(page: Page, engine: Engine) -> None:
    page.click("#tab-growing")
    grown = query(engine, week(("dimension", "page"), ("sort", "growth"), ("compare", "previous")))
    label = "[data-testid=panel-pages] .row-label"
    first = grown["breakdowns"]["page"][0]["value"]
    page.until(lambda: page.text(label) == first, within=60)


@pytest.mark.parametrize(
    ("tab", "title", "asked"),
    [
        (
            "growing",
            "Pages: Growing",
            {"dimension": "page", "sort": "growth", "compare": "previous"},
        ),
        ("404", "Pages: 404", {"dimension": "prop:path", "filter": "event:404"}),
        ("read", "Pages: Read", {"dimension": "page", "metrics": "read_rate"}),
    ],
)
def test_all_values_come_in_the_order_of_their_tab(
    page: Page, engine: Engine, tab: str, title: str, asked: dict[str, str]
) -> None:
    page.click(f"#tab-{tab}")
    page.until(lambda: page.all("[data-testid=panel-pages] .row-label"), within=60)
    page.click("[data-testid=panel-pages] .panel-more")
    page.until(lambda: page.all("#drawer .values tbody tr"), within=60)
    assert page.text("#drawer h2") == title
    rows = query(engine, week(("limit", "50"), *asked.items()))["breakdowns"][asked["dimension"]]
    assert page.texts("#drawer .values .row-label") == [row["value"] for row in rows]
    if "metrics" in asked:
        shares = [
            f"{percent(row['read_rate']).partition('.')[0]}" for row in rows if row["read_rate"]
        ]
        assert shares
        assert "Read to the end" in page.texts("#drawer thead th")


def test_which_campaign_brings_signups_takes_two_clicks(page: Page, engine: Engine) -> None:
    page.click("#tab-utm_campaign")
    page.until(lambda: page.all("[data-testid=panel-goals] .goal-row"), within=60)
    row(page, "goals", "Signup").click()
    page.until(lambda: page.text(".chip-text") == "Goal Signup", within=60)
    answer = query(engine, week(("goal", "Signup"), ("limit", "8")))
    totals, rows = answer["totals"], answer["breakdowns"]["utm_campaign"]
    rates = [percent(one["conversion_rate"] or 0) for one in rows[:8]]
    changes = "[data-testid=panel-sources] .row-change"
    page.until(lambda: page.texts(changes) == rates, within=60)
    cell = page.text("#totals .total:nth-child(7) .total-value")
    assert cell == f"{totals['conversions']} · {percent(totals['conversion_rate'])}"
    page.click("#totals .total:nth-child(7)")
    drawn = "Conversion rate per day."
    chart = page.find("#chart")
    page.until(lambda: (chart.get_attribute("aria-label") or "").startswith(drawn), within=80)


def test_the_main_goal_is_the_last_total(page: Page) -> None:
    page.until(lambda: page.text("#totals .total:nth-child(7) .label") == "Signup", within=60)
    page.click("#totals .total:nth-child(7)")
    page.until(lambda: "goal=Signup" in page.address())


def test_what_did_one_visit_do_takes_one_click(page: Page) -> None:
    page.until(lambda: page.all("#feed a.feed-row"), within=60)
    page.click("#feed a.feed-row")
    page.until(lambda: page.all("#drawer .timeline li"), within=60)
    assert "/lost" in page.text("#drawer .timeline")
    assert "open=visit:" in page.address()
    page.press(ESCAPE)
    page.until(lambda: not page.all("#drawer"))


def test_what_broke_takes_one_click(page: Page) -> None:
    page.click("#tab-404")
    label = "[data-testid=panel-pages] .row-label"
    page.until(lambda: page.text(label) == "/lost", within=60)


def test_how_many_read_to_the_end_takes_one_click(page: Page) -> None:
    page.click("#tab-read")
    page.until(lambda: page.all("[data-testid=panel-pages] .row-change"), within=60)
    assert "%" in page.text("[data-testid=panel-pages] .row-change")


def test_an_owner_adds_a_goal_and_takes_it_away(page: Page, engine: Engine) -> None:
    made = liveinsight("site", "set", SITE, "--new-admin-key", "--data", engine.data)
    page.until(lambda: page.all("[data-testid=panel-goals] .panel-more"), within=60)
    page.click("[data-testid=panel-goals] .panel-more")
    page.until(lambda: page.all("#drawer .goal-form"))
    page.find("#drawer [name=name]").send_keys("Reads the docs")
    Select(page.find("#drawer [name=kind]")).select_by_value("page")
    page.find("#drawer [name=value]").send_keys("/docs/*")
    page.find("#drawer [name=key]").send_keys("li_admin_wrong")
    page.click("#drawer .goal-form .button-primary")
    page.until(lambda: page.text("#drawer .form-error") == "This is no admin key of this site.")
    key = page.find("#drawer [name=key]")
    key.clear()
    key.send_keys(made.split()[-1])
    page.click("#drawer .goal-form .button-primary")
    page.until(lambda: "Reads the docs" in page.text("#drawer .goal-list"))
    page.until(lambda: "Reads the docs" in page.text("[data-testid=panel-goals]"), within=60)
    remove = page.find('#drawer [aria-label="Remove the goal Reads the docs"]')
    remove.click()
    page.until(lambda: "Reads the docs" not in page.text("#drawer .goal-list"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_on_a_page_that_is_asked(page: Page, width: int, theme: str) -> None:
    page.set_theme(theme)
    with page.sized(width, 844):
        page.open(filter="country:DE", goal="Signup", compare="none")
        assert page.findings() == []
        page.click("[data-testid=panel-goals] .panel-more")
        page.until(lambda: page.all("#drawer .goal-form"))
        assert page.findings() == []
        assert page.offset() == 0
    page.forget_choices()


def test_nothing_that_passes_says_so(page: Page) -> None:
    page.open(filter="page:/no-such-page", compare="none")
    assert page.text("#empty-title") == "No visits like this"
    assert page.text("#live-scope") == "all visitors"
