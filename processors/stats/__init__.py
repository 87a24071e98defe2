"""Stream -> rollups by site-local day."""
