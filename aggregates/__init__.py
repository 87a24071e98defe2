"""What is counted: windows, rollups that merge, visitor state."""
