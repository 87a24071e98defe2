"""Run what is kept through the processors again."""
