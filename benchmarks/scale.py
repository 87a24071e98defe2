"""What one partition of a site carries, from what was measured and what AWS allows.

`python -m benchmarks.scale` prints the table of docs/scale.md; `--write` puts it there. CPU time,
bytes and calls come from results.json; what AWS documents is named below, with its page.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.cost import CALL_SECONDS, MEMORY_GB, RESULTS, ROOT, Units
from processors.growth import SHARD_RECORDS_PER_SECOND
from runtime.aws import THREADS

DOCUMENT = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- limits: python -m benchmarks.scale --write -->\n", "<!-- end of limits -->\n"

SHARD_BYTES_PER_SECOND = 1024 * 1024
"""https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"""
ITEM_WRITE_UNITS_PER_SECOND = 1000
"""Of one partition of DynamoDB, so of one item at the most; a unit is 1 KB. Items of one `pk` share
it until DynamoDB has seen the heat and put them apart by `sk`.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""
GB_OF_A_CORE = 1.769
"""Memory at which a function has one vCPU.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
LARGEST = "100 M views, 5,000 pages"
"""The case of benchmarks/month.py with the largest items."""
STATS_CPU = "stats consumer, 500 records a batch"
EMBEDDED = (
    "collector, 1 events a request",
    "archive consumer, 500 records a batch",
    "realtime consumer, 500 records a batch",
    STATS_CPU,
)


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that fills up, and at how many events a second: requests with one event each."""

    what: str
    because: str
    events_per_second: float


def limits(units: Units) -> Iterator[Limit]:
    """Yield what limits one partition, and then the embedded engine."""
    yield Limit(
        "records of its shard",
        f"{SHARD_RECORDS_PER_SECOND:,} a second (AWS)",
        SHARD_RECORDS_PER_SECOND,
    )
    size = units["record on the stream"]
    yield Limit(
        "bytes of its shard",
        f"1 MB a second (AWS); a record has {size:.0f} bytes (measured)",
        SHARD_BYTES_PER_SECOND / size,
    )
    yield _stats("`stats` on Lambda, few visitors", "full partition", units)
    yield _stats("`stats` on Lambda, each event another visitor", "flash crowd", units)
    written = units[f"{LARGEST}, stats table: write_units"]
    yield Limit(
        "writes of the site's rollup items, of all partitions together",
        f"{ITEM_WRITE_UNITS_PER_SECOND:,} units a second until DynamoDB splits their key (AWS);"
        f" {written:.0f} for 1,000 events of a site with 5,000 pages (measured)",
        ITEM_WRITE_UNITS_PER_SECOND / written * 1000,
    )
    cpu = sum(units[stage] for stage in EMBEDDED)
    yield Limit(
        "*the embedded engine, whatever the partitions, for each core*",
        f"{cpu:.0f} us of CPU an event in all stages (measured)",
        1e6 / cpu,
    )


def _stats(what: str, scenario: str, units: Units) -> Limit:
    """Count CPU and calls one after the other, as one invocation after the other does."""
    calls = units[f"{scenario}, stats: requests"] / 1000
    core = min(1.0, MEMORY_GB["stats"] / GB_OF_A_CORE)
    seconds = units[STATS_CPU] / 1e6 / core + calls * CALL_SECONDS / THREADS
    because = (
        f"{units[STATS_CPU]:.0f} us of CPU an event (measured) on {core:.2f} of a core (AWS);"
        f" {calls:.2f} calls (measured), {THREADS} at a time, {CALL_SECONDS * 1000:.0f} ms each"
        " (assumed)"
    )
    return Limit(what, because, 1 / seconds)


def table(units: Units) -> str:
    """Return the limits in Markdown."""
    rows = [
        (one.what, one.because, f"{round(one.events_per_second, -1):,.0f}") for one in limits(units)
    ]
    lines = [("what fills up", "because", "at events a second"), ("---", "---", "---:"), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Print the table, or write it into the document."""
    made = table(json.loads(RESULTS.read_text()))
    if sys.argv[1:] != ["--write"]:
        print(made, end="")
        return
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}{made}{END}{after}")


if __name__ == "__main__":
    main()
