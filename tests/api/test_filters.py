r"""Filters are read as they are written, and nothing else is taken for one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.value import DIRECT, NOT_SET, value_of
from api.query.filters import FILTERED, MAX_FILTERS, filters_in
from query.question import Condition, Goal, Operator, Reached
from runtime.problem import ProblemError
from runtime.sites.goals import Goal as SiteGoal
from runtime.sites.goals import goals_of

GOALS = goals_of((SiteGoal(name="Signup", event="signup", prop="plan", value="pro"),))
SIGNUP = Goal(
    (
        Condition("event", Operator.IS, ("signup",)),
        Condition("prop:plan", Operator.IS, ("pro",)),
    )
)


@pytest.mark.parametrize(
    ("text", "dimension", "operator", "values"),
    [
        ("page:/pricing", "page", Operator.IS, ("/pricing",)),
        ("page!:/pricing", "page", Operator.IS_NOT, ("/pricing",)),
        ("page~:blog", "page", Operator.CONTAINS, ("blog",)),
        ("page:/a|/b", "page", Operator.IS, ("/a", "/b")),
        (r"page:/a\|b|\\", "page", Operator.IS, ("/a|b", "\\")),
        ("page:https://x/:y", "page", Operator.IS, ("https://x/:y",)),
        ("source:@direct", "source", Operator.IS, (DIRECT,)),
        ("source!:@direct|Google", "source", Operator.IS_NOT, (DIRECT, "Google")),
        ("country:@not_set", "country", Operator.IS, (NOT_SET,)),
        (r"source:\@direct", "source", Operator.IS, ("@direct",)),
        ("source:a@b", "source", Operator.IS, ("a@b",)),
        ("prop:plan:pro", "prop:plan", Operator.IS, ("pro",)),
        ("prop:plan!:pro", "prop:plan", Operator.IS_NOT, ("pro",)),
        ("prop:plan~:p", "prop:plan", Operator.CONTAINS, ("p",)),
        (r"prop:a\:b\!:c:d", "prop:a:b!", Operator.IS, ("c:d",)),
        ("screen:>= 1920", "screen", Operator.IS, (">= 1920",)),
        ("utm_campaign: x ", "utm_campaign", Operator.IS, (" x ",)),
        ("page:" + "x" * 400, "page", Operator.IS, (value_of("x" * 400),)),
        ("event:a\nb", "event", Operator.IS, (value_of("a\nb"),)),
    ],
)
def test_a_filter_is_a_condition(
    text: str, dimension: str, operator: Operator, values: tuple[str, ...]
) -> None:
    assert filters_in([text], GOALS) == ((Condition(dimension, operator, values),), ())


@pytest.mark.parametrize(
    ("text", "not_"), [("goal:Signup", False), ("goal!:Signup", True)], ids=["done", "not done"]
)
def test_a_goal_is_a_condition_on_what_reaches_it(text: str, not_: bool) -> None:
    assert filters_in([text], GOALS) == ((), (Reached((SIGNUP,), not_),))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_filter"),
        ("page", "bad_filter"),
        ("page:", "bad_filter"),
        ("page:/a|", "bad_filter"),
        (":x", "bad_filter"),
        ("Page:/", "bad_filter"),
        ("total:x", "bad_filter"),
        ("hour:00", "bad_filter"),
        ("prop:", "bad_filter"),
        ("prop::x", "bad_filter"),
        ("prop:plan", "bad_filter"),
        ("prop!:x", "bad_filter"),
        ("prop:" + "x" * 65 + ":y", "bad_filter"),
        ("page:x\\", "bad_filter"),
        ("page:@other", "bad_filter"),
        ("page:@nothing", "bad_filter"),
        ("source~:@direct", "bad_filter"),
        ("page:" + "x" * 4000, "bad_filter"),
        ("page:" + "|".join("x" * 101), "bad_filter"),
        ("goal~:Sign", "bad_filter"),
        ("goal:Nothing", "unknown_goal"),
    ],
)
def test_what_is_no_filter_is_refused_with_what_to_do(text: str, code: str) -> None:
    with pytest.raises(ProblemError) as refused:
        filters_in([text], GOALS)
    problem = refused.value.problem
    assert (problem.status, problem.code) == (422, code)
    assert 30 < len(problem.detail) < 500


def test_there_are_not_endless_filters() -> None:
    assert len(filters_in(["page:/"] * MAX_FILTERS, GOALS).conditions) == MAX_FILTERS
    with pytest.raises(ProblemError, match="21 filters"):
        filters_in(["page:/"] * (MAX_FILTERS + 1), GOALS)


def escaped(text: str) -> str:
    for letter in ("\\", "|"):
        text = text.replace(letter, "\\" + letter)
    return "\\" + text if text.startswith("@") else text


TEXTS = st.text(min_size=1, max_size=20)


@given(
    st.sampled_from([name for name in FILTERED if name != "goal"]),
    st.sampled_from(["", "!", "~"]),
    st.lists(TEXTS, min_size=1, max_size=4),
)
def test_any_value_can_be_written(dimension: str, sign: str, values: list[str]) -> None:
    text = f"{dimension}{sign}:{'|'.join(map(escaped, values))}"
    ((condition,), _) = filters_in([text], GOALS)
    read = values if sign == "~" else [value_of(value) for value in values]
    assert condition.values == tuple(read)


@given(
    st.text(max_size=40) | st.from_regex(r"(page|prop:a|goal|x)[!~]?:[\\|@a-z]*", fullmatch=True)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ProblemError):
        filters_in([text], GOALS)
