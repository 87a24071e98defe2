"""What is to be erased, as SQL over the columns of events. It is of our own numbers alone."""

from processors.erasure.selection import Selection
from query.stored import visitor_number


def where_before(moment: int) -> str:
    """Return the SQL of what occurred, or was received, before a moment (epoch milliseconds)."""
    return f"(epoch_ms(occurred_at) < {int(moment)} OR epoch_ms(received_at) < {int(moment)})"


def where(selection: Selection) -> str:
    """Return the SQL of what is to be erased of a site."""
    found = []
    if selection.visitor_id:
        found.append(f"visitor_id = {visitor_number(selection.visitor_id)}")
    if selection.before is not None:
        found.append(where_before(selection.before))
    return " AND ".join(found) or "TRUE"
