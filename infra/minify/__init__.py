"""make tracker: the small files that are served, of the source that people read."""
