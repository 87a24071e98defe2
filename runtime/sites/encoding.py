"""Site settings as the stores keep them: one JSON object."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from runtime.sites.generations import Building, Kept, Stage, Step
from runtime.sites.goals import Goal
from runtime.sites.pages import PageRules
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.retention import Retention
from runtime.sites.shields import NO_SHIELDS, Shields, Tokens
from runtime.sites.site import Site

Read = Callable[[Any], Any]
"""Returns what a setting's JSON means; raises TypeError where it means nothing."""


def encode_site(site: Site) -> str:
    """Return a site's settings as JSON."""
    settings = {setting.name: getattr(site, setting.name) for setting in fields(site)}
    return json.dumps(settings, ensure_ascii=False, separators=(",", ":"), default=_written)


def decode_site(text: str) -> Site:
    """Read a site's settings.

    A setting that is not there has its default: an older version wrote this. One that is not known
    is left out: a newer version did, which was rolled back.

    Raises:
        ValueError: this is no JSON, or days are none or not in order.
        TypeError: this is not the JSON of settings, or one of another type.
        UsageError: a setting cannot be.
    """
    stored = _of_type(dict)(json.loads(text))
    return Site(**{name: read(stored[name]) for name, read in SETTINGS.items() if name in stored})


def _of_type(expected: type) -> Read:
    def read(value: Any) -> Any:
        # Not isinstance: a bool is an int, and as a number of partitions it is a mistake.
        if type(value) is not expected:
            raise TypeError(f"site settings hold {value!r} in place of a {expected.__name__}")
        return value

    return read


Written = PartitionSchedule | Building | Kept | Retention | Goal | Shields | PageRules | date
"""What JSON has no form of its own for."""


def _written(value: Written) -> Any:
    match value:
        case date():
            return value.isoformat()
        case Retention() | Goal() | Shields() | PageRules():
            return asdict(value)
        case PartitionSchedule():
            return {first_day.isoformat(): number for first_day, number in value.entries}
    # Sequence numbers have up to 56 digits: as text, so that every reader of JSON keeps them.
    positions = {shard: str(number) for shard, number in value.positions.items()}
    return {**asdict(value), "positions": positions}


def _partitions(value: Any) -> PartitionSchedule:
    read = _of_type(int)
    numbers = _of_type(dict)(value).items()
    return PartitionSchedule(
        tuple((date.fromisoformat(first_day), read(number)) for first_day, number in numbers)
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_of_type(str), _of_type(list)(value)))


def _building(value: Any) -> Building | None:
    if value is None:
        return None
    stored = _of_generation(value)
    step = _of_type(dict)(stored["step"])
    days = {
        name: None if stored[name] is None else date.fromisoformat(stored[name])
        for name in ("first_day", "last_day")
    }
    return Building(**{**stored, **days, "step": Step(**{**step, "stage": Stage(step["stage"])})})


def _kept(value: Any) -> Kept | None:
    return None if value is None else Kept(**_of_generation(value))


def _retention(value: Any) -> Retention:
    stored = _of_type(dict)(value)
    return Retention(**{name: _of_type(int)(days) for name, days in stored.items()})


def _goals(value: Any) -> tuple[Goal, ...]:
    return tuple(Goal(**_of_type(dict)(one)) for one in _of_type(list)(value))


def _tokens(value: Any) -> Tokens:
    return Tokens(_of_type(str)(value))


def _shields(value: Any) -> Shields:
    stored = _of_type(dict)(value)
    quota = _of_type(int)(stored.pop("daily_quota", 0))
    lists = {name: _texts(entries) for name, entries in stored.items()}
    shields = Shields(**lists, daily_quota=quota)
    return NO_SHIELDS if shields == NO_SHIELDS else shields


def _pages(value: Any) -> PageRules:
    stored = _of_type(dict)(value)
    rules: dict[str, Any] = {
        name: rule if type(rule) is bool else _texts(rule) for name, rule in stored.items()
    }
    return PageRules(**rules)


def _day(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(_of_type(str)(value))


def _of_generation(value: Any) -> dict[str, Any]:
    stored = _of_type(dict)(value)
    positions = _of_type(dict)(stored["positions"])
    return {**stored, "positions": {shard: int(number) for shard, number in positions.items()}}


SETTINGS: dict[str, Read] = {
    "site_id": _of_type(str),
    "timezone": _of_type(str),
    "partitions": _partitions,
    "generation": _of_type(int),
    "last_generation": _of_type(int),
    "building": _building,
    "kept": _kept,
    "retention": _retention,
    "archived_from": _day,
    "compared_from": _day,
    "closed": _of_type(bool),
    "erasing": _of_type(bool),
    "public": _of_type(bool),
    "public_visits": _of_type(bool),
    "allowed_hosts": _texts,
    "sandboxed": _of_type(bool),
    "scrub_paths": _of_type(bool),
    "tokens": _tokens,
    "shields": _shields,
    "pages": _pages,
    "ignored_referrers": _texts,
    "read_key_hashes": _texts,
    "admin_key_hashes": _texts,
    "goals": _goals,
    "write_key_hashes": _texts,
    "import_secret": _of_type(str),
}
