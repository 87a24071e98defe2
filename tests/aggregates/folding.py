"""The fold over a whole stream: what the stats consumer does, without stores."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from aggregates.accumulator import Rows, rollup_of
from aggregates.fold import fold
from aggregates.progress import Position
from aggregates.rollup import Rollup
from aggregates.visitor import NEW, VisitorState
from schemas.event import EventBatch


class FoldedAlone(NamedTuple):
    """What one record gives, and what it adds to each day."""

    state: VisitorState
    events_counted: int
    events_duplicate: int
    redelivered: bool
    deltas: Mapping[date, Rollup]


def fold_alone(
    state: VisitorState, batch: EventBatch, position: Position, timezone: str = "UTC"
) -> FoldedAlone:
    days: defaultdict[date, Rows] = defaultdict(dict)
    folded = fold(state, batch, position, timezone, days.__getitem__)
    return FoldedAlone(*folded, rollups_of(days))


def fold_all(stream: Iterable[EventBatch], timezone: str = "UTC") -> dict[date, Rollup]:
    """Fold records into one accumulator a day."""
    states: dict[bytes, VisitorState] = {}
    days: defaultdict[date, Rows] = defaultdict(dict)
    for number, batch in enumerate(stream, 1):
        state = states.get(batch.visitor_id, NEW)
        folded = fold(state, batch, Position("shard", number), timezone, days.__getitem__)
        states[batch.visitor_id] = folded.state
    return rollups_of(days)


def rollups_of(days: Mapping[date, Rows]) -> dict[date, Rollup]:
    rollups = {day: rollup_of(rows) for day, rows in days.items()}
    return {day: rollup for day, rollup in rollups.items() if rollup.rows}
