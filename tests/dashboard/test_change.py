"""What the page says of a change, and when it takes a colour."""

from typing import Any

import pytest

from tests.dashboard.asking import Ask

pytestmark = pytest.mark.browser

CHANGE = """
const [{ changeOf }, { metricOf }] = await Promise.all([import("/change.js"), import("/metrics.js")]);
return changeOf(metricOf(arguments[0]), arguments[1], arguments[2]);
"""
CSV = """
const { csvOf } = await import("/csv.js");
return csvOf(arguments[0], arguments[1]);
"""


@pytest.mark.parametrize(
    ("metric", "now", "before", "text", "tone"),
    [
        ("visitors", {"visitors": 1100}, {"visitors": 1000}, "+10%", "good"),
        ("visitors", {"visitors": 900}, {"visitors": 1000}, "\u221210%", "bad"),
        ("visitors", {"visitors": 1030}, {"visitors": 1000}, "+3%", "same"),
        ("visitors", {"visitors": 11}, {"visitors": 10}, "+10%", "same"),
        ("visitors", {"visitors": 1000}, {"visitors": 1000}, "0%", "same"),
        ("visitors", {"visitors": 99_999}, {"visitors": 1}, ">+999%", "good"),
        (
            "bounce_rate",
            {"bounce_rate": 0.6, "visits": 1000},
            {"bounce_rate": 0.5, "visits": 1000},
            "+10.0 pp",
            "bad",
        ),
        (
            "bounce_rate",
            {"bounce_rate": 0.6, "visits": 20},
            {"bounce_rate": 0.5, "visits": 20},
            "+10.0 pp",
            "same",
        ),
        (
            "visit_duration_seconds",
            {"visit_duration_seconds": 60, "visits": 5000},
            {"visit_duration_seconds": 50, "visits": 5000},
            "+20%",
            "good",
        ),
    ],
)
def test_a_change_has_a_colour_only_where_it_is_more_than_chance(
    ask: Ask, metric: str, now: Any, before: Any, text: str, tone: str
) -> None:
    change = ask(CHANGE, metric, now, before)
    assert (change["text"], change["tone"]) == (text, tone)


@pytest.mark.parametrize("before", [None, {}, {"visitors": 0}, {"visitors": None}])
def test_there_is_no_change_against_nothing(ask: Ask, before: Any) -> None:
    assert ask(CHANGE, "visitors", {"visitors": 5}, before) is None


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_value_becomes_a_formula_in_a_spreadsheet(ask: Ask, value: str) -> None:
    assert ask(CSV, ["page", "visitors"], [[value, 3]]) == f'"page","visitors"\r\n"\'{value}",3\r\n'


def test_a_value_keeps_its_quotes_and_lines(ask: Ask) -> None:
    assert ask(CSV, ["page"], [['a "b"\nc, d'], [None]]) == '"page"\r\n"a ""b""\nc, d"\r\n""\r\n'
