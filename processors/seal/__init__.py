"""Open days -> sealed days and months, on a schedule."""
