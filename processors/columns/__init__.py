"""What writes the columns of events, from the archive."""
