"""What the simulator did, in the summary at the end of a test run."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

SIMULATED = "simulated schedules"
CONTROL = "negative control"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the schedules with each fault, and how often each negative control was caught."""
    lines = [*_schedules(_properties(terminalreporter, SIMULATED))]
    lines += sorted(str(line) for line in _properties(terminalreporter, CONTROL))
    if lines:
        terminalreporter.section("fault simulation")
        for line in lines:
            terminalreporter.write_line(line)


def _properties(reporter: pytest.TerminalReporter, name: str) -> Iterator[object]:
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            yield from (value for key, value in report.user_properties if key == name)


def _schedules(chunks: Iterable[object]) -> Iterator[str]:
    seeds = wrong = 0
    fired: Counter[str] = Counter()
    schedules: Counter[str] = Counter()
    for chunk in map(str, chunks):
        counts = json.loads(chunk)
        seeds += counts["seeds"]
        wrong += counts["wrong"]
        fired.update(counts["fired"])
        schedules.update(counts["schedules"])
    if seeds:
        yield f"{seeds} schedules, {wrong} wrong; schedules with (and how often in all):"
        yield ", ".join(
            f"{name} {count} ({fired[name]})" for name, count in schedules.most_common()
        )
