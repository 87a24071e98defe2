"""What the `liveinsight` command can do: one module for each kind of thing."""
