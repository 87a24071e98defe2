"""The whole pipeline on one machine: the same handlers on the embedded engine."""
