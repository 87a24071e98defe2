"""What a build says when it cannot go on."""


class PackagingError(Exception):
    """A zip cannot be built here; the message says what is missing and where to get it."""
