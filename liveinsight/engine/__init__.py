"""The whole pipeline on one machine: processes, and what AWS does around the functions."""
