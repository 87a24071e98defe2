"""The tables of one question, in a connection of its own: what the answers are taken from.

| table | holds |
|---|---|
| `clock` | the steps of the range, with their days and hours |
| `recent`, `new` | events of visitors who are in open files, and their visits, found out now |
| `events`, `visits` | these, and what merged files have of the other visitors (views) |
| `sliced` | the kept visits in the range, by quarter of an hour: what is counted, and listed |
| `counted` | the counted events in the range: where conditions speak of events, or many lists do |
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any

from aggregates.window import HOUR_MS, OFFSET_STEP_MS
from query.clock import Run, runs
from query.conditions import Parameters, all_met, any_met, counted, reached, required
from query.database import listed, translated
from query.layout import AROUND, Part
from query.library import Library
from query.question import OF_VISITS, SCREEN, Question, groups_of
from query.stored import EVENT_COLUMNS, VISIT_COLUMNS, VISIT_OF_EVENT
from query.visits import EVENTS_WITH_VISITS, VISITS_OF_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_KEY = "visitor_id, visit_started_at"
_STEP = f"(epoch_ms(occurred_at) // {OFFSET_STEP_MS})::INTEGER AS step"
_EVENT = ", ".join(f'"{name}"' for name in (*EVENT_COLUMNS, *VISIT_OF_EVENT))
_VISIT = ", ".join(VISIT_COLUMNS)
_RAW = ", ".join(f'"{name}"' for name in EVENT_COLUMNS)
_SLICE = "visitor_id, day, hour, opens, alone, bounces, duration_ms"
_COUNTED = (
    "visitor_id, event_id, event_type, occurred_at, step, day, hour, page, hostname, name, props,"
    f" engaged_ms, scroll_depth, revenue_amount, revenue_currency, {', '.join(VISIT_OF_EVENT)}"
)
_NARROW = f"{_KEY}, event_type, step, day, hour, page, hostname, name, engaged_ms"
"""What is counted of most questions."""

_ALL = f"{_EVENT}, step"
_BEGAN = f"epoch_ms(visit_started_at) // {OFFSET_STEP_MS}"
_OPENED = f" SEMI JOIN (SELECT step AS began FROM clock) ON began = {_BEGAN}"


class Session:
    """Makes the tables of a question.

    Args:
        connection: of its own.
        library: the files.
        question: what is asked.
    """

    def __init__(
        self, connection: "DuckDBPyConnection", library: Library, question: Question
    ) -> None:
        self._connection, self._library, self.question = connection, library, question
        self.runs = runs(question.first, question.last, question.site.timezone)
        self.parts = self._parts()
        self.counts_all = False
        """Whether every event of a kept visit counts."""
        self._groups = groups_of(question.conditions)
        self._has_counted = False
        """Whether `counted` is a table although every event of a kept visit counts."""
        self._sliced: set[str] | None = None
        """What the rows of `sliced` can be listed by; None: there is no such table yet."""
        self._has_new = question.until is not None or not all(one.is_merged for one in self.parts)
        """Whether of some visitors the visits are to be found out now."""

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Return the rows that a statement gives.

        Raises:
            RetryableError: a file cannot be read, or there is not enough memory.
        """
        with translated("the events cannot be asked"):
            values = parameters.of(sql) if parameters else {}
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Free the tables."""
        self._connection.close()

    def prepare(self) -> None:
        """Make the tables."""
        self._make_clock(self.runs)
        self._make_recent()
        self._make_views()
        if self._groups.needs_events or self.question.reached:
            self._make_kept_visits()
            self._make_counted()
        else:
            self.counts_all = True

    def slice(self, dimensions: Iterable[str]) -> None:
        """See to it that `sliced` can be listed by these dimensions of visits."""
        names = {*dimensions, *self.question.listed} & OF_VISITS
        if self._sliced is not None and names <= self._sliced:
            return
        if self._sliced is not None:
            self.fetch("DROP TABLE sliced")
            names |= self._sliced
        columns = sorted("screen_width" if name == SCREEN else name for name in names)
        (self._slice_all if self.counts_all else self._slice_kept)(columns)
        self._sliced = names

    def counted(self, parameters: Parameters, *, narrow: bool = False) -> str:
        """Return what gives the counted events: to stand behind FROM.

        Args:
            parameters: of the statement.
            narrow: whether columns that few ask for are not needed.
        """
        if narrow and (self._has_counted or not self.counts_all):
            return "counted"
        if self.counts_all:
            return self.kept_events(parameters)
        kept = self.kept_events(parameters)
        return f"(SELECT * FROM {kept} WHERE {counted(self._groups, parameters)})"

    def kept_events(self, parameters: Parameters, *, opened: bool = False) -> str:
        """Return what gives the events of kept visits: to stand behind FROM.

        Args:
            parameters: of the statement.
            opened: those of visits that begin in the range, instead of those in the range.
        """
        columns = _ALL if opened else _COUNTED
        source = f"SELECT {columns} FROM (SELECT *, {_STEP} FROM events)"
        source += _OPENED if opened else " JOIN clock USING (step)"
        if not self.counts_all:
            return f"({source} SEMI JOIN kept USING ({_KEY}))"
        return f"({source} WHERE {all_met(self._groups.visits, parameters, prefix='visit_')})"

    def bytes(self) -> int:
        """Return how many bytes the files have that are looked at."""
        return sum(self._library.size(part) for part in self.parts)

    def _parts(self) -> list[Part]:
        if not self.runs:
            return []
        first, last = (_utc_day(step) for step in (self.runs[0].first, self.runs[-1].end - 1))
        until = self.question.until
        if until is not None:
            last = min(last, until.astimezone(UTC).date())
        return self._library.parts(self.question.site.site_id, first - AROUND, last + AROUND)

    def _bounds(self) -> tuple[date, date]:
        """Return the first UTC day that is looked at, and the one behind the last one."""
        if not self.runs:
            return _utc_day(0), _utc_day(0)
        first, last = (_utc_day(step) for step in (self.runs[0].first, self.runs[-1].end - 1))
        return first - AROUND, last + AROUND + timedelta(days=1)

    def _make_clock(self, found: Sequence[Run]) -> None:
        parameters = Parameters()
        columns = [
            parameters.put([run.first for run in found]),
            parameters.put([run.end for run in found]),
            parameters.put([run.day.toordinal() for run in found]),
            parameters.put([run.began_at for run in found]),
        ]
        first, end, day, began_at = (f"unnest({one}::BIGINT[])" for one in columns)
        self.fetch(
            f"""
            CREATE TEMP TABLE clock AS
            SELECT step::INTEGER AS step, day::INTEGER AS day,
                ((step * {OFFSET_STEP_MS} - began_at) // {HOUR_MS})::INTEGER AS hour
            FROM (
                SELECT unnest(range(first, stop)) AS step, day, began_at FROM (
                    SELECT {first} AS first, {end} AS stop, {day} AS day, {began_at} AS began_at
                )
            )""",
            parameters,
        )

    def _make_recent(self) -> None:
        """Find out the visits of all visitors of whom something may be new."""
        if not self._has_new:
            return
        columns = ", ".join(f'"{name}" {kind}' for name, kind in EVENT_COLUMNS.items())
        self.fetch(f"CREATE TEMP TABLE raw ({columns})")
        self.fetch("CREATE TEMP TABLE moved (visitor_id BIGINT)")
        opened = [self._library.events(part) for part in self.parts if not part.is_merged]
        near = self._near()
        parameters = Parameters()
        before = self._before(parameters, "occurred_at")
        if opened:
            self.fetch(
                f"INSERT INTO raw SELECT {_RAW} FROM read_parquet({listed(opened)}) WHERE {before}",
                parameters,
            )
            self.fetch("INSERT INTO moved SELECT DISTINCT visitor_id FROM raw")
        if near and self.question.until is not None:
            self._put_cut(near)
        if near:
            events, (first, last) = [self._library.events(part) for part in near], self._bounds()
            within = f"occurred_at >= TIMESTAMP '{first}' AND occurred_at < TIMESTAMP '{last}'"
            self.fetch(
                f"INSERT INTO raw SELECT {_RAW} FROM read_parquet({listed(events)})"
                f" SEMI JOIN moved USING (visitor_id) WHERE {within} AND {before}",
                parameters,
            )
        self.fetch(f"CREATE TEMP TABLE recent AS {EVENTS_WITH_VISITS.format(raw='raw')}")
        self.fetch("DROP TABLE raw")
        self.fetch(f"CREATE TEMP TABLE new AS {VISITS_OF_EVENTS.format(events='recent')}")

    def _put_cut(self, near: Sequence[Part]) -> None:
        """Add the visitors one of whose visits goes on at the moment up to which is counted."""
        parameters = Parameters()
        until = parameters.put(self._until())
        visits = listed([self._library.visits(part) for part in near])
        self.fetch(
            f"""
            INSERT INTO moved SELECT DISTINCT visitor_id FROM read_parquet({visits})
            WHERE visit_started_at < {until} AND visit_ended_at >= {until}
                AND visitor_id NOT IN (SELECT visitor_id FROM moved)""",
            parameters,
        )

    def _near(self) -> list[Part]:
        """Return the merged parts that may have events of visitors of whom something is new."""
        moved = [(part.day, part.last) for part in self.parts if not part.is_merged]
        if self.question.until is not None:
            day = self.question.until.astimezone(UTC).date()
            moved.append((day, day))
        return [
            part
            for part in self.parts
            if part.is_merged
            and any(part.is_within(first - AROUND, last + AROUND) for first, last in moved)
        ]

    def _until(self) -> object:
        until = self.question.until
        return None if until is None else until.astimezone(UTC).replace(tzinfo=None)

    def _before(self, parameters: Parameters, column: str) -> str:
        if self.question.until is None:
            return "TRUE"
        return f"{column} < {parameters.put(self._until())}"

    def _make_views(self) -> None:
        near = self._near()
        clear = [part for part in self.parts if part.is_merged and part not in near]
        # What is cut off lies in near parts alone: what they have else began, or is over, before.
        until = self.question.until
        cut = "" if until is None else f" AND {{column}} < TIMESTAMP '{self._until()}'"
        first, last = self._bounds()
        for view, own, columns, kinds, place, began, within in (
            (
                *("events", "recent", _EVENT, {**EVENT_COLUMNS, **VISIT_OF_EVENT}),
                *(self._library.events, "occurred_at"),
                f"occurred_at >= TIMESTAMP '{first}' AND occurred_at < TIMESTAMP '{last}'",
            ),
            (
                *("visits", "new", _VISIT, VISIT_COLUMNS, self._library.visits, "visit_started_at"),
                f"step >= {_step(first)} AND step < {_step(last)}",
            ),
        ):
            selects = [f"SELECT {columns} FROM {own}"] if self._has_new else []
            selects += _from(columns, place, clear, f" WHERE {within}")
            beside = f" ANTI JOIN moved USING (visitor_id) WHERE {within}"
            selects += _from(columns, place, near, beside + cut.format(column=began))
            selects = selects or [f"SELECT {_nothing(kinds)} WHERE FALSE"]
            self.fetch(f"CREATE TEMP VIEW {view} AS {' UNION ALL '.join(selects)}")

    def gather(self) -> None:
        """Keep the counted events, narrow, for several lists of them."""
        if self._has_counted or not self.counts_all:
            return
        parameters = Parameters()
        kept = self.kept_events(parameters)
        self.fetch(f"CREATE TEMP TABLE counted AS SELECT {_NARROW} FROM {kept}", parameters)
        self._has_counted = True

    def _slice_all(self, columns: Sequence[str]) -> None:
        parameters = Parameters()
        of_visits = all_met(self._groups.visits, parameters, prefix="")
        names = ", ".join((_SLICE, *columns))
        self.fetch(
            f"CREATE TEMP TABLE sliced AS SELECT {names}, TRUE AS present, pageviews, events,"
            f" engaged_ms FROM visits JOIN clock USING (step) WHERE {of_visits}",
            parameters,
        )

    def _make_counted(self) -> None:
        parameters = Parameters()
        present = " OR ".join(required(self._groups, parameters)) or "TRUE"
        self.fetch(
            f"""
            CREATE TEMP TABLE counted AS
            SELECT {_NARROW}, {present} AS present FROM (SELECT *, {_STEP} FROM events)
            JOIN clock USING (step) SEMI JOIN kept USING ({_KEY})
            WHERE {counted(self._groups, parameters)}""",
            parameters,
        )

    def _slice_kept(self, columns: Sequence[str]) -> None:
        self.fetch(
            f"""
            CREATE TEMP TABLE sliced AS
            WITH counts AS (
                SELECT {_KEY}, step, bool_or(present) AS present,
                    count(*) FILTER (event_type = 'page_view') AS pageviews,
                    count(*) FILTER (event_type = 'custom') AS events,
                    sum(engaged_ms) AS engaged_ms
                FROM counted GROUP BY ALL
            )
            SELECT {", ".join((_SLICE, *columns))},
                coalesce(present, FALSE) AS present, coalesce(counts.pageviews, 0) AS pageviews,
                coalesce(counts.events, 0) AS events, coalesce(counts.engaged_ms, 0) AS engaged_ms
            FROM visits JOIN clock USING (step) SEMI JOIN kept USING ({_KEY})
            LEFT JOIN counts USING ({_KEY}, step)"""
        )

    def _make_kept_visits(self) -> None:
        """Keep the visits that have what is required, and nothing that must not be."""
        parameters, reaches = Parameters(), self.question.reached
        must = required(self._groups, parameters)
        must += [f"({reached(one.goals, parameters)})" for one in reaches if not one.not_]
        if must:
            of_visits = all_met(self._groups.visits, parameters, prefix="visit_")
            having = " AND ".join(f"bool_or({one})" for one in must)
            found = (
                f"SELECT {_KEY} FROM events WHERE {of_visits} AND ({' OR '.join(must)})"
                f" GROUP BY ALL HAVING {having}"
            )
        else:
            of_visits = all_met(self._groups.visits, parameters, prefix="")
            found = f"SELECT DISTINCT {_KEY} FROM visits WHERE {of_visits}"
        must_not = [f"({reached(one.goals, parameters)})" for one in reaches if one.not_]
        if self._groups.without:
            must_not.append(any_met(self._groups.without, parameters))
        if must_not:
            found += f" EXCEPT SELECT {_KEY} FROM events WHERE {' OR '.join(must_not)}"
        self.fetch(f"CREATE TEMP TABLE kept AS {found}", parameters)


def _from(columns: str, place: Any, parts: Sequence[Part], rest: str) -> list[str]:
    """Return a SELECT of the files of some parts; none, where there are no parts."""
    paths: list[Path] = [place(part) for part in parts]
    return [f"SELECT {columns} FROM read_parquet({listed(paths)}){rest}"] if paths else []


def _nothing(kinds: Mapping[str, str]) -> str:
    """Return columns without a row."""
    return ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in kinds.items())


def _step(day: date) -> int:
    return (day - _utc_day(0)).days * 24 * HOUR_MS // OFFSET_STEP_MS


def _utc_day(step: int) -> date:
    return date(1970, 1, 1) + timedelta(days=step * OFFSET_STEP_MS // (24 * HOUR_MS))
