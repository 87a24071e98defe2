"""The fold over a whole stream: what the stats consumer does, without stores."""

from collections.abc import Iterable
from datetime import date

from aggregates.fold import fold
from aggregates.progress import Position
from aggregates.rollup import Rollup, merge
from aggregates.visitor import NEW, VisitorState
from schemas.event import EventBatch


def fold_all(stream: Iterable[EventBatch], timezone: str = "UTC") -> dict[date, Rollup]:
    states: dict[bytes, VisitorState] = {}
    deltas: dict[date, list[Rollup]] = {}
    for number, batch in enumerate(stream, 1):
        state = states.get(batch.visitor_id, NEW)
        folded = fold(state, batch, Position("shard", number), timezone)
        states[batch.visitor_id] = folded.state
        for day, delta in folded.deltas.items():
            deltas.setdefault(day, []).append(delta)
    days = {day: merge(parts) for day, parts in deltas.items()}
    return {day: rollup for day, rollup in days.items() if rollup.rows}
