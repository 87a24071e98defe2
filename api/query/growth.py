"""Values ranked by how many visitors more they have than before."""

from collections.abc import Mapping

from aggregates.listing import Listing
from aggregates.rollup import ZERO, Counters


def grown(
    now: Mapping[str, Counters],
    before: Mapping[str, Counters],
    *,
    limit: int,
    offset: int,
    descending: bool,
) -> Listing:
    """Rank the values of both sides by the difference of their visitors, then by the usual order.

    Args:
        now: the values of the range that is asked for.
        before: those of the range that it is compared with.
        limit: how many are listed.
        offset: how many of the ranking are passed over.
        descending: what has grown most comes first; else what has shrunk most.
    """
    sign = -1 if descending else 1

    def place(value: str) -> tuple[int, int, int, str]:
        row, old = now.get(value, ZERO), before.get(value, ZERO)
        return sign * (row.visitors - old.visitors), -row.visitors, -row.pageviews, value

    values = sorted(now.keys() | before.keys(), key=place)
    listed = [(value, now.get(value, ZERO)) for value in values[offset : offset + limit]]
    return Listing(listed, len(values))
