"""What decides which lines of a log become which events, and what came out of them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from liveinsight.imports.access_log import Reason

Key = TypeVar("Key")


class ImportOptions(BaseModel):
    """What decides which lines of a log become which events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count_everything: bool = False
    """Count every line that can be read as a page view."""
    keep_query: bool = False
    """Keep query strings as a part of the page."""
    client_field: str = ""
    """Where the client's address is; empty: where it is found."""

    def flags(self) -> str:
        """Return the options as they are written on the command line."""
        flags = (
            "--count everything" if self.count_everything else "",
            "--keep-query" if self.keep_query else "",
            f"--client-field {self.client_field}" if self.client_field else "",
        )
        return " ".join(filter(None, flags)) or "no options"


class Tally(BaseModel):
    """What came out of some lines. Tallies add up; so do the lines in each."""

    model_config = ConfigDict(frozen=True)

    counted: int = 0
    left_out: Mapping[Reason, int] = {}
    per_day: Mapping[date, int] = {}
    """Counted lines by site-local day."""
    first_at: datetime | None = None
    """Time of the earliest counted line."""
    last_at: datetime | None = None

    @property
    def lines_read(self) -> int:
        """How many lines there were: each is either counted or left out for one reason."""
        return self.counted + sum(self.left_out.values())

    def plus(self, other: "Tally") -> "Tally":
        """Return both in one."""
        firsts = [at for at in (self.first_at, other.first_at) if at is not None]
        lasts = [at for at in (self.last_at, other.last_at) if at is not None]
        return Tally(
            counted=self.counted + other.counted,
            left_out=_sum(self.left_out, other.left_out),
            per_day=_sum(self.per_day, other.per_day),
            first_at=min(firsts, default=None),
            last_at=max(lasts, default=None),
        )


def _sum(left: Mapping[Key, int], right: Mapping[Key, int]) -> dict[Key, int]:
    total = dict(left)
    for key, count in right.items():
        total[key] = total.get(key, 0) + count
    return total
