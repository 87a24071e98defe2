"""What a month on AWS costs, for docs/deploy.md: `liveinsight cost`, by the figures kept here.

`python -m benchmarks.cost` prints the tables of docs/deploy.md; `--write` puts them there, and what
was metered into liveinsight/cost/units.json. Units of DynamoDB, calls and batches come from
results.json: of a site with next to no traffic from `benchmarks.units`, of the others from
`benchmarks.month`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.month import PAGES, VIEWS
from liveinsight.cost.bill import CALL_SECONDS, MEMORY_GB, Line, Load, bill, tables
from liveinsight.cost.profiles import PROFILES, ProfileName
from liveinsight.cost.units import CONSUMERS, OF_SITE, UNITS, USED, metered

__all__ = ["CALL_SECONDS", "MEMORY_GB"]

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results.json"
DOCUMENT = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- cost: python -m benchmarks.cost --write -->\n", "<!-- end of cost -->\n"
BEGIN_CASES = "<!-- cases: python -m benchmarks.cost --write -->\n"
END_CASES = "<!-- end of cases -->\n"

Units = Mapping[str, float]
"""results.json."""

IDLE_VIEWS = 1e4
"""Up to here no event comes with another: `idle site` of benchmarks/units.py."""
LOADS = {"10 k views": 1e4, "1 M views": 1e6, "10 M views": 1e7, "100 M views": 1e8}
TABLES = {
    "stats": ("stats", "sessions"),
    "realtime": ("realtime",),
    "archive": ("events", "ledger"),
}
"""What each consumer writes: the tables of benchmarks/month.py."""


def case(pages: int, views: float) -> str:
    """Return the name of a case of benchmarks/month.py."""
    return f"{views / 1e6:.0f} M views, {pages:,} pages"


def kept(units: Units) -> dict[str, Any]:
    """Return what liveinsight/cost/units.json says."""
    months = [
        {"views": views, "pages": pages, "units": _of_month(units, pages, views)}
        for pages in PAGES
        for views in (IDLE_VIEWS, *VIEWS)
    ]
    return {"record_bytes": units["record on the stream"], "months": months}


def _of_month(units: Units, pages: int, views: float) -> dict[str, float]:
    """Return what a metered month has, by the names of liveinsight/cost/units.py."""
    is_idle = views == IDLE_VIEWS
    of = case(pages, min(VIEWS) if is_idle else views)
    found = {name: units[f"{of}, {name}"] for name in OF_SITE}
    for consumer in CONSUMERS:
        names = [f"idle site, {consumer}"]
        if not is_idle:
            names = [f"{of}, {part}" for part in _parts(consumer)]
        for unit in USED:
            used = sum(units.get(f"{name}: {unit}", 0.0) for name in names)
            found[f"{consumer}: {unit}"] = round(used, 2)
    return found


def _parts(consumer: str) -> tuple[str, ...]:
    """Return under which names results.json has what a consumer uses."""
    return consumer, *(f"{name} table" for name in TABLES[consumer])


def table() -> str:
    """Return the bills of the three profiles, line by line, in Markdown."""
    columns = [(profile, views) for profile in ProfileName for views in LOADS.values()]
    bills = [bill(Load(views), PROFILES[profile]) for profile, views in columns]
    services = list(dict.fromkeys(line.service for line in bills[-1]))
    rows = [[service, *(_sum(lines, service) for lines in bills)] for service in services]
    rows.append(["**all**", *(_dollars(sum(one.dollars for one in lines)) for lines in bills)])
    fixed = [sum(one.dollars for one in lines if one.is_fixed) for lines in bills]
    rows.append(["of which whatever comes", *map(_dollars, fixed)])
    head = ["a month", *(f"{profile}: {title}" for profile in ProfileName for title in LOADS)]
    return _markdown([head, ["---", *("---:" for _ in columns)], *rows])


def cases_table(units: Units) -> str:
    """Return write units by table, and what they cost, in Markdown."""
    names = [name for of in TABLES.values() for name in of]
    head = ["views a month, pages", "partitions", *names, "all", "read units", "DynamoDB"]
    head += [str(profile) for profile in ProfileName]
    lines = [head, ["---", *("---:" for _ in head[1:])]]
    for views in VIEWS:
        for pages in PAGES:
            of, load = case(pages, views), Load(views, pages)
            writes = [units[f"{of}, {name} table: write_units"] for name in names]
            reads = [units.get(f"{of}, {name} table: read_units", 0.0) for name in names]
            lines.append(
                [
                    of.replace(" views,", ","),
                    f"{units[f'{of}, partitions']:.0f}",
                    *(f"{one:,.0f}" for one in (*writes, sum(writes), sum(reads))),
                    _dollars(sum(line.dollars for line in tables(load))),
                    *(
                        _dollars(sum(line.dollars for line in bill(load, PROFILES[profile])))
                        for profile in ProfileName
                    ),
                ]
            )
    return _markdown(lines)


def _markdown(lines: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _sum(lines: list[Line], service: str) -> str:
    found = [line.dollars for line in lines if line.service == service]
    return _dollars(sum(found)) if found else ""


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount < 100 else f"${amount:,.0f}"  # noqa: PLR2004 - cents


def main() -> None:
    """Print the tables, or write them into the document."""
    units = json.loads(RESULTS.read_text())
    is_written = sys.argv[1:] == ["--write"]
    if is_written:
        UNITS.write_text(json.dumps(kept(units), indent=1) + "\n")
        metered.cache_clear()
    document = DOCUMENT.read_text()
    for begin, end, made in (
        (BEGIN, END, table()),
        (BEGIN_CASES, END_CASES, cases_table(units)),
    ):
        if not is_written:
            print(made)
        before, _, rest = document.partition(begin)
        _, _, after = rest.partition(end)
        document = f"{before}{begin}{made}{end}{after}"
    if is_written:
        DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
