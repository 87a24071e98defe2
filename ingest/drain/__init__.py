"""Spill -> stream: what the stream did not take is put on it later."""
