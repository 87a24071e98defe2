"""Totals, series and breakdowns of a range of days."""
