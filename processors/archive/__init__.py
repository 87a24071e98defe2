"""Stream -> raw events table and Avro archive."""
