"""Stream -> the last minutes."""
