"""Many small archive objects -> few big ones."""
