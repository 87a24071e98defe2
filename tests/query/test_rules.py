"""Single rules of docs/metrics.md that random traffic seldom meets, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from query.question import Condition, Goal, Operator, Question
from runtime.errors import RetryableError, UsageError
from schemas.event import Context, Event, EventBatch, EventType
from tests.query.filter_oracle import Counted
from tests.query.shelf import SITE, Shelf

NIGHT = datetime(2026, 5, 5, tzinfo=UTC)
BEFORE, AFTER = date(2026, 5, 4), date(2026, 5, 5)


def event(minutes: int, kind: EventType, number: int, page: str = "/", name: str = "") -> Event:
    at = NIGHT + timedelta(minutes=minutes)
    return Event(
        event_id=number.to_bytes(16, "big"),
        event_type=kind,
        occurred_at=int(at.timestamp() * 1000),
        session_id="session-a",
        page=page,
        name=name,
    )


def batch(*events: Event) -> EventBatch:
    return EventBatch(SITE, b"visitor1", events[0].occurred_at, Context(), events)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "columns")


def page(value: str) -> Condition:
    return Condition("page", Operator.IS, (value,))


def test_a_visitor_counts_on_the_days_of_what_was_asked_for(shelf: Shelf) -> None:
    night = batch(
        event(-10, EventType.PAGE_VIEW, 1, "/pricing"), event(5, EventType.CUSTOM, 2, name="x")
    )
    shelf.put([night])
    question = Question(shelf.site, BEFORE, AFTER, conditions=(page("/pricing"),))
    days = shelf.engine.counted(question).days()
    assert days == Counted([night], question).days()
    assert (days[BEFORE].visitors, days[AFTER].visitors, days[AFTER].events) == (1, 0, 1)


def test_the_page_row_is_what_its_filter_gives(shelf: Shelf) -> None:
    night = batch(
        event(-10, EventType.PAGE_VIEW, 1, "/pricing"),
        event(-5, EventType.PAGE_VIEW, 2, "/"),
        event(5, EventType.PAGE_VIEW, 3, "/pricing"),
    )
    shelf.put([night])
    question = Question(shelf.site, BEFORE, AFTER)
    row = shelf.engine.counted(question).rows("page", ["/pricing"])["/pricing"]
    total = shelf.engine.counted(question.of(page("/pricing"))).total()
    assert (row.visitors, row.pageviews) == (total.visitors, total.pageviews) == (2, 2)


def test_a_merged_day_that_says_what_is_not_true_any_more_is_written_anew(shelf: Shelf) -> None:
    shelf.put([batch(event(-10, EventType.PAGE_VIEW, 1))])
    shelf.merge(BEFORE)
    question = Question(shelf.site, BEFORE, AFTER)
    assert shelf.engine.counted(question).total().bounces == 1
    shelf.put([batch(event(5, EventType.PAGE_VIEW, 2))])
    shelf.merge(AFTER)
    total = shelf.engine.counted(question).total()
    assert (total.visits, total.bounces, total.duration_ms) == (1, 0, 15 * 60_000)


def test_a_part_of_the_ranking_is_that_part(shelf: Shelf) -> None:
    views = [event(10 + n, EventType.PAGE_VIEW, n, f"/{'Ab'[n % 2]}{n:02}") for n in range(9)]
    shelf.put([batch(*views)])
    found = shelf.engine.counted(Question(shelf.site, AFTER, AFTER))
    assert [value for value, _ in found.listing("page", 2, 3).rows] == ["/A06", "/A08"]
    assert found.listing("page", 2, 99) == ([], 9)
    searched = found.listing("page", 2, search="/a0")
    assert ([value for value, _ in searched.rows], searched.values) == (["/A00", "/A02"], 5)
    last = found.listing("page", 1, sort="pageviews", descending=False)
    assert [value for value, _ in last.rows] == ["/A00"]
    assert found.event_names(9) == []


def test_what_cannot_be_asked_is_refused(shelf: Shelf) -> None:
    found = shelf.engine.counted(Question(shelf.site, AFTER, AFTER))
    for wrong in ("nothing", "prop:", "page; DROP TABLE clock"):
        with pytest.raises(UsageError, match="dimension"):
            found.listing(wrong, 1)
        with pytest.raises(UsageError, match="dimension"):
            Condition(wrong, Operator.IS, ("x",))
    with pytest.raises(UsageError, match="metric"):
        found.listing("page", 1, sort="1; DROP TABLE clock")
    with pytest.raises(UsageError, match="2 to 8"):
        found.funnel([Goal((page("/"),))] * 9)


def test_who_asks_beside_too_many_is_told_so(shelf: Shelf) -> None:
    shelf.engine._wait_seconds = 0.01
    found = shelf.engine.counted(Question(shelf.site, AFTER, AFTER))
    with (
        shelf.engine._turn(),
        shelf.engine._turn(),
        pytest.raises(RetryableError, match="too many"),
    ):
        found.total()
    assert found.total().visits == 0


def test_files_that_are_merged_meanwhile_are_looked_up_anew(shelf: Shelf) -> None:
    shelf.put([batch(event(10, EventType.PAGE_VIEW, 1))])
    found = shelf.engine.counted(Question(shelf.site, AFTER, AFTER))
    assert found.total().pageviews == 1
    shelf.put([batch(event(12, EventType.PAGE_VIEW, 2))])
    shelf.merge(AFTER)
    asked = shelf.engine.counted(Question(shelf.site, AFTER, AFTER))
    shelf.put([batch(event(14, EventType.PAGE_VIEW, 3))])
    shelf.merge(AFTER)
    assert asked.total().pageviews == 3


def test_the_database_opens_nothing_else(shelf: Shelf, tmp_path: Path) -> None:
    other = tmp_path / "secret.csv"
    other.write_text("a\n1\n")
    session = shelf.engine.counted(Question(shelf.site, AFTER, AFTER))._session
    for wrong in (
        f"SELECT * FROM read_csv('{other}')",  # noqa: S608
        f"COPY (SELECT 1) TO '{tmp_path}/x.csv'",
        f"ATTACH '{tmp_path}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
    ):
        with pytest.raises(RetryableError):
            session.fetch(wrong)
