"""What an event costs, counted on this machine: `make bench`."""
