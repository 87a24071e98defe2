"""Every control of the dashboard, in a real browser, against numbers of two weeks."""

import csv
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.pipeline.engine import ROOT, Engine, eventually, liveinsight, running
from tests.pipeline.page import ENTER, ESCAPE, Page, add_history

pytestmark = [pytest.mark.pipeline, pytest.mark.browser]

SITE = "lively.example"
HOSTILE = "hostile.example"
DAYS = 20
SCRIPT = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("page")
    for site_id in (SITE, HOSTILE):
        liveinsight("site", "add", site_id, "--public", "--data", data)
    with running(data) as engine:
        put = add_history(data, SITE, days=DAYS, visits=60)
        eventually(lambda: counted(engine) == put, within=60)
        yield engine


def counted(engine: Engine) -> int:
    answer = engine.get("/api/reconciliation", site_id=SITE, **{"from": day(DAYS + 1)})
    events: int = answer["counted"]
    return events


@pytest.fixture
def page(engine: Engine, chromium: Chrome) -> Iterator[Page]:
    page = Page(chromium, engine, SITE)
    with page.sized(1440):
        page.open()
        yield page
        page.forget_choices()
    chromium.get_log("browser")  # type: ignore[no-untyped-call]


def stats(page: Page, **parameters: str) -> dict[str, object]:
    answer: dict[str, object] = page.engine.get("/api/stats", site_id=SITE, **parameters)
    return answer


def day(back: int) -> str:
    return str(datetime.now(UTC).date() - timedelta(days=back))


def test_the_first_screen_answers_who_is_here_and_how_late_that_is(page: Page) -> None:
    assert page.text("#current-visitors") != "\u2013"
    assert len(page.all("#minutes .bar")) == 30
    assert "behind" in page.text("#status") or "all counted" in page.text("#status")
    assert page.text("#live-status").startswith(("last event", "no event"))
    assert len(page.all("#totals .total")) == 6
    height = page.run("return document.querySelector('.bar-top').offsetHeight")
    assert height in {56, 57}
    assert page.run("return document.querySelector('#live').offsetHeight") in {115, 116}
    assert page.run("return document.querySelector('#ledger summary').offsetHeight") == 40


def test_the_first_load_is_small_and_in_few_requests(page: Page) -> None:
    page.chromium.execute_cdp_cmd("Network.clearBrowserCache", {})
    page.open()
    loaded = page.requests()
    own = [one for one in loaded if "/api/" not in one["name"]]
    assert len(own) <= 12
    assert sum(one["encodedBodySize"] for one in own) <= 90_000
    assert {one["name"].split("/")[2] for one in loaded} == {page.engine.url.split("/")[2]}


def test_the_sites_that_there_are_can_be_chosen(page: Page) -> None:
    page.click("#site-button")
    assert set(page.texts("#site-sheet [data-site]")) == {SITE, HOSTILE}
    page.click(f'[data-site="{HOSTILE}"]')
    page.until(lambda: page.text("#site-name") == HOSTILE)
    assert f"site={HOSTILE}" in page.address()
    page.chromium.back()
    page.until(lambda: page.text("#site-name") == SITE)


@pytest.mark.parametrize(
    ("period", "days"),
    [("today", (0, 0)), ("yesterday", (1, 1)), ("7d", (6, 0)), ("28d", (27, 0)), ("91d", (90, 0))],
)
def test_a_period_is_asked_for_and_shown(page: Page, period: str, days: tuple[int, int]) -> None:
    page.click("#period-button")
    page.click(f'[data-period="{period}"]')
    first, last = (day(back) for back in days)
    wanted = stats(page, **{"from": first, "to": last})["totals"]
    assert isinstance(wanted, dict)
    shown = "[data-testid=total-pageviews]"
    page.until(
        lambda: page.find(shown).get_attribute("data-value") == str(wanted["pageviews"]), within=15
    )


def test_arrows_step_through_periods_and_back_undoes_it(page: Page) -> None:
    before = page.text("#range-dates")
    assert page.find("#period-next").get_attribute("disabled")
    page.click("#period-back")
    page.until(lambda: page.text("#range-dates") != before)
    assert f"date={day(7)}" in page.address()
    assert not page.find("#period-next").get_attribute("disabled")
    page.chromium.back()
    page.until(lambda: page.text("#range-dates") == before)
    page.press(Keys.ARROW_LEFT)
    page.until(lambda: page.text("#range-dates") != before)
    page.press(Keys.ARROW_RIGHT)
    page.until(lambda: page.text("#range-dates") == before)


def test_a_range_of_ones_own_and_a_wrong_one(page: Page) -> None:
    page.click("#period-button")
    fill_days(page, "#custom-range", day(3), day(5))
    page.click("#custom-range button")
    assert page.text("#custom-error") == "The first day is after the last."
    fill_days(page, "#custom-range", day(5), day(3))
    page.click("#custom-range button")
    page.until(lambda: f"from={day(5)}&to={day(3)}" in page.address())
    page.until(lambda: page.run("return document.querySelector('#period-sheet').hidden"))


def fill_days(page: Page, form: str, first: str, last: str) -> None:
    for name, value in (("from", first), ("to", last)):
        page.run(
            "document.querySelector(arguments[0]).elements[arguments[1]].value = arguments[2]",
            form,
            name,
            value,
        )


def test_a_comparison_is_chosen_and_said(page: Page) -> None:
    assert page.text("#range-note").startswith("vs ")
    assert all(text.strip() for text in page.texts("#totals .total-change"))
    page.press("c")
    page.until(lambda: page.all("#compare-sheet"))
    page.click("#compare-options button:nth-child(2)")
    page.until(lambda: "compare=weekday" in page.address())
    page.click("#compare-button")
    page.click("#compare-options button:nth-child(4)")
    page.until(lambda: page.text("#range-note") == "")
    assert {text.strip() for text in page.texts("#totals .total-change")} == {""}
    page.click("#compare-button")
    fill_days(page, "#custom-compare", day(12), day(11))
    page.click("#custom-compare button")
    page.until(lambda: f"compare={day(12)}..{day(11)}" in page.address())
    page.until(lambda: page.text("#range-note").startswith("vs "))


def test_there_is_a_note_where_nothing_is_before(page: Page) -> None:
    page.open(period="28d")
    page.until(lambda: page.text("#range-note") == "No earlier data")


def test_the_chart_draws_the_metric_on_its_own_scale(page: Page) -> None:
    page.click("#totals .total:nth-child(4)")
    assert "metric=bounce_rate" in page.address()
    label = page.find("#chart").get_attribute("aria-label") or ""
    assert label.startswith("Bounce rate per day.")
    assert page.texts("#legend .key")[0] == "Bounce rate"


def test_the_steps_of_the_chart_can_be_chosen(page: Page) -> None:
    page.until(lambda: page.texts("#steps button") == ["Hours", "Days"])
    page.click('#steps [data-step="hour"]')
    page.until(lambda: "per hour" in (page.find("#chart").get_attribute("aria-label") or ""))
    assert "interval=hour" in page.address()
    page.open(period="28d", interval="week")
    label = page.find("#chart").get_attribute("aria-label") or ""
    assert label.startswith("Visitors per week.")
    page.open(period="91d", interval="hour")
    label = page.find("#chart").get_attribute("aria-label") or ""
    assert label.startswith("Visitors per day."), "a step that does not suit is not asked for"


def test_a_drag_zooms_and_back_undoes_it(page: Page) -> None:
    over = page.find("#chart .u-over")
    width = over.size["width"]
    begin = ActionChains(page.chromium).move_to_element_with_offset(over, -width // 3, 0)
    begin.click_and_hold().move_by_offset(width // 3, 0).release().perform()
    page.until(lambda: f"from={day(5)}&to={day(3)}" in page.address())
    page.chromium.back()
    page.until(lambda: "from=" not in page.address())


def test_arrow_keys_speak_on_the_chart_and_enter_shows_the_day(page: Page) -> None:
    page.find("#chart").send_keys(Keys.HOME)
    page.until(lambda: "Visitors" in page.text("#chart-spoken"))
    first = page.text("#chart-spoken")
    assert "before" in first
    page.find("#chart").send_keys(Keys.ARROW_RIGHT)
    page.until(lambda: page.text("#chart-spoken") != first)
    page.find("#chart").send_keys(ENTER)
    page.until(lambda: f"from={day(5)}&to={day(5)}" in page.address())
    page.until(lambda: (page.find("#chart").get_attribute("aria-label") or "").find("hour") > 0)


def test_the_last_label_of_the_axis_is_not_cut(page: Page) -> None:
    page.open(period="28d")
    room = page.run(
        "const over = document.querySelector('#chart .u-over').getBoundingClientRect();"
        "return document.querySelector('#chart').getBoundingClientRect().right - over.right"
    )
    assert room >= 33, "half of the widest label"


def test_tabs_are_in_the_address_and_obey_the_arrow_keys(page: Page) -> None:
    page.find("#tab-page").send_keys(Keys.ARROW_RIGHT)
    page.until(lambda: "pages=entry_page" in page.address())
    assert page.focus() == "tab-entry_page"
    page.open(pages="exit_page", devices="language")
    assert page.find("#tab-exit_page").get_attribute("aria-selected") == "true"
    assert "English" in page.text("[data-testid=panel-devices]")


def test_panels_show_what_the_api_says(page: Page) -> None:
    answer = stats(page, **{"from": day(6), "to": day(0), "limit": "8"})
    breakdowns = answer["breakdowns"]
    assert isinstance(breakdowns, dict)
    labels = page.texts("[data-testid=panel-sources] .row-label")
    assert labels == [row["value"] for row in breakdowns["source"]]
    assert len(page.all("[data-testid=panel-pages] .row")) == 8
    heights = page.run(
        "return [...document.querySelectorAll('.rows .row')].map((row) => row.offsetHeight)"
    )
    assert set(heights) == {30}


def test_the_map_is_a_tab_with_a_country_for_each_that_has_visitors(page: Page) -> None:
    page.click("#tab-map")
    page.until(lambda: page.all(".map .country[data-known]"))
    assert "places=map" in page.address()
    assert len(page.all(".map .country")) > 150
    names = page.run(
        "return [...document.querySelectorAll('.map title')].map((t) => t.textContent)"
    )
    assert any(name.startswith("Germany: ") for name in names)


def test_the_drawer_has_all_values_searched_and_paged(page: Page) -> None:
    page.click("[data-testid=panel-pages] .panel-more")
    page.until(lambda: page.all("#drawer .values tbody tr"))
    assert "open=values:page" in page.address()
    assert len(page.all("#drawer .values tbody tr")) == 50
    total = int(page.text(".values-place").rpartition(" ")[2])
    page.click(".values-foot .button:last-child")
    page.until(lambda: page.text(".values-place").startswith("51\u2013"))
    page.find(".drawer-search").send_keys("docs")
    page.until(lambda: page.text(".values-place").startswith("1\u2013"))
    labels = page.texts("#drawer .values .row-label")
    assert labels
    assert all("docs" in label for label in labels)
    assert int(page.text(".values-place").rpartition(" ")[2]) < total
    page.find(".drawer-search").send_keys(" nothing like this")
    page.until(lambda: page.text("#drawer .drawer-note") == "No value like this")
    page.press(ESCAPE)  # empties the search
    page.press(ESCAPE)
    page.until(lambda: not page.all("#drawer"))
    assert "open=" not in page.address()
    assert (
        page.find("[data-testid=panel-pages] .panel-more") == page.chromium.switch_to.active_element
    )


def test_all_values_are_saved_as_csv(page: Page, tmp_path: Path) -> None:
    allow_downloads(page, tmp_path)
    page.open(open="values:page")
    page.until(lambda: page.all("#drawer .values tbody tr"))
    page.click(".drawer-tools .button")
    page.until(lambda: list(tmp_path.glob("*.csv")))
    rows = saved(tmp_path)
    assert rows[0][:3] == ["page", "visitors", "visits"]
    total = int(page.text(".values-place").rpartition(" ")[2])
    assert len(rows) == total + 1


def test_the_series_is_saved_as_csv(page: Page, tmp_path: Path) -> None:
    allow_downloads(page, tmp_path)
    page.click("#more-button")
    page.click('[data-more="csv"]')
    page.until(lambda: list(tmp_path.glob("*.csv")))
    rows = saved(tmp_path)
    assert [row[0][:10] for row in rows[1:]] == [day(back) for back in range(6, -1, -1)]


def allow_downloads(page: Page, folder: Path) -> None:
    page.chromium.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
    )


def saved(folder: Path) -> list[list[str]]:
    (path,) = folder.glob("*.csv")
    return list(csv.reader(StringIO(path.read_text(encoding="utf-8-sig"))))


def test_the_drawer_of_now_shows_who_is_here(page: Page) -> None:
    page.click("#live-all")
    page.until(lambda: page.all("#drawer .now-lists h3"))
    assert page.texts("#drawer .now-lists h3") == ["Pages now", "Sources now", "Countries now"]
    page.click("#drawer-close")
    page.until(lambda: not page.all("#drawer"))


def test_the_ledger_is_one_line_with_details(page: Page) -> None:
    assert page.text("#ledger-state").startswith("Balanced up to ")
    assert "accepted = archived = counted" in page.text("#ledger-line")
    page.click("#status")
    page.until(lambda: page.all("#ledger-figures"))
    assert page.focus() == "ledger-summary"
    terms = page.texts("#ledger-figures dt")
    assert terms == ["received", "accepted", "duplicates", "rejected", "archived", "counted"]


def test_the_theme_is_kept(page: Page) -> None:
    for name in ("dark", "light"):
        page.click("#more-button")
        page.click(f'[data-theme="{name}"].menu-option')
        page.until(
            lambda name=name: page.run("return document.documentElement.dataset.theme") == name
        )
    page.click("#more-button")
    page.click('[data-theme="dark"].menu-option')
    page.open()
    assert page.run("return document.documentElement.dataset.theme") == "dark"


def test_the_language_is_kept(page: Page) -> None:
    page.click("#more-button")
    page.click('[data-language="ko"]')
    page.until(lambda: page.run("return document.documentElement.lang") == "ko")
    page.until(lambda: page.text("#live-title") == "현재 방문자")
    page.open()
    assert page.text("#period-label") == "최근 7일"
    left = page.run(
        "const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);"
        "const found = []; while (walk.nextNode()) { const node = walk.currentNode;"
        "if (!node.parentElement.closest('script, template, [hidden]')) found.push(node.data); }"
        "return found.join(' ')"
    )
    for word in ("Visitors", "Pages", "Sources", "Details", "Filter", "behind", "Here now"):
        assert word not in left


def test_a_link_to_the_view_is_copied(page: Page) -> None:
    page.chromium.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    page.click("#more-button")
    page.click('[data-more="share"]')
    page.until(lambda: page.text("#toast") == "The link is copied.")
    address = page.chromium.current_url
    copied = page.chromium.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == address


def test_keys_are_explained_and_do_what_is_said(page: Page) -> None:
    page.press("?")
    page.until(lambda: page.all("#drawer kbd"))
    assert page.texts("#drawer kbd") == ["/", "←", "→", "c", "?", "Esc"]
    page.press(ESCAPE)
    page.until(lambda: not page.all("#drawer"))
    page.press("/")
    page.until(lambda: page.all("#filter-sheet"))
    assert page.focus() == "filter-dimension"
    page.press(ESCAPE)
    page.until(lambda: not page.all("#filter-sheet"))
    assert page.focus() == "filter-button"


def test_everything_is_reached_by_the_tab_key(page: Page) -> None:
    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached: list[str] = []
    for _ in range(120):
        page.press(Keys.TAB)
        on = page.focus()
        if reached and on == reached[0]:
            break
        reached.append(on)
        outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or on == "", on
    wanted = ["site-button", "status", "filter-button", "period-button", "compare-button"]
    assert [one for one in reached if one in wanted] == wanted
    for one in ("more-button", "chart", "tab-page", "tab-country", "ledger-summary"):
        assert one in reached


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    "view", ["", "&open=values:page", "&open=settings", "&places=map", "&open=live", "&open=help"]
)
def test_axe_finds_nothing(page: Page, view: str, width: int, theme: str) -> None:
    page.set_theme(theme)
    with page.sized(width, 844):
        page.open(period=f"7d{view}")
        time.sleep(0.3)
        assert page.findings() == []
        assert page.offset() == 0


@pytest.mark.parametrize("menu", ["site", "filter", "period", "compare", "more"])
def test_axe_finds_nothing_in_open_menus(page: Page, menu: str) -> None:
    page.click(f"#{menu}-button")
    assert page.findings(f"#{menu}-sheet") == [], "what a menu covers is no target meanwhile"


def test_korean_has_no_findings_and_fits_a_phone(page: Page) -> None:
    page.set_language("ko")
    with page.sized(390, 844):
        page.open()
        assert page.findings() == []
        assert page.offset() == 0


def test_a_phone_shows_chart_and_comparison(page: Page) -> None:
    with page.sized(390, 844):
        page.open()
        ends = page.run("return document.querySelector('#chart').getBoundingClientRect().bottom")
        assert ends <= 844
        strip = page.run("return document.querySelector('.live-now').offsetHeight")
        assert strip == 108
        page.click("#period-button")
        page.click("#compare-narrow button:nth-of-type(4)")
        page.until(lambda: "compare=none" in page.address())
        assert len(page.all("[data-testid=panel-pages] .row")) == 5
        page.click("[data-testid=panel-pages] .panel-foot a")
        page.until(lambda: page.all("#drawer .values tbody tr"))
        assert page.find("#drawer").size["width"] == 390


def test_a_script_in_every_text_shows_as_text(page: Page) -> None:
    engine, session = page.engine, uuid4().hex
    body = {
        "csrf_token": engine.token(HOSTILE, session),
        "session_id": session,
        "events": [
            {
                "event_type": "page_view",
                "page_url": f"https://{HOSTILE}/{quote(SCRIPT)}?utm_source={quote(SCRIPT)}"
                f"&utm_campaign={quote(SCRIPT)}",
                "title": SCRIPT,
                "referrer": f"https://other.example/{quote(SCRIPT)}",
            },
            {"event_type": "custom", "page_url": f"https://{HOSTILE}/", "name": SCRIPT[:100]},
        ],
    }
    assert engine.post("/api/events", body).status == 200
    hostile = Page(page.chromium, engine, HOSTILE)
    eventually(
        lambda: engine.get("/api/stats", site_id=HOSTILE)["totals"]["events"] == 1, within=20
    )
    page.chromium.get_log("browser")  # type: ignore[no-untyped-call]
    for view in (
        {"period": "today", "sources": "utm_campaign"},
        {"period": "today", "open": "values:event"},
        {"period": "today", "open": f"values:{quote(SCRIPT)}"},
        {
            "period": "today",
            "pages": quote(SCRIPT),
            "metric": quote(SCRIPT),
            "compare": quote(SCRIPT),
        },
    ):
        hostile.open(**view)
        time.sleep(0.3)
        assert "owned" not in hostile.chromium.title
        logged = hostile.chromium.get_log("browser")  # type: ignore[no-untyped-call]
        assert not [one for one in logged if "Content Security Policy" in one["message"]]
    hostile.open(period="today")
    assert "<script>" in hostile.text("[data-testid=panel-events]")
    assert "owned" not in hostile.chromium.title


PICTURES = {
    "dashboard": (1440, "light", "en"),
    "dashboard-dark": (1440, "dark", "en"),
    "dashboard-phone": (390, "light", "en"),
    "dashboard-korean": (1440, "light", "ko"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_docs_are_of_this_page(page: Page, name: str, tmp_path: Path) -> None:
    width, theme, language = PICTURES[name]
    url, folder = os.environ.get("PICTURES_OF"), tmp_path
    if url is not None:
        shown = Engine(url, page.engine.data, page.engine.process)
        page, folder = Page(page.chromium, shown, "demo.example"), ROOT / "docs" / "images"
        page.load()
    page.set_theme(theme)
    page.set_language(language)
    with page.sized(width, 844):
        page.open()
        page.until(lambda: page.all(".goal-row"), within=80)
        height = page.run("return document.documentElement.scrollHeight")
    with page.sized(width, height):
        time.sleep(4)  # the live numbers have come, and everything is drawn
        picture = folder / f"{name}.png"
        page.chromium.save_screenshot(str(picture))
    page.forget_choices()
    assert (ROOT / "docs" / "images" / f"{name}.png").exists()
    assert picture.stat().st_size > 20_000
