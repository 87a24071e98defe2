"""Erasing a visitor, the past, or all of a site, wherever it is kept."""
