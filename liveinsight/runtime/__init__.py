"""The lowest layer: settings, site settings, errors, metric names."""
