"""What is to be erased, and how it leaves the archive."""
