"""With conditions the answers are those of an oracle in Python, by the words of docs/metrics.md."""

from datetime import timedelta
from pathlib import Path

import pytest

from query.counted import CountedEvents
from query.question import Question
from tests import oracle
from tests.effort import examples
from tests.query.busy import VALUES, Busy
from tests.query.comparing import check
from tests.query.filter_oracle import Counted
from tests.query.shelf import Shelf

QUESTIONS = 8


@pytest.mark.parametrize("seed", range(examples(5)))
def test_a_filter_keeps_what_its_words_say(seed: int, tmp_path: Path) -> None:
    busy = Busy(seed)
    shelf = shelved(busy, tmp_path)
    kept = 0
    for _ in range(QUESTIONS):
        question = busy.question()
        found, expected = shelf.engine.counted(question), Counted(busy.batches, question)
        assert found.days() == expected.days(), question
        for dimension in VALUES:
            listing = found.listing(dimension, limit=None)
            assert dict(listing.rows) == expected.listing(dimension), (dimension, question)
        check_goals(busy, found, expected)
        kept += bool(expected.kept)
    assert kept > QUESTIONS / 3


def check_goals(busy: Busy, found: CountedEvents, expected: Counted) -> None:
    steps = [busy.goal() for _ in range(busy.rng.choice([2, 3]))]
    one = found.conversions(steps[0]).get("")
    counts = (one.visitors, one.visits, one.conversions) if one else (0, 0, 0)
    assert counts == expected.goal(steps[0]), steps[0]
    assert [step.visits for step in found.funnel(steps)] == expected.funnel(steps), steps
    assert found.revenue() == expected.revenue()
    scroll, scrolled = found.scroll(), expected.scroll()
    assert (scroll and (scroll.depth, scroll.read)) == (scrolled and pytest.approx(scrolled))


@pytest.mark.parametrize("seed", range(100, 100 + examples(5)))
def test_without_a_filter_events_say_what_rollups_say(seed: int, tmp_path: Path) -> None:
    busy = Busy(seed)
    shelf, days = shelved(busy, tmp_path), oracle.count(busy.batches, busy.site.timezone)
    for first, last in ((-1, 1), (0, 0), (1, 2)):
        ends = busy.midnight + timedelta(days=first), busy.midnight + timedelta(days=last)
        check(shelf.engine.counted(Question(busy.site, *ends)), days, *ends)


def shelved(busy: Busy, folder: Path) -> Shelf:
    """Write traffic, in some parts, and merge some of the days in between."""
    shelf, left = Shelf(folder / "columns", busy.site.timezone), list(busy.batches)
    while left:
        size = busy.rng.randrange(1, 40)
        shelf.put(left[:size])
        left = left[size:]
        for _ in range(busy.rng.randrange(3)):
            shelf.merge(busy.midnight + timedelta(days=busy.rng.randrange(-2, 2)))
    return shelf
