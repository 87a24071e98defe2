"""What the AWS adapters consumed, in the units that AWS charges for, and the sizes of items."""

import threading
from dataclasses import dataclass
from functools import cache

from runtime.metrics import MetricName

READ_UNIT = 4096
"""Bytes of a strongly consistent read that one unit covers.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html"""

WRITE_UNIT = 1024
"""Bytes of a write that one unit covers; same source."""

PUT_PAYLOAD_UNIT = 25 * 1024
"""Bytes of a Kinesis record that one unit covers. https://aws.amazon.com/kinesis/data-streams/pricing/"""


@dataclass(frozen=True, slots=True)
class Units:
    """Consumption. Requests are those of every service."""

    requests: int = 0
    read_units: int = 0
    write_units: int = 0
    put_payload_units: int = 0

    def plus(self, other: "Units") -> "Units":
        """Return the sum."""
        return Units(
            self.requests + other.requests,
            self.read_units + other.read_units,
            self.write_units + other.write_units,
            self.put_payload_units + other.put_payload_units,
        )

    def metrics(self) -> dict[MetricName, int]:
        """Return what there is to publish: nothing where nothing was consumed."""
        counts: dict[MetricName, int] = {
            "requests_made": self.requests,
            "read_units": self.read_units,
            "write_units": self.write_units,
            "put_payload_units": self.put_payload_units,
        }
        return {name: count for name, count in counts.items() if count}


class Meter:
    """Adds up what adapters consume. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = Units()
        self._largest: dict[str, int] = {}

    def add(self, units: Units) -> None:
        """Count."""
        with self._lock:
            self._total = self._total.plus(units)

    def take(self) -> Units:
        """Return what was counted since the last time."""
        with self._lock:
            taken, self._total = self._total, Units()
        return taken

    def add_item(self, table: str, size: int) -> None:
        """Remember the bytes of an item that was to be written."""
        with self._lock:
            self._largest[table] = max(size, self._largest.get(table, 0))

    def take_largest(self) -> dict[str, int]:
        """Return the bytes of the largest item by table, of those since the last time."""
        with self._lock:
            taken, self._largest = self._largest, {}
        return taken


@cache
def container_meter() -> Meter:
    """Return the meter of this container, which its handler empties after each invocation."""
    return Meter()


def rounded_up(size: int, unit: int) -> int:
    """Return how many units a size takes: at least one."""
    return max(1, -(-size // unit))
