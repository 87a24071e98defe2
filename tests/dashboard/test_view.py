"""What an address says, and which days that is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard.asking import Ask

pytestmark = pytest.mark.browser

TODAY = "2026-11-27"
DAYS = """
const { daysOf, readView } = await import("/view.js");
const { from, to } = daysOf(readView(arguments[0]), arguments[1], arguments[2]);
return [from, to];
"""
STEPPED = """
const { daysOf, readView, step } = await import("/view.js");
const [search, today, directions] = arguments;
let view = readView(search);
for (const direction of directions) {
  const change = step(view, today, direction);
  if (change === null) return null;
  view = { ...view, ...change };
}
const { from, to } = daysOf(view, today);
return [from, to];
"""
COMPARED = """
const { comparedDays } = await import("/view.js");
const days = comparedDays(arguments[0], { from: arguments[1], to: arguments[2] });
return days && [days.from, days.to];
"""
AROUND = """
const { filterText, parseFilter } = await import("/view.js");
return arguments[0].map((filter) => parseFilter(filterText(filter)));
"""
AGAIN = """
const { readView, writeView } = await import("/view.js");
return [writeView(readView(arguments[0])), writeView(readView(writeView(readView(arguments[0]))))];
"""


@pytest.mark.parametrize(
    ("search", "days"),
    [
        ("", ["2026-11-21", "2026-11-27"]),
        ("?period=today", ["2026-11-27", "2026-11-27"]),
        ("?period=day", ["2026-11-27", "2026-11-27"]),
        ("?period=day&date=2026-11-03", ["2026-11-03", "2026-11-03"]),
        ("?period=yesterday", ["2026-11-26", "2026-11-26"]),
        ("?period=28d", ["2026-10-31", "2026-11-27"]),
        ("?period=7d&date=2026-11-20", ["2026-11-14", "2026-11-20"]),
        ("?period=7d&date=2027-01-01", ["2026-11-21", "2026-11-27"]),
        ("?period=month", ["2026-11-01", "2026-11-27"]),
        ("?period=month&date=2026-02-10", ["2026-02-01", "2026-02-28"]),
        ("?period=6mo", ["2026-06-01", "2026-11-27"]),
        ("?period=12mo", ["2025-12-01", "2026-11-27"]),
        ("?period=year", ["2026-01-01", "2026-11-27"]),
        ("?period=year&date=2025-12-31", ["2025-01-01", "2025-12-31"]),
        ("?period=all", ["2015-05-17", "2026-11-27"]),
        ("?from=2026-02-27&to=2026-03-01", ["2026-02-27", "2026-03-01"]),
        ("?from=2026-02-30&to=2026-03-01", ["2026-11-21", "2026-11-27"]),
        ("?from=2026-03-02&to=2026-03-01&period=nonsense", ["2026-11-21", "2026-11-27"]),
    ],
)
def test_an_address_means_days(ask: Ask, search: str, days: list[str]) -> None:
    assert ask(DAYS, search, TODAY, "2015-05-17") == days


@pytest.mark.parametrize(
    ("search", "directions", "days"),
    [
        ("", [-1], ["2026-11-14", "2026-11-20"]),
        ("", [-1, 1], ["2026-11-21", "2026-11-27"]),
        ("", [1], None),
        ("?period=today", [-1], ["2026-11-26", "2026-11-26"]),
        ("?period=yesterday", [-1], ["2026-11-25", "2026-11-25"]),
        ("?period=yesterday", [1], ["2026-11-27", "2026-11-27"]),
        ("?period=month", [-1], ["2026-10-01", "2026-10-31"]),
        ("?period=month", [-1, -1, 1], ["2026-10-01", "2026-10-31"]),
        ("?period=month", [-1, 1], ["2026-11-01", "2026-11-27"]),
        ("?period=6mo", [-1], ["2025-12-01", "2026-05-31"]),
        ("?period=6mo", [-1, -1, 1], ["2025-12-01", "2026-05-31"]),
        ("?period=12mo", [-1, 1], ["2025-12-01", "2026-11-27"]),
        ("?period=year", [-1], ["2025-01-01", "2025-12-31"]),
        ("?from=2026-02-27&to=2026-03-01", [-1], ["2026-02-24", "2026-02-26"]),
        ("?period=all", [-1], None),
    ],
)
def test_a_step_shows_the_days_beside(
    ask: Ask, search: str, directions: list[int], days: list[str] | None
) -> None:
    assert ask(STEPPED, search, TODAY, directions) == days


@pytest.mark.parametrize(
    ("compare", "first", "last", "days"),
    [
        ("previous", "2026-11-21", "2026-11-27", ["2026-11-14", "2026-11-20"]),
        ("weekday", "2026-11-27", "2026-11-27", ["2026-11-20", "2026-11-20"]),
        ("weekday", "2026-11-18", "2026-11-27", ["2026-11-04", "2026-11-13"]),
        ("year", "2024-02-28", "2024-02-29", ["2023-02-28", "2023-02-28"]),
        ("none", "2026-11-21", "2026-11-27", None),
        ("2026-01-01..2026-01-31", "2026-11-21", "2026-11-27", ["2026-01-01", "2026-01-31"]),
    ],
)
def test_a_comparison_means_days(
    ask: Ask, compare: str, first: str, last: str, days: list[str] | None
) -> None:
    assert ask(COMPARED, compare, first, last) == days


filters = st.fixed_dictionaries(
    {
        "dimension": st.sampled_from(["page", "source", "prop:plan", "prop:a b"]),
        "operator": st.sampled_from(["is", "is_not", "contains"]),
        "values": st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=3
        ),
    }
)


@settings(max_examples=10)
@given(st.lists(filters, min_size=1, max_size=10))
def test_a_filter_comes_out_of_an_address_as_it_went_in(ask: Ask, some: list[Any]) -> None:
    assert ask(AROUND, some) == some


@pytest.mark.parametrize(
    "search",
    [
        "?site=a.example&period=28d&date=2026-10-01&compare=weekday&metric=visits&interval=week"
        "&filter=page%3A%2Fa%7C%2Fb&filter=source%21%3A%40direct&goal=signup&pages=exit_page"
        "&open=values%3Apage",
        "?site=a.example&from=2026-01-01&to=2026-01-02&compare=2025-01-01..2025-01-02",
        "?site=<script>&filter=&filter=:&filter=nothing&compare=nonsense&open=",
    ],
)
def test_a_view_comes_out_of_an_address_as_it_went_in(ask: Ask, search: str) -> None:
    once, twice = ask(AGAIN, search)
    assert once == twice
    if "nonsense" not in search:
        assert once == search
