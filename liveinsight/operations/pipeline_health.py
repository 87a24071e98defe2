"""How the pipeline is, whatever engine it runs on: what waits, what is lost, what is not sealed."""

import platform
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from itertools import islice

from aggregates.seal import FIRST_DAY, Period
from aggregates.stores.opener import reading, rollups, seals
from api.reconciliation.evidence import SPILL, Waiting, Witnesses
from api.reconciliation.query import ReconciliationQuery
from api.reconciliation.verdict import is_stuck
from ingest.stream.spill import Spill
from liveinsight.evidence.port import Backlog
from liveinsight.evidence.witnesses import Parts, archive_losses, spilled, spilled_at
from liveinsight.operations.health import Finding, Question, broken, late, well
from processors.dead_letter import DeadLetters
from processors.seal.processor import closed_day
from runtime.settings import Settings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas import registry

PROVEN_DAYS = timedelta(days=7)
MOST_LETTERS = 1000
SOON = timedelta(minutes=1)
"""How old what waits may be without a word: every consumer's batch is due before."""
SEALED_WITHIN = timedelta(days=1)
"""How long a closed day may lie unsealed: a machine may run for an hour a day."""

RUNNING = "start the engine ('liveinsight up'), or look at its log: the same batch may fail again"


def questions(
    settings: Settings, parts: Parts, witnesses: Witnesses, now: datetime
) -> Iterator[Question]:
    """Give the questions to the pipeline."""
    if parts.backlog is not None:
        yield Question("stream", partial(_stream, parts.backlog, now))
    if parts.spill is not None:
        yield Question(SPILL, partial(_spill, parts.spill, now))
    if parts.letters is not None:
        yield Question("dead letters", partial(_letters, parts.letters))
    yield Question("archive", partial(_archive, parts))
    query = ReconciliationQuery(reading(settings), witnesses)
    for name, ask in (
        ("sealed days", partial(_sealed, settings, now)),
        ("proof", partial(_proof, query, now)),
    ):
        yield Question(name, partial(_each, settings, ask))


def _stream(backlog: Backlog, now: datetime) -> Iterator[Finding]:
    waiting, gone = backlog.look()
    for one in waiting:
        yield _waiting(f"{one.where} consumer", one, now, RUNNING)
    for lost in gone:
        yield broken(
            lost.where,
            lost.what,
            "put the stream's files back from a backup while the engine is stopped",
        )


def _spill(spill: Spill, now: datetime) -> Iterator[Finding]:
    found = list(spilled(spill))
    oldest_at = spilled_at(found[0]) if found else 0
    remedy = "mend the stream, whose own line says what is wrong; then what was spilled goes there"
    yield _waiting(SPILL, Waiting(SPILL, len(found), oldest_at), now, remedy)


def _waiting(part: str, one: Waiting, now: datetime, remedy: str) -> Finding:
    if not one.count:
        return well(part, "nothing waits")
    now_ms = int(now.timestamp() * 1000)
    oldest = datetime.fromtimestamp(one.oldest_at / 1000, UTC)
    what = "requests" if one.where == SPILL else "records"
    detail = f"{one.count:,} {what} wait, the oldest since {oldest:%Y-%m-%d %H:%M:%S} UTC"
    if is_stuck(one, now_ms):
        return broken(part, f"{detail}, and it does not move", remedy)
    if one.where == SPILL or now - oldest > SOON:
        return late(part, detail, remedy)
    return well(part, detail)


def _letters(letters: DeadLetters) -> Iterator[Finding]:
    count, names = 0, letters.names()
    reasons: dict[str, int] = {}
    for name in islice(names, MOST_LETTERS):
        letter = letters.get(name)
        if letter is not None and not letter.redriven:
            count += 1
            reasons[letter.reason] = reasons.get(letter.reason, 0) + 1
    more = " or more" if next(names, None) is not None else ""
    if not count and not more:
        yield well("dead letters", "none waits for a redrive")
        return
    why = max(reasons, key=lambda one: reasons[one], default="not looked through")
    yield broken(
        "dead letters",
        f"{count:,}{more} records were not counted: {why[:200]}",
        "'liveinsight dead-letters list' names them; redrive those that are good today",
    )


def _archive(parts: Parts) -> Iterator[Finding]:
    found = list(archive_losses(parts.heads, parts.archive, is_thorough=parts.is_thorough))
    for one in found:
        yield broken(
            one.where, one.what, "put it back from a backup; 'liveinsight archive verify' reads all"
        )
    if not found:
        shards = len(parts.heads.heads())
        yield well("archive", f"{shards:,} shards, each as it was left")


def _each(settings: Settings, ask: Callable[[Site], Finding]) -> Iterator[Finding]:
    found = list(sites(settings).list())
    if not found:
        yield late("sites", "there are none", "add one: 'liveinsight site add my.site'")
    yield from map(ask, found)


def _sealed(settings: Settings, now: datetime, site: Site) -> Finding:
    last = closed_day(site, now - SEALED_WITHIN)
    of_days = site.generation, site.site_id
    items = rollups(settings).items(*of_days, FIRST_DAY, last)
    sealed = seals(settings).versions(*of_days, Period.DAY, FIRST_DAY, last)
    unsealed = sorted({key.day for key in items} - {key.first for key in sealed})
    part = f"days of {site.site_id}"
    if unsealed:
        return late(
            part,
            f"{len(unsealed):,} closed days are not sealed, the first of them {unsealed[0]}",
            "nothing, where the engine has just been started; else look at the sealer's log",
        )
    return well(part, f"{len(sealed):,} sealed")


def _proof(query: ReconciliationQuery, now: datetime, site: Site) -> Finding:
    today = site.local_day(now)
    answer = query.document(site, today - PROVEN_DAYS, today, now)
    part = f"proof of {site.site_id}"
    match answer["state"]:
        case "balanced":
            return well(part, f"{answer['accepted']:,} events of 8 days balanced")
        case "in_flight":
            return well(part, f"{answer['in_flight']:,} in flight, oldest {answer['oldest']}")
        case _:
            first, *others = answer["broken"]
            day = first["day"]
            more = f" (and {len(others):,} more)" if others else ""
            return broken(
                part,
                f"{first['where']}: {first['what']}{f', on {day}' if day else ''}{more}",
                f"'liveinsight reconcile --site {site.site_id}' says all of it, by day",
            )


def versions_question() -> Question:
    """Return the question that nothing can break."""
    return Question("versions", _versions)


def _versions() -> Iterator[Finding]:
    schemas = ", ".join(f"{name}={registry.written(name).number}" for name in registry.names())
    yield well(
        "versions",
        f"LiveInsight {version('liveinsight')}, Python {platform.python_version()}, SQLite"
        f" {sqlite3.sqlite_version}; writes {schemas}",
    )
