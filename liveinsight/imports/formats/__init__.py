"""What servers write into their logs, and how a log says which of it that is."""
