"""The context that Lambda hands to a handler, as far as handlers and Powertools read it."""

import time
from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True)
class LocalContext:
    """One invocation's context."""

    function_name: str
    timeout_seconds: float = 60.0
    memory_limit_in_mb: int = 512
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    started: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of the right shape."""
        return f"arn:aws:lambda:local:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the handler may still run."""
        spent = time.monotonic() - self.started
        return max(0, int((self.timeout_seconds - spent) * 1000))
