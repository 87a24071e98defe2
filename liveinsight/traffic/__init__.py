"""Simulated traffic: believable visits, sent over HTTP or put on the stream."""
