"""HTTP -> stream: the collector Lambda."""
