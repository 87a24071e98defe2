"""What the rebuild API answers."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aggregates.stores.difference import days_of, differences
from aggregates.stores.reading import Reading
from api.document import timestamp
from api.problem import ReadProblem
from runtime.problem import ProblemError
from runtime.sites.generations import ASKED_FOR, KEPT_FOR, Building, Kept
from runtime.sites.site import Site

OPEN_DAYS = timedelta(days=2)
"""Today and the days that late events still change are not compared: both generations are at
another place on the stream."""

MOST_DAYS = 31
"""Compared for one answer."""

FEWEST_ROWS, MOST_ROWS, DEFAULT_ROWS = 200, 1000, 200
"""Of differences in an answer. A day has fewer than the least: no day is cut."""

SILENT_AFTER_SECONDS = 60
"""Who builds says every few seconds how far it is."""


def document(site: Site, now: datetime) -> dict[str, Any]:
    """Return the state of a site's generations."""
    building, kept = site.building, site.kept
    state = "kept" if kept else "none"
    if building is not None:
        state = "ready" if building.is_ready else "building"
    return {
        "site_id": site.site_id,
        "state": state,
        "generation": site.generation,
        "timezone": site.timezone,
        "building": building and _building(building, now),
        "kept": kept and _kept(kept, now),
        "differences": None,
    }


def compared(
    site: Site, reading: Reading, first: date, limit: int, now: datetime
) -> dict[str, Any]:
    """Return what the generation that is ready would change, day by day.

    Args:
        site: with a generation that is ready.
        reading: of the rollups.
        first: where the answer begins.
        limit: most rows.
        now: the time.
    """
    if site.building is None:
        raise ValueError("nothing is being built")
    generations = site.generation, site.building.generation
    open_from = site.local_day(now) - OPEN_DAYS
    known = days_of(reading, site.site_id, generations)
    waiting = [day for day in known if first <= day < open_from]
    rows: list[dict[str, Any]] = []
    done = 0
    for day in waiting[:MOST_DAYS]:
        found = list(differences(reading, site.site_id, generations, [day]))
        if rows and len(rows) + len(found) > limit:
            break
        rows += [{**asdict(one), "day": str(one.day), "dimension": one.dimension} for one in found]
        done += 1
    return {
        "days": [str(day) for day in waiting[:done]],
        "rows": rows,
        "next": str(waiting[done]) if done < len(waiting) else None,
    }


def parameters_of(parameters: Mapping[str, str]) -> tuple[date, int]:
    """Read where the differences begin, and how many are wanted.

    Raises:
        ProblemError: one of them cannot be used.
    """
    try:
        first = date.fromisoformat(parameters.get("from", str(date.min)))
    except ValueError:
        raise ProblemError(
            422, ReadProblem.BAD_DATE, "from must be a date such as 2026-11-22."
        ) from None
    text = parameters.get("limit", str(DEFAULT_ROWS))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004 - more than any limit
    if not FEWEST_ROWS <= limit <= MOST_ROWS:
        raise ProblemError(
            422, ReadProblem.BAD_LIMIT, f"limit must be from {FEWEST_ROWS} to {MOST_ROWS}."
        )
    return first, limit


def _building(building: Building, now: datetime) -> dict[str, Any]:
    step = building.step
    seconds = step.told_at - step.began_at
    silent = now.timestamp() - max(step.told_at, building.started_at)
    return {
        "generation": building.generation,
        "timezone": building.timezone,
        "from": building.first_day and str(building.first_day),
        "to": building.last_day and str(building.last_day),
        "started_at": _moment(building.started_at),
        "stage": step.stage,
        "done": step.done,
        "total": step.total,
        "rate": round(step.done / seconds, 1) if seconds > 0 else None,
        "told_at": _moment(step.told_at),
        "is_silent": not building.is_ready and silent > SILENT_AFTER_SECONDS,
        "compared_days": building.compared_days,
        "differences": building.differences,
        "is_asked_for": _is_asked_for(building.asked_at, now),
    }


def _kept(kept: Kept, now: datetime) -> dict[str, Any]:
    return {
        "generation": kept.generation,
        "timezone": kept.timezone,
        "replaced_at": _moment(kept.replaced_at),
        "until": _moment(kept.replaced_at + int(KEPT_FOR.total_seconds())),
        "is_asked_for": _is_asked_for(kept.asked_at, now),
    }


def _is_asked_for(asked_at: int, now: datetime) -> bool:
    return now.timestamp() - asked_at < ASKED_FOR.total_seconds()


def _moment(seconds: int) -> str | None:
    return timestamp(datetime.fromtimestamp(seconds, UTC)) if seconds else None
