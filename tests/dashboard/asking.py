"""How a test asks the sources of the dashboard."""

from pathlib import Path
from typing import Any, Protocol

SOURCES = Path(__file__).parents[2] / "dashboard"


class Ask(Protocol):
    """Runs JavaScript among the sources: what it returns, as JSON has it."""

    def __call__(self, code: str, *given: Any) -> Any: ...
