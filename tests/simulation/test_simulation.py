"""The real processors under everything that can go wrong, and proof that this would be noticed.

`SIM_SEEDS=20000` runs more schedules; `SIM_SEED=123` runs one, with its trace if it is wrong.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

import pytest

from schemas.event import decode_batch
from tests.effort import CROWDED_SCHEDULES, SCHEDULES
from tests.simulation.faults import Fault
from tests.simulation.schedule import REAL, Schedule, Variant
from tests.simulation.summary import CONTROL, SIMULATED
from tests.simulation.variants import CONTROLS, little_room

CHUNK = 100
CROWDED_CHUNK = 50
CONTROL_SEEDS = 40


def chunks() -> list[range]:
    """Cut the seeds into ranges, each a test, so that workers share them."""
    if one := os.environ.get("SIM_SEED"):
        return [range(int(one), int(one) + 1)]
    return [range(first, min(first + CHUNK, SCHEDULES)) for first in range(0, SCHEDULES, CHUNK)]


decode_once = lru_cache(maxsize=4096)(decode_batch)


@pytest.fixture(autouse=True)
def records_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three consumers decode each record at every delivery: the same bytes, the same value."""
    monkeypatch.setattr("processors.record.decode_batch", decode_once)


@pytest.mark.parametrize("seeds", chunks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_counts_are_exact_whatever_goes_wrong(
    seeds: range, record_property: Callable[[str, object], None]
) -> None:
    fired: Counter[Fault] = Counter()
    schedules: Counter[Fault] = Counter()
    wrong: list[str] = []
    for seed in seeds:
        outcome = Schedule(seed, REAL).run()
        fired.update(outcome.fired)
        schedules.update(set(+outcome.fired))
        if outcome.wrong:
            wrong.append(outcome.report())
    counts = {"seeds": len(seeds), "wrong": len(wrong), "fired": fired, "schedules": schedules}
    record_property(SIMULATED, json.dumps(counts))
    assert not wrong, f"{len(wrong)} schedules are wrong; the first:\n{wrong[0]}"
    if len(seeds) == CHUNK:
        assert not [fault for fault in Fault if not fired[fault]], "never fired"


@pytest.mark.parametrize("first", range(0, CROWDED_SCHEDULES, CROWDED_CHUNK))
def test_counts_are_exact_while_items_have_no_room(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values move to OTHER again and again, and whatever goes wrong goes wrong meanwhile."""
    moved = little_room(monkeypatch)
    seeds = range(first, first + CROWDED_CHUNK)
    wrong = [
        outcome.report() for outcome in (Schedule(s, REAL).run() for s in seeds) if outcome.wrong
    ]
    assert not wrong, f"{len(wrong)} schedules are wrong; the first:\n{wrong[0]}"
    assert moved[True] > CROWDED_CHUNK // 2
    assert moved[False] > CROWDED_CHUNK // 2


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.__name__)
def test_a_broken_variant_is_caught(
    control: Callable[[pytest.MonkeyPatch], Variant],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    variant = control(monkeypatch)
    enough, caught, tried = CONTROL_SEEDS * CONTROLS[control], 0, 0
    while caught < enough and tried < CONTROL_SEEDS:  # those that are caught often end soon
        caught += bool(Schedule(tried, variant, storm=True).run().wrong)
        tried += 1
    record_property(CONTROL, f"caught {caught:2} of {tried}: {control.__name__}")
    assert caught >= enough


def test_a_seed_gives_the_same_schedule_each_time() -> None:
    first, second = (Schedule(7, REAL, storm=True).run() for _ in range(2))
    assert first == second
    assert len(first.trace) > 100
