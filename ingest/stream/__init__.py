"""The event stream: the port that the collector writes to, its adapters, and the spill."""
