"""Errors by what the caller must do.

LiveInsightError
├── RetryableError    the same input may succeed later: stop, do not move the checkpoint
│   └── ConflictError     another writer was first: load again and repeat
├── PermanentError    the same input can never succeed: dead-letter it and carry on
└── UsageError        the caller asked for something that cannot be: tell them what to change
"""

USAGE_EXIT = 2
"""What a process ends with for a UsageError."""

FAILURE_EXIT = 1
"""What it ends with for every other failure."""


class LiveInsightError(Exception):
    """The root of what LiveInsight raises on purpose."""


class RetryableError(LiveInsightError):
    """The same input may succeed later: stop, and do not move the checkpoint."""


class ConflictError(RetryableError):
    """Another writer changed what this one had read: load again and repeat."""


class PermanentError(LiveInsightError):
    """The same input can never succeed: dead-letter it and carry on."""


class UsageError(LiveInsightError):
    """The caller asked for something that cannot be; the message says what to change."""


def system_error(error: OSError) -> str:
    """Return what the system says: where it happened, where that is known, and what."""
    return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
