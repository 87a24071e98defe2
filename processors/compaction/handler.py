"""The archive compactor Lambda. A schedule invokes it; what it gets from it does not matter."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from processors.compaction import bootstrap
from runtime.handler import publish


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Compact and prune the archive until all is done, or time is short; then erase what is old.

    What it raises, Lambda tries again.
    """
    bootstrap.deadline().begin(context.get_remaining_time_in_millis() / 1000)
    outcome = bootstrap.compactor().run(now=datetime.now(UTC))
    publish(
        "archive-compactor",
        {
            "objects_compacted": outcome.objects_compacted,
            "objects_pruned": outcome.objects_pruned,
        },
    )
    bootstrap.retention().run(now=datetime.now(UTC))
