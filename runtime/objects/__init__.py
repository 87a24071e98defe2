"""Objects, created whole and once: the port and its adapters."""
