"""Stream -> tables: the consumer Lambdas archive, realtime and stats."""
