"""The ports and adapters of the stores that hold what is counted."""
