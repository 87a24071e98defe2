"""What other tools have recorded, as events."""
