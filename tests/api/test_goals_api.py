"""POST /api/goals, and what a goal can be."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.errors import UsageError
from runtime.sites.encoding import decode_site, encode_site
from runtime.sites.goals import MAX_GOALS, READY, Goal, goals_of, with_goal, without_goal
from runtime.sites.site import Site, hash_read_key
from runtime.sites.sqlite import SqliteSiteStore
from tests.api.caller import KEY, call, get

ADMIN = "li_admin_a-key"
OWNER = {"X-API-Key": ADMIN}
SIGNUP = {"name": "Signup", "event": "signup"}


@pytest.fixture(autouse=True)
def _owner(data: Path) -> None:
    SqliteSiteStore(data / "sites.sqlite").add(
        Site(
            site_id="owned.site",
            read_key_hashes=(hash_read_key(KEY),),
            admin_key_hashes=(hash_read_key(ADMIN),),
        )
    )


def send(body: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    sent = OWNER if headers is None else headers
    status, document, _ = call("POST", "/api/goals", {"site_id": "owned.site"}, sent, text)
    return status, document


def test_an_owner_adds_changes_and_removes_goals(data: Path) -> None:
    assert send({"goal": SIGNUP})[0] == 200
    assert send({"goal": {"name": "Blog", "page": "/blog/*"}})[0] == 200
    pro = {**SIGNUP, "property": {"name": "plan", "value": "pro"}, "has_revenue": True}
    status, body = send({"goal": pro})
    assert (status, [goal["name"] for goal in body["goals"]]) == (200, ["Signup", "Blog"])
    assert body["goals"][0] == {**pro, "page": None, "is_ready_made": False}
    site = SqliteSiteStore(data / "sites.sqlite").get("owned.site")
    assert site is not None
    assert site.goals == (
        Goal(name="Signup", event="signup", prop="plan", value="pro", revenue=True),
        Goal(name="Blog", page="/blog/*"),
    )
    assert [goal["name"] for goal in send({"remove": "Signup"})[1]["goals"]] == ["Blog"]


def test_a_goal_that_was_added_can_be_asked_for_at_once() -> None:
    asked = {"site_id": "owned.site", "goal": "Signup"}
    assert get("/api/query", asked, OWNER)[1]["code"] == "unknown_goal"
    assert send({"goal": SIGNUP})[0] == 200
    _, body, _ = get("/api/query", asked, OWNER)
    assert body.get("code") != "unknown_goal"


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": KEY}, {"X-API-Key": "wrong"}])
def test_nobody_else_changes_goals(headers: dict[str, str]) -> None:
    status, body = send({"goal": SIGNUP}, headers)
    assert (status, body["code"]) == (401, "admin_key_required")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "[" * 5000,
        "9" * 5000,
        {},
        {"goal": "Signup"},
        {"goal": SIGNUP, "remove": "Signup"},
        {"remove": 5},
        {"remove": "Nothing"},
        {"goal": {}},
        {"goal": {"name": "x"}},
        {"goal": {"name": "", "event": "x"}},
        {"goal": {"name": "x" * 61, "event": "x"}},
        {"goal": {"name": "a\nb", "event": "x"}},
        {"goal": {"name": "x", "event": "x", "page": "/"}},
        {"goal": {"name": "x", "page": "thanks"}},
        {"goal": {"name": "x", "page": "/", "has_revenue": True}},
        {"goal": {"name": "x", "event": 5}},
        {"goal": {"name": "x", "event": "x", "property": "plan"}},
        {"goal": {"name": "x", "event": "x", "property": {"name": "plan"}}},
        {"goal": {"name": "x", "event": "x", "property": {"name": "plan", "value": 1}}},
        {"goal": {"name": "x", "event": "x", "property": {"name": "plan", "value": ""}}},
        {"goal": {"name": "x", "event": "x", "has_revenue": "yes"}},
        {"goal": {"name": "x", "event": "x", "more": 1}},
        json.dumps({"goal": SIGNUP}) + " " * 4000,
    ],
)
def test_what_is_no_goal_is_refused_with_what_to_do(body: Any) -> None:
    status, document = send(body)
    assert (status, document["code"]) == (422, "bad_goal")
    assert len(document["detail"]) > 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "goal": JSON
            | st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(("name", "page", "event", "property", "has_revenue"), JSON),
            ),
            "remove": JSON,
        },
    )
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_makes_it_fail(body: Any) -> None:
    assert send(body)[0] in {200, 422}


def test_a_site_has_so_many_goals_and_no_more() -> None:
    goals: tuple[Goal, ...] = ()
    for number in range(MAX_GOALS):
        goals = with_goal(goals, Goal(name=f"goal {number}", page=f"/{number}"))
    with pytest.raises(UsageError, match="at most 50"):
        with_goal(goals, Goal(name="one more", page="/"))
    assert len(with_goal(goals, Goal(name="goal 7", page="/other"))) == MAX_GOALS
    with pytest.raises(UsageError, match="no goal 'x'"):
        without_goal(goals, "x")


def test_goals_of_a_site_come_back_as_they_were_kept() -> None:
    goals = (Goal(name="Kauf", event="kauf", prop="größe", value="Ⅻ", revenue=True),)
    site = Site(site_id="my.site", goals=goals)
    assert decode_site(encode_site(site)) == site


def test_a_goal_of_the_sites_own_takes_the_place_of_a_ready_one() -> None:
    own = Goal(name=READY[0].name, page="/404")
    assert goals_of((own,)) == {own.name: own, READY[1].name: READY[1]}
    assert list(goals_of(())) == [goal.name for goal in READY]


def test_two_goals_of_one_name_cannot_be() -> None:
    goal = Goal(name="x", page="/")
    with pytest.raises(UsageError, match="same name"):
        Site(site_id="my.site", goals=(goal, goal))
