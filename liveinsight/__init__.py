"""What has no folder of its own: runtime, the local engine, the command line."""
