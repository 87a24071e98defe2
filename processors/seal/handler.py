"""The sealer Lambda. A schedule invokes it; what it gets from it does not matter."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from processors.seal import bootstrap
from runtime.handler import publish


def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Seal what is closed, and let sites grow, until all is done, or time is short.

    What it raises, Lambda tries again.
    """
    bootstrap.deadline().begin(context.get_remaining_time_in_millis() / 1000)
    outcome = bootstrap.sealer().run(now=datetime.now(UTC))
    publish(
        "sealer",
        {
            "days_sealed": outcome.days_sealed,
            "periods_sealed": outcome.periods_sealed,
            "items_dropped": outcome.items_dropped,
            "partitions_grown": outcome.partitions_grown,
            "generations_deleted": outcome.generations_deleted,
        },
    )
    if outcome.failures:
        raise outcome.failures[0]
