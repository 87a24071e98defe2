"""What an operator runs against a system that is up: the smoke test, and its sites' settings.

Nothing here runs in a Lambda, and nothing here is part of the pipeline.
"""
